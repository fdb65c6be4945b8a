"""From samples to figures: medians of paired ratios with their uncertainty."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from msgspec import Struct

from bench.measure import Sample

RESAMPLES = 2000


class Ratio(Struct, frozen=True, kw_only=True):
    """A median ratio with its 95 % interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def mean_ms(samples: Sequence[Sample], engine: str, field: str) -> float:
    """Return the mean over photographs of the median over rounds, in milliseconds.

    `field` is `cpu_s` or `wall_s`.
    """
    by_photo: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        if sample.engine == engine:
            by_photo[sample.photo].append(getattr(sample, field))
    return fmean(median(values) for values in by_photo.values()) * 1000


def ratio(samples: Sequence[Sample], engine: str, against: str, field: str = "cpu_s") -> Ratio:
    """Compare two engines at one job, each photograph of each round with itself; `field` as in `mean_ms`.

    Returns:
        The median over photographs of the median over rounds; the interval is a percentile bootstrap that draws
        photographs first and then rounds within each (Davison and Hinkley, Bootstrap Methods, section 3.8).
    """
    pairs = _pairs(samples, engine, against, field)
    draw = random.Random(21)  # noqa: S311 - a resampling, no secret
    medians = sorted(_redrawn(pairs, draw) for _ in range(RESAMPLES))
    return Ratio(
        median=median(median(values) for values in pairs.values()),
        low=medians[int(RESAMPLES * 0.025)],
        high=medians[int(RESAMPLES * 0.975) - 1],
    )


def _pairs(samples: Sequence[Sample], engine: str, against: str, field: str) -> Mapping[str, list[float]]:
    spent: dict[tuple[str, str, int], float] = {
        (sample.engine, sample.photo, sample.round): getattr(sample, field) for sample in samples
    }
    pairs: dict[str, list[float]] = defaultdict(list)
    for name, photo, number in spent:
        if name == engine:
            pairs[photo].append(spent[engine, photo, number] / spent[against, photo, number])
    return pairs


def _redrawn(pairs: Mapping[str, list[float]], draw: random.Random) -> float:
    photos = list(pairs.values())
    drawn = draw.choices(photos, k=len(photos))
    return median(median(draw.choices(values, k=len(values))) for values in drawn)
