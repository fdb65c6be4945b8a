"""What stands in for a picture until it is loaded: its colour and its ThumbHash."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from safelight.decode import Opened, load
from safelight.fields import number
from safelight.manifest.thumbhash import thumbhash
from safelight.ports import Body
from safelight.pyramid import develop_sizes
from safelight.recipe.model import Rendition
from safelight.steps.orient import upright_size
from safelight.steps.resize import resize

if TYPE_CHECKING:
    import pyvips

SIDE_PX = 50
"""ThumbHash takes up to 100, but keeps at most 7 waves of them: more pixels cost four times the CPU for nothing."""
OPAQUE = 128
"""Pixels that are fainter have no colour of their own."""
WHITE = "#ffffff"
Color = tuple[int, int, int]


class Glance(Struct, frozen=True, kw_only=True):
    """A colour as `#rrggbb`, and a ThumbHash in base64."""

    color: str
    thumbhash: str


def glance(image: pyvips.Image) -> Glance:
    """Return what a finished picture looks like at a glance; of an animation its first frame."""
    small = _small(image)
    rgba = bytes(small.write_to_memory())
    hashed = thumbhash(small.width, small.height, rgba)
    return Glance(color=_dominant(rgba), thumbhash=b64encode(hashed).decode())


def seen(opened: Opened, rendition: Rendition, body: Body, kind: str) -> pyvips.Image:
    """Return the picture to look at: an output, or where that is as large as the source, the source made small."""
    if rendition.steps:
        return load(body, kind)
    size = fitted(*upright_size(opened.source.width, opened.source.height, opened.source.orientation))
    return develop_sizes(opened, [size], streams=False)[size]


def fitted(width: int, height: int) -> tuple[int, int]:
    """Return the size of a picture within the small square that is looked at."""
    scale = min(1.0, SIDE_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _small(image: pyvips.Image) -> pyvips.Image:
    frame = image.crop(0, 0, image.width, number(image, "page-height") or image.height)
    frame = resize(frame, fitted(frame.width, frame.height)).colourspace("srgb")
    return (frame if frame.hasalpha() else frame.bandjoin(255)).cast("uchar")


def _dominant(rgba: bytes) -> str:
    """Return the mean of the colours in the fullest of 512 boxes that colours fall into."""
    pixels = zip(rgba[0::4], rgba[1::4], rgba[2::4], rgba[3::4], strict=True)
    colors = [(red, green, blue) for red, green, blue, alpha in pixels if alpha >= OPAQUE]
    if not colors:
        return WHITE
    fullest = Counter(map(_box, colors)).most_common(1)[0][0]
    inside = [color for color in colors if _box(color) == fullest]
    return "#" + "".join(f"{round(sum(band) / len(inside)):02x}" for band in zip(*inside, strict=True))


def _box(color: Color) -> Color:
    return color[0] >> 5, color[1] >> 5, color[2] >> 5
