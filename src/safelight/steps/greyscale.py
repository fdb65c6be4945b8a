"""Greyscale: the picture without its colors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

if TYPE_CHECKING:
    import pyvips

Greyscale = Annotated[bool, Meta(description="Drop the colors and keep the luminance; the file gets smaller too.")]


def greyscale(image: pyvips.Image) -> pyvips.Image:
    """Return the luminance as an image of one band, alpha beside it.

    Source: weights of linear red, green and blue from ITU-R BT.709-6, 3.2.
    """
    if image.interpretation in ("b-w", "grey16"):
        return image
    return image.colourspace("grey16" if image.format == "ushort" else "b-w")
