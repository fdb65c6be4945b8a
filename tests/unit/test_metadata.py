"""What outputs say of themselves, read back by programs that are not ours."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
from tests.golden.pictures import ADOBE_RGB, encoded, heic, matrix_profile, pixels_of, scene

KEYS = ("out.jpg", "out.png", "out.webp", "out.avif")
PLANTED = "PLANTED"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    f'xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" dc:source="{PLANTED}">'
    f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{PLANTED}</rdf:li></rdf:Alt></dc:title>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")


def exif() -> bytes:
    """Return EXIF with owner, place, serial number, orientation 6, Adobe RGB and a thumbnail."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x013B], tags[0x8298] = 6, "Maker", "Ann Owner", "(c) Ann"
    tags.get_ifd(0x8769).update(
        {0xA431: PLANTED, 0x9003: "2024:05:01 12:00:00", 0xA001: 65535, 0xA002: 240, 0xA003: 160}
    )
    tags.get_ifd(0x8769)[0xA005] = {1: "R03"}
    tags.get_ifd(0x8825).update({1: "N", 2: (59.0, 19.0, 3.0), 3: "E", 4: (18.0, 4.0, 7.0), 29: PLANTED})
    return with_thumbnail(tags.tobytes())


def with_thumbnail(block: bytes) -> bytes:
    """Append a second directory, big-endian like Pillow's, with a JPEG that names the secret."""
    picture = encoded(scene(32, 20), "JPEG", comment=PLANTED.encode())
    tiff = bytearray(block[6:])
    first = struct.unpack_from(">I", tiff, 4)[0]
    link = first + 2 + 12 * struct.unpack_from(">H", tiff, first)[0]
    tiff += bytes(len(tiff) % 2)
    at = len(tiff)
    struct.pack_into(">I", tiff, link, at)
    rows = [(0x0103, 3, 1, 6 << 16), (0x0201, 4, 1, at + 2 + 36 + 4), (0x0202, 4, 1, len(picture))]
    tiff += struct.pack(">H", 3) + b"".join(struct.pack(">HHII", *row) for row in rows) + bytes(4) + picture
    return block[:6] + bytes(tiff)


def with_iptc(body: bytes) -> bytes:
    """Put an IPTC caption behind the start of a JPEG."""
    record = b"\x1c\x02\x78" + struct.pack(">H", len(PLANTED)) + PLANTED.encode()
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    return body[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + body[2:]


def photograph() -> bytes:
    profile = matrix_profile(ADOBE_RGB, 2.19921875)
    return with_iptc(encoded(scene(), "JPEG", quality=95, exif=exif(), xmp=XMP, comment=PLANTED, icc_profile=profile))


def made(body: bytes, key: str, policy: Any, *, copied: bool = False) -> bytes:
    rendition = Rendition(key=key) if copied else Rendition(key=key, resize=Resize(width=80))
    out = render(body, "a.jpg", Recipe(name="t", renditions=(rendition,), metadata=policy), Limits()).outputs[0].body
    return out if isinstance(out, bytes) else out.read_bytes()


def told(body: bytes, path: Path) -> dict[str, Any]:
    """Return all that exiftool finds, numbers as they are stored."""
    path.write_bytes(body)
    run = subprocess.run(["exiftool", "-j", "-n", "-G1", "-a", "-ee", "-u", str(path)], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(run.stdout)[0]
    return {
        name: value for name, value in found.items() if name.split(":")[0] not in ("SourceFile", "System", "ExifTool")
    }


def test_the_photograph_of_these_tests_holds_what_they_look_for() -> None:
    """A test of removal must start with something to remove."""
    source = photograph()
    assert source.count(PLANTED.encode()) == 7
    tags = Image.open(BytesIO(source)).getexif()
    assert tags.get_ifd(0x8825)[29] == PLANTED
    assert tags.get_ifd(0x8769)[0xA431] == PLANTED
    assert Image.open(BytesIO(source)).info["icc_profile"]


@pytest.mark.parametrize("policy", ["strip", "copyright"])
@pytest.mark.parametrize("key", KEYS)
def test_output_under_strip_and_copyright_holds_no_secret(key: str, policy: str) -> None:
    """Place, serial number, captions, comments and thumbnail are gone from the bytes themselves."""
    body = made(photograph(), key, policy)
    assert PLANTED.encode() not in body
    for name in ("GPS", "Exif" if policy == "strip" else "xmpmeta"):
        assert name.encode() not in body


@pytest.mark.parametrize("policy", ["strip", "copyright"])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_copy_under_strip_and_copyright_holds_no_secret_and_the_same_picture(format_: str, policy: str) -> None:
    """Stripping a copy leaves every pixel and the orientation that shows them upright."""
    source = encoded(scene(), format_, exif=exif(), xmp=XMP)
    assert PLANTED.encode() in source
    body = made(source, "copy", policy, copied=True)
    assert PLANTED.encode() not in body
    there, here = Image.open(BytesIO(source)), Image.open(BytesIO(body))
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(there)), np.asarray(ImageOps.exif_transpose(here)))
    assert here.getexif().get(0x8298) == (None if policy == "strip" else "(c) Ann")


def test_copy_under_keep_is_the_very_bytes() -> None:
    """Nothing is rewritten where nothing is asked for."""
    assert made(photograph(), "copy", "keep", copied=True) == photograph()


@pytest.mark.parametrize("key", KEYS)
def test_output_under_copyright_names_owner_and_nothing_else(key: str) -> None:
    """The two tags that say whose picture it is stay."""
    tags = dict(Image.open(BytesIO(made(photograph(), key, "copyright"))).getexif())
    assert (tags.pop(0x013B), tags.pop(0x8298)) == ("Ann Owner", "(c) Ann")
    # libvips adds the resolution and a directory for the size, which EXIF demands.
    assert tags.keys() <= {0x0112, 0x011A, 0x011B, 0x0128, 0x0213, 0x8769}


@pytest.mark.parametrize("key", KEYS)
def test_output_under_keep_tells_the_truth_of_its_new_pixels(key: str) -> None:
    """What is kept stays true: upright, of its new size, sRGB, without the thumbnail of what it was."""
    body = made(photograph(), key, "keep")
    tags = Image.open(BytesIO(body)).getexif()
    detail = tags.get_ifd(0x8769)
    assert tags.get_ifd(0x8825)[29] == PLANTED
    assert detail[0xA431] == PLANTED
    assert tags.get(0x0112, 1) == 1
    assert (detail[0xA002], detail[0xA003]) == (80, 120)
    assert detail[0xA001] == 1, "ColorSpace must be sRGB"
    assert "R03" not in str(detail.get(0xA005)), "no sign of Adobe RGB may stay"
    assert not tags.get_ifd(0x0001).get(0x0201)
    assert b'tiff:Orientation="6"' not in body


@pytest.mark.parametrize("policy", ["strip", "keep", "copyright"])
@pytest.mark.parametrize("key", KEYS)
def test_output_of_a_turned_picture_shows_upright_in_a_viewer(key: str, policy: str) -> None:
    """Orientation is applied once: whatever the output says, a viewer that obeys it shows the scene upright."""
    shown = ImageOps.exif_transpose(Image.open(BytesIO(made(photograph(), key, policy)))).convert("RGB")
    source = Image.open(BytesIO(photograph()))
    profile = ImageCms.ImageCmsProfile(BytesIO(source.info["icc_profile"]))
    upright = ImageCms.profileToProfile(ImageOps.exif_transpose(source), profile, ImageCms.createProfile("sRGB"))
    assert upright is not None
    assert shown.size == (80, 120)
    assert np.abs(np.asarray(shown).astype(float) - np.asarray(upright.resize((80, 120)))).mean() < 5


@exiftool
@pytest.mark.parametrize("key", KEYS)
def test_output_under_strip_is_empty_to_exiftool(tmp_path: Path, key: str) -> None:
    """Another program finds no metadata groups at all."""
    groups = {name.split(":")[0] for name in told(made(photograph(), key, "strip"), tmp_path / key)}
    assert not groups & {"IFD0", "IFD1", "ExifIFD", "GPS", "IPTC", "Photoshop", "ICC_Profile", "InteropIFD"}
    assert not {group for group in groups if group.startswith("XMP")}


@exiftool
@pytest.mark.parametrize("key", KEYS)
def test_output_under_keep_is_consistent_to_exiftool(tmp_path: Path, key: str) -> None:
    """Another program finds the place, and orientation 1 wherever it looks."""
    found = told(made(photograph(), key, "keep"), tmp_path / key)
    assert found["GPS:GPSLatitude"] == pytest.approx(59.3175, abs=0.001)
    assert found["XMP-dc:Title"] == PLANTED
    assert {value for name, value in found.items() if name.endswith(":Orientation")} == {1}
    assert not any("Thumbnail" in name and "Image" in name for name in found)
    if key == "out.jpg":
        assert found["IPTC:Caption-Abstract"] == PLANTED


BROKEN_EXIF = {
    "empty": b"Exif\0\0",
    "text": b"Exif\0\0" + b"no exif " * 20,
    "cut": exif()[:24],
    "loop": b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x8769, 4, 1, 8) + b"\0\0\0\x08",
    "far": b"Exif\0\0II*\0\xff\xff\xff\x7f",
    "huge": b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x010F, 2, 0xFFFFFFFF, 8) + bytes(4),
}


@pytest.mark.parametrize("policy", ["strip", "keep", "copyright"])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", BROKEN_EXIF)
def test_broken_metadata_never_breaks_a_picture(name: str, format_: str, policy: str) -> None:
    """EXIF, XMP and profile may be anything: the picture comes out the same."""
    junk = {"exif": BROKEN_EXIF[name], "xmp": b"<x:xmpmeta><unclosed " + bytes(range(256)), "icc_profile": bytes(200)}
    key = f"out.{format_.lower().replace('jpeg', 'jpg')}"
    body = made(encoded(scene(), format_, **junk), key, policy)
    assert np.abs(pixels_of(body).astype(float) - pixels_of(made(encoded(scene(), format_), key, policy))).max() <= 2
    made(encoded(scene(), format_, **junk), "copy", policy, copied=True)


def test_heic_keeps_its_exif_and_drops_its_orientation() -> None:
    """EXIF from a telephone's HEIC is kept like that of a JPEG."""
    body = made(heic(scene(), exif=exif()), "out.jpg", "keep")
    tags = Image.open(BytesIO(body)).getexif()
    assert tags[0x8298] == "(c) Ann"
    assert tags.get_ifd(0x8825)[29] == PLANTED
    assert tags.get(0x0112, 1) == 1
    assert Image.open(BytesIO(made(heic(scene(), exif=exif()), "out.jpg", "copyright"))).getexif()[0x8298] == "(c) Ann"
    assert PLANTED.encode() not in made(heic(scene(), exif=exif()), "out.jpg", "strip")
