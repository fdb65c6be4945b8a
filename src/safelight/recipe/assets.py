"""Logos and fonts that recipes name, as a pipeline reads them at its start; `recipe.settle` has checked them before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from safelight.errors import InvalidRecipe
from safelight.recipe.model import Recipe


def read(recipes: Iterable[Recipe], folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file that the recipes name.

    Raises:
        InvalidRecipe: a file is not the one that the configuration was read with.
    """
    wanted = {asset.name: asset.sha256 for recipe in recipes for asset in recipe.assets}
    found = {name: file_bytes(folder, name) for name in wanted}
    for name, body in found.items():
        if body is None or hashlib.sha256(body).hexdigest() != wanted[name]:
            raise InvalidRecipe(f"{name} has changed since the configuration was read", remedy="Start Safelight again.")
    return {name: body for name, body in found.items() if body is not None}


def file_bytes(folder: Path, name: str) -> bytes | None:
    """Return the bytes of a file, or None where it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None
