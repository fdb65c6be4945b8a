"""Colors in a recipe, and what they are in the numbers of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

if TYPE_CHECKING:
    import pyvips

WORDS = {
    "black": (0, 0, 0, 255),
    "white": (255, 255, 255, 255),
    "gray": (128, 128, 128, 255),
    "grey": (128, 128, 128, 255),
    "transparent": (255, 255, 255, 0),
}
"""Colors by name, as CSS has them; but what is transparent is white beneath, so that JPEG shows white."""

Color = Annotated[
    str,
    Meta(
        pattern="^(" + "|".join(WORDS) + "|#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}))$",
        description="#rgb, #rrggbb or #rrggbbaa in quotes, or one of " + ", ".join(WORDS) + ".",
        examples=["#0a6cff", "#00000080", *WORDS],
    ),
]


def rgba(color: str) -> tuple[int, int, int, int]:
    """Return red, green, blue and alpha, 0..255."""
    if color in WORDS:
        return WORDS[color]
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, alpha = bytes.fromhex(digits.ljust(8, "f"))
    return red, green, blue, alpha


def with_room(image: pyvips.Image, color: str) -> pyvips.Image:
    """Return the image with the bands that the color needs: a grey one may become sRGB, an opaque one may get alpha."""
    red, green, blue, alpha = rgba(color)
    if image.bands < 3 and not red == green == blue:
        image = image.colourspace("rgb16" if image.format == "ushort" else "srgb")
    return image if alpha == 255 or image.hasalpha() else image.addalpha()


def ink(image: pyvips.Image, color: str) -> list[float]:
    """Return the color as one number for each band of `image`, which has room for it."""
    red, green, blue, alpha = rgba(color)
    bands = [red, green, blue] if image.bands >= 3 else [red]
    if image.hasalpha():
        bands.append(alpha)
    scale = 257 if image.format == "ushort" else 1
    return [float(value * scale) for value in bands]
