"""The settings as a package carries them: parsed and checked when it was built, so that a function reads no YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from safelight.errors import InvalidRecipe
from safelight.settings import Notify, Settings

FOLDER = "project"
"""Where a package has the settings, and beside them the logos and fonts that they name (see `recipe.assets.read`)."""
FILE = "settings.json"
RATES = "rates.json"
"""What AWS asked for each unit when the package was built; jobs tell their cost by it."""
REBUILD = "Build the package again with `safelight package`."


def carried(settings: Settings) -> Settings:
    """Return the part of the settings that the function reads: what to do with uploads, and which endings are told.

    Where a stack is, how it is built and who gets its mail are left out: the package that was tried in one environment
    is the one for the next, byte for byte.
    """
    notify = Notify(on=settings.notify.on, digest=settings.notify.digest)
    return Settings(name=settings.name, notify=notify, limits=settings.limits, recipes=settings.recipes)


def dump(settings: Settings) -> bytes:
    """Return what of the settings is `carried` as JSON that people can read, the same bytes for equal ones."""
    return msgspec.json.format(msgspec.json.encode(carried(settings)), indent=1) + b"\n"


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
    return parse(raw)


def parse(raw: bytes) -> Settings:
    """Return the settings that `dump` wrote.

    Raises:
        InvalidRecipe: another Safelight did, which knows other options.
    """
    try:
        return msgspec.json.decode(raw, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        message = f"{FOLDER}/{FILE} does not fit this version of Safelight: {err}"
        raise InvalidRecipe(message, remedy=REBUILD) from err


def dump_rates(rates: Mapping[str, float]) -> bytes:
    """Return dollars for each unit as JSON."""
    return msgspec.json.format(msgspec.json.encode(rates, order="sorted"), indent=1) + b"\n"


def load_rates(folder: Path) -> dict[str, float]:
    """Read the rates of an unpacked package; none where it has none, since no picture needs them."""
    try:
        return msgspec.json.decode((folder / RATES).read_bytes(), type=dict[str, float])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
