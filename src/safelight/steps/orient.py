"""Orient: turn the stored pixels upright."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyvips

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations whose stored width is the upright height. Source: EXIF 2.32, tag 0x0112."""

TURNS = {
    2: ("fliphor",),
    3: ("rot180",),
    4: ("flipver",),
    5: ("rot90", "fliphor"),
    6: ("rot90",),
    7: ("rot270", "fliphor"),
    8: ("rot270",),
}
"""What makes a stored picture upright, in libvips' words."""


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height of the picture once it is upright."""
    return (height, width) if orientation in SIDEWAYS else (width, height)


def orient(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """Turn the image upright; `orientation` is EXIF's, 1..8.

    The image must allow random access for anything but 1.
    """
    for turn in TURNS.get(orientation, ()):
        image = getattr(image, turn)()
    return image
