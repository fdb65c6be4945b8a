"""Who made a picture and who owns it, by EXIF, XMP or IPTC.

Source: Metadata Working Group guidelines 2.0, 5.6 and 5.7; IPTC IIM 4.2, 2:80 and 2:116.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from safelight.containers import exif
from safelight.containers.buffer import Buffer
from safelight.containers.tiff import ARTIST, COPYRIGHT

_BY_LINE, _NOTICE = 80, 116
_DC, _RDF = "{http://purl.org/dc/elements/1.1/}", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_MAX_XMP = 1 << 20
_MAX_RECORDS = 10_000


class Rights(NamedTuple):
    """Empty where nothing is known; several creators are joined by `; `."""

    creator: str = ""
    copyright: str = ""


def rights(buffer: Buffer, format: str) -> Rights:  # noqa: A002 the field's word
    """Return what the first of EXIF, XMP and IPTC says, each field by itself. Never raises."""
    blocks = exif.blocks(buffer, format)
    told = (_of_exif(blocks.exif or b""), _of_xmp(blocks.xmp or b""), _of_iptc(blocks.iptc or b""))
    creator = next((one.creator for one in told if one.creator), "")
    return Rights(creator, next((one.copyright for one in told if one.copyright), ""))


def _text(raw: bytes) -> str:
    """Read UTF-8, and as Latin-1 what is none: neither EXIF nor IPTC says reliably which it is."""
    raw = raw.replace(b"\0", b" ").strip()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _of_exif(block: bytes) -> Rights:
    tags = exif.read(block)
    artist, holder = tags.get(ARTIST), tags.get(COPYRIGHT)
    return Rights(
        _text(artist) if isinstance(artist, bytes) else "",
        _text(holder) if isinstance(holder, bytes) else "",
    )


def _of_xmp(packet: bytes) -> Rights:
    from xml.etree import ElementTree as ET  # noqa: PLC0415 slow to import and seldom needed

    text = packet[:_MAX_XMP].decode("utf-8", "replace").strip("\0 \r\n\t\ufeff")
    if not text or "<!DOCTYPE" in text:  # no document type, no entities: the bombs of XML need one
        return Rights()
    try:
        root = ET.fromstring(text)  # noqa: S314 no document type, and a string, so that no encoding hides one
    except (ET.ParseError, ValueError):
        return Rights()
    return Rights(_list(root.iter(f"{_DC}creator"), "; "), _list(root.iter(f"{_DC}rights"), None))


def _list(properties: Iterator[object], joined_by: str | None) -> str:
    """Return the entries of the first property; of alternatives (languages) the first."""
    for element in properties:
        entries = [str(li.text or "").strip() for li in element.iter(f"{_RDF}li")]  # type: ignore[attr-defined]
        entries = [entry for entry in entries if entry]
        if entries:
            return entries[0] if joined_by is None else joined_by.join(entries)
    return ""


def _of_iptc(block: bytes) -> Rights:
    found: dict[int, list[bytes]] = {_BY_LINE: [], _NOTICE: []}
    for record, dataset, value in _records(_iim(block)):
        if record == 2 and dataset in found:
            found[dataset].append(value)
    return Rights("; ".join(map(_text, found[_BY_LINE])), _text(found[_NOTICE][0]) if found[_NOTICE] else "")


def _iim(block: bytes) -> bytes:
    """Return the IPTC data, which JPEG wraps in Photoshop's resource 0x0404."""
    at = 0
    while block[at : at + 4] == b"8BIM":
        name = block[at + 6] + 1 if at + 6 < len(block) else 1
        size_at = at + 6 + name + (name & 1)
        size = int.from_bytes(block[size_at : size_at + 4], "big")
        if block[at + 4 : at + 6] == b"\x04\x04":
            return block[size_at + 4 : size_at + 4 + size]
        at = size_at + 4 + size + (size & 1)
    return block


def _records(iim: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    for _ in range(_MAX_RECORDS):
        if iim[at : at + 1] != b"\x1c" or at + 5 > len(iim):
            return
        size = int.from_bytes(iim[at + 3 : at + 5], "big")
        yield iim[at + 1], iim[at + 2], iim[at + 5 : at + 5 + size]
        at += 5 + (size & 0x7FFF)
