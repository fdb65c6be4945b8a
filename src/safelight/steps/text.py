"""Text as a picture: the same pixels on every machine, from a font file and no font configuration but ours."""

from collections.abc import MutableMapping
from html import escape
from pathlib import Path
from typing import Annotated

import pyvips
from msgspec import Meta, Struct

from safelight.steps.alpha import over, settle
from safelight.steps.blur import gaussian
from safelight.steps.paint import Color, rgba

SHIPPED_FONT = Path(__file__).with_name("font") / "safelight-sans.ttf"
"""Noto Sans SemiBold for Latin, Greek and Cyrillic; its family is its stem, as `draw` wants."""
FONTS_CONF = Path(__file__).with_name("font") / "fonts.conf"
PROBE = 100.0
"""Size in pixels at which a text is measured."""
LEAST = 6.0
"""Below this size glyphs fall apart; smaller ones are drawn at it and made smaller."""

Words = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        # One character at least that shows, and no control characters but line feeds.
        pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*[^\x00-\x20\x7f\s][^\x00-\x09\x0b-\x1f\x7f]*$",
        description="The text; a line feed begins a new line.",
        examples=["© Owner"],
    ),
]


class Outline(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A soft line around the letters, so that they read on light and dark."""

    color: Annotated[Color, Meta(description="Color of the line.")] = "#000000c0"
    width: Annotated[
        float, Meta(ge=0, le=0.5, description="Width of the line as a share of the letters' size; 0 draws none.")
    ] = 0.1


class Lettering(Struct, frozen=True, kw_only=True):
    """A text and how it looks."""

    text: str
    color: str = "white"
    outline: Outline = Outline()


def isolate(environ: MutableMapping[str, str]) -> None:
    """Let the process see the font that we ship, and no fonts and no font settings of the machine.

    Call it with `os.environ` before the first picture: libvips reads the setting once. Without it the letters keep
    their shapes, but the machine's hinting moves their edges.
    """
    environ["FONTCONFIG_FILE"] = str(FONTS_CONF)


def draw(lettering: Lettering, font: Path, width_px: int) -> pyvips.Image:
    """Draw a text, outline included, `width_px` wide: sRGB with alpha, 8 bit.

    Args:
        lettering: what to draw; every character has a glyph (see `sfnt.missing_glyphs`).
        font: a TrueType or OpenType file whose family is its stem (see `typeface.prepare`).
        width_px: 1..16384; the height follows.
    """
    share = lettering.outline.width if rgba(lettering.outline.color)[3] else 0.0
    size = _size(lettering.text, font, width_px, share)
    letters = _letters(lettering.text, font, max(size, LEAST))
    image = _painted(letters, lettering, round(share * max(size, LEAST)))
    return _exactly(image, width_px)


def reads(font: Path, words: str) -> bool:
    """Say whether a font can be read, in a process that sees no other fonts.

    A font that cannot be read is no error to libvips: another one is taken, or without any other, small boxes that
    have one size whatever was asked for.

    Raises:
        pyvips.Error: nothing is drawn at all.
    """
    small, large = (_letters(words, font, size).width for size in (PROBE, 2 * PROBE))
    return large > 1.5 * small


def _size(text: str, font: Path, width_px: int, share: float) -> float:
    probe = _letters(text, font, PROBE)
    return width_px / (probe.width / PROBE + 2 * share)


def _letters(text: str, font: Path, size: float) -> pyvips.Image:
    """Return how much of each pixel the letters cover, 0..255, cut to their ink."""
    # The text is Pango markup to libvips, and a comma ends the family's name, so that no word of it means a style.
    return pyvips.Image.text(
        escape(text, quote=False), font=f"{font.stem}, {size:.3f}", fontfile=str(font), dpi=72, align="centre"
    )


def _painted(letters: pyvips.Image, lettering: Lettering, radius: int) -> pyvips.Image:
    size = (letters.width + 2 * radius, letters.height + 2 * radius)
    letters = letters.embed(radius, radius, *size)
    top = _inked(letters, lettering.color)
    return over(_inked(_halo(letters, radius), lettering.outline.color), top) if radius else top


def _halo(letters: pyvips.Image, radius: int) -> pyvips.Image:
    """Return the cover of a soft line around the letters: their blur, strengthened until it is full beside them."""
    blurred = gaussian(letters, radius / 2)
    return settle((blurred * 3 > 255).ifthenelse(255, blurred * 3), "uchar")


def _inked(cover: pyvips.Image, color: str) -> pyvips.Image:
    red, green, blue, alpha = rgba(color)
    paint = (cover.new_from_image([red, green, blue])).cast("uchar").copy(interpretation="srgb")
    return paint.bandjoin(settle(cover * (alpha / 255), "uchar"))


def _exactly(image: pyvips.Image, width_px: int) -> pyvips.Image:
    """Bring a drawing of nearly the right width to it: clear columns at the sides, or the resampler."""
    if image.width > width_px:
        small = image.premultiply().resize(width_px / image.width).unpremultiply()
        image = settle(small, "uchar").copy(interpretation="srgb")
    return image.embed((width_px - image.width) // 2, 0, width_px, image.height)
