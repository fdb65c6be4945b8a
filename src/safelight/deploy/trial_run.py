"""A picture of the user's, developed here and now: CPU and outputs in place of what was measured elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from safelight.deploy.durations import Durations
from safelight.deploy.forecast import Forecast, Machine, Work, timed
from safelight.recipe.model import Limits, Recipe
from safelight.render import render

ROUNDS = 3


def tried(
    path: Path, recipes: tuple[Recipe, ...], assets: Mapping[str, bytes], machine: Machine, durations: Durations
) -> tuple[Forecast, ...]:
    """Develop a picture by each recipe, and return forecasts of jobs like these.

    CPU is this machine's, the median of three after one that does not count; calls and starts are as in `durations`.

    Raises:
        SafelightError: it cannot be developed.
    """
    body, limits, found = path.read_bytes(), Limits(), []
    for recipe in recipes:
        outputs = render(body, path.name, recipe, limits, assets).outputs
        spent_ms = median(_cpu_ms(body, path.name, recipe, assets) for _ in range(ROUNDS))
        sizes = [each.size / 1e6 for each in outputs]
        work = Work(recipe=recipe.name, cpu_ms=spent_ms, mb=len(body) / 1e6, outputs_mb=sizes)
        found.append(timed(work, machine, durations.around))
    return tuple(found)


def _cpu_ms(body: bytes, name: str, recipe: Recipe, assets: Mapping[str, bytes]) -> float:
    begin_s = time.process_time()
    render(body, name, recipe, Limits(), assets)
    return (time.process_time() - begin_s) * 1000
