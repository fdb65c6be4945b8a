"""Crop: keep a part of the picture, named by numbers, by shape or by what catches the eye."""

from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.length import Aspect, Extent, Length, pixels, ratio
from safelight.steps.resize import COMPASS, SMART, Position


class Crop(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Keep a part of the upright picture. What lies outside the picture is left out."""

    left: Annotated[Length | None, Meta(description="Where the part begins, from the left edge.", examples=["10%"])] = (
        None
    )
    top: Annotated[Length | None, Meta(description="Where the part begins, from the top edge.", examples=["10%"])] = (
        None
    )
    width: Annotated[Extent | None, Meta(description="Width of the part; all of it when absent.", examples=["80%"])] = (
        None
    )
    height: Annotated[Extent | None, Meta(description="Height of the part; all of it when absent.", examples=[640])] = (
        None
    )
    aspect: Annotated[Aspect | None, Meta(description="Instead of sides: the largest part of this shape.")] = None
    position: Position = "center"


class Region(Struct, frozen=True, kw_only=True):
    """A `Crop` in pixels of one picture; `corner` is None where the pixels themselves decide."""

    size: tuple[int, int]
    corner: tuple[int, int] | None


def conflicts(options: Crop) -> str:
    """Say what contradicts itself in the options, or nothing."""
    sides = (options.left, options.top, options.width, options.height)
    if options.aspect is not None:
        return "" if sides == (None,) * 4 else "crop has an aspect and sides; keep one of the two"
    if all(_is_share(each, 0) for each in sides[:2]) and all(_is_share(each, 100) for each in sides[2:]):
        return "crop keeps everything; give it width, height or aspect, or remove it"
    return _outside(options) or _position_fault(options)


def _is_share(length: int | str | None, percent: int) -> bool:
    """Say whether a length is that share of every side; None stands for the side's edge."""
    return length is None or (length == 0 and not percent) or (isinstance(length, str) and _percent(length) == percent)


def _percent(length: str) -> float:
    return float(length.removesuffix("%"))


def _outside(options: Crop) -> str:
    """Say which part would begin or end outside every picture, or nothing."""
    for start, extent in (("left", "width"), ("top", "height")):
        at, size = getattr(options, start), getattr(options, extent)
        if isinstance(at, str) and _percent(at) == 100:
            return f"crop has {start}: {at}, behind which there is nothing to keep; use less"
        if isinstance(at, str) and isinstance(size, str) and _percent(at) + _percent(size) > 100:
            return f"crop has {start}: {at} and {extent}: {size}, which end outside the picture; make them 100% at most"
    return ""


def _position_fault(options: Crop) -> str:
    placed = options.left is not None or options.top is not None
    if placed and options.position in SMART:
        return f"crop has position: {options.position} and a left or top that it would move; remove one of the two"
    if options.left is not None and options.top is not None and options.position != "center":
        return f"crop has left and top, so position: {options.position} has no meaning; remove one of the two"
    moves = (options.left is None and options.width) or (options.top is None and options.height)
    if options.position != "center" and not moves:
        return f"crop has position: {options.position}, but no side that it could move; remove it"
    return ""


def resolve(options: Crop, width: int, height: int) -> Region:
    """Return the part in pixels of an upright picture of `width` x `height`: at least one pixel, never outside."""
    left = min(pixels(options.left or 0, width), width - 1)
    top = min(pixels(options.top or 0, height), height - 1)
    size = _size(options, width - left, height - top, (width, height))
    if options.position in SMART:
        return Region(size=size, corner=None)
    x, y = _placed(options.position, (width, height), size)
    corner = (x if options.left is None else left, y if options.top is None else top)
    return Region(size=size, corner=corner)


def _size(options: Crop, room_x: int, room_y: int, whole: tuple[int, int]) -> tuple[int, int]:
    if options.aspect is not None:
        wanted = ratio(options.aspect)
        return max(1, min(whole[0], round(whole[1] * wanted))), max(1, min(whole[1], round(whole[0] / wanted)))
    width = room_x if options.width is None else pixels(options.width, whole[0])
    height = room_y if options.height is None else pixels(options.height, whole[1])
    return max(1, min(width, room_x)), max(1, min(height, room_y))


def _placed(position: str, whole: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    spare = (whole[0] - size[0], whole[1] - size[1])
    if position in COMPASS:
        share = COMPASS[position]
        return round(spare[0] * share[0]), round(spare[1] * share[1])
    x, y = (float(number) for number in position.split(","))
    left, top = round(x * whole[0] - size[0] / 2), round(y * whole[1] - size[1] / 2)
    return min(max(left, 0), spare[0]), min(max(top, 0), spare[1])


def region(image: pyvips.Image, options: Crop) -> pyvips.Image:
    """Keep the part; with entropy or attention the image must allow random access."""
    part = resolve(options, image.width, image.height)
    if part.size == (image.width, image.height):
        return image
    if part.corner is None:
        return image.smartcrop(*part.size, interesting=options.position)
    return image.crop(*part.corner, *part.size)
