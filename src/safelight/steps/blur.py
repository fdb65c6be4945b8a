"""Blur: a Gaussian over the whole picture."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.alpha import weighted

CELL = 3.0
"""A picture is first made smaller so that sigma is at least this many pixels: more taps would show no difference."""
BOX = 1 / 12
"""Variance of a box one pixel wide."""
LEAST = 0.001
"""Where the kernel ends, as a share of its middle; libvips' default of 0.2 makes the blur a fifth too narrow."""


class Blur(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Soften the picture."""

    sigma: Annotated[
        float,
        Meta(ge=0.3, le=1000, description="Standard deviation of the Gaussian, in pixels.", examples=[2, 25]),
    ]


def blur(image: pyvips.Image, options: Blur) -> pyvips.Image:
    """Blur by a Gaussian; beyond its edges the picture goes on with its outermost pixels."""
    return weighted(image, lambda mixed: gaussian(mixed, options.sigma))


def gaussian(image: pyvips.Image, sigma: float) -> pyvips.Image:
    """Blur all bands alike; the result may be of a finer format."""
    shrink = int(sigma / CELL)
    if shrink <= 1:
        # libvips' integer kernel is faster, but its rounding makes a picture lighter or darker by up to 5 of 255.
        return image.gaussblur(sigma, min_ampl=LEAST, precision="float")
    width, height = image.width, image.height
    across, down = -(-width // shrink) + 2, -(-height // shrink) + 2
    # A frame of cells of edge pixels goes on beyond the picture as the edge does, not as the mean of the last cell.
    whole = image.embed(shrink, shrink, across * shrink, down * shrink, extend="copy")
    small = whole.cast("float").shrink(shrink, shrink)
    # The cells have blurred already: that much less is left to do.
    left = (sigma**2 - shrink**2 * BOX) ** 0.5 / shrink
    small = small.gaussblur(left, min_ampl=LEAST, precision="float")
    # `resize` would do, but it puts enlarged pixels half a pixel off.
    return small.affine(
        [shrink, 0, 0, shrink],
        odx=(shrink - 1) / 2,
        ody=(shrink - 1) / 2,
        oarea=[shrink, shrink, width, height],
        interpolate=pyvips.Interpolate.new("bicubic"),
        extend="copy",
    )
