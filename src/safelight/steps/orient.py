"""Orient: turn the stored pixels upright."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyvips

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations whose stored width is the upright height. Source: EXIF 2.32, tag 0x0112."""


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height of the picture once it is upright."""
    return (height, width) if orientation in SIDEWAYS else (width, height)


def orient(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """Turn the image upright; `orientation` is EXIF's, 1..8.

    The image must allow random access for anything but 1.
    """
    match orientation:
        case 2:
            return image.fliphor()
        case 3:
            return image.rot180()
        case 4:
            return image.flipver()
        case 5:
            return image.rot90().fliphor()
        case 6:
            return image.rot90()
        case 7:
            return image.rot270().fliphor()
        case 8:
            return image.rot270()
        case _:
            return image
