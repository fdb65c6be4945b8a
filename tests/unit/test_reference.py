"""The pages of the steps: one for each, with a picture that its recipe made."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pyvips
from msgspec.structs import replace

from docs.make import pictures, transforms
from docs.make.examples import EXAMPLES, Example
from safelight.config import load
from safelight.recipe.finding import InvalidFile
from safelight.recipe.model import ENGINE, STEPS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/reference/transforms"


def generated(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "docs/generate.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_reference_has_a_page_for_each_step() -> None:
    """Each step has one example, in the order of the steps, and each shows its own step."""
    assert tuple(each.step for each in EXAMPLES) == STEPS
    assert all(f"        {each.step}:" in each.recipe for each in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.step)
def test_example_as_shown_passes_lint(example: Example, tmp_path: Path) -> None:
    """What a reader copies has neither errors nor warnings."""
    (tmp_path / "safelight.yaml").write_text(example.recipe, "utf-8")
    pyvips.Image.black(8, 8).pngsave(str(tmp_path / "logo.png"))
    assert load(tmp_path / "safelight.yaml", {}).warnings == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.step)
def test_picture_of_a_page_is_there(example: Example) -> None:
    """The page shows it, and it has a cell for each upload and each output at least."""
    name = pictures.name(example)
    picture = pyvips.Image.new_from_file(str(FOLDER / name))
    assert f"({name})" in (FOLDER / f"{example.step}.md").read_text("utf-8")
    assert picture.width == pictures.WIDTH
    assert picture.height > 100 * len(example.uploads)


def test_pictures_together_are_small() -> None:
    """A clone stays quick."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 700_000


def test_picture_of_another_example_or_engine_has_another_name() -> None:
    """So a picture that is out of date is missing under its new name."""
    example = EXAMPLES[0]
    names = {
        pictures.name(example),
        pictures.name(example, ENGINE + 1),
        pictures.name(replace(example, options=("trim: {threshold: 61}",))),
        pictures.name(replace(example, uploads=("sea",))),
    }
    assert len(names) == 4


def test_page_of_an_example_that_the_model_refuses_is_not_made() -> None:
    """An option that was renamed shows up in `--check`, not in front of a reader."""
    with pytest.raises(InvalidFile, match=r"'treshold'.*did you mean 'threshold'"):
        transforms.page(replace(EXAMPLES[0], options=("trim: {treshold: 60}",)))


def test_check_names_pages_and_pictures_that_drifted(tmp_path: Path) -> None:
    """A page that was edited, a picture that is missing and one that no page shows are each told."""
    for name in ("docs", "demo", "infra"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform"))
    folder = tmp_path / "docs/reference/transforms"
    picture = folder / pictures.name(EXAMPLES[0])
    picture.rename(folder / "trim-00000000.webp")
    (folder / "pad.md").write_text("edited", "utf-8")
    checked = generated(tmp_path, "--check")
    told = {Path(line.partition(":")[0]).name for line in checked.stdout.splitlines()}
    assert checked.returncode == 1
    assert told == {picture.name, "trim-00000000.webp", "pad.md"}
