"""Shrink on load: how far a decoder may reduce a picture by itself, which costs it less than to decode it whole.

A decoder's own filter is coarser than Lanczos, so a part of the reduction must be left to that; and nothing may be
shifted. The margins are from measurements (bench/README.md, "What was tried").
"""

from __future__ import annotations

from typing import NamedTuple

Size = tuple[int, int]

JPEG_FACTORS = (8, 4, 2)
JPEG_MARGIN = 1.5
"""What is left to resample after a JPEG's DCT was scaled; sharp leaves 1.5, 1.25 and 1.125 for 2, 4 and 8."""
WEBP_MARGIN = 3.0
"""What is left to resample after a WebP was scaled; sharp leaves nothing."""
WEBP_LEAST = 4.5
"""Below it, to scale a WebP on load costs as much as it saves."""
MOST_EXTRA = 32
"""Columns or rows that are resampled beside the wanted ones, at most."""
MOST_SHIFT = 0.05
"""How far off the last pixel of an output may be, in pixels. A shift of a quarter costs 20 points of SSIMULACRA2."""


class Grid(NamedTuple):
    """One side of a picture to be resampled: `pixels` of them to `made`."""

    pixels: int
    made: int


def grid(part: float, wanted: int) -> Grid | None:
    """Return what to resample, so that `part` of the pixels become the first `wanted` ones; None where nothing fits.

    Whole pixels become whole pixels. A picture of 1203 pixels that was decoded at a fourth has 300.75: it is longer by
    some pixels, until both numbers are nearly whole ones, and what is too much is cut off in the end.
    """
    step = part / wanted
    for made in range(wanted, wanted + MOST_EXTRA + 1):
        pixels = round(made * step)
        if pixels >= part - MOST_SHIFT * step and abs(pixels - made * step) <= MOST_SHIFT * step:
            return Grid(pixels, made)
    return None


def jpeg_factor(source: Size, wanted: Size) -> int:
    """Return 1, 2, 4 or 8 for a picture of the size `source` that is to become `wanted`."""
    spare = _spare(source, wanted)
    for factor in JPEG_FACTORS:
        if spare >= factor * JPEG_MARGIN and all(
            grid(side / factor, new) for side, new in zip(source, wanted, strict=True)
        ):
            return factor
    return 1


def webp_scale(source: Size, wanted: Size) -> float:
    """Return the scale, 1 or less, for a picture of the size `source` that is to become `wanted`."""
    spare = _spare(source, wanted)
    return WEBP_MARGIN / spare if spare >= WEBP_LEAST else 1.0


def _spare(source: Size, wanted: Size) -> float:
    return min(source[0] / wanted[0], source[1] / wanted[1])
