"""WebP: RIFF chunks, the end of the picture, and its metadata.

Source: RFC 9649, sections 2.3 to 2.7; RFC 6386, section 9.1 (the size of a VP8 frame).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from safelight.containers.buffer import Blocks, Part, within
from safelight.errors import Corrupt

_KEPT = frozenset((b"ICCP", b"ANIM", b"ALPH", b"VP8 ", b"VP8L"))
_IN_FRAME = frozenset((b"ALPH", b"VP8 ", b"VP8L"))
_HAS_ALPHA, _HAS_EXIF, _HAS_XMP = 0x10, 0x08, 0x04
_MAX_CHUNKS = 200_000


class Chunk(NamedTuple):
    """One chunk; the data goes from `body` to `end`, and a padding byte may follow."""

    kind: bytes
    start: int
    body: int
    end: int


def chunks(view: memoryview) -> Iterator[Chunk]:
    """Yield the chunks of the RIFF.

    Raises:
        Truncated: the file is shorter than it says.
        Corrupt: a chunk is longer than what it is in, or there are too many.
    """
    check_whole(view)
    return _walk(view, 12, _riff_end(view))


def _riff_end(view: memoryview) -> int:
    return 8 + int.from_bytes(view[4:8], "little")


def _walk(view: memoryview, at: int, limit: int) -> Iterator[Chunk]:
    for _ in range(_MAX_CHUNKS):
        if limit - at < 8:
            return
        kind, end = view[at : at + 4].tobytes(), at + 8 + int.from_bytes(view[at + 4 : at + 8], "little")
        if end > limit:
            raise Corrupt(f"WebP: chunk {kind!r} at byte {at} ends at byte {end}; its place ends at {limit}")
        yield Chunk(kind, at, at + 8, end)
        at = end + (end & 1)
    raise Corrupt(f"WebP: more than {_MAX_CHUNKS} chunks")


def check_whole(view: memoryview) -> None:
    """Make sure that the file is as long as its RIFF header says.

    Raises:
        Truncated: it is shorter.
    """
    within(view, 12, "WebP: the header")
    within(view, _riff_end(view), "WebP: the RIFF")


def frames(view: memoryview) -> int:
    """Return the number of frames, 1 for a still picture."""
    return max(1, sum(chunk.kind == b"ANMF" for chunk in chunks(view)))


def strip(view: memoryview, new: Blocks) -> list[Part]:
    """Return the picture with `new`, without EXIF, XMP, unknown chunks (in frames too) and what comes after the RIFF.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    found = list(chunks(view))
    parts = [part for chunk in found for part in _kept(view, chunk)]
    if not parts:
        raise Corrupt("WebP: no picture in the RIFF")
    return _file(_extended(view, found, _flags(new)), parts, new)


def rewrite(view: memoryview, new: Blocks) -> list[Part]:
    """Return the file with EXIF and XMP of `new` in place of its own; all other chunks stay.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    found = list(chunks(view))
    replaced = {b"VP8X", *([b"EXIF"] if new.exif else []), *([b"XMP "] if new.xmp else [])}
    parts: list[Part] = []
    for chunk in (each for each in found if each.kind not in replaced):
        parts += [(chunk.start, chunk.end), b"\0" * (chunk.end & 1)]
    own = {b"EXIF": _HAS_EXIF, b"XMP ": _HAS_XMP}
    flags = _flags(new)
    for chunk in found:
        flags |= own.get(chunk.kind, 0)
    return _file(_extended(view, found, flags), parts, new)


def _flags(new: Blocks) -> int:
    return (_HAS_EXIF if new.exif else 0) | (_HAS_XMP if new.xmp else 0)


def _file(head: bytes, parts: list[Part], new: Blocks) -> list[Part]:
    parts = [head, *parts, *(_chunk(kind, block) for kind, block in ((b"EXIF", new.exif), (b"XMP ", new.xmp)) if block)]
    size = (4 + sum(map(_size, parts))).to_bytes(4, "little")
    return [b"RIFF" + size + b"WEBP", *parts]


def _size(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part[1] - part[0]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) & 1)


def _kept(view: memoryview, chunk: Chunk) -> list[Part]:
    if chunk.kind == b"ANMF":
        return _frame(view, chunk)
    if chunk.kind not in _KEPT:
        return []
    return [(chunk.start, chunk.end), b"\0" * (chunk.end & 1)]


def _frame(view: memoryview, chunk: Chunk) -> list[Part]:
    """Return one frame of an animation with nothing but its picture."""
    if chunk.end - chunk.body < 16:
        raise Corrupt(f"WebP: the frame at byte {chunk.start} has no header")
    inner: list[Part] = [(chunk.body, chunk.body + 16)]
    for part in _walk(view, chunk.body + 16, chunk.end):
        if part.kind in _IN_FRAME:
            inner += [(part.start, part.end), b"\0" * (part.end & 1)]
    return [b"ANMF" + sum(map(_size, inner)).to_bytes(4, "little"), *inner]


def _extended(view: memoryview, found: list[Chunk], flags: int) -> bytes:
    """Return the VP8X chunk with these flags of metadata, made anew where only they need it."""
    if not found:
        raise Corrupt("WebP: no picture in the RIFF")
    if found[0].kind == b"VP8X":
        if found[0].end - found[0].body < 10:
            raise Corrupt("WebP: the VP8X chunk has fewer than 10 bytes")
        old = view[found[0].body : found[0].body + 10].tobytes()
        return _chunk(b"VP8X", bytes([old[0] & ~(_HAS_EXIF | _HAS_XMP) | flags]) + old[1:])
    if not flags:
        return b""
    width, height, alpha = _canvas(view, found[0])
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _chunk(b"VP8X", bytes([flags | (_HAS_ALPHA if alpha else 0), 0, 0, 0]) + canvas)


def _canvas(view: memoryview, chunk: Chunk) -> tuple[int, int, bool]:
    """Return width, height and whether there is alpha, from a simple file's only picture."""
    body = view[chunk.body : min(chunk.end, chunk.body + 10)].tobytes()
    if chunk.kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    if chunk.kind == b"VP8 " and len(body) == 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        if width and height:
            return width, height, False
    raise Corrupt(f"WebP: no picture's size in chunk {chunk.kind!r} at byte {chunk.start}")


def blocks(view: memoryview) -> Blocks:
    """Return the metadata chunks; WebP has no IPTC."""
    found: dict[bytes, bytes] = {}
    for chunk in chunks(view):
        if chunk.kind in (b"EXIF", b"XMP "):
            found.setdefault(chunk.kind, view[chunk.body : chunk.end].tobytes())
    exif = found.get(b"EXIF")
    # Some programs put JPEG's prefix before the TIFF header; libwebp's own tools do not.
    return Blocks(exif.removeprefix(b"Exif\0\0") if exif else None, found.get(b"XMP "))
