"""Flip and flop: mirror the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

if TYPE_CHECKING:
    import pyvips

Flip = Annotated[bool, Meta(description="Mirror the picture top to bottom.")]
Flop = Annotated[bool, Meta(description="Mirror the picture left to right.")]


def flip(image: pyvips.Image) -> pyvips.Image:
    """Mirror top to bottom; the image must allow random access."""
    return image.flipver()


def flop(image: pyvips.Image) -> pyvips.Image:
    """Mirror left to right."""
    return image.fliphor()
