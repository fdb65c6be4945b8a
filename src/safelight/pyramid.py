"""One decode and a cascade: the whole picture in every size that a recipe needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safelight.decode import Opened, decode, jpeg_shrink
from safelight.fields import without
from safelight.steps.color import to_srgb
from safelight.steps.orient import SIDEWAYS, orient, upright_size
from safelight.steps.resize import resize, resize_part

if TYPE_CHECKING:
    import pyvips

Size = tuple[int, int]

STALE = ("orientation", "exif-ifd0-Orientation", "page-height", "n-pages")
"""What encoders believe: AVIF's would have viewers turn the picture once more, WebP's would cut it into frames."""
CASCADE = 1.5
"""A size is made from the smallest one that is at least this much larger: resampling twice in small steps softens."""


def develop_sizes(
    opened: Opened, sizes: list[Size], *, streams: bool, frame: pyvips.Image | None = None
) -> dict[Size, pyvips.Image]:
    """Return the whole picture, upright and in sRGB or grey, in each of `sizes` (upright pixels).

    Args:
        opened: the upload.
        sizes: exact sizes; shapes may differ (`fill`), and larger than the source is allowed.
        streams: whether the one image is read once, from top to bottom, so that it need not be held in memory.
        frame: one frame of an animation, as it was decoded; else the first one is.
    """
    wanted = sorted(set(sizes), key=_area, reverse=True)
    first = _first(wanted, _most(opened, wanted))
    levels = {first: _base(opened, first, frame, streams=streams and wanted == [first])}
    for size in wanted:
        if size not in levels:
            levels[size] = resize(levels[_parent(levels, size, first)], size).copy_memory()
    return levels


def _most(opened: Opened, wanted: list[Size]) -> Size:
    """Return the size beyond which a picture would be enlarged; a drawing is drawn as large as it is wanted."""
    if opened.format == "svg":
        return max(width for width, _ in wanted), max(height for _, height in wanted)
    return upright_size(opened.source.width, opened.source.height, opened.source.orientation)


def _first(wanted: list[Size], upright: Size) -> Size:
    """Return the size to decode for: the largest, unless another one is wider or higher or is an enlargement."""
    largest = wanted[0]
    bounds = (max(width for width, _ in wanted), max(height for _, height in wanted))
    fits = largest == bounds and largest[0] <= upright[0] and largest[1] <= upright[1]
    return largest if fits else upright


def _base(opened: Opened, size: Size, frame: pyvips.Image | None, *, streams: bool) -> pyvips.Image:
    """Decode once, resample, then correct colour and turn: the later steps see few pixels."""
    orientation = opened.source.orientation
    width, height = (size[1], size[0]) if orientation in SIDEWAYS else size
    image = resize(frame, (width, height)) if frame is not None else _reduced(opened, width, height)
    image = without(to_srgb(image), *STALE)
    if orientation != 1:
        # Turning needs every pixel at hand.
        image = orient(image.copy_memory(), orientation)
    return image if streams else image.copy_memory()


def _reduced(opened: Opened, width: int, height: int) -> pyvips.Image:
    image = decode(opened, least_width=width, least_height=height)
    shrink = jpeg_shrink(opened, width, height)
    if shrink == 1:
        return resize(image, (width, height))
    return resize_part(image, (width, height), (opened.source.width / shrink, opened.source.height / shrink))


def _parent(levels: dict[Size, pyvips.Image], size: Size, first: Size) -> Size:
    fit = [
        level
        for level in levels
        if _area(level) <= _area(first) and level[0] >= size[0] * CASCADE and level[1] >= size[1] * CASCADE
    ]
    return min(fit, key=_area, default=first)


def _area(size: Size) -> int:
    return size[0] * size[1]
