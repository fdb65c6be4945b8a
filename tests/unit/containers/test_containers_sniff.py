"""What the first bytes tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safelight.containers.sniff import CONTENT_TYPES, sniff

if TYPE_CHECKING:
    from tests.unit.containers.conftest import Sample


def ftyp(*brands: bytes) -> bytes:
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body + b"\0\0\0\x08meta"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ftyp(b"avif", b"mif1"), "avif"),
        (ftyp(b"avis", b"msf1"), "avif"),
        (ftyp(b"mif1", b"miaf", b"avif"), "avif"),
        (ftyp(b"heic", b"mif1", b"heic"), "heic"),
        (ftyp(b"mif1", b"mif1", b"heic"), "heic"),
        (ftyp(b"msf1", b"hevc"), "heic"),
        (ftyp(b"heix", b"avif"), "heic"),
        (ftyp(b"mp42", b"isom"), None),
        (ftyp(b"mif1")[:-8] + b"avif" * 9, None),
        (b"\0\0\0\0ftyp", None),
        (b"II+\0\x08\0\0\0", "tiff"),
        (b"MM\0*", "tiff"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "bmp"),
        (b"BMW is a car, not a bitmap", None),
        (b"\xff\x0a\xfa", "jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"%PDF-1.7", "pdf"),
        (b"8BPS\0\1", "psd"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC 'a' 'b'>\n<svg>", "svg"),
        (b'<!DOCTYPE svg [<!ENTITY a "b"> <!ENTITY c "d">]><svg:svg>', "svg"),
        ("<?xml?><svg/>".encode("utf-16"), "svg"),
        (b"<!DOCTYPE html><html><svg></svg>", None),
        (b"<!-- never closed <svg>", None),
        (b"<!DOCTYPE svg [ never closed > <svg>", None),
        (b"just some text", None),
        (b"", None),
    ],
)
def test_sniff_hand_made_head_tells_format(head: bytes, expected: str | None) -> None:
    """A format is told by bytes that only it begins with."""
    assert sniff(head) == expected
    assert sniff(memoryview(head)) == expected


def test_sniff_real_file_tells_format(sample: Sample) -> None:
    """The files of real programs are told, and each format has a content type."""
    assert sniff(sample.data[:4096]) == sample.format
    assert CONTENT_TYPES[sample.format] == f"image/{sample.format}"


def test_sniff_every_prefix_of_a_file_never_raises(sample: Sample) -> None:
    """A head may be as short as it likes."""
    assert {sniff(sample.data[:size]) for size in range(64)} <= {sample.format, None}
