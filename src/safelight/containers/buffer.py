"""A file's bytes in place: bounded reads on them, and the pieces that a new file is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from safelight.errors import Truncated

if TYPE_CHECKING:
    from mmap import mmap

Buffer: TypeAlias = "bytes | bytearray | memoryview | mmap"
Range: TypeAlias = tuple[int, int]
"""Start and end of some bytes of the file, the end not included."""
Part: TypeAlias = "Range | bytes"
"""A range of the old file, or new bytes."""

ZEROS = bytes(65_536)
_U16, _U32, _U64 = Struct(">H"), Struct(">I"), Struct(">Q")
_BE = {2: _U16, 4: _U32, 8: _U64}


class Blocks(NamedTuple):
    """The metadata of a file as its container holds it; `exif` begins with the TIFF header."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None


def view_of(buffer: Buffer) -> memoryview:
    """Return the bytes without a copy."""
    return memoryview(buffer).cast("B").toreadonly()


def within(view: memoryview, end: int, what: str) -> None:
    """Make sure that the file reaches to `end`.

    Raises:
        Truncated: it does not.
    """
    if end > len(view):
        raise Truncated(f"{what} ends at byte {end}, but the file has {len(view)} bytes")


def number(view: memoryview, at: int, size: int, what: str) -> int:
    """Return the big-endian number of `size` 2, 4 or 8 bytes at `at`.

    Raises:
        Truncated: the file ends before it does.
    """
    within(view, at + size, what)
    value: int = _BE[size].unpack_from(view, at)[0]
    return value


def pieces(view: memoryview, parts: Iterable[Part]) -> Iterator[bytes | memoryview]:
    """Yield the parts in order, neighbouring ranges of the file as one slice."""
    held: Range | None = None
    for part in parts:
        if isinstance(part, tuple) and held and held[1] == part[0]:
            held = (held[0], part[1])
            continue
        if held:
            yield view[held[0] : held[1]]
        held = part if isinstance(part, tuple) else None
        if isinstance(part, bytes) and part:
            yield part
    if held:
        yield view[held[0] : held[1]]


def filling(length: int, byte: bytes = b"\0") -> Iterator[bytes]:
    """Yield `length` equal bytes, however many, out of one block."""
    block = ZEROS if byte == b"\0" else byte * len(ZEROS)
    for done in range(0, length, len(block)):
        yield block[: length - done]
