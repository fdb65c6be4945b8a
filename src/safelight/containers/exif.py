"""The few EXIF tags that we keep: read, found in a file, and written anew.

Source: EXIF 3.0 (CIPA DC-008), 4.6.5.
"""

from __future__ import annotations

from struct import pack

from safelight.containers import isobmff, jpeg, png, tiff, webp
from safelight.containers.buffer import Blocks, Buffer, view_of
from safelight.containers.tiff import ARTIST, COPYRIGHT, ORIENTATION
from safelight.errors import Corrupt, Truncated

_SHORT, _ASCII = 3, 2
_TEXT_KINDS = (_ASCII, 1, 7, 129)
"""Texts are also written as bytes; 129 is EXIF 3.0's UTF-8."""
_TEXTS = (ARTIST, COPYRIGHT)
_MAX_TEXT = 4096
_BLOCKS = {
    "jpeg": jpeg.blocks,
    "png": png.blocks,
    "webp": webp.blocks,
    "tiff": tiff.blocks,
    "avif": isobmff.blocks,
    "heic": isobmff.blocks,
}


def read(block: bytes | memoryview) -> dict[int, int | bytes]:
    """Return Orientation (1 to 8), Artist and Copyright of the first directory, as far as they are there.

    Never raises: a broken block says nothing. Texts come without their closing NULs.
    """
    view = view_of(block)
    try:
        how = tiff.layout(view)
        ifd = tiff.read_ifd(view, how, tiff.first_ifd(view, how))
    except (Truncated, Corrupt):
        return {}
    found: dict[int, int | bytes] = {}
    for entry in ifd.entries:
        if entry.end > len(view):
            continue
        if entry.tag == ORIENTATION and entry.kind == _SHORT and entry.length == 1:
            number = how.numbers(view, entry)[0]
            found[entry.tag] = number if 1 <= number <= 8 else 0
        elif entry.tag in _TEXTS and entry.kind in _TEXT_KINDS:
            found[entry.tag] = view[entry.start : entry.end].tobytes().rstrip(b"\0 ")
    return {tag: value for tag, value in found.items() if value}


def blocks(buffer: Buffer, format: str) -> Blocks:  # noqa: A002 the field's word
    """Return the metadata of a file as it is; a broken file has none. Never raises."""
    look = _BLOCKS.get(format)
    try:
        found = look(view_of(buffer)) if look else Blocks()
    except (Truncated, Corrupt):
        return Blocks()
    return found._replace(exif=_of_directory(view_of(buffer))) if format == "tiff" else found


def find(buffer: Buffer, format: str) -> bytes | None:  # noqa: A002 the field's word
    """Return the EXIF block of a file from its TIFF header on, or None.

    Of a TIFF, which is one big EXIF block itself, it is a small new one with the tags that `read` knows.
    """
    return blocks(buffer, format).exif


def _of_directory(view: memoryview) -> bytes | None:
    tags = read(view)
    orientation, artist, holder = tags.get(ORIENTATION, 1), tags.get(ARTIST, b""), tags.get(COPYRIGHT, b"")
    if not isinstance(orientation, int) or isinstance(artist, int) or isinstance(holder, int):
        return None
    return build(orientation=orientation, artist=artist, copyright=holder)


def build(*, orientation: int = 1, artist: str | bytes = b"", copyright: str | bytes = b"") -> bytes | None:  # noqa: A002
    """Return a small TIFF structure with these tags, or None when there is nothing to tell.

    Args:
        orientation: 1 to 8; 1 is what a picture without the tag has, and is left out.
        artist: UTF-8 when a string; what is beyond 4096 bytes is cut off.
        copyright: likewise.
    """
    rows: list[tuple[int, int, int, bytes]] = []
    if 2 <= orientation <= 8:
        rows.append((ORIENTATION, _SHORT, 1, pack("<HH", orientation, 0)))
    for tag, text in zip(_TEXTS, (artist, copyright), strict=True):
        if raw := _clip(text):
            rows.append((tag, _ASCII, len(raw), raw))
    return _tiff(rows) if rows else None


def signed(block: bytes, *, orientation: int = 1, artist: str = "", copyright: str = "") -> bytes | None:  # noqa: A002
    """Return the block with these texts, as far as they are given, and nothing else of it changed or moved.

    The new first directory stands behind the old block, so that every offset in it stays right. A broken block is
    replaced by a small new one, for which `orientation` is.
    """
    view = view_of(block)
    try:
        how = tiff.layout(view)
        ifd = tiff.read_ifd(view, how, tiff.first_ifd(view, how))
    except (Truncated, Corrupt):
        return build(orientation=orientation, artist=artist, copyright=copyright)
    if how.offset.size != 4:
        return build(orientation=orientation, artist=artist, copyright=copyright)
    texts = {tag: raw for tag, text in zip(_TEXTS, (artist, copyright), strict=True) if (raw := _clip(text))}
    start = len(block) + (len(block) & 1)
    rows = {entry.tag: block[entry.at : entry.at + 12] for entry in ifd.entries if entry.tag not in texts}
    place, values = start + 2 + 12 * (len(rows) + len(texts)) + 4, b""
    for tag, raw in texts.items():
        inline = len(raw) <= 4
        value = raw.ljust(4, b"\0") if inline else how.offset.pack(place + len(values))
        rows[tag] = pack(f"{how.order}HHI", tag, _ASCII, len(raw)) + value
        values += b"" if inline else raw + b"\0" * (len(raw) & 1)
    table = b"".join(rows[tag] for tag in sorted(rows))
    head = block[:4] + how.offset.pack(start) + block[8:].ljust(start - 8, b"\0")
    return head + how.counter.pack(len(rows)) + table + how.offset.pack(ifd.next) + values


def _clip(text: str | bytes) -> bytes:
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    raw = raw[:_MAX_TEXT].rstrip(b"\0 ")
    if isinstance(text, str):
        raw = raw.decode("utf-8", "ignore").encode()  # not half a letter
    return raw + b"\0" if raw else b""


def _tiff(rows: list[tuple[int, int, int, bytes]]) -> bytes:
    """Return header, one directory and the values that do not fit into it, each at an even place."""
    place = 8 + 2 + 12 * len(rows) + 4
    table, values = pack("<H", len(rows)), b""
    for tag, kind, count, value in rows:
        inline = len(value) <= 4
        table += pack("<HHI", tag, kind, count) + (value.ljust(4, b"\0") if inline else pack("<I", place + len(values)))
        values += b"" if inline else value + b"\0" * (len(value) & 1)
    return b"II*\0" + pack("<I", 8) + table + bytes(4) + values
