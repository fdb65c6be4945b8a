"""Choose the encoder's quality: fixed, by how alike the result looks, or by its size in bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from safelight import sample
from safelight.errors import SafelightError
from safelight.similarity import compare, measure

if TYPE_CHECKING:
    import pyvips

AUTO = 0.9815
"""The similarity that `auto` keeps: about 76 of SSIMULACRA2, JPEG's quality 73 on a common photograph."""
BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kM]i?)?B?", re.ASCII)
UNITS = {None: 1, "k": 1000, "M": 1_000_000, "ki": 1024, "Mi": 1_048_576}


class CannotMeetSize(SafelightError):
    """Not even the lowest quality makes the rendition as small as its max_bytes."""

    code, status = "cannot_meet_size", 422
    default_remedy = "Give the rendition a smaller resize, or raise max_bytes."


class Aim(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the quality is chosen for: exactly one of these."""

    ssim: (
        Annotated[float, Meta(gt=0, lt=1, description="Similarity to keep; 0.98 is good, 0.99 hard to tell apart.")]
        | None
    ) = None
    max_bytes: Annotated[
        int | str | None,
        Meta(description="Size that the output never exceeds, in bytes or as 200kB, 1.5MB.", examples=["200kB"]),
    ] = None

    def __post_init__(self) -> None:
        if (self.ssim is None) == (self.max_bytes is None):
            raise ValueError("quality needs one of ssim and max_bytes; write {ssim: 0.98} or {max_bytes: 200kB}")
        if self.max_bytes is not None:
            parse_size(self.max_bytes)


Target = Annotated[int, Meta(ge=1, le=100)] | Literal["auto"] | Aim


def parse_size(size: int | str) -> int:
    """Return a size in bytes; kB and MB are powers of 1000, kiB and MiB of 1024.

    Raises:
        ValueError: it is no size of at least one byte.
    """
    match = BYTES.fullmatch(str(size).strip())
    count = int(float(match[1]) * UNITS[match[2]]) if match else 0
    if count < 1:
        raise ValueError(f"max_bytes={size!r}; must be a number of bytes from 1, or such as 200kB, 1.5MB")
    return count


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


def choose(
    image: pyvips.Image, codec: Codec, target: Target, *, bounds: tuple[int, int] = (30, 95), probes: int = 4
) -> Choice:
    """Encode a picture at the lowest quality that meets the target; the same picture always gets the same.

    Args:
        image: in memory, for it is read more than once, and as the format can hold it: sRGB or grey, and flattened
            where the format has no alpha.
        codec: the format.
        target: a quality, `auto`, or an aim.
        bounds: the qualities that a similarity may lead to; a size may lead down to 1.
        probes: encodes of samples at most.

    Raises:
        CannotMeetSize: quality 1 gives more bytes than allowed.
    """
    if isinstance(target, int):
        return Choice(quality=target, score=None, body=codec.encode(image, target), encodes=1)
    if target == "auto":
        return _alike(image, codec, AUTO, bounds, probes)
    if target.ssim is not None:
        return _alike(image, codec, target.ssim, bounds, probes)
    return _within(image, codec, parse_size(target.max_bytes or 0), bounds[1])


def _alike(image: pyvips.Image, codec: Codec, aim: float, bounds: tuple[int, int], probes: int) -> Choice:
    """Search on a sample; a distance's logarithm is nearly straight in quality, so that a secant finds it soon."""
    part = sample.take(image)
    reference = measure(part.inside(part.image))
    wanted = math.log(1 - aim)
    quality = _bounded(codec.curve.quality + (wanted - math.log(1 - AUTO)) / codec.curve.slope, bounds)
    known: dict[int, float] = {}
    bodies: dict[int, bytes] = {}
    while quality not in known and len(known) < probes:
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
        raise CannotMeetSize(
            f"{image.width} x {image.height} pixels take {sizes[1]} bytes at quality 1; max_bytes allows {limit}"
        )
    return Choice(quality=best[0], score=None, body=best[1], encodes=len(sizes))


GROWTH = 0.03
"""How much a size's logarithm grows with one quality, where nothing is known of the picture yet."""


def _next_size(sizes: dict[int, int], limit: int, highest: int) -> int:
    """Return the quality to try next, which is one that is known when the search is at its end."""
    fitting = max((each for each in sizes if sizes[each] <= limit), default=0)
    over = min((each for each in sizes if sizes[each] > limit), default=highest + 1)
    if fitting and (over - fitting <= 1 or sizes[fitting] >= ENOUGH * limit):
        return fitting
    if over == 1:
        return over
    near = fitting or over
    growth = GROWTH
    if fitting and over in sizes:
        growth = max(math.log(sizes[over] / sizes[fitting]) / (over - fitting), GROWTH / 10)
    exact = near + math.log(limit / sizes[near]) / growth
    return min(max(math.floor(exact), fitting + 1), over - 1)
