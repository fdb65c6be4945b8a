"""How alike two pictures look: an SSIM-family score in step with SSIMULACRA2, made of libvips operations only.

Both pictures are halved in linear light and put into XYB, the opponent space of JPEG XL: Y is lightness, X red
against green, B blue against yellow. Moments over blocks that do not overlap give structural errors and lost or
added contrast, on a fine grid and on a coarse one. Means say how a picture fares, fourth-power means how its
worst regions do; their weighted sum is a distance. docs/decisions/0002 has the choice and its validation.
"""

from __future__ import annotations

from functools import cache

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
    band: int
    power: int
    value: float


ERROR, ADDED, LOST = 0, 3, 6
Y, X, B = 0, 1, 2
WEIGHTS = (
    Weight(0, ERROR + Y, 1, 83.4),
    Weight(0, ERROR + Y, 4, 20.2),
    Weight(0, ADDED + Y, 1, 253.6),
    Weight(0, LOST + Y, 4, 79.3),
    Weight(0, ERROR + X, 4, 5.1),
    Weight(0, ADDED + X, 1, 167.2),
    Weight(0, ERROR + B, 4, 3.7),
    Weight(0, LOST + B, 1, 30.3),
    Weight(1, ERROR + Y, 1, 482.6),
    Weight(1, ERROR + X, 1, 74.6),
    Weight(1, ADDED + X, 4, 117.3),
    Weight(1, ERROR + B, 4, 62.3),
)
"""Least squares against SSIMULACRA2's distance, no weight below 0; docs/decisions/0002 names the pictures.

ADDED and LOST are measured at twice their size, which saves two operations; their weights are half of what they were.
"""


class Moments(Struct, frozen=True, kw_only=True):
    """What is known of one picture; its two grids lie in one image, the coarse one below the fine one."""

    planes: pyvips.Image
    fine: pyvips.Image
    mean: pyvips.Image
    variance: pyvips.Image
    deviation: pyvips.Image


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
    planes = _xyb(_whole_windows(image)).copy_memory()
    fine = planes.shrink(FINE, FINE).copy_memory()
    mean = _grids(fine, fine).copy_memory()
    squares = _grids((planes * planes).shrink(FINE, FINE), fine * fine)
    variance = (squares - mean * mean).abs().copy_memory()  # rounding makes a flat block's a shade less than 0
    return Moments(planes=planes, fine=fine, mean=mean, variance=variance, deviation=variance**0.5 + 1)


def _grids(fine: pyvips.Image, coarse: pyvips.Image) -> pyvips.Image:
    """Return the fine grid with the coarse one, still to be shrunk, below it: one operation then does for both."""
    return fine.join(coarse.shrink(COARSE, COARSE), "vertical", expand=True)


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
    features = _features(reference, candidate).copy_memory()
    fine = (reference.fine.width, reference.fine.height)
    coarse = (fine[0] // COARSE, fine[1] // COARSE)
    pooled = (_pooled(features.crop(0, 0, *fine)), _pooled(features.crop(0, fine[1], *coarse)))
    return sum(each.value * pooled[each.grid][each.power][each.band] for each in WEIGHTS)


def _features(reference: Moments, candidate: Moments) -> pyvips.Image:
    """Return structural error, added and lost contrast, each for Y, X and B, of every block."""
    together = _grids((reference.planes * candidate.planes).shrink(FINE, FINE), reference.fine * candidate.fine)
    covariance = together - reference.mean * candidate.mean
    shift = reference.mean - candidate.mean
    structure = covariance.linear([2], [CONTRAST]) / (reference.variance + candidate.variance + CONTRAST)
    error = ((shift * shift).linear([-1], [1]) * structure).linear([-1], [1])
    change = (candidate.deviation / reference.deviation).linear([1], [-1])
    size = change.abs()
    return error.bandjoin(size + change).bandjoin(
        size - change
    )  # twice what was added and lost: their weights are halved


def _pooled(features: pyvips.Image) -> dict[int, list[float]]:
    """Return the mean and the fourth-power mean of every band."""
    count = features.width * features.height
    rows = features.bandjoin(features * features).stats().tolist()[1:]
    means = [row[4] for row in rows[: features.bands]]
    return {1: means, 4: [(row[3] / count) ** 0.25 for row in rows[features.bands :]]}
