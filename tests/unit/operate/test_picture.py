"""Which picture a smoke test uploads, and under which key."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.containers.sniff import sniff
from safelight.errors import NotFound
from safelight.operate.picture import drawn, read
from safelight.recipe.model import DEFAULT_RECIPE, Match, Recipe, Rendition
from tests.unit.fakes import png


def recipe(*suffix: str, prefix: str = "") -> Recipe:
    return Recipe(
        name="r", match=Match(prefix=prefix, suffix=suffix), renditions=(Rendition(key="{dir}{filename}.webp"),)
    )


@pytest.mark.parametrize(
    ("match", "start", "ending", "kind"),
    [
        (recipe(), "safelight-smoke-t1/", ".jpg", "jpeg"),
        (recipe(".PNG", ".tiff"), "safelight-smoke-t1/", ".png", "png"),
        (recipe(".webp", prefix="Shop/new-"), "Shop/new-safelight-smoke-t1/", ".webp", "webp"),
        (recipe(".heic"), "safelight-smoke-t1/", ".heic", "jpeg"),
        (recipe("-original"), "safelight-smoke-t1/", "-original", "jpeg"),
    ],
)
def test_drawn_picture_has_a_key_that_the_recipe_takes(match: Recipe, start: str, ending: str, kind: str) -> None:
    """The format is that of the name where it can be drawn; else the bytes decide, as always."""
    found = drawn((match, recipe(prefix="other/")), "t1")
    assert match.match.takes(found.key)
    assert found.key.startswith(start)
    assert found.key.endswith(ending)
    assert sniff(found.body) == kind
    assert found.content_type == f"image/{kind}"


def test_read_picture_goes_to_the_first_recipe_that_takes_its_name(tmp_path: Path) -> None:
    """Its name stays as it is; a prefix may be put before it."""
    (tmp_path / "A b.png").write_bytes(png(1))
    found = read(tmp_path / "A b.png", (recipe(".jpg"), recipe(".png", prefix="in/")), "t1")
    assert found is not None
    assert found.key == "in/safelight-smoke-t1/A b.png"
    assert found.body == png(1)


def test_read_picture_that_no_recipe_takes_is_none(tmp_path: Path) -> None:
    """Nothing is renamed to fit."""
    (tmp_path / "a.txt").write_bytes(b"text")
    assert read(tmp_path / "a.txt", (recipe(".jpg"), recipe(".png")), "t1") is None
    assert read(tmp_path / "a.txt", (DEFAULT_RECIPE,), "t1") is not None


def test_read_picture_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """A coded error with the file's name."""
    with pytest.raises(NotFound, match=r"none\.png: No such file"):
        read(tmp_path / "none.png", (DEFAULT_RECIPE,), "t1")
