"""Logos and fonts that recipes name: what is wrong with them is told when the file is read, with its line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import pyvips

from safelight.config import load
from safelight.recipe import assets, settle
from safelight.recipe.finding import InvalidFile
from safelight.recipe.model import Limits
from safelight.steps.text import SHIPPED_FONT
from safelight.steps.watermark import Watermark

MARK_LINE = 5
SHIPPED = SHIPPED_FONT.read_bytes()


class Trial:
    """Finds the fault that it is told to find, and remembers what it was asked."""

    def __init__(self, said: str = "") -> None:
        self.said = said
        self.asked: list[Watermark] = []
        self.bodies: Mapping[str, bytes] = {}
        self.limits = Limits()

    def __call__(self, marks: Sequence[Watermark], bodies: Mapping[str, bytes], limits: Limits) -> list[str]:
        self.asked, self.bodies, self.limits = list(marks), bodies, limits
        return [self.said] * len(marks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = bytes(pyvips.Image.gaussnoise(32, 32).cast("uchar").pngsave_buffer())
    for name, body in {
        "logo.png": picture,
        "cut.png": picture[:-20],
        "text.png": b"no picture",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "font.ttf": SHIPPED,
        "cut.ttf": SHIPPED[:5000],
        "web.woff2": b"wOF2" + bytes(100),
    }.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def errors(folder: Path, *marks: str, trial: settle.Trial = settle.untried) -> list[str]:
    """Return what is wrong with a recipe that has a rendition with each of the watermarks."""
    entries = "".join(
        f'      - key: "{{dir}}{{filename}}-{i}.webp"\n        watermark: {mark}\n' for i, mark in enumerate(marks)
    )
    path = folder / "safelight.yaml"
    path.write_text(f"recipes:\n  - name: r\n    renditions:\n{entries}limits: {{memory: 300}}\n", "utf-8")
    try:
        load(path, {}, trial)
    except InvalidFile as err:
        return [str(each) for each in err.errors]
    return []


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("{image: none.png}", "watermark.image='none.png'; there is no such file beside the configuration"),
        ("{image: folder.png}", "there is no such file beside the configuration"),
        ("{image: ../logo.png}", "must be a path inside the configuration's folder"),
        ("{image: /logo.png}", "must be a path inside the configuration's folder"),
        ("{image: text.png}", "is no picture of a known format; use a PNG, WebP or JPEG"),
        ("{image: drawing.svg}", "is no picture of a known format; use a PNG, WebP or JPEG"),
        ("{image: cut.png}", "the file ends before its picture does"),
        ("{text: a, font: none.ttf}", "watermark.font='none.ttf'; there is no such file"),
        ("{text: a, font: ../font.ttf}", "must be a path inside"),
        ("{text: a, font: cut.ttf}", "watermark.font='cut.ttf'; the font file is broken or cut off"),
        ("{text: a, font: web.woff2}", "the font is no TrueType or OpenType file (.ttf, .otf)"),
        ("{text: a, font: logo.png}", "the font is no TrueType or OpenType file (.ttf, .otf)"),
        ("{text: 日本}", "watermark.text='日本'; the font (the shipped one) has no glyph for '日本'"),
        ("{text: a日b, font: font.ttf}", "the font (font.ttf) has no glyph for '日'; name another font"),
    ],
)
def test_asset_that_is_missing_or_broken_is_an_error_on_its_line(folder: Path, mark: str, message: str) -> None:
    """Nothing starts with it, and the file's line is named."""
    (found,) = errors(folder, mark)
    assert found.startswith("recipe 'r', rendition 1: watermark.")
    assert message in found
    assert found.endswith(f"safelight.yaml:{MARK_LINE}")


def test_asset_that_is_sound_is_part_of_the_recipe(folder: Path) -> None:
    """Another logo under the same name gives another digest."""
    assert errors(folder, "{image: logo.png}", "{text: © Ω Я, font: font.ttf}") == []
    (recipe,) = load(folder / "safelight.yaml", {}).settings.recipes
    assert [each.name for each in recipe.assets] == ["font.ttf", "logo.png"]
    assert assets.read([recipe], folder)["font.ttf"] == SHIPPED


@pytest.mark.parametrize(
    ("mark", "option"),
    [
        ("{image: logo.png}", "image='logo.png'"),
        ("{text: a, font: font.ttf}", "font='font.ttf'"),
        ("{text: a}", "text='a'"),
    ],
)
def test_trial_that_fails_is_an_error_on_the_line_of_the_option(folder: Path, mark: str, option: str) -> None:
    """What only drawing shows is told like everything else."""
    found = errors(folder, mark, trial=Trial("it does not draw"))
    assert found == [f"recipe 'r', rendition 1: watermark.{option}; it does not draw; safelight.yaml:{MARK_LINE}"]


def test_trial_is_asked_once_for_each_watermark_that_has_no_other_fault(folder: Path) -> None:
    """It gets the bytes and the limits; what is missing is told beside what it finds."""
    trial = Trial("it does not draw")
    found = errors(folder, "{image: logo.png}", "{image: none.png}", "{image: logo.png}", trial=trial)
    assert [each.rpartition(":")[2] for each in found] == ["5", "7", "9"]
    assert [each.image for each in trial.asked] == ["logo.png"]
    assert trial.bodies == {"logo.png": (folder / "logo.png").read_bytes()}
    assert trial.limits.memory == 300
