"""A font that a recipe names, made ready to draw with."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from safelight.steps.sfnt import renamed


def prepare(font: bytes, folder: Path) -> Path:
    """Write a copy of a font into `folder` under a family name of its own, and return where it is.

    The name comes from the font's bytes: a font of the machine or of another recipe that has the same family is never
    taken for it, and a font that was replaced under the same path is seen as another one. A copy that is there
    already is used again.

    Raises:
        InvalidRecipe: the bytes are no font that we can draw with.
    """
    family = "safelight-" + hashlib.sha256(font).hexdigest()[:16]
    made = folder / f"{family}.ttf"
    body = renamed(font, family)
    if not (made.exists() and made.read_bytes() == body):
        draft = folder / f".{family}.{os.getpid()}"
        draft.write_bytes(body)
        draft.replace(made)
    return made
