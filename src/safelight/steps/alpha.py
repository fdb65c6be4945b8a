"""Alpha kept right while other steps change pixels: apart where only color changes, as a weight where pixels mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyvips
    from pyvips.enums import BandFormat

    Change = Callable[[pyvips.Image], pyvips.Image]


def settle(image: pyvips.Image, kind: str | BandFormat) -> pyvips.Image:
    """Round to whole numbers of format `kind`."""
    # libvips' cast cuts the fraction off, which darkens by half a step on average.
    return image if image.format == kind else image.rint().cast(kind)


def on_color(image: pyvips.Image, change: Change) -> pyvips.Image:
    """Change the color bands and leave alpha as it is; the result has the image's format."""
    if not image.hasalpha():
        return settle(change(image), image.format)
    colors = change(image.extract_band(0, n=image.bands - 1))
    return settle(colors, image.format).bandjoin(image.extract_band(image.bands - 1))


def weighted(image: pyvips.Image, mix: Change) -> pyvips.Image:
    """Mix pixels, each color weighted by its alpha, so that colors of clear pixels do not bleed."""
    if not image.hasalpha():
        return settle(mix(image), image.format)
    return settle(mix(image.premultiply()).unpremultiply(), image.format)


def over(below: pyvips.Image, above: pyvips.Image, left: int = 0, top: int = 0) -> pyvips.Image:
    """Lay one image over another; the result has the bands, the format and the size of the one below.

    A color comes out within one step of the exact number. The lower image may be read as a stream.

    Args:
        below: any image.
        above: with alpha, and otherwise in the color space and format of `below`.
        left: where it lies, in pixels.
        top: where it lies, in pixels.

    Source: Porter and Duff, Compositing Digital Images (1984), the operator `over`.
    """
    # `insert` of a blended patch would round better, but it breaks the order of reading that a stream needs.
    both = below.composite2(above, "over", x=left, y=top)
    return both.extract_band(0, n=below.bands)


def faded(image: pyvips.Image, opacity: float) -> pyvips.Image:
    """Return an image that has alpha with all of it weakened by `opacity`, 0..1."""
    last = image.bands - 1
    colors, alpha = image.extract_band(0, n=last), image.extract_band(last)
    return colors.bandjoin(settle(alpha * opacity, image.format))
