"""Pad: put a margin around the picture."""

from typing import Annotated, Literal

import pyvips
from msgspec import Meta, Struct

from safelight.steps.length import Aspect, Length, pixels, ratio
from safelight.steps.paint import Color, ink, with_room

Side = Length | None
EXTEND = {"background": "background", "edge": "copy", "mirror": "mirror"}
"""What the margin shows, in libvips' words."""


class Pad(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A margin around the picture; shares are those of its shorter side, so that equal shares look equal."""

    all: Annotated[Length, Meta(description="Margin of each side that is not named.", examples=["5%", 24])] = 0
    left: Annotated[Side, Meta(description="Margin on the left.", examples=[24])] = None
    top: Annotated[Side, Meta(description="Margin above.", examples=[24])] = None
    right: Annotated[Side, Meta(description="Margin on the right.", examples=[24])] = None
    bottom: Annotated[Side, Meta(description="Margin below.", examples=["20%"])] = None
    aspect: Annotated[
        Aspect | None, Meta(description="Margins then grow evenly on two sides until the shape is this.")
    ] = None
    background: Annotated[Color, Meta(description="Color of the margin; clear is white in JPEG.")] = "transparent"
    extend: Annotated[
        Literal["background", "edge", "mirror"],
        Meta(description="The margin shows the background, the picture's outermost pixels, or its mirror image."),
    ] = "background"


def conflicts(options: Pad) -> str:
    """Say what contradicts itself in the options, or nothing."""
    sides = (options.all, options.left, options.top, options.right, options.bottom)
    if options.aspect is None and all(side in (None, 0, "0%") for side in sides):
        return "pad adds nothing; give it all, left, top, right, bottom or aspect, or remove it"
    if options.extend != "background" and options.background != "transparent":
        return f"pad has a background that extend: {options.extend} never shows; remove one of the two"
    return ""


def padded_size(options: Pad, width: int, height: int) -> tuple[int, int]:
    """Return width and height of a padded picture of `width` x `height` pixels."""
    left, top, right, bottom = margins(options, width, height)
    return left + width + right, top + height + bottom


def margins(options: Pad, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the margins left, above, right and below in pixels."""
    sides = (options.left, options.top, options.right, options.bottom)
    shorter = min(width, height)
    left, top, right, bottom = (pixels(options.all if side is None else side, shorter) for side in sides)
    if options.aspect is None:
        return left, top, right, bottom
    wanted, now = ratio(options.aspect), (left + width + right, top + height + bottom)
    more_x = max(0, round(now[1] * wanted) - now[0])
    more_y = max(0, round(now[0] / wanted) - now[1])
    return left + more_x // 2, top + more_y // 2, right + more_x - more_x // 2, bottom + more_y - more_y // 2


def pad(image: pyvips.Image, options: Pad) -> pyvips.Image:
    """Put the margin on; a grey picture with a colored one becomes sRGB, a clear one adds alpha.

    `extend: mirror` needs an image that allows random access.
    """
    left, top, right, bottom = margins(options, image.width, image.height)
    if not left + top + right + bottom:
        return image
    size = (left + image.width + right, top + image.height + bottom)
    if options.extend != "background":
        return image.embed(left, top, *size, extend=EXTEND[options.extend])
    image = with_room(image, options.background)
    return image.embed(left, top, *size, extend="background", background=ink(image, options.background))
