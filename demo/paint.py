"""Brushes for the sample scenes: gradients, noise, ridges, light and grain, as lazy libvips images.

A picture is three bands of floats, 0 to 255; a mask is one band, 0 to 1. The same arguments give the same pixels.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from itertools import pairwise

import pyvips

Color = Sequence[float]
Stop = tuple[float, Color]


def line(values: Sequence[float], width: int, height: int) -> pyvips.Image:
    """Return an image whose every row is `values`, one for each column."""
    row = pyvips.Image.new_from_memory(array("f", values).tobytes(), len(values), 1, 1, "float")
    return row.embed(0, 0, width, height, extend="copy")


def sky(width: int, height: int, stops: Sequence[Stop]) -> pyvips.Image:
    """Return a gradient from top to bottom through `stops`, each at a share of the height, in ascending order."""
    column = array("f")
    for y in range(height):
        column.extend(_between(stops, y / (height - 1)))
    image = pyvips.Image.new_from_memory(column.tobytes(), 1, height, 3, "float")
    return image.embed(0, 0, width, height, extend="copy")


def _between(stops: Sequence[Stop], at: float) -> list[float]:
    for (start, above), (end, below) in pairwise(stops):
        if at <= end:
            share = max(0.0, (at - start) / (end - start))
            share += share * (1 - share) * (2 * share - 1) / 2  # half eased: a straight ramp shows its corners
            return [a + (b - a) * share for a, b in zip(above, below, strict=True)]
    return list(stops[-1][1])


def mix(image: pyvips.Image, paint: pyvips.Image | Color, mask: pyvips.Image) -> pyvips.Image:
    """Lay `paint` over `image` where `mask` is 1."""
    mask = mask.copy_memory()
    layer = mask * paint if isinstance(paint, pyvips.Image) else mask * list(paint)
    return image * (1 - mask) + layer


def add(image: pyvips.Image, light: Color, mask: pyvips.Image) -> pyvips.Image:
    """Add light to `image` where `mask` says."""
    return image + mask * list(light)


def step(values: pyvips.Image, start: float, end: float) -> pyvips.Image:
    """Return a mask that goes from 0 at `start` to 1 at `end`, smoothly."""
    # Drawn at once: libvips would work it out anew for each of the three that read it.
    share = ((values - start) / (end - start)).clamp().copy_memory()
    return share * share * (3 - 2 * share)


def places(width: int, height: int) -> tuple[pyvips.Image, pyvips.Image]:
    """Return the x and the y of every pixel."""
    xy = pyvips.Image.xyz(width, height).cast("float")
    return xy[0], xy[1]


def distance(width: int, height: int, x: float, y: float, flatten: float = 1.0) -> pyvips.Image:
    """Return how far every pixel is from a point; above 1, `flatten` makes the circles wide."""
    across, down = places(width, height)
    return (((across - x) / flatten) ** 2 + (down - y) ** 2) ** 0.5


def glow(width: int, height: int, at: tuple[float, float], radius: float, flatten: float = 1.0) -> pyvips.Image:
    """Return a mask of light that falls off around a point, to a third at `radius`."""
    small = distance(width // 4, height // 4, at[0] / 4, at[1] / 4, flatten) * (-4 / radius)
    return grow(small.exp(), width, height)


def grow(image: pyvips.Image, width: int, height: int, kernel: str = "cubic") -> pyvips.Image:
    """Enlarge something soft: drawing it small is as good, and much faster."""
    image = image.copy_memory()
    return image.resize(width / image.width, vscale=height / image.height, kernel=kernel)


def noise(size: tuple[int, int], cell: int, seed: int, *, octaves: int = 5, gain: float = 0.5) -> pyvips.Image:
    """Return clouds of noise around 0: `octaves` layers, each half as large and `gain` as strong as the one before."""
    width, height = size
    total = _perlin(width, height, max(2, cell), seed)
    for octave in range(1, octaves):
        total += _perlin(width, height, max(2, cell >> octave), seed + octave) * gain**octave
    return total


def _perlin(width: int, height: int, cell: int, seed: int) -> pyvips.Image:
    shrink = max(1, cell // 8)
    small = pyvips.Image.perlin(-(-width // shrink) + 1, -(-height // shrink) + 1, cell_size=cell // shrink, seed=seed)
    return small if shrink == 1 else small.resize(shrink, kernel="cubic").crop(0, 0, width, height)


def ridge(width: int, seed: int, roughness: float = 0.55) -> list[float]:
    """Return the outline of a mountain range by midpoint displacement, about -1 to 1, one value for each column."""
    rng = random.Random(seed)  # noqa: S311 - a picture, not a key
    points, swing = [rng.uniform(-0.6, 0.6) for _ in range(4)], 0.7
    while len(points) < width:
        finer = []
        for left, right in pairwise(points):
            finer += [left, (left + right) / 2 + rng.uniform(-swing, swing)]
        points, swing = [*finer, points[-1]], swing * roughness
    return points[:width]


def relief(image: pyvips.Image) -> pyvips.Image:
    """Return how light from the right falls on a surface whose height is `image`, around 0."""
    return image.conv(pyvips.Image.new_from_array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]), precision="float")


def grain(image: pyvips.Image, strength: float, seed: int) -> pyvips.Image:
    """Return `image` as a sensor sees it: a little noise, and corners that are a little darker."""
    width, height = image.width, image.height
    tile = pyvips.Image.gaussnoise(512, 512, mean=0, sigma=strength, seed=seed)
    speckle = tile.replicate(-(-width // 512), -(-height // 512)).crop(0, 0, width, height)
    far = distance(width // 8, height // 8, width / 16, height / 16) / ((width**2 + height**2) ** 0.5 / 16)
    corners = grow(1 - far**3 * 0.22, width, height)
    return image * corners + speckle


def finish(image: pyvips.Image) -> pyvips.Image:
    """Return `image` as 8-bit sRGB."""
    return ((image / 255).clamp() * 255).rint().cast("uchar").copy(interpretation="srgb")
