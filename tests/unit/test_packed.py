"""The settings that a package carries."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from safelight import packed
from safelight.config import load
from safelight.errors import InvalidRecipe
from safelight.recipe import presets
from safelight.recipe.model import Asset, digest
from safelight.settings import Settings

STEPS = """\
name: all-of-it
notify: {email: [a@example.com], on: [failure], digest: 15m, smtp: {host: x}}
recipes:
  - name: photos
    metadata: copyright
    rights: {creator: Ann Owner}
    manifest: "{dir}{filename}.json"
    renditions:
      - key: "{dir}{filename}-{width}.{format}"
        widths: [320, 640]
        formats: [webp, jpeg]
        blur: {sigma: 2}
        crop: {aspect: "16:9", position: "0.3,0.9"}
        quality: 77
        watermark: {text: "© Änn", rotate_deg: -12.5}
"""


def sources() -> list[str]:
    return [*map(presets.read, presets.NAMES), STEPS, ""]


@pytest.mark.parametrize("text", sources(), ids=[*presets.NAMES, "all", "default"])
def test_load_of_what_was_dumped_gives_equal_settings_and_digests(text: str, tmp_path: Path) -> None:
    """A job has the same id on one machine and on Lambda, whatever the file says."""
    (tmp_path / "safelight.yaml").write_text(text, encoding="utf-8")
    settings = load(tmp_path / "safelight.yaml", {}).settings
    (tmp_path / packed.FILE).write_bytes(packed.dump(settings))
    found = packed.load(tmp_path)
    assert found == packed.carried(settings)
    assert (found.limits, found.notify.on, found.notify.digest) == (
        settings.limits,
        settings.notify.on,
        settings.notify.digest,
    )
    assert [digest(recipe) for recipe in found.recipes] == [digest(recipe) for recipe in settings.recipes]


def test_dump_is_equal_for_environments_with_equal_recipes(tmp_path: Path) -> None:
    """What was tried in dev is what prod gets, byte for byte, unless recipes, limits or notices differ."""
    (tmp_path / "safelight.yaml").write_text(
        STEPS + "environments:\n"
        "  dev: {region: eu-west-1, names: {suffix: account}, notify: {email: []}, aws: {concurrency: 2}}\n"
        "  slow: {limits: {seconds: 30}}\n"
    )
    dumps = {
        e: packed.dump(load(tmp_path / "safelight.yaml", {}, environment=e).settings) for e in ("dev", "prod", "slow")
    }
    assert dumps["dev"] == dumps["prod"] == packed.dump(load(tmp_path / "safelight.yaml", {}).settings)
    assert dumps["slow"] != dumps["prod"]
    assert not any(word in dumps["dev"] for word in (b"aws", b"names", b"environments", b"@", b"eu-"))


def test_load_keeps_the_digests_of_assets(tmp_path: Path) -> None:
    """A logo that changed on its way is found out, as on one machine."""
    recipe = msgspec.structs.replace(Settings().recipes[0], assets=(Asset(name="a/logo.png", sha256="0" * 64),))
    (tmp_path / packed.FILE).write_bytes(packed.dump(Settings(recipes=(recipe,))))
    assert packed.load(tmp_path).recipes[0].assets == recipe.assets


@pytest.mark.parametrize("raw", [None, b"", b"\xff", b"[]", b'{"recipes": []}', b'{"name": "x1", "later": 1}'])
def test_load_of_anything_else_is_a_coded_error(raw: bytes | None, tmp_path: Path) -> None:
    """A package without settings, or with those of a newer Safelight, says what to do."""
    if raw is not None:
        (tmp_path / packed.FILE).write_bytes(raw)
    with pytest.raises(InvalidRecipe) as caught:
        packed.load(tmp_path)
    assert caught.value.remedy == packed.REBUILD


def test_load_needs_no_yaml() -> None:
    """What reads the settings is light: neither YAML nor the checks of the file are imported."""
    script = "import sys, safelight.packed; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "safelight.settings" in loaded
    assert loaded & {"yaml", "safelight.config", "safelight.recipe.parse", "safelight.recipe.check"} == set()
