"""Job A with Safelight's renderer: the same call that the service's workers make."""

from pathlib import Path

import pyvips

from bench.job import OUTPUTS, Output
from bench.peers.serve import serve
from safelight import __version__
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize


def rendition(output: Output) -> Rendition:
    """Return the rendition that asks for `output`."""
    return Rendition(
        key="{dir}" + output.file,
        resize=Resize(width=output.box_px, height=output.box_px, fit="inside"),
        quality=output.quality,
        effort=output.effort,
    )


RECIPE = Recipe(name="job-a", renditions=tuple(rendition(output) for output in OUTPUTS))
LIMITS = Limits()


def develop(photo: Path, out: Path) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    rendering = render(photo.read_bytes(), photo.name, RECIPE, LIMITS)
    for output in rendering.outputs:
        body = output.body.read_bytes() if isinstance(output.body, Path) else output.body
        (out / output.key).write_bytes(body)


if __name__ == "__main__":
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    serve(develop, {"safelight": __version__, "pyvips": pyvips.__version__, "libvips": libvips})
