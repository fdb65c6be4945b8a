"""TIFF without metadata, at the size it had: what the picture needs stays where it is, all else becomes zeros."""

from __future__ import annotations

from collections.abc import Iterable

from safelight.containers.buffer import Part, Range, filling
from safelight.containers.tiff import ARTIST, COPYRIGHT, STRUCTURAL, Ifd, Layout, ifds, layout, picture_ranges
from safelight.errors import Corrupt

_UNCOMPRESSED, _OLD_JPEG, _YCBCR = 1, 6, 6
_MAX_RANGES = 1 << 21


def strip(view: memoryview, exif_tags: Iterable[int]) -> list[Part]:
    """Return every page with only the tags that the picture needs, and nothing between the parts in use.

    Keeping what is known to be needed, and no more, also wipes what no directory names any longer: programs that
    append a new directory leave the old one's metadata in the file. Where Artist or Copyright is among `exif_tags`,
    each page's own stays.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    how = layout(view)
    kept = STRUCTURAL | ({ARTIST, COPYRIGHT} & set(exif_tags))
    tables: dict[Range, bytes] = {}
    ranges: list[Range] = [(0, 2 * how.offset.size)]
    for ifd in ifds(view):
        _check_known(view, how, ifd)
        tables[ifd.start, ifd.end] = _table(view, how, ifd, kept)
        ranges += [(e.start, e.end) for e in ifd.entries if e.tag in kept and not e.inline]
        ranges += picture_ranges(view, how, ifd)
        if len(ranges) > _MAX_RANGES:
            raise Corrupt(f"TIFF: more than {_MAX_RANGES} strips, tiles and values")
    return _assemble(view, ranges, tables)


def _check_known(view: memoryview, how: Layout, ifd: Ifd) -> None:
    """Refuse pictures whose bytes we cannot find as decoders do."""
    where = f"the directory at byte {ifd.start}"
    compression = how.first(view, ifd, 259, _UNCOMPRESSED)
    if compression == _OLD_JPEG:
        raise Corrupt(f"TIFF: {where} has old-style JPEG data, which is not told where it ends")
    pictures = picture_ranges(view, how, ifd)
    if not pictures:
        raise Corrupt(f"TIFF: {where} has no strips and no tiles")
    if any(start and start == end for start, end in pictures):
        raise Corrupt(f"TIFF: {where} has a strip or tile of no bytes; its size would be a guess")
    if compression == _UNCOMPRESSED and sum(end - start for start, end in pictures) < _raw_bytes(view, how, ifd):
        raise Corrupt(f"TIFF: {where} has sizes of strips that are too small for the picture")


def _raw_bytes(view: memoryview, how: Layout, ifd: Ifd) -> int:
    """Return how many bytes an uncompressed picture has at least: libtiff mends counts that are less."""
    if how.first(view, ifd, 262, 0) == _YCBCR or ifd.get(322):  # subsampled colour has fewer, and tiles may be left out
        return 0
    width, height, bits, samples = (how.first(view, ifd, *tag) for tag in ((256, 0), (257, 0), (258, 1), (277, 1)))
    return (width * bits * samples + 7) // 8 * height


def _table(view: memoryview, how: Layout, ifd: Ifd, kept: frozenset[int]) -> bytes:
    """Return the directory with only `kept` tags, as long as before."""
    width = how.entry.size + how.offset.size
    rows = [view[entry.at : entry.at + width].tobytes() for entry in ifd.entries if entry.tag in kept]
    table = how.counter.pack(len(rows)) + b"".join(rows) + how.offset.pack(ifd.next)
    return table.ljust(ifd.end - ifd.start, b"\0")


def _assemble(view: memoryview, ranges: list[Range], tables: dict[Range, bytes]) -> list[Part]:
    parts: list[Part] = []
    done = table_end = 0
    for start, end in sorted([*ranges, *tables]):
        new = tables.get((start, end))
        shared = start < done if new is not None else start < min(end, table_end)
        if shared or end > len(view):
            raise Corrupt(f"TIFF: what is at byte {start} shares bytes with other data, or leaves the file")
        if end <= done and new is None:
            continue
        table_end = end if new is not None else table_end
        parts += [*filling(start - done), new if new is not None else (max(start, done), end)]
        done = max(end, done)
    return [*parts, *filling(len(view) - done)]
