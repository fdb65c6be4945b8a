"""Trim: cut off a border of one color."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct


class Trim(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Cut off a border of one color, or a clear one; the picture's top left corner says which it is."""

    threshold: Annotated[
        int,
        Meta(
            ge=0,
            le=255,
            description="How far from the border's color a pixel may be and still be border, in steps of 8 bits.",
            examples=[10, 40],
        ),
    ] = 10
    line_art: Annotated[
        bool,
        Meta(description="Whether lines one pixel thin are content, as in drawings; single noisy pixels then are too."),
    ] = False


def trim(image: pyvips.Image, options: Trim) -> pyvips.Image:
    """Cut the border off; a picture that is all border stays whole.

    The whole picture is looked at before its first pixel is known, so the image must allow random access.
    """
    left, top, width, height = _content(image, options)
    return image.crop(left, top, width, height) if width and height else image


def _content(image: pyvips.Image, options: Trim) -> list[int]:
    corner = image.getpoint(0, 0)
    if image.hasalpha() and corner[-1] == 0:
        # What shows is what is not clear; the color under alpha 0 means nothing.
        image, corner = image.extract_band(image.bands - 1), [0.0]
    elif image.hasalpha():
        image, corner = image.flatten(background=corner[:-1]), corner[:-1]
    scale = 257 if image.format == "ushort" else 1
    # libvips takes a median of 3 x 3 pixels against noise, and fails where there are not so many.
    fine = options.line_art or min(image.width, image.height) < 3
    return list(image.find_trim(threshold=options.threshold * scale, background=corner, line_art=fine))
