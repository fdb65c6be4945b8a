"""A recipe from options."""

from __future__ import annotations

from typing import Any

import click
import pytest

from safelight.entry.cli.quick import Quick, quick_options, quick_recipe
from safelight.recipe.keys import keys_of
from safelight.target import Aim


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"width": 100}, "a/b.JPG"),
        ({"format": "webp"}, "a/b.webp"),
        ({"format": "jpeg"}, "a/b.jpg"),
        ({"quality": 50}, "a/b.JPG"),
        ({"format": "avif", "width": 10, "height": 20, "fit": "cover", "quality": 1}, "a/b.avif"),
    ],
)
def test_quick_recipe_makes_one_output_beside_its_name(options: dict[str, Any], key: str) -> None:
    """The tree is mirrored; the ending follows the format where one is asked for."""
    recipe = quick_recipe(Quick(**options))
    assert list(keys_of(recipe, "a/b.JPG")) == [key]
    assert recipe.metadata == "strip"


def test_quick_recipe_with_sizes_keeps_the_whole_picture() -> None:
    """Without --fit nothing is cropped."""
    (rendition,) = quick_recipe(Quick(width=10, height=20)).renditions
    assert rendition.resize is not None
    assert (rendition.resize.width, rendition.resize.height, rendition.resize.fit) == (10, 20, "inside")


@pytest.mark.parametrize(
    "options",
    [
        {"fit": "cover", "width": 9},
        {"fit": "cover", "height": 9},
        {"fit": "fill"},
        {"format": "png", "quality": 9},
        {"format": "gif", "quality": 9},
    ],
)
def test_quick_recipe_of_options_that_contradict_each_other_is_refused(options: dict[str, Any]) -> None:
    """An option that could have no effect is an error, not a surprise."""
    with pytest.raises(click.UsageError):
        quick_recipe(Quick(**options))


@pytest.mark.parametrize(("options", "given"), [({}, False), ({"width": 1}, True), ({"quality": 1}, True)])
def test_quick_knows_whether_anything_was_given(options: dict[str, Any], given: bool) -> None:  # noqa: FBT001
    """Only with an option does `run` leave the configuration aside."""
    assert Quick(**options).given is given


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("80", 80),
        ("auto", "auto"),
        ("ssim=0.98", Aim(ssim=0.98)),
        ("ssim=.98", Aim(ssim=0.98)),
        ("200kB", Aim(max_bytes="200kB")),
        ("1.5MB", Aim(max_bytes="1.5MB")),
    ],
)
def test_quick_quality_takes_what_a_recipe_takes(word: str, target: object) -> None:
    """Each form of `quality` can be written in one word."""
    assert chosen_quality(word) == target


@pytest.mark.parametrize("word", ["0", "101", "best", "ssim=1.2", "ssim=", "ssim=nan", "5GB", "-3", "99B", "", "٣"])
def test_quick_quality_of_no_known_form_is_refused_with_the_forms(word: str) -> None:
    """The message says what could stand there."""
    with pytest.raises(click.BadParameter, match=r"ssim=0\.98|must be at least 100 bytes"):
        chosen_quality(word)


def chosen_quality(word: str) -> object:
    @click.command()
    @quick_options
    def command(quick: Quick) -> None:
        found.append(quick.quality)

    found: list[object] = []
    command.main(["--quality", word], standalone_mode=False)
    return found[0]
