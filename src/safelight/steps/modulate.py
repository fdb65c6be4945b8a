"""Modulate: brightness, saturation and hue, as the eye orders them."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.alpha import on_color


class Modulate(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Change lightness, chroma and hue in CIE LCh."""

    brightness: Annotated[
        float, Meta(ge=0, le=10, description="Factor of the lightness; 1 changes nothing.", examples=[1.1])
    ] = 1.0
    saturation: Annotated[
        float, Meta(ge=0, le=10, description="Factor of the chroma; 0 leaves no color.", examples=[0.6, 1.3])
    ] = 1.0
    hue_deg: Annotated[
        float, Meta(ge=-360, le=360, description="Degrees by which every hue turns on the color circle.", examples=[90])
    ] = 0.0


def modulate(image: pyvips.Image, options: Modulate) -> pyvips.Image:
    """Change brightness, saturation and hue; a grey picture stays grey."""
    if options == Modulate():
        return image
    return on_color(image, lambda colors: _modulate(colors, options))


def _modulate(colors: pyvips.Image, options: Modulate) -> pyvips.Image:
    factors = [options.brightness, options.saturation, 1.0]
    changed = colors.colourspace("lch").linear(factors, [0.0, 0.0, options.hue_deg])
    return changed.colourspace(colors.interpretation)
