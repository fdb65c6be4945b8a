"""Gamma: lighten the middle tones, with black and white where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from safelight.steps.alpha import on_color

if TYPE_CHECKING:
    import pyvips

Gamma = Annotated[
    float,
    Meta(ge=1.0, le=3.0, description="Exponent by which middle tones get lighter; 1 changes nothing.", examples=[1.4]),
]


def gamma(image: pyvips.Image, exponent: float) -> pyvips.Image:
    """Raise each color to the power of 1 / exponent, on a scale of 0..1."""
    return image if exponent == 1 else on_color(image, lambda colors: colors.gamma(exponent=exponent))
