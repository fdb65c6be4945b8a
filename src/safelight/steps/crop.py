"""Crop: keep a box of the picture, or put the picture on a canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safelight.steps.resize import COMPASS, SMART

if TYPE_CHECKING:
    import pyvips


def crop(image: pyvips.Image, size: tuple[int, int], position: str) -> pyvips.Image:
    """Keep a box of `size`; `position` says which (see `Position`)."""
    width, height = size
    if position in SMART:
        return image.smartcrop(width, height, interesting=position)
    left, top = _spare(position, image.width - width, image.height - height, (image.width, image.height), size)
    return image.crop(left, top, width, height)


def corner_of(image: pyvips.Image, size: tuple[int, int], position: str) -> tuple[int, int]:
    """Return where the box of `size` begins that a smart `position` keeps."""
    kept = image.copy(xoffset=0, yoffset=0).smartcrop(*size, interesting=position)
    return -kept.xoffset, -kept.yoffset


def focus_of(image: pyvips.Image, size: tuple[int, int], position: str) -> str:
    """Return the focal point that keeps the very box which a smart `position` keeps of this picture."""
    left, top = corner_of(image, size, position)
    return f"{(left + size[0] / 2) / image.width:.9f},{(top + size[1] / 2) / image.height:.9f}"


def place(image: pyvips.Image, size: tuple[int, int], position: str) -> pyvips.Image:
    """Put the picture on a clear canvas of `size`; an image without alpha gets one."""
    shares = COMPASS.get(position, COMPASS["center"])
    left, top = (
        round(share * (side - own)) for share, side, own in zip(shares, size, (image.width, image.height), strict=True)
    )
    if not image.hasalpha():
        image = image.addalpha()
    return image.embed(left, top, *size, extend="background", background=[0] * image.bands)


def _spare(position: str, spare_x: int, spare_y: int, whole: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    if position in COMPASS:
        x, y = COMPASS[position]
        return round(spare_x * x), round(spare_y * y)
    focus = [float(number) for number in position.split(",")]
    left = round(focus[0] * whole[0] - box[0] / 2)
    top = round(focus[1] * whole[1] - box[1] / 2)
    return min(max(left, 0), spare_x), min(max(top, 0), spare_y)
