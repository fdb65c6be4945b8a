"""Resize: how large the whole picture becomes, and which part of it is kept."""

from typing import Annotated, Literal

import pyvips
from msgspec import Meta, Struct

from safelight.shrink import grid

Side = Annotated[int, Meta(ge=1, le=16384)]
Fit = Literal["cover", "contain", "fill", "inside", "outside"]
COMPASS = {
    "center": (0.5, 0.5),
    "north": (0.5, 0.0),
    "northeast": (1.0, 0.0),
    "east": (1.0, 0.5),
    "southeast": (1.0, 1.0),
    "south": (0.5, 1.0),
    "southwest": (0.0, 1.0),
    "west": (0.0, 0.5),
    "northwest": (0.0, 0.0),
}
"""Compass points as the share of the spare room that goes to the left and above."""
SMART = ("entropy", "attention")
POSITIONS = (*COMPASS, *SMART)
FOCUS = r"(0|1|0?\.\d+|1\.0+)"
Position = Annotated[
    str,
    Meta(
        pattern="^(" + "|".join(POSITIONS) + f"|{FOCUS},{FOCUS})$",
        description="What cover keeps, or where contain puts the picture: a compass point, entropy, attention, "
        "or a focal point x,y from 0,0 (top left) to 1,1.",
        examples=[*SMART, "0.5,0.33", *COMPASS],
    ),
]


class Resize(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The wanted size in pixels of the upright picture; give one side or both."""

    width: Annotated[Side | None, Meta(description="Wanted width in pixels.", examples=[320])] = None
    height: Annotated[Side | None, Meta(description="Wanted height in pixels.", examples=[240])] = None
    fit: Annotated[
        Fit,
        Meta(
            description="cover fills the box and crops; contain fills it with a margin; fill distorts; "
            "inside and outside keep the whole picture."
        ),
    ] = "cover"
    position: Position = "center"
    enlarge: Annotated[bool, Meta(description="Whether a smaller picture may be made larger.")] = False


class Geometry(Struct, frozen=True, kw_only=True):
    """A `Resize` in numbers for one source: scale the whole picture, then crop it or put it on a canvas."""

    scaled: tuple[int, int]
    crop: tuple[int, int] | None = None
    canvas: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the rendition."""
        return self.crop or self.canvas or self.scaled


def plan(options: Resize | None, width: int, height: int) -> Geometry:
    """Return the geometry for an upright source of `width` x `height` pixels."""
    if options is None:
        return Geometry(scaled=(width, height))
    if options.width is None or options.height is None:
        wanted = options.width / width if options.width else (options.height or height) / height
        return Geometry(scaled=_scaled(width, height, wanted if options.enlarge else min(wanted, 1)))
    box = (options.width, options.height)
    if options.fit in ("cover", "fill"):
        return _plan_exact(options, box, width, height)
    ratios = (box[0] / width, box[1] / height)
    wanted = max(ratios) if options.fit == "outside" else min(ratios)
    scaled = _scaled(width, height, wanted if options.enlarge else min(wanted, 1))
    return Geometry(scaled=scaled, canvas=box if options.fit == "contain" and scaled != box else None)


def _plan_exact(options: Resize, box: tuple[int, int], width: int, height: int) -> Geometry:
    """Cover and fill give the box itself; a source too small for it gives the largest box of the same shape."""
    shrink = 1.0 if options.enlarge else min(1, width / box[0], height / box[1])
    box = (max(1, round(box[0] * shrink)), max(1, round(box[1] * shrink)))
    if options.fit == "fill":
        return Geometry(scaled=box)
    scaled = _scaled(width, height, max(box[0] / width, box[1] / height))
    scaled = (max(scaled[0], box[0]), max(scaled[1], box[1]))
    return Geometry(scaled=scaled, crop=box if scaled != box else None)


def _scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image: pyvips.Image, size: tuple[int, int]) -> pyvips.Image:
    """Resample the whole image to exactly `size` with Lanczos 3; colours of clear pixels do not bleed."""
    if (image.width, image.height) == size:
        return image
    if not image.hasalpha():
        return _resample(image, size)
    # Colour under alpha 0 must weigh nothing: https://www.libvips.org/API/current/method.Image.premultiply.html
    # A cast cuts fractions off, which would darken by half a step.
    return _resample(image.premultiply(), size).unpremultiply().rint().cast(image.format)


def _resample(image: pyvips.Image, size: tuple[int, int]) -> pyvips.Image:
    return image.resize(size[0] / image.width, vscale=size[1] / image.height, kernel="lanczos3")


def resize_part(image: pyvips.Image, size: tuple[int, int], part: tuple[float, float]) -> pyvips.Image:
    """Resample the top left `part` of an image to exactly `size`; its sides need not be whole pixels.

    Args:
        image: without alpha; it may lack the last, partial column and row.
        size: width and height of the result.
        part: width and height of what becomes the result, in pixels; `shrink.grid` must know a way for both.
    """
    across, down = grid(part[0], size[0]), grid(part[1], size[1])
    if across is None or down is None:
        raise ValueError(f"{part[0]} x {part[1]} pixels do not fit {size[0]} x {size[1]}")
    if (across.pixels, down.pixels) != (image.width, image.height):
        image = image.embed(0, 0, across.pixels, down.pixels, extend="copy")
    image = _resample(image, (across.made, down.made))
    return image if (image.width, image.height) == size else image.crop(0, 0, *size)
