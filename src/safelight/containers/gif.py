"""GIF: blocks, the end of the picture, and its metadata.

Source: GIF89a specification, sections 15 to 27 and appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from safelight.containers.buffer import Part, within
from safelight.errors import Corrupt, Truncated

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_MAX_BLOCKS = 200_000


class Block(NamedTuple):
    """An image or an extension with its sub-blocks; `label` is the extension's kind."""

    kind: int
    label: int
    start: int
    end: int


def blocks(view: memoryview) -> Iterator[Block]:
    """Yield images and extensions up to the trailer.

    A file may lack the trailer: like every decoder we take the picture as whole when the file, or what makes sense
    of it, ends right after an image.

    Raises:
        Truncated: the file ends within a block or before the first image.
        Corrupt: something else stands where the first image should, or there are too many blocks.
    """
    at, images = _first_block(view), 0
    for _ in range(_MAX_BLOCKS):
        kind = view[at] if at < len(view) else TRAILER
        if kind not in (IMAGE, EXTENSION):
            return _check_any(view, at, images)
        block = _block(view, at, kind)
        images += kind == IMAGE
        yield block
        at = block.end
    raise Corrupt(f"GIF: more than {_MAX_BLOCKS} blocks")


def _check_any(view: memoryview, at: int, images: int) -> None:
    if images:
        return
    within(view, at + 1, "GIF: the first image")
    raise Corrupt(f"GIF: no image before byte {at}")


def _first_block(view: memoryview) -> int:
    within(view, 13, "GIF: the header")
    return 13 + _table_size(view[10])


def _table_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _block(view: memoryview, at: int, kind: int) -> Block:
    if kind == EXTENSION:
        within(view, at + 2, f"GIF: the extension at byte {at}")
        return Block(kind, view[at + 1], at, _after_sub_blocks(view, at + 2))
    within(view, at + 10, f"GIF: the image at byte {at}")
    return Block(kind, 0, at, _after_sub_blocks(view, at + 11 + _table_size(view[at + 9])))


def _after_sub_blocks(view: memoryview, at: int) -> int:
    start = at
    try:
        while size := view[at]:
            at += size + 1
    except IndexError:
        raise Truncated(f"GIF: the file ends at byte {len(view)}, within the data at byte {start}") from None
    return at + 1


def check_whole(view: memoryview) -> None:
    """Make sure that no block is cut off and that there is an image.

    Raises:
        Truncated, Corrupt: as `blocks`.
    """
    for _ in blocks(view):
        pass


def frames(view: memoryview) -> int:
    """Return the number of images."""
    return sum(block.kind == IMAGE for block in blocks(view))


def strip(view: memoryview) -> list[Part]:
    """Return the pictures without comments, plain text, foreign application data and what comes after the trailer.

    Loop counts and the colour profile (ICCRGBG1012) stay. GIF has no place for EXIF.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    kept = [(block.start, block.end) for block in blocks(view) if _is_kept(view, block)]
    return [(0, _first_block(view)), *kept, b"\x3b"]


def _is_kept(view: memoryview, block: Block) -> bool:
    # Control blocks stay even before plain text: decoders pass over the text, but let the block act on what follows.
    if block.label == _APPLICATION:
        return view[block.start + 3 : block.start + 14] in _KEPT_APPLICATIONS
    return block.kind == IMAGE or block.label == _CONTROL
