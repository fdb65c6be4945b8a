"""JPEG: marker segments, the end of the picture, and its metadata.

Source: ITU-T T.81, annex B; JFIF 1.02; Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import re  # msgspec has loaded it already; nothing else here finds a marker in 20 MB in 12 ms
from collections.abc import Iterator
from typing import NamedTuple

from safelight.containers.buffer import Blocks, Buffer, Part, number, view_of, within
from safelight.errors import Corrupt, Truncated

SOI, EOI, SOS, JFIF = b"\xff\xd8", 0xD9, 0xDA, 0xE0
SCAN = 0
"""Stands for the coded data between an SOS segment and the next marker."""

_NEXT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # any marker; FF00 is data and RSTn belong to a scan
_END = re.compile(rb"\xff\xd9")
_TAIL = 65_536
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_TABLES = frozenset((0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF))
_KEPT = _FRAMES | _TABLES | {SOS, SCAN}
_DROPPED = frozenset(range(0xE0, 0xF0)) | {0xFE, 0x01}
_MAX_SEGMENTS = 20_000
_EXIF, _XMP, _IPTC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
_NAMES = (_EXIF, _XMP, _IPTC)
"""In the order of `Blocks`."""
_MAX_BLOCK = 65_533 - len(_XMP)
"""What fits into a segment with any of the names."""


class Segment(NamedTuple):
    """A marker and what belongs to it, from its FF byte to `end`; the payload begins at `body`."""

    marker: int
    start: int
    body: int
    end: int


class Frame(NamedTuple):
    """A frame header: the picture's size and its components' sampling factors."""

    marker: int
    width: int
    height: int
    sampling: tuple[tuple[int, int], ...]


def segments(view: memoryview) -> Iterator[Segment]:
    """Yield the primary picture's segments and scans up to its EOI.

    Bytes between segments that belong to none are passed over, as libjpeg does.

    Raises:
        Truncated: the file ends first.
        Corrupt: a segment is shorter than its own length field, or there are too many.
    """
    at = 2
    for _ in range(_MAX_SEGMENTS):
        segment = _segment(view, at)
        yield segment
        if segment.marker == EOI:
            return
        at = segment.end
        if segment.marker == SOS:
            at = _next_marker(view, at)
            yield Segment(SCAN, segment.end, segment.end, at)
    raise Corrupt(f"JPEG: more than {_MAX_SEGMENTS} segments")


def has_odd_header(view: memoryview) -> bool:
    """Return whether libjpeg warns of the header: of bytes between its segments, or of an unknown JFIF version."""
    end = 2
    for segment in segments(view):
        head = bytes(view[segment.body : segment.body + 6])
        if segment.start != end or (segment.marker == JFIF and head[:5] == b"JFIF\0" and head[5] != 1):
            return True
        if segment.marker == SOS:
            break
        end = segment.end
    return False


def _next_marker(view: memoryview, at: int) -> int:
    found = _NEXT.search(view, at)
    if found is None:
        raise Truncated(f"JPEG: no end mark (FFD9) after byte {at}; the file has {len(view)} bytes")
    return found.start()


def _segment(view: memoryview, at: int) -> Segment:
    start = _next_marker(view, at)
    marker = view[start + 1]
    if marker in (EOI, 0x01, 0xD8):
        return Segment(marker, start, start + 2, start + 2)
    what = f"JPEG: segment FF{marker:02X} at byte {start}"
    length = number(view, start + 2, 2, what)
    if length < 2:
        raise Corrupt(f"{what} has length {length}; at least 2 is allowed")
    within(view, start + 2 + length, what)
    return Segment(marker, start, start + 4, start + 2 + length)


def check_whole(view: memoryview) -> None:
    """Make sure that an end mark follows the first scan's beginning; what comes after it does not matter.

    Raises:
        Truncated: it does not.
        Corrupt: the segments before make no sense.
    """
    # Segments between scans may hold what looks like an end mark: where there are several, they are all walked.
    in_one_scan = not coefficient_bytes(view)
    for segment in segments(view):
        if segment.marker == SOS and in_one_scan:
            _find_end_mark(view, segment.end)
            return


def _find_end_mark(view: memoryview, start: int) -> None:
    # It is nearly always in the last bytes: a whole file need not be searched.
    near = max(start, len(view) - _TAIL)
    if not _END.search(view, near) and not _END.search(view, start):
        raise Truncated(f"JPEG: no end mark (FFD9) in a file of {len(view)} bytes")


def frame(view: memoryview) -> Frame | None:
    """Return the first frame header, or None when there is none to be read."""
    found = _frame_and_scan(view)
    return found[0] if found else None


def _frame_and_scan(view: memoryview) -> tuple[Frame, int] | None:
    """Return the frame header and how many components the first scan has."""
    header = None
    try:
        for segment in segments(view):
            if segment.marker in _FRAMES and header is None:
                header = _frame(view, segment)
            elif segment.marker == SOS:
                return (header, view[segment.body]) if header and segment.body < segment.end else None
    except (Truncated, Corrupt):
        return (header, len(header.sampling)) if header else None
    return None


def _frame(view: memoryview, segment: Segment) -> Frame | None:
    body = view[segment.body : segment.end]
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return None
    factors = tuple((body[at] >> 4, body[at] & 15) for at in range(7, 6 + 3 * body[5], 3))
    if not factors or any(not 1 <= factor <= 4 for pair in factors for factor in pair):
        return None
    return Frame(segment.marker, int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"), factors)


def is_progressive(buffer: Buffer) -> bool:
    """Whether the picture comes in scans of growing detail. Never raises."""
    header = frame(view_of(buffer))
    return header is not None and header.marker in _PROGRESSIVE


def coefficient_bytes(buffer: Buffer) -> int:
    """Return how much memory a decoder needs for coefficients on top of the pixels; 0 where it goes row by row.

    libjpeg holds every coefficient (2 bytes each) of a progressive picture, and also of a sequential one whose
    first scan has not all components. Never raises: where there is no frame header, it is 0.

    Source: libjpeg-turbo, jdinput.c (has_multiple_scans) and jdcoefct.c (blocks rounded up to whole MCUs).
    """
    found = _frame_and_scan(view_of(buffer))
    if found is None:
        return 0
    header, in_scan = found
    if header.marker not in _PROGRESSIVE and in_scan >= len(header.sampling):
        return 0
    across = max(h for h, _ in header.sampling)
    down = max(v for _, v in header.sampling)
    columns, rows = -(-header.width // (8 * across)), -(-header.height // (8 * down))
    return sum(columns * h * rows * v for h, v in header.sampling) * 64 * 2


def strip(view: memoryview, new: Blocks) -> list[Part]:
    """Return the picture with `new` and no other metadata.

    Tables, frame, scans and the segments that colour depends on stay.
    JFIF (its thumbnail cut off), ICC_PROFILE and Adobe stay. All else goes, and so does everything after the
    primary picture's end: previews, depth maps, and the gain map of an Ultra HDR picture, whose description is
    in the XMP that goes as well; the picture is then the standard one that every viewer shows.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    found = list(segments(view))
    if not any(segment.marker == SOS for segment in found):
        raise Corrupt("JPEG: the picture ends before its first scan")
    jfif = next((_jfif(view, segment) for segment in found if segment.marker == 0xE0), b"")
    parts = [part for segment in found for part in _kept(view, segment)]
    return [SOI, jfif, *_segments_of(new), *parts, b"\xff\xd9"]


def rewrite(view: memoryview, new: Blocks) -> list[Part]:
    """Return the file with the blocks of `new` in place of its own; all else stays, what follows the picture too.

    A block that is too long for a segment is not written, and the file's own stays.

    Raises:
        Corrupt, Truncated: the structure is not fully understood, or further pictures follow whose places, which
            are counted from their list on (CIPA DC-007), would no longer be right.
    """
    found = list(segments(view))
    new = Blocks(*(block if block and len(block) <= _MAX_BLOCK else None for block in new))
    replaced = tuple(name for name, block in zip(_NAMES, new, strict=True) if block)
    lists = [
        i for i, each in enumerate(found) if each.marker == 0xE2 and bytes(view[each.body : each.body + 4]) == b"MPF\0"
    ]
    if lists and any(_name(view, each) in replaced for each in found[lists[0] :]):
        raise Corrupt("JPEG: metadata stand between the list of further pictures and those")
    kept: list[Part] = [(each.start, each.end) for each in found if _name(view, each) not in replaced]
    first = 1 if found and found[0].marker == 0xE0 else 0  # JFIF demands to be the first
    return [SOI, *kept[:first], *_segments_of(new), *kept[first:], (found[-1].end, len(view))]


def _name(view: memoryview, segment: Segment) -> bytes | None:
    """Return which of the metadata blocks a segment is."""
    if segment.marker not in (0xE1, 0xED):
        return None
    return next((name for name in _NAMES if view[segment.body : segment.body + len(name)] == name), None)


def _kept(view: memoryview, segment: Segment) -> list[Part]:
    if segment.marker in _KEPT:
        return [(segment.start, segment.end)]
    body = view[segment.body : min(segment.end, segment.body + 12)].tobytes()
    if segment.marker == 0xE2 and body == b"ICC_PROFILE\0":
        return [(segment.start, segment.end)]
    if segment.marker == 0xEE and body[:5] == b"Adobe" and len(body) == 12:
        return [b"\xff\xee\0\x0e" + body]
    if segment.marker in _DROPPED or segment.marker == EOI:
        return []
    raise Corrupt(f"JPEG: unknown marker FF{segment.marker:02X} at byte {segment.start}")


def _jfif(view: memoryview, segment: Segment) -> bytes:
    body = view[segment.body : min(segment.end, segment.body + 12)].tobytes()
    if body[:5] != b"JFIF\0" or len(body) < 12:
        return b""
    return b"\xff\xe0\0\x10" + body + b"\0\0"


def _segments_of(new: Blocks) -> list[bytes]:
    return [
        marker + (len(name) + len(block) + 2).to_bytes(2, "big") + name + block
        for marker, name, block in zip((b"\xff\xe1", b"\xff\xe1", b"\xff\xed"), _NAMES, new, strict=True)
        if block is not None and len(block) <= _MAX_BLOCK
    ]


def blocks(view: memoryview) -> Blocks:
    """Return the metadata that stands before the first scan."""
    found: dict[bytes, bytes] = {}
    for segment in segments(view):
        if segment.marker == SOS:
            break
        if name := _name(view, segment):
            payload = view[segment.body + len(name) : segment.end].tobytes()
            # A long Photoshop block goes on in the next APP13; EXIF and XMP never do.
            found[name] = found[name] + payload if name == _IPTC and name in found else found.get(name, payload)
    return Blocks(found.get(_EXIF), found.get(_XMP), found.get(_IPTC))
