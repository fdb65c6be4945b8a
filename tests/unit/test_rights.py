"""Creator, copyright and licence that a recipe gives its outputs, read back by exiftool."""

from __future__ import annotations

import shutil
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from safelight.config import load
from safelight.containers import iptc, xmp
from safelight.containers.buffer import Blocks
from safelight.containers.exif import blocks
from safelight.containers.rights import Rights as Found
from safelight.containers.rights import rights
from safelight.containers.strip import rewrite
from safelight.decode import load as load_image
from safelight.errors import Corrupt
from safelight.recipe.finding import InvalidFile
from safelight.recipe.model import Limits, Recipe, Rendition, Rights, digest
from safelight.render import Rendering, render
from safelight.steps.resize import Resize
from tests.golden.pictures import encoded, heic, scene
from tests.unit.test_metadata import BROKEN_EXIF, PLANTED, XMP, exif, photograph, told

pytestmark = pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
OWNER = Rights(
    creator="Åse Øvergård <写真>", copyright='© 2026 "Åse" & sønner', licence="https://example.com/licence?a=1&b=2"
)
TOLD = {
    "IFD0:Artist": OWNER.creator,
    "IFD0:Copyright": OWNER.copyright,
    "XMP-dc:Creator": OWNER.creator,
    "XMP-dc:Rights": OWNER.copyright,
    "XMP-xmpRights:Marked": True,
    "XMP-xmpRights:WebStatement": OWNER.licence,
}
TOLD_BY_IPTC = {"IPTC:By-line": OWNER.creator, "IPTC:CopyrightNotice": OWNER.copyright}
KEYS = ("out.jpg", "out.png", "out.webp", "out.avif")
POLICIES = ("copyright", "keep")


def rendering(body: bytes, key: str, policy: Any, owner: Rights | None = OWNER, *, copied: bool = False) -> Rendering:
    rendition = Rendition(key=key) if copied else Rendition(key=key, resize=Resize(width=80))
    recipe = Recipe(name="t", renditions=(rendition,), metadata=policy, rights=owner)
    return render(body, "a.jpg", recipe, Limits())


def made(body: bytes, key: str, policy: Any, owner: Rights | None = OWNER, *, copied: bool = False) -> bytes:
    out = rendering(body, key, policy, owner, copied=copied).outputs[0].body
    return out if isinstance(out, bytes) else out.read_bytes()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("bare", [True, False])
def test_output_says_what_the_recipe_says(tmp_path: Path, key: str, policy: str, *, bare: bool) -> None:
    """In EXIF and XMP, and in IPTC where the format has it, whether or not the upload said something else."""
    found = told(made(encoded(scene(), "JPEG") if bare else photograph(), key, policy), tmp_path / key)
    wanted = TOLD | (TOLD_BY_IPTC if key == "out.jpg" else {})
    assert {name: found.get(name) for name in wanted} == wanted
    assert not [name for name in found if "Warning" in name or "Error" in name]
    assert ("GPS:GPSLatitude" in found) == (policy == "keep" and not bare)


@pytest.mark.parametrize("policy", POLICIES)
def test_output_in_tiff_says_it_in_xmp_and_iptc(tmp_path: Path, policy: str) -> None:
    """IPTC stands there without the wrapping that JPEG has, and whole."""
    found = told(made(photograph(), "out.tiff", policy), tmp_path / "out.tiff")
    wanted = {name: value for name, value in (TOLD | TOLD_BY_IPTC).items() if not name.startswith("IFD0")}
    assert {name: found.get(name) for name in wanted} == wanted
    assert found.get("IPTC:Caption-Abstract") == (PLANTED if policy == "keep" else None)


def test_iptc_that_is_kept_survives_the_way_to_tiff_and_back(tmp_path: Path) -> None:
    """Each format holds it in its own way."""
    there = made(photograph(), "out.tiff", "keep", None)
    assert told(there, tmp_path / "out.tiff")["IPTC:Caption-Abstract"] == PLANTED
    back = made(there, "out.jpg", "keep", None)
    assert told(back, tmp_path / "out.jpg")["IPTC:Caption-Abstract"] == PLANTED


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("bare", [True, False])
def test_copy_says_what_the_recipe_says_and_keeps_its_pixels(
    tmp_path: Path, format_: str, policy: str, *, bare: bool
) -> None:
    """Written beside the picture, not into it: not a pixel changes, and neither does the way up."""
    source = encoded(scene(), format_, **({} if bare else {"exif": exif(), "xmp": XMP}))
    rendered = rendering(source, "copy", policy, copied=True)
    body = rendered.outputs[0].body
    assert isinstance(body, bytes)
    found = told(body, tmp_path / "copy")
    wanted = TOLD | (TOLD_BY_IPTC if format_ == "JPEG" else {})
    assert {name: found.get(name) for name in wanted} == wanted
    there, here = Image.open(BytesIO(source)), Image.open(BytesIO(body))
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(there)), np.asarray(ImageOps.exif_transpose(here)))
    assert rendered.warnings == ()
    before = told(source, tmp_path / "source") if policy == "keep" else {}
    for name in ("XMP-dc:Title", "GPS:GPSLatitudeRef"):
        assert found.get(name) == before.get(name)
    assert (PLANTED.encode() in body) == (policy == "keep" and not bare)


def test_copy_under_keep_keeps_everything_else(tmp_path: Path) -> None:
    """Only what the recipe says is new: thumbnail, caption, comment and profile are as they were."""
    before = told(photograph(), tmp_path / "before")
    after = told(made(photograph(), "copy", "keep", copied=True), tmp_path / "after")
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    new = {*TOLD, *TOLD_BY_IPTC, "IPTC:CodedCharacterSet", "IPTC:ApplicationRecordVersion"}
    # Where things lie in the file, and what exiftool makes of several values.
    places = ("Composite", "File", "IFD1:ThumbnailOffset", "Photoshop:IPTCDigest", "XMP-x:XMPToolkit")
    assert {name for name in changed - new if not name.startswith(places)} == set()
    assert before["IFD1:ThumbnailImage"] == after["IFD1:ThumbnailImage"]


def test_output_takes_what_is_not_said_from_the_upload(tmp_path: Path) -> None:
    """Each of the three is replaced by itself."""
    body = made(photograph(), "out.jpg", "copyright", Rights(copyright="(c) New"))
    found = told(body, tmp_path / "out.jpg")
    assert (found["IFD0:Artist"], found["XMP-dc:Creator"], found["IPTC:By-line"]) == ("Ann Owner",) * 3
    assert (found["IFD0:Copyright"], found["XMP-dc:Rights"], found["IPTC:CopyrightNotice"]) == ("(c) New",) * 3
    assert "XMP-xmpRights:WebStatement" not in found


def test_output_keeps_the_licence_of_the_upload_under_copyright(tmp_path: Path) -> None:
    """A licence is part of whose a picture is, though EXIF has no place for it; all other XMP goes."""
    packet = xmp.signed(XMP, "", "", "https://example.com/by")
    body = made(encoded(scene(), "JPEG", xmp=packet), "out.webp", "copyright", None)
    assert told(body, tmp_path / "out.webp")["XMP-xmpRights:WebStatement"] == "https://example.com/by"
    assert PLANTED.encode() not in body


def test_rights_of_a_rendition_stand_in_place_of_the_recipes() -> None:
    """Each output may have an owner of its own, and its own policy."""
    one = Rendition(key="a.jpg", resize=Resize(width=20), rights=Rights(creator="One"))
    two = Rendition(key="b.jpg", resize=Resize(width=20))
    none = Rendition(key="c.jpg", resize=Resize(width=20), metadata="strip")
    recipe = Recipe(name="t", renditions=(one, two, none), metadata="copyright", rights=Rights(copyright="All"))
    outputs = render(encoded(scene(), "JPEG"), "x.jpg", recipe, Limits()).outputs
    found = [rights(each.body, "jpeg") for each in outputs if isinstance(each.body, bytes)]
    assert found == [Found(creator="One"), Found(copyright="All"), Found()]


def test_rights_are_part_of_the_digest() -> None:
    """Another owner makes other bytes; no owner changes no digest."""
    plain = Recipe(name="t", renditions=(Rendition(key="{filename}"),), metadata="copyright")
    signed = Recipe(name="t", renditions=plain.renditions, metadata="copyright", rights=OWNER)
    assert digest(plain) != digest(signed)


def test_output_of_a_heic_says_it_too(tmp_path: Path) -> None:
    """Its metadata come another way."""
    found = told(made(heic(scene(), exif=exif()), "out.jpg", "keep"), tmp_path / "out.jpg")
    assert {name: found.get(name) for name in TOLD} == TOLD
    assert found["GPS:GPSLatitudeRef"] == "N"


@pytest.mark.parametrize("policy", POLICIES)
def test_copy_that_cannot_be_signed_is_told(policy: str) -> None:
    """The picture comes out, with a warning and what to do."""
    for body in (encoded(scene(), "TIFF"), encoded(scene(), "GIF"), heic(scene())):
        assert "add format: jpeg to convert it" in rendering(body, "copy", policy, copied=True).warnings[0]
    assert "gif, which has no place for them" in rendering(encoded(scene(), "PNG"), "o.gif", policy).warnings[0]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", BROKEN_EXIF)
def test_broken_metadata_does_not_keep_rights_out(tmp_path: Path, name: str, format_: str, policy: str) -> None:
    """Whatever EXIF and XMP are, the picture comes out with its owner in it."""
    junk = {"exif": BROKEN_EXIF[name], "xmp": b"<x:xmpmeta><unclosed " + bytes(range(256))}
    source = encoded(scene(), format_, **junk)
    key = f"out.{format_.lower().replace('jpeg', 'jpg')}"
    assert told(made(source, key, policy), tmp_path / key)["XMP-dc:Creator"] == OWNER.creator
    copy = made(source, "copy", policy, copied=True)
    assert told(copy, tmp_path / "copy")["XMP-dc:Creator"] == OWNER.creator
    assert np.array_equal(*(load_image(each, format_.lower()).numpy() for each in (copy, source)))


HOSTILE_XMP = {
    "bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
    "deep": b"<a>" * 20_000 + b"</a>" * 20_000,
    "no rdf": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    "no namespace": b"<rdf:RDF><rdf:Description/></rdf:RDF>",
    "text": b"hello",
    "utf-16": "<x/>".encode("utf-16"),
    "nul": b"\0\0\0",
}


@pytest.mark.parametrize("name", HOSTILE_XMP)
def test_signed_packet_that_makes_no_sense_is_replaced(name: str) -> None:
    """No entity is expanded, no stack overflows, and what comes out says it."""
    assert PLANTED not in xmp.signed(HOSTILE_XMP[name], "A", "B", "https://c").decode()
    assert xmp.parse(xmp.signed(HOSTILE_XMP[name], "A", "B", "https://c")) is not None


def test_signed_packet_that_is_huge_stays_as_it_is() -> None:
    """A tree of it could take any amount of memory."""
    packet = b"<x>" + b"<y/>" * 70_000 + b"</x>"
    assert xmp.signed(packet, "A", "B", "") == packet


def test_signed_packet_replaces_every_form_of_a_property_and_nothing_else(tmp_path: Path) -> None:
    """As attribute or element, in any description and under any prefix; the creator of an ingredient stays."""
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<r:Description r:about="" xmlns:d="http://purl.org/dc/elements/1.1/" '
        b'xmlns:p="http://ns.adobe.com/photoshop/1.0/" '
        b'xmlns:w="http://ns.adobe.com/xap/1.0/rights/" w:WebStatement="https://old" p:City="Oslo">'
        b"<d:creator><r:Seq><r:li>Old</r:li><r:li>Older</r:li></r:Seq></d:creator>"
        b'<p:Ingredient r:parseType="Resource"><d:creator>Inner</d:creator></p:Ingredient></r:Description>'
        b'<r:Description r:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="here">'
        b'<dc:rights><r:Alt><r:li xml:lang="x-default">Old</r:li></r:Alt></dc:rights>'
        b"</r:Description></r:RDF></x:xmpmeta>"
    )
    signed = xmp.signed(packet, "New", "Now", "https://new")
    found = told(encoded(scene(), "JPEG", xmp=signed), tmp_path / "x.jpg")
    assert (found["XMP-dc:Creator"], found["XMP-dc:Rights"], found["XMP-dc:Source"]) == ("New", "Now", "here")
    assert (found["XMP-xmpRights:WebStatement"], found["XMP-photoshop:City"]) == ("https://new", "Oslo")
    assert b"Old" not in signed
    assert b"Inner" in signed
    assert xmp.signed(signed, "New", "Now", "https://new").count(b"New") == 1


def test_signed_iptc_keeps_to_the_lengths_of_its_standard() -> None:
    """32 and 128 bytes, without half a letter at the end."""
    found = {each[:2]: each.value for each in iptc.records(iptc.signed(b"", "Å" * 40, "©" * 200))}
    assert found[2, 80].decode() == "Å" * 16
    assert found[2, 116].decode() == "©" * 64
    assert found[1, 90] == b"\x1b%G"


def test_signed_iptc_speaks_the_charset_that_is_there() -> None:
    """Latin-1 texts without a mark would turn to rubbish under a mark of UTF-8."""
    caption = b"\x1c\x02\x78\0\x04caf\xe9"
    found = {each[:2]: each.value for each in iptc.records(iptc.signed(caption, "Åse", "写"))}
    assert found == {(2, 0): b"\0\4", (2, 80): "Åse".encode("latin-1"), (2, 116): b"?", (2, 120): b"caf\xe9"}


def test_resources_keep_the_others_and_drop_the_old_digest() -> None:
    """What else Photoshop has written stays."""
    other = b"8BIM\x03\xed\0\0\0\0\0\x05abcde\0"
    old = other + b"8BIM\x04\x25\0\0\0\0\0\x10" + bytes(16) + b"8BIM\x04\x04\0\0\0\0\0\x03old\0"
    assert iptc.iim(old) == b"old"
    new = iptc.resources(old, b"new!!")
    assert iptc.iim(new) == b"new!!"
    assert new.endswith(other)
    assert b"\x04\x25" not in new


@pytest.mark.parametrize("size", [0, 5, 11, 12, 20])
def test_resources_that_are_cut_off_are_no_crash(size: int) -> None:
    """Any beginning of a block can be read and signed."""
    old = (b"8BIM\x04\x04\xffname\0\0\0\xff" + bytes(30))[:size]
    assert iptc.iim(iptc.resources(old, iptc.signed(old, "A", ""))).endswith(b"A")


def test_rewrite_jpeg_with_pictures_behind_keeps_their_places() -> None:
    """Places of further pictures count from their list on: nothing after it may move."""
    body = encoded(scene(), "JPEG")
    mpf = b"\xff\xe2\0\x08MPF\0II"
    caption = b"\xff\xed" + struct.pack(">H", 2 + 14 + 12) + b"Photoshop 3.0\0" + b"8BIM\x04\x04" + bytes(6)
    before, after = body[:2] + caption + mpf + body[2:], body[:2] + mpf + caption + body[2:]
    new = Blocks(b"II*\0", b"<x/>", b"8BIM")
    signed = b"".join(rewrite(before + b"behind", "jpeg", new))
    assert signed[signed.index(b"MPF\0") :] == (before + b"behind")[before.index(b"MPF\0") :]
    with pytest.raises(Corrupt, match="between the list of further pictures"):
        rewrite(after, "jpeg", new)
    rendered = rendering(after, "copy", "keep", copied=True)
    assert rendered.outputs[0].body == after
    assert "its structure does not allow it" in rendered.warnings[0]


def test_rewrite_jpeg_with_too_long_a_block_keeps_its_own() -> None:
    """A segment holds 64 KB."""
    body = encoded(scene(), "JPEG", xmp=XMP, exif=exif())
    signed = b"".join(rewrite(body, "jpeg", Blocks(None, b"x" * 70_000, None)))
    assert blocks(signed, "jpeg") == blocks(body, "jpeg")


def errors(folder: Path, more: str, entry: str = "") -> list[str]:
    path = folder / "safelight.yaml"
    path.write_text(f"recipes:\n  - name: r\n    renditions: [{{key: '{{dir}}{{filename}}'{entry}}}]\n{more}", "utf-8")
    try:
        return [str(each) for each in load(path, {}).warnings]
    except InvalidFile as err:
        return [str(each) for each in err.errors]


COPYRIGHT = "    metadata: copyright\n"


@pytest.mark.parametrize(
    ("more", "entry", "message"),
    [
        ("    rights: {creator: A}\n", "", "rights has no effect with metadata: strip; use metadata: copyright, which"),
        (COPYRIGHT, ", metadata: strip, rights: {creator: A}", "rights has no effect with metadata: strip"),
        (COPYRIGHT + "    rights: {}\n", "", "rights says nothing; give creator, copyright or licence"),
        (COPYRIGHT, ", rights: {}", "rights says nothing; give creator, copyright or licence"),
        (COPYRIGHT + "    rights: Ann\n", "", "rights must be a group of options: creator, copyright, licence; write"),
        (COPYRIGHT + "    rights: {license: x}\n", "", "unknown option 'license' in rights; did you mean 'licence'?"),
        (
            COPYRIGHT + "    rights: {licence: CC-BY}\n",
            "",
            "rights.licence='CC-BY'; wanted: Address of the terms",
        ),
        (
            COPYRIGHT + "    rights: {licence: 'https://a b'}\n",
            "",
            "wanted: Address of the terms of use, http or",
        ),
        (COPYRIGHT + "    rights: {creator: ''}\n", "", "rights.creator=''; "),
        (COPYRIGHT + '    rights: {creator: "a\\nb"}\n', "", "wanted: Who made the picture, in one line"),
        (COPYRIGHT + f"    rights: {{creator: {'a' * 501}}}\n", "", "must have at most 500 characters, not 501"),
        (
            COPYRIGHT + "    rights: {creator: A}\n",
            ", resize: {width: 9}, format: gif",
            "rights are not written into gif",
        ),
    ],
)
def test_rights_that_cannot_be_are_told(tmp_path: Path, more: str, entry: str, message: str) -> None:
    """With what is allowed and what to do."""
    found = [each for each in errors(tmp_path, more, entry) if "{filename} ends the key" not in each]
    assert len(found) == 1, found
    assert message in found[0]


def test_rights_that_some_rendition_uses_are_in_order(tmp_path: Path) -> None:
    """A recipe may strip and sign one output."""
    assert errors(tmp_path, "    rights: {creator: A}\n", ", metadata: copyright") == []
