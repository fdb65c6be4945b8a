"""TIFF and BigTIFF: directories, where the picture's bytes are, and its metadata.

Source: TIFF 6.0; BigTIFF (Aware Systems); TIFF technical note 1 (SubIFDs).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from safelight.containers.buffer import Blocks, Range, within
from safelight.errors import Corrupt, Truncated

ORIENTATION, ARTIST, COPYRIGHT, XMP, IPTC, SUB_IFDS = 274, 315, 33432, 700, 33723, 330
PAIRS = ((273, 279), (324, 325))
"""Offsets and byte counts: of strips, and of tiles."""

STRUCTURAL = frozenset(
    {*range(254, 260), *range(262, 267), 273, ORIENTATION, *range(277, 285), *range(290, 294), 296, 297, 301}
    | {*range(317, 329), SUB_IFDS, 332, 334, 336, 338, 339, 340, 341, 347, *range(529, 533)}
    | {32995, 32996, 32997, 34675, 37439, 50674}
)
"""The tags that pixels, colour, resolution and orientation depend on; every other is metadata."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_IFDS = 20_000
_MAX_NUMBERS = 1 << 18
_MAX_ENTRIES = 1 << 19
_MAX_RANGES = 1 << 21


class Entry(NamedTuple):
    """One tag; `at` is where the directory has it, its values go from `start` to `end`, `inline` or elsewhere."""

    tag: int
    kind: int
    length: int
    at: int
    start: int
    end: int
    inline: bool


class Ifd(NamedTuple):
    """A directory from its count to the end of its link to the next."""

    start: int
    end: int
    entries: tuple[Entry, ...]
    next: int

    def get(self, tag: int) -> Entry | None:
        """Return the first entry of that tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


class Layout(NamedTuple):
    """How the numbers of a file are written."""

    order: str
    counter: Struct
    entry: Struct
    offset: Struct

    def first(self, view: memoryview, ifd: Ifd, tag: int, default: int) -> int:
        """Return the first integer of a tag that has few, or `default` where there is none.

        Raises:
            Truncated, Corrupt: as `numbers`.
        """
        entry = ifd.get(tag)
        if entry is None or not entry.length:
            return default
        return self.numbers(view, entry._replace(length=1))[0]

    def numbers(self, view: memoryview, entry: Entry) -> tuple[int, ...]:
        """Return an entry's integers.

        Raises:
            Truncated: they lie outside the file.
            Corrupt: they are none, or too many.
        """
        if entry.kind not in _INTEGERS or entry.length > _MAX_NUMBERS:
            raise Corrupt(
                f"TIFF: tag {entry.tag} has {entry.length} values of type {entry.kind}; "
                f"at most {_MAX_NUMBERS} integers are allowed"
            )
        within(view, entry.end, f"TIFF: the value of tag {entry.tag}")
        return Struct(f"{self.order}{entry.length}{_INTEGERS[entry.kind]}").unpack_from(view, entry.start)


def layout(view: memoryview) -> Layout:
    """Return the byte order and the widths that the header tells.

    Raises:
        Truncated, Corrupt: there is no header.
    """
    within(view, 16 if view[2:4].tobytes() in (b"+\0", b"\0+") else 8, "TIFF: the header")
    order = {b"II": "<", b"MM": ">"}.get(view[:2].tobytes())
    magic = Struct(f"{order}H").unpack_from(view, 2)[0] if order else 0
    if magic == 42:
        return Layout(order or "<", Struct(f"{order}H"), Struct(f"{order}HHI"), Struct(f"{order}I"))
    if magic == 43:
        return Layout(order or "<", Struct(f"{order}Q"), Struct(f"{order}HHQ"), Struct(f"{order}Q"))
    raise Corrupt("TIFF: the header is none of classic or BigTIFF")


def first_ifd(view: memoryview, how: Layout) -> int:
    """Return where the first directory is."""
    place: int = how.offset.unpack_from(view, how.offset.size)[0]
    return place


def ifds(view: memoryview) -> Iterator[Ifd]:
    """Yield the directories of all pages and their sub-pictures, each once.

    Raises:
        Truncated: one lies outside the file.
        Corrupt: there are none, or too many, or the directories form a loop.
    """
    how = layout(view)
    waiting, seen, work = [first_ifd(view, how)], set[int](), 0
    while waiting:
        at = waiting.pop()
        if at in seen or len(seen) >= _MAX_IFDS or work > _MAX_ENTRIES:
            raise Corrupt(f"TIFF: the directory at byte {at} is used twice, or there are too many")
        seen.add(at)
        ifd = read_ifd(view, how, at)
        yield ifd
        subs = how.numbers(view, entry) if (entry := ifd.get(SUB_IFDS)) else ()
        work += len(ifd.entries) + len(subs)
        waiting += [*subs, *([ifd.next] if ifd.next else [])]


def read_ifd(view: memoryview, how: Layout, at: int) -> Ifd:
    """Return the directory at `at`.

    Raises:
        Truncated: it lies outside the file.
        Corrupt: it has no entries.
    """
    what = f"TIFF: the directory at byte {at}"
    within(view, at + how.counter.size, what)
    count = how.counter.unpack_from(view, at)[0]
    first, width = at + how.counter.size, how.entry.size + how.offset.size
    link = first + count * width
    within(view, link + how.offset.size, what)
    if not 0 < count <= 65_535:
        raise Corrupt(f"{what} has {count} entries; 1 to 65535 are allowed")
    entries = tuple(_entry(view, how, first + number * width) for number in range(count))
    return Ifd(at, link + how.offset.size, entries, how.offset.unpack_from(view, link)[0])


def _entry(view: memoryview, how: Layout, at: int) -> Entry:
    tag, kind, count = how.entry.unpack_from(view, at)
    place, size = at + how.entry.size, count * _SIZES.get(kind, 0)
    inline = size <= how.offset.size
    start = place if inline else how.offset.unpack_from(view, place)[0]
    return Entry(tag, kind, count, at, start, start + size, inline)


def picture_ranges(view: memoryview, how: Layout, ifd: Ifd) -> list[Range]:
    """Return where the strips and tiles of one directory are.

    Raises:
        Truncated: one lies outside the file.
        Corrupt: there are other numbers of offsets than of sizes.
    """
    ranges: list[Range] = []
    for at_tag, size_tag in PAIRS:
        at, size = ifd.get(at_tag), ifd.get(size_tag)
        if at is None:
            continue
        if size is None:
            raise Corrupt(f"TIFF: the directory at byte {ifd.start} has tag {at_tag}, but not {size_tag}")
        starts, sizes = how.numbers(view, at), how.numbers(view, size)
        if len(starts) != len(sizes):
            raise Corrupt(f"TIFF: {len(starts)} offsets, but {len(sizes)} byte counts")
        ranges += [(start, start + length) for start, length in zip(starts, sizes, strict=True)]
    within(view, max((end for _, end in ranges), default=0), f"TIFF: picture data of the directory at byte {ifd.start}")
    return ranges


def check_whole(view: memoryview) -> None:
    """Make sure that every directory, and each strip and tile, is inside the file.

    Raises:
        Truncated: one is not.
        Corrupt: the directories make no sense.
    """
    how, work = layout(view), 0
    for ifd in ifds(view):
        for entry in ifd.entries:
            if entry.tag in STRUCTURAL:
                within(view, entry.end, f"TIFF: the value of tag {entry.tag}")
        work += len(picture_ranges(view, how, ifd))
        if work > _MAX_RANGES:
            raise Corrupt(f"TIFF: more than {_MAX_RANGES} strips and tiles")


def frames(view: memoryview) -> int:
    """Return the number of pages; the sub-pictures of a page do not count."""
    how, count, seen = layout(view), 0, set[int]()
    at = first_ifd(view, how)
    while at and at not in seen and count < _MAX_IFDS:
        seen.add(at)
        try:
            at = read_ifd(view, how, at).next
        except (Truncated, Corrupt):
            break
        count += 1
    return count


def blocks(view: memoryview) -> Blocks:
    """Return XMP and IPTC of the first page; what EXIF would say stands in the directory itself."""
    first = next(ifds(view))
    return Blocks(None, _bytes(view, first.get(XMP)), _bytes(view, first.get(IPTC)))


def _bytes(view: memoryview, entry: Entry | None) -> bytes | None:
    return view[entry.start : entry.end].tobytes() if entry and entry.end <= len(view) else None
