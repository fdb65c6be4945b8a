"""A job with Safelight's renderer: the same call that the service's workers make."""

from functools import lru_cache
from pathlib import Path
from typing import cast

import pyvips

from bench.job import JOB_A, Output
from bench.peers.serve import Outputs, serve
from safelight import __version__
from safelight.encode import Format
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize


def rendition(output: Output) -> Rendition:
    """Return the rendition that asks for `output`."""
    return Rendition(
        key="{dir}" + output.file,
        resize=Resize(width=output.box_px, height=output.box_px, fit="inside"),
        format=cast("Format", output.format),
        quality=output.quality or None,
        effort=output.effort,
    )


@lru_cache
def recipe(outputs: Outputs) -> Recipe:
    """Return the recipe that asks for all of `outputs`."""
    return Recipe(name="bench", renditions=tuple(rendition(output) for output in outputs))


RECIPE = recipe(JOB_A.outputs)
LIMITS = Limits()


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    rendering = render(photo.read_bytes(), photo.name, recipe(outputs), LIMITS)
    for output in rendering.outputs:
        body = output.body.read_bytes() if isinstance(output.body, Path) else output.body
        (out / output.key).write_bytes(body)


if __name__ == "__main__":
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    serve(develop, {"safelight": __version__, "pyvips": pyvips.__version__, "libvips": libvips})
