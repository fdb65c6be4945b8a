"""The image work alone, by the Python and the packages of the function: the event names a file."""

import os
from pathlib import Path

from safelight import packed
from safelight.aws.ports import limits_of
from safelight.recipe import assets
from safelight.render import render

FOLDER = Path(os.environ["LAMBDA_TASK_ROOT"]) / packed.FOLDER
SETTINGS = packed.load(FOLDER)
ASSETS = assets.read(SETTINGS.recipes, FOLDER)
LIMITS = limits_of(SETTINGS.limits, 512)


def handle(event: dict[str, str], _context: object) -> None:
    """Develop the file and drop the outputs."""
    path = Path(event["path"])
    for recipe in SETTINGS.recipes:
        render(path.read_bytes(), path.name, recipe, LIMITS, ASSETS)
