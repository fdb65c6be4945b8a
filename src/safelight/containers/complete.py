"""Tell a truncated file from its structure alone, and count frames: nothing is decoded."""

from __future__ import annotations

from safelight.containers import gif, isobmff, jpeg, png, tiff, webp
from safelight.containers.buffer import Buffer, view_of
from safelight.errors import Corrupt, Truncated

_CHECKS = {
    "jpeg": jpeg.check_whole,
    "png": png.check_whole,
    "webp": webp.check_whole,
    "gif": gif.check_whole,
    "tiff": tiff.check_whole,
    "avif": isobmff.check_whole,
    "heic": isobmff.check_whole,
}
_FRAMES = {"png": png.frames, "webp": webp.frames, "gif": gif.frames, "tiff": tiff.frames}


def is_complete(buffer: Buffer, format: str) -> bool:  # noqa: A002 the field's word
    """Whether the file reaches its own end, as far as its structure tells; never raises.

    A file that is damaged elsewhere counts as complete: it is for the decoder to say that it is corrupt. So does
    one of a format that we do not know.
    """
    check = _CHECKS.get(format)
    try:
        if check:
            check(view_of(buffer))
    except Truncated:
        return False
    except Corrupt:
        return True
    return True


def frames(buffer: Buffer, format: str) -> int:  # noqa: A002
    """Return how many frames or pages the file has; 1 where its structure does not tell. Never raises."""
    count = _FRAMES.get(format)
    try:
        return max(1, count(view_of(buffer))) if count else 1
    except (Truncated, Corrupt):
        return 1
