"""AVIF and HEIC, on boxes made by hand."""

from __future__ import annotations

import struct

import pytest

from safelight.containers import exif
from safelight.containers.complete import is_complete
from safelight.containers.strip import strip
from safelight.errors import Corrupt

OLD_EXIF = bytes(4) + b"II*\0" + b"GPS: 59 N 18 E, and where I live" * 3
OLD_XMP = b"<x:xmpmeta>something rather private</x:xmpmeta>"
NO_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
PICTURE = b"pixels that nobody may touch"


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, version: int, *parts: bytes) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def infe(number: int, kind: bytes, content_type: bytes = b"") -> bytes:
    return full(b"infe", 2, struct.pack(">HH", number, 0), kind, b"\0", content_type and content_type + b"\0")


def iloc(version: int, places: list[tuple[int, int, int]]) -> bytes:
    """Each place is a construction method, an offset and a length."""
    rows = b""
    for number, (method, offset, length) in enumerate(places, 1):
        rows += struct.pack(">I" if version == 2 else ">H", number)
        rows += struct.pack(">H", method) if version else b""
        rows += struct.pack(">HHII", 0, 1, offset, length)
    return full(b"iloc", version, b"\x44\0", struct.pack(">I" if version == 2 else ">H", len(places)), rows)


def heic(
    version: int = 1, *, method: int = 0, exif_at: int | None = None, kind: bytes = b"Exif", more: bytes = b""
) -> bytes:
    """Return a file of one picture, EXIF and XMP; with method 1 the metadata lies in idat."""

    def build(base: int, inside: int) -> bytes:
        at = inside if method else base + len(PICTURE)
        places = [
            (0, base, len(PICTURE)),
            (method, at if exif_at is None else exif_at, len(OLD_EXIF)),
            (method, at + len(OLD_EXIF), len(OLD_XMP)),
        ]
        items = infe(1, b"hvc1") + infe(2, kind) + infe(3, b"mime", b"application/rdf+xml")
        info = full(b"iinf", 0, struct.pack(">H", 3), items)
        idat = box(b"idat", OLD_EXIF, OLD_XMP) if method else b""
        properties = box(b"iprp", box(b"ipco", full(b"udes", 0, b"en\0a name\0a text\0\0"), box(b"irot", b"\1")))
        meta = full(b"meta", 0, full(b"hdlr", 0, bytes(4) + b"pict"), info, iloc(version, places), properties, idat)
        media = box(b"mdat", PICTURE, b"" if method else OLD_EXIF + OLD_XMP)
        return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta + more + media

    length = len(build(0, 0)) - (len(PICTURE) + (0 if method else len(OLD_EXIF + OLD_XMP)))
    return build(length, 0)


# Version 0 of the list knows no idat.
@pytest.mark.parametrize(("version", "method"), [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)])
def test_heic_metadata_is_overwritten_in_place(version: int, method: int) -> None:
    """Every version of the item list and both places of the bytes are known; nothing moves."""
    data = heic(version, method=method)
    assert is_complete(data, "heic")
    out = b"".join(strip(data, "heic"))
    empty = bytes(4) + b"MM\0*\0\0\0\x08" + bytes(6)
    expected = data.replace(OLD_EXIF, empty.ljust(len(OLD_EXIF), b"\0")).replace(OLD_XMP, NO_XMP.ljust(len(OLD_XMP)))
    text = data.index(b"udes")
    assert out == expected[:text] + b"free" + bytes(22) + expected[text + 26 :]
    assert b"a name" in data


def test_heic_exif_that_fits_takes_the_old_place() -> None:
    """The new EXIF is put where the old one was; one that is too long is left out."""
    block = exif.build(copyright="Someone") or b""
    assert exif.find(b"".join(strip(heic(), "heic", block)), "heic").startswith(block)
    out = b"".join(strip(heic(), "heic", exif.build(copyright="Someone" * 30)))
    assert exif.read(exif.find(out, "heic")) == {}
    assert b"GPS" not in out


def test_heic_boxes_of_makers_become_free_space() -> None:
    """Provenance, user data and a motion picture go; their room stays."""
    more = box(b"uuid", b"provenance") + box(b"mpvd", b"a film")
    data = heic(more=more)
    out = b"".join(strip(data, "heic"))
    assert len(out) == len(data)
    assert b"provenance" not in out
    assert b"a film" not in out
    assert PICTURE in out


def film(handler: bytes = b"pict", *, depth: int = 1) -> bytes:
    times = struct.pack(">II", 3_900_000_000, 3_900_000_001)
    media = box(b"mdia", full(b"mdhd", 0, times, bytes(12)), full(b"hdlr", 0, bytes(4), handler))
    track = box(b"trak", full(b"tkhd", 0, times, bytes(72)), media, box(b"udta", b"shot at home"))
    for _ in range(depth - 1):
        track = box(b"trak", track)
    return box(b"moov", full(b"mvhd", 0, times, bytes(88)), track)


def test_heic_film_loses_times_and_user_data() -> None:
    """An image sequence says when it was made in three places."""
    data = heic(more=film())
    out = b"".join(strip(data, "heic"))
    assert data.count(struct.pack(">I", 3_900_000_000)) == 3
    assert struct.pack(">I", 3_900_000_000) not in out
    assert b"shot at home" not in out
    assert len(out) == len(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(heic(exif_at=60), "shares bytes", id="EXIF that points into the boxes"),
        pytest.param(heic(exif_at=heic().index(PICTURE)), "shares bytes", id="EXIF that points at pixels"),
        pytest.param(heic(kind=b"what"), "unknown kind", id="an item of unknown kind"),
        pytest.param(heic(more=film(b"soun")), "no pictures", id="a track of sound"),
        pytest.param(heic(more=film(depth=2000)), "not known there", id="tracks in tracks"),
        pytest.param(heic(more=box(b"moof")), "fragments", id="fragments"),
        pytest.param(box(b"ftyp", b"heic\0\0\0\0"), "no picture", id="no picture at all"),
    ],
)
def test_heic_not_understood_is_corrupt(data: bytes, why: str) -> None:
    """Where metadata might remain, or pixels might suffer, there is no result."""
    with pytest.raises(Corrupt, match=why):
        strip(data, "heic")


def test_heic_many_extents_of_no_size_end_quickly() -> None:
    """Extents that take no bytes in the list could be billions: they are refused before they are counted."""
    rows = b"".join(struct.pack(">HHHH", number, 0, 0, 65_535) for number in range(60_000))
    bomb = full(b"iloc", 1, b"\0\0", struct.pack(">H", 60_000), rows)
    data = box(b"ftyp", b"heic\0\0\0\0") + full(b"meta", 0, full(b"iinf", 0, b"\0\0"), bomb)
    with pytest.raises(Corrupt, match="extents"):
        strip(data, "heic")


def test_heic_trailer_of_a_phone_is_complete() -> None:
    """Bytes that are no box after the last one do not make a file truncated."""
    assert is_complete(heic() + b"\x00\x01\x02\x03\xff\xfeSEFT", "heic")
    assert not is_complete(heic()[:-1], "heic")
