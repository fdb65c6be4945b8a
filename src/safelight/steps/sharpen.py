"""Sharpen: make edges of the lightness steeper."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.alpha import on_color


class Sharpen(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Sharpen the lightness alone, so that no color fringes come up; made for pictures that were made smaller."""

    sigma: Annotated[
        float,
        Meta(ge=0.5, le=10, description="How wide an edge is, in pixels: small for screens, larger for print."),
    ] = 0.6
    edges: Annotated[float, Meta(ge=0, le=10, description="How much edges are sharpened.", examples=[1.5, 3])] = 2.0
    flat: Annotated[
        float, Meta(ge=0, le=10, description="How much smooth areas are sharpened: this brings out noise too.")
    ] = 0.0


def sharpen(image: pyvips.Image, options: Sharpen) -> pyvips.Image:
    """Sharpen by an unsharp mask on L of CIE Lab; alpha is not touched."""
    # libvips' own sharpen moves 16-bit alpha by half a per cent, as it takes it through Lab.
    return on_color(image, lambda colors: colors.sharpen(sigma=options.sigma, m1=options.flat, m2=options.edges))
