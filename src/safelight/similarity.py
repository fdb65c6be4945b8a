"""How alike two pictures look: an SSIM-family score in step with SSIMULACRA2, made of libvips operations only.

Both pictures are halved in linear light and put into XYB, the opponent space of JPEG XL: Y is lightness, X red
against green, B blue against yellow. Moments over blocks that do not overlap give structural errors and lost or
added contrast, on a fine grid and on a coarse one. Means say how a picture fares, fourth-power means how its
worst regions do; their weighted sum is a distance. docs/decisions/0002 has the choice and its validation.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import pyvips
from msgspec import Struct

FINE, COARSE = 8, 4
"""Sides of a block: on the halved picture (16 pixels of the whole one), then in such blocks (64 pixels)."""
WINDOW = 64
"""A side of a coarse block in pixels; pictures are mirrored up to a multiple of it."""
OPSIN = ((0.30, 0.622, 0.078), (0.23, 0.692, 0.078), (0.243422689, 0.204767444, 0.551809867))
BIAS = 0.0037930732552754493
XYB = ((0.5, 0.5, 0.0), (7.0, -7.0, 0.0), (-0.5, -0.5, 1.0))
"""Opsin absorbance, its bias and the planes Y, X and B as SSIMULACRA2 scales them: libjxl, opsin_params.h."""
CONTRAST = 0.0009
"""SSIM's constant C2, as in SSIMULACRA2."""
DEEP = 65535
BACKDROPS = (26, 230)
"""Greys behind a picture with alpha; its score is the lower of the two, as SSIMULACRA2's is."""


class Weight(Struct, frozen=True):
    """How much one pooled feature counts: the grid, the plane, what is measured and the power of its mean."""

    grid: int
    plane: int
    feature: int
    power: int
    value: float


ERROR, ADDED, LOST = 0, 1, 2
Y, X, B = 0, 1, 2
WEIGHTS = (
    Weight(0, Y, ERROR, 1, 83.4),
    Weight(0, Y, ERROR, 4, 20.2),
    Weight(0, Y, ADDED, 1, 507.2),
    Weight(0, Y, LOST, 4, 158.6),
    Weight(0, X, ERROR, 4, 5.1),
    Weight(0, X, ADDED, 1, 334.4),
    Weight(0, B, ERROR, 4, 3.7),
    Weight(0, B, LOST, 1, 60.6),
    Weight(1, Y, ERROR, 1, 482.6),
    Weight(1, X, ERROR, 1, 74.6),
    Weight(1, X, ADDED, 4, 234.6),
    Weight(1, B, ERROR, 4, 62.3),
)
"""Least squares against SSIMULACRA2's distance, no weight below 0; docs/decisions/0002 names the pictures."""
Cells = list[float]
"""One number for each block of one plane, row by row."""


class Blocks(Struct, frozen=True):
    """What is known of the blocks of one plane on one grid; `squares` are means of squares."""

    mean: Cells
    variance: Cells
    deviation: Cells


class Moments(Struct, frozen=True, kw_only=True):
    """What is known of one picture: its planes, and for each grid and plane its blocks."""

    planes: pyvips.Image
    grids: tuple[tuple[Blocks, ...], ...]


def similarity(reference: pyvips.Image, candidate: pyvips.Image) -> float:
    """Return how alike two sRGB or grey 8-bit pictures of one size look, 1 for the same and 0 for nothing alike.

    About 0.98 is good, 0.99 hard to tell apart side by side, 0.95 visibly worse.

    Source: SSIMULACRA2, github.com/cloudinary/ssimulacra2.
    """
    return compare(measure(reference), candidate)


def measure(image: pyvips.Image) -> tuple[Moments, ...]:
    """Return what `compare` needs of a reference, so that many candidates share it."""
    return tuple(_moments(flat) for flat in _flattened(image))


def compare(reference: tuple[Moments, ...], candidate: pyvips.Image) -> float:
    """Return the similarity of a measured reference and a candidate of its size.

    A candidate without alpha stands for all backdrops of a reference with alpha.
    """
    flats = _flattened(candidate)
    pairs = zip(reference, flats * len(reference) if len(flats) == 1 else flats, strict=len(reference) > 1)
    return min(max(0.0, 1.0 - _distance(known, _moments(flat)) / 100) for known, flat in pairs)


def _flattened(image: pyvips.Image) -> list[pyvips.Image]:
    """Return the picture as sRGB without alpha, once for each backdrop that could show."""
    colour = image.colourspace("srgb")
    if not colour.hasalpha():
        return [colour]
    return [colour.flatten(background=[grey] * 3) for grey in BACKDROPS]


def _moments(image: pyvips.Image) -> Moments:
    """Measure a picture: pixels by libvips, blocks by Python, for a thousand of which libvips' calls cost more."""
    planes = _xyb(_whole_windows(image)).copy_memory()
    fine, squares = _cells(planes), _cells(planes * planes)
    width = planes.width // FINE
    coarse = [_coarse(cells, width) for cells in fine]
    coarse_squares = [_coarse([cell * cell for cell in cells], width) for cells in fine]
    grids = ((fine, squares), (coarse, coarse_squares))
    return Moments(planes=planes, grids=tuple(tuple(map(_blocks, means, both)) for means, both in grids))


def _cells(planes: pyvips.Image) -> list[Cells]:
    """Return the mean of each fine block, a list for each plane."""
    found = memoryview(planes.shrink(FINE, FINE).cast("float").write_to_memory()).cast("B").cast("f")
    return [cast("Cells", found[plane :: planes.bands].tolist()) for plane in range(planes.bands)]


def _coarse(cells: Cells, width: int) -> Cells:
    """Return the mean of each coarse block."""
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    means: Cells = []
    for top in range(0, len(rows), COARSE):
        sums = [sum(column, 0.0) for column in zip(*rows[top : top + COARSE], strict=True)]
        means += [sum(sums[left : left + COARSE]) / COARSE**2 for left in range(0, width, COARSE)]
    return means


def _blocks(mean: Cells, squares: Cells) -> Blocks:
    variance = [square - middle * middle for middle, square in zip(mean, squares, strict=True)]
    # Rounding makes a flat block's variance a shade less than 0, which has no root.
    return Blocks(mean, variance, [max(each, 0.0) ** 0.5 + 1 for each in variance])


def _whole_windows(image: pyvips.Image) -> pyvips.Image:
    width, height = (-(-side // WINDOW) * WINDOW for side in (image.width, image.height))
    if (width, height) == (image.width, image.height):
        return image
    return image.embed(0, 0, width, height, extend="mirror")


def _xyb(image: pyvips.Image) -> pyvips.Image:
    """Halve the picture in linear light, as scaling does to the eye, then go to XYB; constants cancel later."""
    absorbed = image.maplut(_linear_light()).shrink(2, 2).recomb(_matrix(OPSIN))
    return absorbed.cast("ushort").maplut(_cube_root()).recomb(_matrix(XYB))


@cache
def _matrix(rows: tuple[tuple[float, ...], ...]) -> pyvips.Image:
    return pyvips.Image.new_from_array([list(row) for row in rows])


@cache
def _linear_light() -> pyvips.Image:
    """Return sRGB to linear light in 16 bits, with the bias of the opsin absorbance, whose rows add up to 1."""
    levels = [(_linear(level / 255) + BIAS) / (1 + BIAS) * DEEP for level in range(256)]
    return pyvips.Image.new_from_array([levels]).cast("float")


@cache
def _cube_root() -> pyvips.Image:
    """Return the cube roots of 16-bit values: a table is six times as fast as the power."""
    roots = (pyvips.Image.identity(ushort=True) * ((1 + BIAS) / DEEP)) ** (1 / 3)
    return roots.cast("float").copy_memory()


def _linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _distance(reference: Moments, candidate: Moments) -> float:
    """Return SSIMULACRA2's distance before its last mapping to 0..100, nearly."""
    width = reference.planes.width // FINE
    fine = _cells(reference.planes * candidate.planes)
    coarse = [
        _coarse([a * b for a, b in zip(one.mean, other.mean, strict=True)], width)
        for one, other in zip(reference.grids[0], candidate.grids[0], strict=True)
    ]
    pooled = [
        [_pooled(*blocks) for blocks in zip(reference.grids[grid], candidate.grids[grid], products, strict=True)]
        for grid, products in enumerate((fine, coarse))
    ]
    return sum(each.value * pooled[each.grid][each.plane][each.feature, each.power] for each in WEIGHTS)


def _pooled(reference: Blocks, candidate: Blocks, products: Cells) -> dict[tuple[int, int], float]:
    """Return the mean and the fourth-power mean of structural error, added and lost contrast over the blocks."""
    errors, changes = [], []
    for mean, variance, deviation, mean_2, variance_2, deviation_2, product in zip(
        reference.mean,
        reference.variance,
        reference.deviation,
        candidate.mean,
        candidate.variance,
        candidate.deviation,
        products,
        strict=True,
    ):
        structure = (2 * (product - mean * mean_2) + CONTRAST) / (variance + variance_2 + CONTRAST)
        errors.append(1 - (1 - (mean - mean_2) ** 2) * structure)
        changes.append(deviation_2 / deviation - 1)
    added, lost = [each for each in changes if each > 0], [-each for each in changes if each < 0]
    return {
        (feature, power): (sum(each**power for each in found) / len(products)) ** (1 / power)
        for feature, found in ((ERROR, errors), (ADDED, added), (LOST, lost))
        for power in (1, 4)
    }
