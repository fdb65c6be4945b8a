"""The settings as a package carries them: parsed and checked when it was built, so that a function reads no YAML."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from safelight.errors import InvalidRecipe
from safelight.placement import Aws, Naming
from safelight.settings import Settings

FOLDER = "project"
"""Where a package has the settings, and beside them the logos and fonts that they name (see `recipe.assets.read`)."""
FILE = "settings.json"
REBUILD = "Build the package again with `safelight package`."


def dump(settings: Settings) -> bytes:
    """Return the settings as JSON that people can read, the same bytes for equal settings.

    How and where a stack is built is left out: the package that was tried in one environment is the one for the next.
    """
    inner = replace(settings, names=Naming(), aws=Aws(), environments={})
    return msgspec.json.format(msgspec.json.encode(inner), indent=1) + b"\n"


def load(folder: Path) -> Settings:
    """Read the settings of an unpacked package.

    Args:
        folder: `FOLDER` in it.

    Raises:
        InvalidRecipe: they are missing, or were written by a Safelight that knows other options.
    """
    try:
        raw = (folder / FILE).read_bytes()
    except OSError as err:
        raise InvalidRecipe(f"the package has no {FOLDER}/{FILE}", remedy=REBUILD) from err
    try:
        return msgspec.json.decode(raw, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        message = f"{FOLDER}/{FILE} does not fit this version of Safelight: {err}"
        raise InvalidRecipe(message, remedy=REBUILD) from err
