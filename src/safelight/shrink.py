"""Shrink on load: how far a decoder may reduce a picture by itself, which costs it less than to decode it whole.

A decoder's own filter is coarser than Lanczos, so a part of the reduction must be left to that. The margins are from
measurements (bench/README.md, "What was tried").
"""

from __future__ import annotations

JPEG_FACTORS = (8, 4, 2)
JPEG_MARGIN = 1.5
"""What is left to resample after a JPEG's DCT was scaled; sharp leaves 1.5, 1.25 and 1.125 for 2, 4 and 8."""
WEBP_MARGIN = 2.0
WEBP_LEAST = 3.0
"""Below it, to scale a WebP on load costs as much as it saves."""


def jpeg_factor(spare: float) -> int:
    """Return 1, 2, 4 or 8 for a picture that is `spare` times as large as it is needed."""
    return next((factor for factor in JPEG_FACTORS if spare >= factor * JPEG_MARGIN), 1)


def webp_scale(spare: float) -> float:
    """Return the scale, 1 or less, for a picture that is `spare` times as large as it is needed."""
    return WEBP_MARGIN / spare if spare >= WEBP_LEAST else 1.0
