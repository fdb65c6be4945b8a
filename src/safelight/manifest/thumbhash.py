"""ThumbHash: a blurred picture in about 25 bytes, to be shown until the real one is there.

Source: Evan Wallace, ThumbHash, reference implementation 0.1.1 (evanw.github.io/thumbhash, MIT licence).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, floor, fsum, pi
from operator import mul
from typing import NamedTuple

NOISE = 1e-9
"""Waves below this are sums that do not quite cancel out."""

Plane = list[Sequence[float]]
"""Rows of one channel, 0..1."""


class Terms(NamedTuple):
    """A channel as a cosine transform: its mean, its waves within -1..1, and the largest of them."""

    mean: float
    waves: tuple[float, ...]
    scale: float


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the ThumbHash of a picture of at most 100 x 100 pixels.

    Args:
        width: in pixels.
        height: in pixels.
        rgba: 4 bytes a pixel, row by row; colours are not multiplied with alpha.
    """
    red, green, blue, alpha = ([value / 255 for value in rgba[band::4]] for band in range(4))
    clear = any(value < 1 for value in alpha)
    if clear:
        red, green, blue = (_on_average(band, alpha) for band in (red, green, blue))
    pixels = list(zip(red, green, blue, strict=True))
    most, longer = 5 if clear else 7, max(width, height)
    across, down = max(1, _round(most * width / longer)), max(1, _round(most * height / longer))
    light = _terms(_rows([(r + g + b) / 3 for r, g, b in pixels], width), max(3, across), max(3, down))
    yellow = _terms(_rows([(r + g) / 2 - b for r, g, b in pixels], width), 3, 3)
    reddish = _terms(_rows([r - g for r, g, _ in pixels], width), 3, 3)
    opacity = _terms(_rows(alpha, width), 5, 5) if clear else None
    shape = (down if width > height else across) | (width > height) << 15
    return _packed(light, (yellow, reddish), opacity, shape)


def _on_average(band: Sequence[float], alpha: Sequence[float]) -> list[float]:
    """Put a channel on its own average colour, so that what shines through is no edge."""
    opaque = fsum(alpha)
    average = fsum(map(mul, band, alpha)) / opaque if opaque else 0.0
    return [average * (1 - share) + share * value for value, share in zip(band, alpha, strict=True)]


def _rows(values: list[float], width: int) -> Plane:
    return [values[start : start + width] for start in range(0, len(values), width)]


def _terms(plane: Plane, across: int, down: int) -> Terms:
    """Transform a channel, first along its rows, then down; `fsum`, since its result is the same everywhere."""
    height, width = len(plane), len(plane[0])
    columns = [[fsum(map(mul, row, wave)) for row in plane] for wave in _waves(across, width)]
    vertical = list(_waves(down, height))
    found = [
        fsum(map(mul, columns[x], vertical[y])) / (width * height)
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    scale = max(map(abs, found[1:]))
    scale = scale if scale > NOISE else 0.0
    return Terms(found[0], tuple(wave / scale if scale else 0.0 for wave in found[1:]), scale)


def _waves(count: int, length: int) -> Iterator[list[float]]:
    for number in range(count):
        yield [cos(pi / length * number * (place + 0.5)) for place in range(length)]


def _packed(light: Terms, colors: tuple[Terms, Terms], opacity: Terms | None, shape: int) -> bytes:
    """Return header and waves, of which two share a byte."""
    yellow, reddish = colors
    head = _round(63 * light.mean) | _round(31.5 + 31.5 * yellow.mean) << 6 | _round(31.5 + 31.5 * reddish.mean) << 12
    head |= _round(31 * light.scale) << 18 | (opacity is not None) << 23
    shape |= _round(63 * yellow.scale) << 3 | _round(63 * reddish.scale) << 9
    out = head.to_bytes(3, "little") + shape.to_bytes(2, "little")
    if opacity is not None:
        out += bytes([_round(15 * opacity.mean) | _round(15 * opacity.scale) << 4])
    waves = [
        _round(15 * (0.5 + 0.5 * wave)) if each.scale else 0
        for each in (light, yellow, reddish, opacity)
        if each
        for wave in each.waves
    ]
    pairs = zip(waves[::2], [*waves[1::2], 0], strict=False)
    return out + bytes(low | high << 4 for low, high in pairs)


def _round(number: float) -> int:
    return floor(number + 0.5)  # JavaScript's rounding, which the format was defined with
