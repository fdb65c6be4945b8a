"""The ready files of `safelight init`."""

from pathlib import Path

import pytest
import yaml

from safelight.config import load
from safelight.recipe import presets


@pytest.mark.parametrize("name", presets.NAMES)
def test_preset_loads_without_errors_or_warnings(name: str, tmp_path: Path) -> None:
    """A newcomer's first file is in order."""
    path = tmp_path / "safelight.yaml"
    path.write_text(presets.read(name), "utf-8")
    loaded = load(path, {})
    assert loaded.warnings == ()
    assert [recipe.name for recipe in loaded.settings.recipes] == [name]


@pytest.mark.parametrize("name", presets.NAMES)
def test_preset_with_mail_switched_on_loads(name: str, tmp_path: Path) -> None:
    """Taking the # away from the mail block, as its comment says, gives a valid file."""
    before, _, after = presets.read(name).partition("# notify:")
    block, blank, rest = after.partition("\n\n")
    path = tmp_path / "safelight.yaml"
    path.write_text(before + "notify:" + block.replace("\n# ", "\n") + blank + rest, "utf-8")
    loaded = load(path, {"SAFELIGHT_SMTP_PASSWORD": "x"})
    assert loaded.warnings == ()
    assert loaded.settings.notify.email == ("you@example.com",)


@pytest.mark.parametrize("name", presets.NAMES)
def test_preset_with_environments_switched_on_loads(name: str, tmp_path: Path) -> None:
    """Taking the # away from the block about AWS gives a valid file with another dev."""
    before, _, block = presets.read(name).partition("# aws:")
    path = tmp_path / "safelight.yaml"
    path.write_text(before + "aws:" + block.replace("\n# ", "\n"), "utf-8")
    loaded = load(path, {}, environment="dev")
    assert (loaded.warnings, loaded.on_aws) == ((), ())
    assert (loaded.settings.aws.memory, loaded.settings.aws.log_days) == (1024, 7)
    assert loaded.environments["prod"].aws.log_days == 90


@pytest.mark.parametrize("name", presets.NAMES)
def test_preset_points_editors_to_the_schema_beside_it(name: str) -> None:
    """The first line is the hint that editors read; the file is the one that init copies."""
    assert presets.read(name).startswith("# yaml-language-server: $schema=.safelight/safelight.schema.json\n")


def test_presets_are_all_files_of_the_folder() -> None:
    """No preset is forgotten in the list."""
    assert {path.stem for path in Path(presets.__file__).parent.glob("*.yaml")} == set(presets.NAMES)


def test_preset_comment_names_a_key_that_comes_true() -> None:
    """The example in the head of `web` is what its first rendition gives."""
    text = presets.read("web")
    first = yaml.safe_load(text)["recipes"][0]["renditions"][0]
    words = {"width": first["widths"][0], "format": first["formats"][0]}
    key = first["key"].format(dir="holiday/", filename="beach.jpg", **words)
    assert f"the first rendition is {key}." in text
