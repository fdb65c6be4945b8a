"""Tell drawings (screenshots, charts, logos) from photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safelight import sample

if TYPE_CHECKING:
    import pyvips

SAME = 0.5
"""The least share of a drawing's pixels that equal those to the right and below; photographs reached 0.28."""
SOFT = 0.4
"""The most pixels of a drawing with a soft step, for each such equal one; photographs had 2.4 and more."""
STEP = 8
"""The largest soft step of 256: noise and blur make such, lines and letters make larger ones."""


FEW = 16
"""The most levels of each band of a dithered picture or pixel art, whose every neighbour differs."""


def is_drawing(image: pyvips.Image) -> bool:
    """Return whether a picture is drawn, so that a lossless file of it may be the smaller one.

    A photograph of a thing on plain white can pass for drawn: let the sizes of both files decide in the end.

    Args:
        image: sRGB or grey, 8 bit, in memory; alpha counts as a colour.
    """
    if min(image.width, image.height) < 2:
        return False
    part = sample.take(image).image
    if _levels(part) <= FEW:
        return True
    steps = _steps(part)
    counts = steps.cast("uchar").hist_find()
    same, *soft_ones = (counts.getpoint(step, 0)[0] / (steps.width * steps.height) for step in range(STEP + 1))
    soft = sum(soft_ones)
    return same >= SAME and soft <= SOFT * same


def _levels(image: pyvips.Image) -> int:
    """Return how many levels the band with the most of them has."""
    used = (image.cast("uchar").hist_find() > 0).bandsplit()
    return max(round(band.avg() * band.width * band.height / 255) for band in used)


def _steps(image: pyvips.Image) -> pyvips.Image:
    """Return the largest difference to the right or lower neighbour over all bands."""
    width, height = image.width - 1, image.height - 1
    here = image.crop(0, 0, width, height)
    right, below = image.crop(1, 0, width, height), image.crop(0, 1, width, height)
    first, *rest = [*(here - right).abs().bandsplit(), *(here - below).abs().bandsplit()]
    return first.bandrank(rest, index=len(rest))
