"""Who made a picture, who owns it and where its licence is, by EXIF, XMP or IPTC.

Source: Metadata Working Group guidelines 2.0, 5.6 and 5.7; the modules of the three.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from safelight.containers import exif, iptc, xmp
from safelight.containers.buffer import Buffer
from safelight.containers.tiff import ARTIST, COPYRIGHT

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DC, _RDF, _XMP_RIGHTS = (f"{{{space}}}" for space in (xmp.DC, xmp.RDF, xmp.RIGHTS))


class Rights(NamedTuple):
    """Empty where nothing is known; several creators are joined by `; `."""

    creator: str = ""
    copyright: str = ""
    licence: str = ""


def rights(buffer: Buffer, format: str) -> Rights:  # noqa: A002 the field's word
    """Return what the first of EXIF, XMP and IPTC says, each field by itself. Never raises."""
    blocks = exif.blocks(buffer, format)
    told = (_of_exif(blocks.exif or b""), _of_xmp(blocks.xmp or b""), _of_iptc(blocks.iptc or b""))
    return Rights(*(next(filter(None, words), "") for words in zip(*told, strict=True)))


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

    text = packet[: xmp.MAX_BYTES].decode("utf-8", "replace").strip("\0 \r\n\t\ufeff")
    if not text or "<!DOCTYPE" in text:  # no document type, no entities: the bombs of XML need one
        return Rights()
    try:
        root = ET.fromstring(text)  # noqa: S314 no document type, and a string, so that no encoding hides one
    except (ET.ParseError, ValueError):
        return Rights()
    return Rights(
        _list(root.iter(f"{_DC}creator"), "; "),
        _list(root.iter(f"{_DC}rights"), None),
        _plain(root, f"{_XMP_RIGHTS}WebStatement"),
    )


def _plain(root: Element, name: str) -> str:
    """Return a property without structure, which is an element or an attribute of a description."""
    elements = (str(each.text or "").strip() for each in root.iter(name))
    attributes = (each.get(name, "").strip() for each in root.iter(f"{_RDF}Description"))
    return next(filter(None, (*elements, *attributes)), "")


def _list(properties: Iterator[object], joined_by: str | None) -> str:
    """Return the entries of the first property; of alternatives (languages) the first."""
    for element in properties:
        entries = [str(li.text or "").strip() for li in element.iter(f"{_RDF}li")]  # type: ignore[attr-defined]
        entries = [entry for entry in entries if entry]
        if entries:
            return entries[0] if joined_by is None else joined_by.join(entries)
    return ""


def _of_iptc(block: bytes) -> Rights:
    found: dict[int, list[bytes]] = {iptc.BY_LINE: [], iptc.NOTICE: []}
    for record, dataset, value in iptc.records(iptc.iim(block)):
        if record == 2 and dataset in found:
            found[dataset].append(value)
    creators, notices = found[iptc.BY_LINE], found[iptc.NOTICE]
    return Rights("; ".join(map(_text, creators)), _text(notices[0]) if notices else "")
