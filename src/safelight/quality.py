"""Choose the encoder's quality: fixed, by how alike the result looks, or by its size in bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from safelight import sample
from safelight.errors import CannotMeetSize
from safelight.fields import number
from safelight.similarity import compare, measure
from safelight.target import Target, parse_size

if TYPE_CHECKING:
    import pyvips

AUTO = 0.9815
"""The similarity that `auto` keeps: about 76 of SSIMULACRA2, JPEG's quality 73 on a common photograph."""
AUTO_BOUNDS = (30, 95)
"""Below, blocks and smears show that no metric of likeness weighs enough; above, bytes grow and nobody sees why."""
BOUNDS = (1, 100)


class Curve(Struct, frozen=True, kw_only=True):
    """What a format does to photographs: the quality that keeps `AUTO`, and the steepness around it."""

    quality: float
    slope: float


CURVES = {
    "jpeg": Curve(quality=73, slope=-0.050),
    "webp": Curve(quality=82, slope=-0.052),
    "avif": Curve(quality=58, slope=-0.045),
}
"""Medians of the pictures in docs/decisions/0002; slope is the change of the distance's logarithm per quality."""


class Codec(Struct, frozen=True, kw_only=True):
    """How a rendition's format writes and reads."""

    encode: Callable[[pyvips.Image, int], bytes]
    decode: Callable[[bytes], pyvips.Image]
    curve: Curve


class Choice(Struct, frozen=True, kw_only=True):
    """What was chosen: the score is the similarity on the sample, where one was measured."""

    quality: int
    score: float | None
    body: bytes
    encodes: int
    """All encodes, those of samples included."""


def choose(image: pyvips.Image, codec: Codec, target: Target) -> Choice:
    """Encode a picture at the lowest quality that meets the target; the same picture always gets the same.

    Args:
        image: in memory, for it is read more than once, and as the format can hold it: sRGB or grey, and flattened
            where the format has no alpha.
        codec: the format.
        target: a quality, `auto`, or an aim.

    Raises:
        CannotMeetSize: quality 1 gives more bytes than allowed.
    """
    if isinstance(target, int):
        return Choice(quality=target, score=None, body=codec.encode(image, target), encodes=1)
    if target == "auto":
        return _alike(image, codec, AUTO, AUTO_BOUNDS)
    if target.ssim is not None:
        return _alike(image, codec, target.ssim, BOUNDS)
    return _within(image, codec, parse_size(target.max_bytes or 0), AUTO_BOUNDS[1])


PROBES = 4
"""Encodes of a sample at most."""


def _alike(image: pyvips.Image, codec: Codec, aim: float, bounds: tuple[int, int]) -> Choice:
    """Search on a sample; a distance's logarithm is nearly straight in quality, so that a secant finds it soon."""
    part = sample.take(image)
    reference = measure(part.inside(part.image))
    wanted = math.log(1 - aim)
    quality = _bounded(codec.curve.quality + (wanted - math.log(1 - AUTO)) / codec.curve.slope, bounds)
    known: dict[int, float] = {}
    bodies: dict[int, bytes] = {}
    while quality not in known and len(known) < PROBES:
        bodies[quality] = codec.encode(part.image, quality)
        score = compare(reference, part.inside(codec.decode(bodies[quality])))
        known[quality] = math.log(max(1 - score, LEAST_DISTANCE))
        quality = _next(known, wanted, codec.curve.slope, bounds)
    best = min(known, key=lambda each: (abs(known[each] - wanted), each))
    return Choice(
        quality=best,
        score=1 - math.exp(known[best]),
        body=bodies[best] if part.whole else codec.encode(image, best),
        encodes=len(known) + (not part.whole),
    )


LEAST_DISTANCE = 1e-6
CLOSE = 1.25
"""How far the wanted quality may be from a probe that is good enough: about a point of SSIMULACRA2."""


def _next(known: dict[int, float], wanted: float, prior: float, bounds: tuple[int, int]) -> int:
    """Return the quality to try next, which is one that is known at the end of the search."""
    near, *others = sorted(known, key=lambda each: abs(known[each] - wanted))
    beyond = [each for each in others if (known[each] > wanted) != (known[near] > wanted)]
    slope = prior
    if others:
        other = min(beyond or others, key=lambda each: abs(each - near))
        slope = (known[other] - known[near]) / (other - near)
        slope = min(max(slope, 4 * prior), prior / 4)  # noise may bend the curve; it never turns
    exact = near + (wanted - known[near]) / slope
    if abs(exact - near) <= CLOSE:
        return near
    step = _bounded(exact, bounds)
    if not beyond:
        return step
    low, high = sorted((near, min(beyond, key=lambda each: abs(each - near))))
    return min(max(step, low + 1), high - 1) if high - low > 1 else near


def _bounded(exact: float, bounds: tuple[int, int]) -> int:
    return min(max(round(exact), bounds[0]), bounds[1])


ENCODES = 6
"""Encodes that a size may cost, the last resort of quality 1 apart."""
ENOUGH = 0.97
"""A file of this share of the allowed bytes is not worth another encode."""


def _within(image: pyvips.Image, codec: Codec, limit: int, highest: int) -> Choice:
    """Search on the whole picture: sizes are promised, so they are never guessed."""
    sizes: dict[int, int] = {}
    best: tuple[int, bytes] | None = None
    quality = round(codec.curve.quality)
    while quality not in sizes and (len(sizes) < ENCODES or best is None):
        body = codec.encode(image, quality)
        sizes[quality] = len(body)
        if len(body) <= limit and (best is None or quality > best[0]):
            best = (quality, body)
        quality = 1 if best is None and len(sizes) >= ENCODES else _next_size(sizes, limit, highest)
    if best is None:
        height = number(image, "page-height") or image.height
        frames = f" x {image.height // height} frames" if height < image.height else ""
        raise CannotMeetSize(
            f"{image.width} x {height} pixels{frames} take {sizes[1]} bytes at quality 1; max_bytes allows {limit}"
        )
    return Choice(quality=best[0], score=None, body=best[1], encodes=len(sizes))


GROWTH = 0.03
"""How much a size's logarithm grows with one quality, where nothing is known of the picture yet."""
CREEPING = 3
"""After so many encodes that are all too large, the search halves the quality instead of trusting the curve."""


def _next_size(sizes: dict[int, int], limit: int, highest: int) -> int:
    """Return the quality to try next, which is one that is known when the search is at its end."""
    fitting = max((each for each in sizes if sizes[each] <= limit), default=0)
    over = min((each for each in sizes if sizes[each] > limit), default=highest + 1)
    if fitting and (over - fitting <= 1 or sizes[fitting] >= ENOUGH * limit):
        return fitting
    if over == 1:
        return over
    near = fitting or over
    exact = math.floor(near + math.log(limit / sizes[near]) / _growth(sizes, near))
    if not fitting and len(sizes) >= CREEPING:
        exact = min(exact, over // 2)
    return min(max(exact, fitting + 1), over - 1)


def _growth(sizes: dict[int, int], near: int) -> float:
    """Return the growth between the two known qualities that are closest to where the search goes on."""
    others = sorted((each for each in sizes if each != near), key=lambda each: abs(each - near))
    if not others:
        return GROWTH
    grown = math.log(sizes[others[0]] / sizes[near]) / (others[0] - near)
    return min(max(grown, GROWTH / 10), GROWTH * 4)
