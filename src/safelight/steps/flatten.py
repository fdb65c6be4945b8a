"""Flatten: put a color behind a picture that has clear parts."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.paint import Color, ink, with_room


class Flatten(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Put a color behind the picture; the result has no alpha."""

    background: Annotated[Color, Meta(description="The color; alpha in it does not count.")] = "white"


def flatten(image: pyvips.Image, options: Flatten) -> pyvips.Image:
    """Put the background behind clear parts; a grey picture on a color becomes sRGB, an opaque one stays as it is."""
    if not image.hasalpha():
        return image
    image = with_room(image, options.background)
    return image.flatten(background=ink(image, options.background)[:-1])
