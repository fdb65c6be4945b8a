"""Watermark: a logo or a text on the picture, once or all over it."""

from typing import Annotated, Literal

import pyvips
from msgspec import Meta, Struct

from safelight.steps.alpha import faded, over
from safelight.steps.length import Length, pixels
from safelight.steps.paint import Color, rgba
from safelight.steps.resize import COMPASS, resize
from safelight.steps.rotate import Rotate, rotate
from safelight.steps.text import Lettering, Outline, Words

Compass = Literal["center", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"]


Logo = Annotated[
    str, Meta(min_length=1, description="Path of the logo, beside the configuration.", examples=["logo.png"])
]
Font = Annotated[
    str,
    Meta(
        min_length=1,
        description="Path of a .ttf or .otf file, beside the configuration; without it the shipped sans serif.",
        examples=["Brand-Bold.ttf"],
    ),
]


class Watermark(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A logo or a text on the picture; give `image` or `text`."""

    image: Logo | None = None
    text: Words | None = None
    font: Font | None = None
    color: Annotated[Color, Meta(description="Color of the text.")] = "white"
    outline: Outline = Outline()
    position: Annotated[Compass, Meta(description="Where the watermark stands.")] = "southeast"
    margin: Annotated[
        Length, Meta(description="Room to the picture's edges; a share is one of its shorter side.", examples=["3%"])
    ] = "3%"
    scale: Annotated[
        float, Meta(ge=0.01, le=1, description="Width of the watermark as a share of the picture's.", examples=[0.2])
    ] = 0.25
    opacity: Annotated[float, Meta(ge=0.01, le=1, description="1 covers, 0.5 lets half shine through.")] = 0.7
    rotate_deg: Annotated[
        float, Meta(ge=-360, le=360, description="Degrees clockwise by which it is turned.", examples=[-30])
    ] = 0.0
    tile: Annotated[bool, Meta(description="Repeat it over the whole picture, every other row half a step on.")] = False
    spacing: Annotated[
        Length,
        Meta(description="Room between repeats; a share is one of the picture's shorter side.", examples=["10%"]),
    ] = "10%"

    @property
    def lettering(self) -> Lettering | None:
        """What `text.draw` needs, or None for a logo."""
        return None if self.text is None else Lettering(text=self.text, color=self.color, outline=self.outline)


def conflicts(options: Watermark) -> str:
    """Say what contradicts itself in the options, or nothing."""
    if (options.image is None) == (options.text is None):
        return "watermark needs either image or text; give one of the two"
    plain = Watermark(image=options.image, text=options.text)
    for name in ("font", "color", "outline"):
        if options.text is None and getattr(options, name) != getattr(plain, name):
            return f"watermark has {name}, which only a text shows; remove it"
    for name in ("position", "margin"):
        if options.tile and getattr(options, name) != getattr(plain, name):
            return f"watermark has {name}, which has no meaning with tile: true; remove one of the two"
    if options.text and not rgba(options.color)[3] and not (options.outline.width and rgba(options.outline.color)[3]):
        return "watermark shows nothing: its color is clear and so is its outline; give one of the two a color"
    if not options.tile and options.spacing != plain.spacing:
        return "watermark has spacing, which needs tile: true; add that or remove it"
    return ""


def mark_width(options: Watermark, width: int) -> int:
    """Return how wide the watermark is on a picture `width` pixels wide, before it is turned."""
    return max(1, round(options.scale * width))


def watermark(image: pyvips.Image, logo: pyvips.Image, options: Watermark) -> pyvips.Image:
    """Lay a logo over the picture, which keeps its bands and its format: on a grey picture the logo is grey.

    Args:
        image: upright, sRGB or grey, 8 or 16 bit, with alpha or without.
        logo: the same kinds; or a text, drawn `mark_width` wide.
        options: where, how large and how strong; one larger than the picture is made smaller.
    """
    mark = _mark(image, logo, options)
    shorter = min(image.width, image.height)
    if options.tile:
        left, top, mark = 0, 0, _tiled(mark, pixels(options.spacing, shorter), (image.width, image.height))
    else:
        left, top = _corner(image, mark, options)
    return over(image, faded(mark, options.opacity), left, top)


def _mark(image: pyvips.Image, logo: pyvips.Image, options: Watermark) -> pyvips.Image:
    """Return the logo in the picture's color space, with alpha, at its size and turned."""
    logo = logo.colourspace(image.interpretation)
    logo = logo if logo.hasalpha() else logo.addalpha()
    width = mark_width(options, image.width)
    mark = resize(logo, (width, max(1, round(logo.height * width / logo.width))))
    mark = rotate(mark, Rotate(angle_deg=options.rotate_deg))
    room = 0 if options.tile else 2 * _margin(image, options)
    shrink = min(1.0, (image.width - room) / mark.width, (image.height - room) / mark.height)
    return resize(mark, (max(1, int(mark.width * shrink)), max(1, int(mark.height * shrink))))


def _margin(image: pyvips.Image, options: Watermark) -> int:
    """Return the margin: at most a quarter of the shorter side, so that half of the picture is left to draw on."""
    shorter = min(image.width, image.height)
    return min(pixels(options.margin, shorter), shorter // 4)


def _corner(image: pyvips.Image, mark: pyvips.Image, options: Watermark) -> tuple[int, int]:
    margin, (x, y) = _margin(image, options), COMPASS[options.position]
    spare_x, spare_y = image.width - mark.width - 2 * margin, image.height - mark.height - 2 * margin
    return margin + round(spare_x * x), margin + round(spare_y * y)


def _tiled(mark: pyvips.Image, gap: int, size: tuple[int, int]) -> pyvips.Image:
    """Repeat the mark over `size` pixels, every other row half a step on."""
    cell = mark.embed(gap // 2, gap // 2, mark.width + gap, mark.height + gap).copy_memory()
    pair = cell.join(cell.wrap(x=cell.width // 2, y=0), "vertical")
    across, down = -(-size[0] // pair.width), -(-size[1] // pair.height)
    return pair.replicate(across, down).crop(0, 0, *size)
