"""Loops are impossible."""

from pathlib import Path

import pytest

from safelight.errors import InvalidRecipe
from safelight.recipe.model import DEFAULT_RECIPE, Match, Recipe, Rendition
from safelight.recipe.overlap import check_overlap


def recipe(key: str, prefix: str = "", *suffix: str, name: str = "r") -> Recipe:
    return Recipe(name=name, match=Match(prefix=prefix, suffix=suffix), renditions=(Rendition(key=key),))


def refused(*recipes: Recipe, source: str = "b", target: str = "b") -> bool:
    try:
        check_overlap(recipes, input=source, output=target)
    except InvalidRecipe:
        return True
    return False


def test_check_overlap_two_buckets_allow_everything() -> None:
    """What lands elsewhere is no upload."""
    assert not refused(DEFAULT_RECIPE, source="in", target="out")


@pytest.mark.parametrize(
    "one",
    [
        recipe("{dir}processed_{filename}"),
        recipe("out/{filename}"),
        recipe("{dir}small/{filename}", "in/"),
        recipe("IN/small/{filename}", "in/"),
        recipe("{recipe}/{filename}", "in/"),
        recipe("{dir}{stem}.JPG", "", ".jpg"),
        recipe("{dir}{stem}.{ext}", "", ".jpg"),
        recipe("{dir}{filename}", "", ".jpg"),
        recipe("z/{filename}", "z/", "photos/a.jpg"),
    ],
)
def test_check_overlap_output_that_may_match_in_one_bucket_is_refused(one: Recipe) -> None:
    """Compared without case; what is not certain counts as a match."""
    assert refused(one)


@pytest.mark.parametrize(
    "one",
    [
        recipe("out/{filename}", "in/"),
        recipe("{dir}{filename}.webp", "", ".jpg", ".png"),
        recipe("{dir}{stem}-small.{format}", "", ".jpg"),
    ],
)
def test_check_overlap_outputs_apart_by_name_are_allowed(one: Recipe) -> None:
    """A prefix or an ending of its own keeps an output from being an upload."""
    rendition = Rendition(key=one.renditions[0].key, format="webp")
    assert not refused(Recipe(name="r", match=one.match, renditions=(rendition,)))


def test_check_overlap_output_for_another_recipe_is_refused() -> None:
    """Two recipes may not feed each other, and the message names both."""
    recipes = recipe("out/{filename}", "in/", name="a"), recipe("in/{filename}.webp", "out/", ".jpg", name="b")
    with pytest.raises(InvalidRecipe) as caught:
        check_overlap(recipes, input="b", output="b")
    assert "recipe 'a': key='out/{filename}'" in caught.value.message
    assert "the recipe 'b' again" in caught.value.message
    assert "match.prefix: originals/" in caught.value.remedy


def test_check_overlap_folders_beside_each_other_are_allowed(tmp_path: Path) -> None:
    """input/ and output/ of a project never meet."""
    assert not refused(DEFAULT_RECIPE, source=str(tmp_path / "input"), target=str(tmp_path / "input-2"))


def test_check_overlap_same_or_nested_folders_are_refused(tmp_path: Path) -> None:
    """Also when a link hides that they are one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real, link = str(tmp_path / "real"), str(tmp_path / "link")
    assert refused(DEFAULT_RECIPE, source=real, target=real)
    assert refused(DEFAULT_RECIPE, source=real, target=link)
    assert refused(DEFAULT_RECIPE, source=link, target=real + "/out/deep")
    assert refused(DEFAULT_RECIPE, source=real, target=str(tmp_path))


def test_check_overlap_output_folder_inside_but_no_trigger_is_allowed(tmp_path: Path) -> None:
    """An output folder in the input folder is fine while no recipe looks there."""
    one = recipe("{dir}{filename}", "originals/")
    assert not refused(one, source=str(tmp_path), target=str(tmp_path / "developed"))
    assert refused(one, source=str(tmp_path), target=str(tmp_path / "originals/developed"))
