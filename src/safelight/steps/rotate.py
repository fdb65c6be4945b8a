"""Rotate: turn the picture clockwise."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.paint import Color, ink, with_room

QUARTERS = {90: "d90", 180: "d180", 270: "d270"}
"""Turns that only move pixels, in libvips' words."""


class Rotate(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Turn the picture; the canvas grows to hold all of it."""

    angle_deg: Annotated[
        float,
        Meta(
            ge=-360,
            le=360,
            description="Degrees clockwise; quarter turns lose nothing, others are resampled.",
            examples=[90, -2.5],
        ),
    ]
    background: Annotated[Color, Meta(description="Color of the corners that open; clear is white in JPEG.")] = (
        "transparent"
    )


def rotate(image: pyvips.Image, options: Rotate) -> pyvips.Image:
    """Turn the picture clockwise; the image must allow random access."""
    angle = options.angle_deg % 360
    if angle == 0:
        return image
    if angle in QUARTERS:
        return image.rot(QUARTERS[int(angle)])
    image = with_room(image, options.background)
    # libvips weights colors by alpha here by itself.
    return image.similarity(
        angle=angle, interpolate=pyvips.Interpolate.new("bicubic"), background=ink(image, options.background)
    )
