"""The small EXIF block, and who owns a picture."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from safelight.containers import exif
from safelight.containers.rights import Rights, rights

if TYPE_CHECKING:
    from tests.unit.containers.conftest import Sample

XMP = (
    '<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<rdf:Description><dc:creator><rdf:Seq><rdf:li>Åsa</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
    '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Åsa</rdf:li><rdf:li>other</rdf:li></rdf:Alt></dc:rights>'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>   '
).encode()


def jpeg(**options: object) -> bytes:
    out = BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", **options)
    return out.getvalue()


def with_iptc(*records: tuple[int, bytes]) -> bytes:
    iim = b"".join(b"\x1c\2" + bytes([number]) + struct.pack(">H", len(text)) + text for number, text in records)
    other = b"8BIM\x03\xed\0\0" + struct.pack(">I", 3) + b"abc\0"
    body = b"Photoshop 3.0\0" + other + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iim)) + iim
    data = jpeg()
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_build_nothing_is_none() -> None:
    """There is no block that says nothing."""
    assert exif.build() is None
    assert exif.build(orientation=1, artist="", copyright=b"\0 ") is None
    assert exif.build(orientation=99) is None


@pytest.mark.parametrize("text", ["A", "Abc", "Åsa", "a longer name of odd length", "even length!"])
def test_build_tags_are_read_back(text: str) -> None:
    """What is written is read by us and by Pillow, short values within the directory as well."""
    block = exif.build(orientation=6, artist=text, copyright=text.encode())
    assert block is not None
    assert exif.read(block) == {274: 6, 315: text.encode(), 33432: text.encode()}
    tags = Image.Exif()
    tags.load(block)
    assert tags[274] == 6
    assert tags[315].encode("latin-1") == text.encode()


def test_build_long_text_is_cut_between_letters() -> None:
    """A text of any length fits a JPEG segment, and no letter is halved."""
    block = exif.build(artist="å" * 100_000, copyright=b"x" * 100_000)
    assert block is not None
    assert len(block) < 10_000
    assert exif.read(block)[315] == ("å" * 2048).encode()


@pytest.mark.parametrize(
    "bad", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0+\0\x08\0\0", bytes(64), b"II*\0\x08\0\0\0\xff\xff"]
)
def test_read_broken_block_says_nothing(bad: bytes) -> None:
    """A broken block is no error."""
    assert exif.read(bad) == {}


def test_read_orientation_out_of_range_says_nothing() -> None:
    """Orientation is 1 to 8; others are left out."""
    block = exif.build(orientation=8) or b""
    assert exif.read(block.replace(b"\x08\0\0\0" + bytes(4), b"\x09\0\0\0" + bytes(4))) == {}


def test_find_any_sample_gives_its_block(sample: Sample, secret: bytes) -> None:
    """The block is found in each container; AVIF has its orientation elsewhere."""
    block = exif.find(sample.data, sample.format)
    if sample.format == "gif" or sample.name == "tiff-big-tiles":
        assert not exif.read(block or b"").get(315)
        return
    assert exif.read(block)[315] == secret
    if sample.format != "avif":
        assert exif.read(block)[274] == 6


def test_find_broken_file_is_none() -> None:
    """A file that cannot be followed has no EXIF, and that is no error."""
    assert exif.find(jpeg(exif=b"Exif\0\0" + exif.build(orientation=6))[:20], "jpeg") is None
    assert exif.find(b"", "svg") is None


def test_rights_exif_comes_before_xmp() -> None:
    """Each field is the first one's that has it."""
    data = jpeg(xmp=XMP, exif=b"Exif\0\0" + exif.build(artist="Only in EXIF"))
    assert rights(data, "jpeg") == Rights("Only in EXIF", "© Åsa")


def test_rights_xmp_joins_creators_and_takes_default_language() -> None:
    """XMP lists creators, and gives a notice in several languages."""
    assert rights(jpeg(xmp=XMP), "jpeg") == Rights("Åsa; Bo", "© Åsa")


def test_rights_iptc_is_read_when_alone() -> None:
    """IPTC counts when nothing else does; old files are Latin-1."""
    data = with_iptc((80, "Åsa".encode("latin-1")), (80, b"Bo"), (116, "© Åsa".encode()))
    assert rights(data, "jpeg") == Rights("Åsa; Bo", "© Åsa")


def test_rights_xmp_with_entities_is_ignored() -> None:
    """A document type could hold a bomb of entities: such a packet is not parsed."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 50 + b'">]>' + XMP.replace(b"Bo", b"&a;")
    assert rights(jpeg(xmp=bomb), "jpeg") == Rights()


@pytest.mark.parametrize("packet", [b"", b"<", b"\0\xff", b"<a/>", b"<a>" * 1000])
def test_rights_broken_xmp_says_nothing(packet: bytes) -> None:
    """A broken packet is no error."""
    assert rights(jpeg(xmp=packet), "jpeg") == Rights()


def test_rights_any_sample_never_raises(sample: Sample, secret: bytes) -> None:
    """Every format answers."""
    assert rights(sample.data, sample.format).creator in ("", secret.decode())
