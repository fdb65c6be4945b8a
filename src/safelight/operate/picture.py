"""The picture that a smoke test uploads: one that is drawn, or a file, under a key that a recipe takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyvips
from msgspec import Struct

from safelight.containers.sniff import CONTENT_TYPES, sniff
from safelight.errors import NotFound
from safelight.recipe.model import Recipe

WIDTH, HEIGHT = 960, 640
FOLDER, NAME = "safelight-smoke-", "picture"
DRAWABLE = (".jpg", ".png", ".webp")
"""Formats that are drawn, by their endings; what else a recipe wants in a name gets the first, since bytes decide."""


class Picture(Struct, frozen=True, kw_only=True):
    """What is uploaded, and where."""

    key: str
    body: bytes

    @property
    def content_type(self) -> str:
        """Return what the bytes are."""
        return CONTENT_TYPES.get(sniff(self.body) or "", "application/octet-stream")


def drawn(recipes: Iterable[Recipe], token: str) -> Picture:
    """Return a picture under a key that the first of these recipes takes, which no key before had.

    Args:
        recipes: at least one.
        token: what makes the key a new one.
    """
    match = next(iter(recipes)).match
    folded = [each.casefold() for each in match.suffix]
    ending = next((each for each in DRAWABLE if not folded or each in folded), folded[0] if folded else DRAWABLE[0])
    # The folder is new, too: an output of which the key names the folder alone is new then.
    key = f"{match.prefix}{FOLDER}{token}/{NAME}{ending}"
    return Picture(key=key, body=draw(ending if ending in DRAWABLE else DRAWABLE[0]))


def read(path: Path, recipes: Iterable[Recipe], token: str) -> Picture | None:
    """Return a file under a key that one of these recipes takes; None where its name ends as none wants it.

    Raises:
        NotFound: it cannot be read.
    """
    try:
        body = path.read_bytes()
    except OSError as err:
        raise NotFound(f"{path}: {err.strerror}", remedy="Name a picture with --file.") from err
    keys = ((f"{recipe.match.prefix}{FOLDER}{token}/{path.name}", recipe) for recipe in recipes)
    key = next((key for key, recipe in keys if recipe.match.takes(key)), None)
    return None if key is None else Picture(key=key, body=body)


def draw(ending: str) -> bytes:
    """Draw a coloured disc on a gradient, something for every step to do."""
    place = pyvips.Image.xyz(WIDTH, HEIGHT)
    across, down = place[0] * (255 / WIDTH), place[1] * (255 / HEIGHT)
    ground = across.bandjoin(down).bandjoin(255 - across)
    disc = (place[0] - WIDTH / 2) ** 2 + (place[1] - HEIGHT / 2) ** 2 < (HEIGHT / 3) ** 2
    image = disc.ifthenelse([240, 180, 40], ground).cast("uchar").copy(interpretation="srgb")
    body: bytes = image.write_to_buffer(ending)
    return body
