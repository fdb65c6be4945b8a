"""PNG and APNG: chunks, the end of the picture, and its metadata.

Source: PNG, third edition (W3C, 2025), clauses 5 and 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32, decompressobj, error

from safelight.containers.buffer import Blocks, Part, number, within
from safelight.errors import Corrupt

_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV mDCv cLLI cLLi sBIT pHYs bKGD acTL fcTL fdAT".split()
)
_MAX_CHUNKS = 500_000
_MAX_XMP = 1 << 20
_XMP = b"XML:com.adobe.xmp\0"


class Chunk(NamedTuple):
    """One chunk from its length field to the end of its CRC; the data begins at `body`."""

    kind: bytes
    start: int
    body: int
    end: int


def chunks(view: memoryview) -> Iterator[Chunk]:
    """Yield the chunks up to IEND.

    Raises:
        Truncated: the file ends first.
        Corrupt: there are too many.
    """
    at = 8
    for _ in range(_MAX_CHUNKS):
        length = number(view, at, 4, "PNG: a chunk's length")
        kind = view[at + 4 : at + 8].tobytes()
        end = at + 12 + length
        within(view, end, f"PNG: chunk {kind!r} at byte {at}")
        yield Chunk(kind, at, at + 8, end)
        if kind == b"IEND":
            return
        at = end
    raise Corrupt(f"PNG: more than {_MAX_CHUNKS} chunks")


def check_whole(view: memoryview) -> None:
    """Make sure that the chunks lead to IEND.

    Raises:
        Truncated: they do not.
        Corrupt: there are too many.
    """
    for _ in chunks(view):
        pass


def frames(view: memoryview) -> int:
    """Return how many frames the animation control chunk announces, 1 without one."""
    for chunk in chunks(view):
        if chunk.kind == b"IDAT":
            break
        if chunk.kind == b"acTL" and chunk.end - chunk.body >= 8:
            return number(view, chunk.body, 4, "PNG: acTL")
    return 1


def code_points(view: memoryview) -> tuple[int, int] | None:
    """Return the numbers of color primaries and transfer function of the cICP chunk, which outranks a profile."""
    for chunk in chunks(view):
        if chunk.kind == b"IDAT":
            break
        if chunk.kind == b"cICP" and chunk.end - chunk.body == 8:
            return view[chunk.body], view[chunk.body + 1]
    return None


def strip(view: memoryview, new: Blocks) -> list[Part]:
    """Return the picture with `new`, without text, time, EXIF, private chunks and what comes after IEND.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    parts: list[Part] = [(0, 8)]
    for chunk in chunks(view):
        if chunk.kind == b"IDAT":
            parts += _chunks_of(new)
            new = Blocks()
        if chunk.kind in _KEPT:
            parts.append((chunk.start, chunk.end))
        elif not chunk.kind[0] & 0x20:  # a capital first letter says that no decoder can do without it
            raise Corrupt(f"PNG: unknown critical chunk {chunk.kind!r} at byte {chunk.start}")
    return parts


def rewrite(view: memoryview, new: Blocks) -> list[Part]:
    """Return the file with EXIF and XMP of `new` in place of its own; all else stays.

    Raises:
        Corrupt, Truncated: the chunks do not lead to IEND.
    """
    parts: list[Part] = [(0, 8)]
    left, end = new, 8
    for chunk in chunks(view):
        end = chunk.end
        if chunk.kind == b"IDAT":
            parts += _chunks_of(left)
            left = Blocks()
        if not (new.exif and chunk.kind == b"eXIf") and not (new.xmp and _is_xmp(view, chunk)):
            parts.append((chunk.start, chunk.end))
    return [*parts, (end, len(view))]


def _is_xmp(view: memoryview, chunk: Chunk) -> bool:
    return chunk.kind == b"iTXt" and view[chunk.body : chunk.body + len(_XMP)] == _XMP


def _chunks_of(new: Blocks) -> list[Part]:
    exif: list[Part] = [_chunk(b"eXIf", new.exif)] if new.exif else []
    # Not compressed, without a language and a translated keyword, as the XMP specification says, part 3.
    return [*exif, _chunk(b"iTXt", _XMP + bytes(4) + new.xmp)] if new.xmp else exif


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + crc32(kind + body).to_bytes(4, "big")


def blocks(view: memoryview) -> Blocks:
    """Return the metadata chunks; PNG has no IPTC of its own."""
    found = Blocks()
    for chunk in chunks(view):
        body = view[chunk.body : chunk.end - 4]
        if chunk.kind == b"eXIf" and found.exif is None:
            found = found._replace(exif=body.tobytes())
        elif _is_xmp(view, chunk) and found.xmp is None:
            found = found._replace(xmp=_text(body[len(_XMP) :].tobytes()))
    return found


def _text(itxt: bytes) -> bytes | None:
    """Return the text of an iTXt chunk: after two flags, a language and a translated keyword."""
    fields = itxt[2:].split(b"\0", 2)
    if len(fields) < 3:
        return None
    if itxt[0] == 0:
        return fields[2]
    try:
        return decompressobj().decompress(fields[2], _MAX_XMP)
    except error:
        return None
