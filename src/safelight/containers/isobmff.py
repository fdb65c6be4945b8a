"""AVIF and HEIC: boxes, items and where their bytes are, and the metadata.

Source: ISO/IEC 14496-12 (4.2 boxes, 8.11 meta), ISO/IEC 23008-12 (HEIF; annex A EXIF and XMP).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from safelight.containers.buffer import Blocks, Range, number, within
from safelight.errors import Corrupt, Truncated

_MAX_BOXES = 100_000
_MAX_ITEMS = 65_536
_MAX_EXTENTS = 1 << 18
XMP_TYPE = b"application/rdf+xml"
FILE, IDAT = 0, 1
"""Construction methods: offsets count from the file's beginning, or from that of the idat box."""


class Box(NamedTuple):
    """One box; its contents go from `body` to `end`."""

    kind: bytes
    start: int
    body: int
    end: int


class Item(NamedTuple):
    """One item of a meta box; `content_type` is told of `mime` items only."""

    id: int
    kind: bytes
    content_type: bytes


class Place(NamedTuple):
    """Where an item's bytes are, before the construction method is applied."""

    method: int
    extents: tuple[tuple[int, int], ...]


def boxes(view: memoryview, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between two places, or of the file.

    At the end of a file, what is no box is passed over: some phones write a trailer of their own.

    Raises:
        Truncated: the file ends before a box does.
        Corrupt: a box leaves the box that it is in, or there are too many.
    """
    limit, at = len(view) if end is None else end, start
    for _ in range(_MAX_BOXES):
        if limit - at < 8:
            return
        box = _box(view, at, limit)
        if end is None and at and (box.end < box.body or not box.kind.isascii() or min(box.kind) < 0x20):
            return
        _check_end(view, box, limit, nested=end is not None)
        yield box
        at = box.end
    raise Corrupt(f"HEIF: more than {_MAX_BOXES} boxes")


def _box(view: memoryview, at: int, limit: int) -> Box:
    size, kind = number(view, at, 4, "HEIF: a box"), view[at + 4 : at + 8].tobytes()
    if size == 1:
        return Box(kind, at, at + 16, at + number(view, at + 8, 8, "HEIF: a box"))
    return Box(kind, at, at + 8, at + size if size else limit)


def _check_end(view: memoryview, box: Box, limit: int, *, nested: bool) -> None:
    if box.end < box.body or (nested and box.end > limit):
        raise Corrupt(f"HEIF: box {box.kind!r} at byte {box.start} ends at byte {box.end}; its place ends at {limit}")
    within(view, box.end, f"HEIF: box {box.kind!r} at byte {box.start}")


def children(view: memoryview, meta: Box) -> dict[bytes, Box]:
    """Return the first box of each kind in a meta box."""
    return _firsts(boxes(view, meta.body + 4, meta.end))


def _firsts(found: Iterator[Box]) -> dict[bytes, Box]:
    firsts: dict[bytes, Box] = {}
    for box in found:
        firsts.setdefault(box.kind, box)
    return firsts


def items(view: memoryview, info: Box) -> list[Item]:
    """Return the items that an iinf box names.

    Raises:
        Corrupt, Truncated: the list is broken, or of an unknown version.
    """
    width = 2 if number(view, info.body, 4, "HEIF: iinf") >> 24 == 0 else 4
    return [_item(view, box) for box in boxes(view, info.body + 4 + width, info.end) if box.kind == b"infe"]


def _item(view: memoryview, box: Box) -> Item:
    version = number(view, box.body, 4, "HEIF: infe") >> 24
    if version not in (2, 3):
        raise Corrupt(f"HEIF: item entry at byte {box.start} has version {version}; 2 and 3 are known")
    width = 2 if version == 2 else 4
    at = box.body + 4 + width + 2
    kind = view[at : at + 4].tobytes()
    if at + 4 > box.end:
        raise Corrupt(f"HEIF: item entry at byte {box.start} is too short")
    texts = view[at + 4 : min(box.end, at + 1028)].tobytes().split(b"\0", 2) if kind == b"mime" else []
    return Item(number(view, box.body + 4, width, "HEIF: infe"), kind, texts[1] if len(texts) > 1 else b"")


def places(view: memoryview, box: Box) -> dict[int, Place]:
    """Return where each item's bytes are by an iloc box.

    Raises:
        Corrupt, Truncated: the list is broken, or of an unknown version.
    """
    cursor = _Cursor(view, box)
    version = cursor.take(4) >> 24
    if version > 2:
        raise Corrupt(f"HEIF: iloc has version {version}; 0 to 2 are known")
    widths = cursor.take(2)
    sizes = (widths >> 12, widths >> 8 & 15, widths >> 4 & 15, widths & 15 if version else 0)
    if any(size not in (0, 4, 8) for size in sizes):
        raise Corrupt(f"HEIF: iloc has field sizes {sizes}; 0, 4 and 8 are allowed")
    count = cursor.take(4 if version == 2 else 2)
    if count > _MAX_ITEMS:
        raise Corrupt(f"HEIF: {count} items; at most {_MAX_ITEMS} are allowed")
    return dict(_place(cursor, version, sizes) for _ in range(count))


class _Cursor:
    """Reads the numbers of one box one after the other."""

    def __init__(self, view: memoryview, box: Box) -> None:
        self._view, self._box, self._at = view, box, box.body
        self.extents = 0

    def take(self, size: int) -> int:
        if size == 0:
            return 0
        if self._at + size > self._box.end:
            raise Corrupt(f"HEIF: box {self._box.kind!r} at byte {self._box.start} is too short")
        self._at += size
        return number(self._view, self._at - size, size, "HEIF: iloc")


def _place(cursor: _Cursor, version: int, sizes: tuple[int, int, int, int]) -> tuple[int, Place]:
    offset, length, base, index = sizes
    item = cursor.take(4 if version == 2 else 2)
    method = cursor.take(2) & 15 if version else FILE
    if cursor.take(2):
        raise Corrupt(f"HEIF: item {item} is in another file")
    origin, count = cursor.take(base), cursor.take(2)
    cursor.extents += count
    if cursor.extents > _MAX_EXTENTS or (count > 1 and not offset and not length):
        raise Corrupt(f"HEIF: item {item} has {count} extents; at most {_MAX_EXTENTS} are allowed in all")
    extents = []
    for _ in range(count):
        cursor.take(index)
        extents.append((origin + cursor.take(offset), cursor.take(length)))
    return item, Place(method, tuple(extents))


def ranges(view: memoryview, idat: Box | None, place: Place) -> list[Range]:
    """Return where an item's bytes are in the file; `idat` is the meta box's own data, where it has any.

    Raises:
        Truncated: some are outside.
        Corrupt: the item is made of other items, or there is no idat box.
    """
    source = (0, len(view))
    if place.method == IDAT:
        source = (idat.body, idat.end) if idat else (0, 0)
    elif place.method != FILE:
        raise Corrupt(f"HEIF: an item has construction method {place.method}; 0 and 1 are known")
    # Length 0 means: all of the source (14496-12, 8.11.3.3).
    found = [(source[0] + at, source[0] + at + size if size else source[1]) for at, size in place.extents]
    for start, end in found:
        within(view, max(start, end), "HEIF: an item's data")
        if end > source[1] or start > end:
            raise Corrupt(f"HEIF: an item's data ends at byte {end}; its box ends at {source[1]}")
    return found


def check_whole(view: memoryview) -> None:
    """Make sure that every box, and the data of each item, is inside the file.

    Raises:
        Truncated: one is not, or there is no picture yet.
        Corrupt: the boxes make no sense.
    """
    found = _firsts(boxes(view))
    if meta := found.get(b"meta"):
        inside = children(view, meta)
        for place in places(view, inside[b"iloc"]).values() if b"iloc" in inside else ():
            if place.method in (FILE, IDAT):
                ranges(view, inside.get(b"idat"), place)
    elif b"moov" not in found:
        raise Truncated(f"HEIF: no picture is described in {len(view)} bytes")


def is_film(view: memoryview) -> bool:
    """Return whether the file holds a track of pictures, beside its still one or without any. Never raises."""
    try:
        return any(box.kind == b"moov" for box in boxes(view))
    except (Truncated, Corrupt):
        return False


def code_points(view: memoryview) -> tuple[int, int] | None:
    """Return the numbers of color primaries and transfer function in the file's nclx boxes.

    None when there are none, or when they disagree, as the boxes of several pictures may. Never raises.
    """
    try:
        meta = next((children(view, box) for box in boxes(view) if box.kind == b"meta"), {})
        properties = _firsts(boxes(view, meta[b"iprp"].body, meta[b"iprp"].end))[b"ipco"]
        told = {
            (number(view, box.body + 4, 2, "HEIF: colr"), number(view, box.body + 6, 2, "HEIF: colr"))
            for box in boxes(view, properties.body, properties.end)
            if box.kind == b"colr" and view[box.body : box.body + 4].tobytes() == b"nclx"
        }
    except (KeyError, Truncated, Corrupt):
        return None
    return told.pop() if len(told) == 1 else None


def blocks(view: memoryview) -> Blocks:
    """Return the EXIF and XMP items of the file."""
    inside = next((children(view, box) for box in boxes(view) if box.kind == b"meta"), {})
    if b"iinf" not in inside or b"iloc" not in inside:
        return Blocks()
    where, found = places(view, inside[b"iloc"]), dict[bytes, bytes]()
    for item in items(view, inside[b"iinf"]):
        wanted = item.kind == b"Exif" or item.content_type == XMP_TYPE
        if wanted and item.kind not in found and item.id in where:
            found[item.kind] = _payload(view, ranges(view, inside.get(b"idat"), where[item.id]))
    return Blocks(_tiff_of(found.get(b"Exif")), found.get(b"mime"))


def _payload(view: memoryview, spans: list[Range]) -> bytes:
    # Extents may overlap, so that a small file can name many bytes.
    if sum(end - start for start, end in spans) > len(view):
        raise Corrupt("HEIF: an item has more bytes than the file")
    return b"".join(view[start:end] for start, end in spans)


def _tiff_of(payload: bytes | None) -> bytes | None:
    """Return what follows the offset that an Exif item begins with."""
    if payload is None or len(payload) < 4:
        return None
    return payload[4 + int.from_bytes(payload[:4], "big") :] or None
