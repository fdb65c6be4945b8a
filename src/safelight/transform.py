"""The steps of a rendition after it got its size, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safelight.marks import mark_of
from safelight.steps.blur import blur
from safelight.steps.crop import crop, place
from safelight.steps.flatten import flatten
from safelight.steps.flip import flip, flop
from safelight.steps.gamma import gamma
from safelight.steps.greyscale import greyscale
from safelight.steps.modulate import modulate
from safelight.steps.pad import pad
from safelight.steps.region import region
from safelight.steps.resize import Resize, plan, resize
from safelight.steps.rotate import rotate
from safelight.steps.sharpen import sharpen
from safelight.steps.trim import trim
from safelight.steps.watermark import mark_width, watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyvips

    from safelight.recipe.model import Rendition, Step
    from safelight.steps.watermark import Watermark

OPTIONS: dict[Step, Callable[[pyvips.Image, Any], pyvips.Image]] = {
    "trim": trim,
    "crop": region,
    "rotate": rotate,
    "modulate": modulate,
    "gamma": gamma,
    "blur": blur,
    "sharpen": sharpen,
    "pad": pad,
    "flatten": flatten,
}
"""Steps that take their options and nothing else."""
PLAIN: dict[Step, Callable[[pyvips.Image], pyvips.Image]] = {"flip": flip, "flop": flop, "greyscale": greyscale}
"""Steps without options."""


def transform(
    image: pyvips.Image, steps: Iterable[Step], rendition: Rendition, assets: Mapping[str, bytes]
) -> pyvips.Image:
    """Run the steps in their order.

    Between two of them the picture is held in memory: some read it from bottom to top or more than once, and nothing
    is computed twice.
    """
    for number, name in enumerate(steps):
        image = _step(image.copy_memory() if number else image, name, rendition, assets)
    return image


def _step(image: pyvips.Image, name: Step, rendition: Rendition, assets: Mapping[str, bytes]) -> pyvips.Image:
    options = getattr(rendition, name)
    if name in PLAIN:
        return PLAIN[name](image)
    if name in OPTIONS:
        return OPTIONS[name](image, options)
    if name == "resize":
        return _resize(image, options)
    return _watermark(image, options, assets)


def _resize(image: pyvips.Image, options: Resize) -> pyvips.Image:
    geometry = plan(options, image.width, image.height)
    image = resize(image, geometry.scaled).copy_memory()
    if geometry.crop:
        return crop(image, geometry.crop, options.position)
    return place(image, geometry.canvas, options.position) if geometry.canvas else image


def _watermark(image: pyvips.Image, options: Watermark, assets: Mapping[str, bytes]) -> pyvips.Image:
    mark = mark_of(options, mark_width(options, image.width), assets)
    return watermark(image, mark, options)
