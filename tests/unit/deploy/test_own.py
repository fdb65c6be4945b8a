"""Which modules of Safelight a package holds."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from safelight.deploy.errors import PackageBroken
from safelight.deploy.own import SOURCE, reached, source
from tests.unit.deploy.making import tree

FILES = {
    "app/__init__.py": "",
    "app/start.py": "import os\nfrom app.plain import thing\nfrom app import sibling\nfrom .near import x\n",
    "app/plain.py": "def late():\n    from app.deep.inner import y\n    import yaml.reader\n",
    "app/sibling.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import app.typed\n    import click\n",
    "app/near.py": "NAME = Path(__file__) / 'x'\nDATA = \"table.toml\"\n",
    "app/deep/__init__.py": "",
    "app/deep/inner.py": "from .. import up\nfrom . import beside\n",
    "app/deep/beside.py": "",
    "app/up.py": "",
    "app/typed.py": "",
    "app/other.py": "import app.start\n",
    "app/tables/table.toml": "",
    "app/tables/unnamed.toml": "",
    "app/tables/LICENSE": "",
}


def modules(root: Path, starts: Iterable[str] = ("app.start",)) -> set[str]:
    return set(reached(root, starts).modules)


def test_reached_follows_every_import_that_may_run(tmp_path: Path) -> None:
    """Also those inside of functions and relative ones, with the packages above; not those of type checkers."""
    names = {"start", "plain", "sibling", "near", "deep", "deep.inner", "deep.beside", "up"}
    assert modules(tree(tmp_path, FILES)) == {"app", *(f"app.{name}" for name in names)}


def test_reached_names_the_packages_of_others_and_who_asks(tmp_path: Path) -> None:
    """What a wheel has to bring; the standard library is there anyway."""
    assert reached(tree(tmp_path, FILES), ["app.start"]).others == {"yaml": "app.plain"}


def test_source_takes_data_files_that_are_named_and_their_licences(tmp_path: Path) -> None:
    """A font goes along with the module that opens it; a schema that nobody reads does not."""
    part, _ = source(tree(tmp_path, FILES), ["app.start"])
    found = {file.name for file in part.files if file.name.startswith("app/tables")}
    assert found == {"app/tables/table.toml", "app/tables/LICENSE"}


def test_reached_from_a_missing_module_is_an_error(tmp_path: Path) -> None:
    """A handler that was renamed is found before the upload."""
    with pytest.raises(PackageBroken, match=r"no module app\.none"):
        reached(tree(tmp_path, FILES), ["app.none"])


def test_source_of_the_image_path_is_light_and_whole() -> None:
    """The pipeline and the packed settings need no YAML, no terminal and no database, and bring their font."""
    part, others = source(SOURCE, ["safelight.pipeline", "safelight.packed", "safelight.recipe.assets"])
    names = {file.name for file in part.files}
    assert set(others) == {"msgspec", "pyvips", "pi_heif"}
    assert {"safelight/steps/font/safelight-sans.ttf", "safelight/steps/font/fonts.conf"} <= names
    assert "safelight/steps/font/OFL.txt" in names
    assert not [name for name in names if "/cli/" in name or "/local/" in name or name.endswith((".yaml", ".json"))]
