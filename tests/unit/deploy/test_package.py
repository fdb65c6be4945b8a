"""The zip for Lambda, of made-up wheels: what is in it, that it is always the same, and when there is none."""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import CodeType
from zipfile import ZipFile

import msgspec
import pytest
from PIL import Image

from safelight import packed
from safelight.deploy import archive
from safelight.deploy.errors import OutputUnwritable, PackageBroken, PackageTooLarge
from safelight.deploy.package import Order, Package, build
from safelight.deploy.parts import File
from safelight.errors import InvalidRecipe, SafelightError
from tests.unit.deploy.making import ARM, INTEL, order, wheel

Give = Callable[..., Order]
LIB = {"lib/__init__.py": b"X = 1\n", "lib/core.cpython-314-aarch64-linux-gnu.so": ARM, "lib/core.pyi": b""}


@pytest.fixture
def logo() -> bytes:
    made = BytesIO()
    Image.new("RGB", (8, 8), "red").save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def give(tmp_path: Path, logo: bytes) -> Give:
    return lambda **changes: order(tmp_path, logo, **changes)


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return wheel(tmp_path / "wheels", "lib", LIB)


def quiet(_: str) -> None:
    pass


def read(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as made:
        return {name: made.read(name) for name in made.namelist()}


def test_build_holds_what_the_handlers_reach_the_wheels_and_the_project(give: Give, lib: Path, logo: bytes) -> None:
    """The zip is all that Lambda needs, and nothing of the command line."""
    wanted = give()
    build(wanted, [lib], quiet)
    found = read(wanted.out)
    assert {name for name in found if ".dist-info/" not in name} == {
        "safelight/__init__.py",
        "safelight/entry/__init__.py",
        "safelight/entry/lambda_handler.py",
        "safelight/entry/dead_letters.py",
        "safelight/entry/digest.py",
        "safelight/core.py",
        "safelight/later.py",
        "lib/__init__.py",
        "lib/core.cpython-314-aarch64-linux-gnu.so",
        "project/settings.json",
        "project/rates.json",
        "project/brand/logo.png",
    }
    assert found["project/brand/logo.png"] == logo
    assert "lib-1.0.dist-info/licenses/LICENSE" in found
    assert "lib-1.0.dist-info/RECORD" not in found


def test_build_holds_settings_that_are_read_back(give: Give, lib: Path, tmp_path: Path) -> None:
    """What was checked on this machine is what Lambda reads."""
    wanted = give()
    build(wanted, [lib], quiet)
    with ZipFile(wanted.out) as made:
        made.extractall(tmp_path / "task")
    assert packed.load(tmp_path / "task" / packed.FOLDER) == wanted.found.settings


def test_build_twice_gives_the_same_bytes(give: Give, tmp_path: Path) -> None:
    """Neither the order nor the times in wheels, nor the folder and the umask, change a byte."""
    made = []
    for seed, mask in ((1, 0o022), (2, 0o077)):
        before = os.umask(mask)
        try:
            one = wheel(tmp_path / f"wheels {seed}", "lib", LIB, seed=seed)
            wanted = give(out=tmp_path / f"{seed}.zip", sbom=tmp_path / f"{seed}.json", python=sys.executable)
            # The wheels' own digests differ, as those of two builds of pyvips do.
            package = build(wanted, [one], quiet)
        finally:
            os.umask(before)
        made.append((wanted.out.read_bytes(), package.digest))
    assert made[0] == made[1]


def test_build_entries_are_sorted_timeless_and_readable_by_all(give: Give, lib: Path) -> None:
    """Lambda runs as a user who owns nothing, and a zip with other times has another digest."""
    wanted = give()
    build(wanted, [lib], quiet)
    with ZipFile(wanted.out) as made:
        infos = made.infolist()
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {info.date_time for info in infos} == {archive.EPOCH}
    modes = {info.filename: info.external_attr >> 16 for info in infos}
    assert modes.pop("lib/core.cpython-314-aarch64-linux-gnu.so") == 0o100755
    assert set(modes.values()) == {0o100644}


def test_build_with_a_python_adds_unchecked_bytecode_and_keeps_the_digest(give: Give, lib: Path) -> None:
    """A machine without Python 3.14 gets the same digest; what is compiled names the files as Lambda has them."""
    plain = build(give(), [lib], quiet)
    wanted = give(python=sys.executable)
    made = build(wanted, [lib], quiet)
    assert (plain.compiled, made.compiled) == (False, True)
    assert plain.digest == made.digest
    found = read(wanted.out)
    name = f"safelight/entry/__pycache__/lambda_handler.{sys.implementation.cache_tag}.pyc"
    flags = int.from_bytes(found[name][4:8], "little")
    code = marshal.loads(found[name][16:])  # noqa: S302 -- compiled by this test
    assert flags == 0b01  # a hash, and nobody checks it: PEP 552
    assert isinstance(code, CodeType)
    assert code.co_filename == "/var/task/safelight/entry/lambda_handler.py"


def test_build_with_a_python_that_does_not_run_is_not_compiled(give: Give, lib: Path, tmp_path: Path) -> None:
    """A dead shim on the PATH costs speed, not the package."""
    made = build(give(python=str(tmp_path / "python3.14")), [lib], quiet)
    assert not made.compiled


def test_build_lists_parts_with_sizes_and_licences(give: Give, lib: Path) -> None:
    """The rows add up to the package."""
    wanted = give(python=sys.executable)
    made = build(wanted, [lib], quiet)
    rows = {row.name: row for row in made.parts}
    assert list(rows) == ["holiday", "safelight", "lib"]
    assert (rows["lib"].version, rows["lib"].licence) == ("1.0", "MIT")
    found = read(wanted.out)
    assert made.size == sum(row.size for row in made.parts) == sum(map(len, found.values()))
    assert sum(row.files for row in made.parts) == len(found)
    assert 0 < sum(row.zipped_size for row in made.parts) < made.zipped_size == wanted.out.stat().st_size


def test_build_of_another_recipe_or_logo_has_another_digest(give: Give, lib: Path, tmp_path: Path, logo: bytes) -> None:
    """The digest names the contents."""
    first = build(give(), [lib], quiet).digest
    other = BytesIO()
    Image.new("RGB", (8, 8), "blue").save(other, "PNG")
    assert build(order(tmp_path, other.getvalue()), [lib], quiet).digest != first
    assert build(order(tmp_path, logo), [lib], quiet).digest == first


def spoil_arch(wanted: Order, lib: Path) -> list[Path]:
    return [lib, wheel(lib.parent, "intel", {"intel/core.abi3.so": INTEL})]


def spoil_import(wanted: Order, lib: Path) -> list[Path]:
    return []


def spoil_twice(wanted: Order, lib: Path) -> list[Path]:
    return [lib, wheel(lib.parent, "twin", {"lib/__init__.py": b""})]


def spoil_handler(wanted: Order, lib: Path) -> list[Path]:
    (wanted.source / "safelight/entry/lambda_handler.py").unlink()
    return [lib]


def spoil_other_handler(wanted: Order, lib: Path) -> list[Path]:
    (wanted.source / "safelight/entry/dead_letters.py").unlink()
    return [lib]


def spoil_wheel(wanted: Order, lib: Path) -> list[Path]:
    lib.write_bytes(lib.read_bytes()[:100])
    return [lib]


def spoil_scripts(wanted: Order, lib: Path) -> list[Path]:
    return [lib, wheel(lib.parent, "tool", {"tool-1.0.data/purelib/tool.py": b""})]


def spoil_logo(wanted: Order, lib: Path) -> list[Path]:
    (wanted.found.folder / "brand/logo.png").write_bytes(b"changed")
    return [lib]


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (spoil_arch, PackageBroken, "intel/core.abi3.so is no binary file for arm64"),
        (spoil_import, PackageBroken, "safelight.entry.lambda_handler imports lib"),
        (spoil_twice, PackageBroken, "lib/__init__.py is in lib and in twin"),
        (spoil_handler, PackageBroken, "no module safelight.entry.lambda_handler"),
        (spoil_other_handler, PackageBroken, "no module safelight.entry.dead_letters"),
        (spoil_wheel, PackageBroken, "is no wheel that can be read"),
        (spoil_scripts, PackageBroken, "which only an installer can place"),
        (spoil_logo, InvalidRecipe, "brand/logo.png has changed"),
    ],
)
def test_build_that_would_not_run_is_refused_and_leaves_what_was_there(
    give: Give, lib: Path, spoil: Callable[[Order, Path], list[Path]], kind: type[SafelightError], words: str
) -> None:
    """A package that fails on Lambda is found on this machine; an older zip stays whole, and no draft is left."""
    wanted = give(sbom=None)
    wanted.out.write_bytes(b"the older one")
    with pytest.raises(kind, match=words):
        build(wanted, spoil(wanted, lib), quiet)
    assert {path.name: path.read_bytes() for path in wanted.out.parent.iterdir()} == {wanted.out.name: b"the older one"}


def test_build_into_a_missing_folder_is_refused(give: Give, lib: Path, tmp_path: Path) -> None:
    """A typing error makes no folders."""
    with pytest.raises(OutputUnwritable, match="is not there"):
        build(give(out=tmp_path / "none/x.zip"), [lib], quiet)
    with pytest.raises(OutputUnwritable, match="is not there"):
        build(give(sbom=tmp_path / "none/x.json"), [lib], quiet)
    assert not (tmp_path / "none").exists()


def test_build_over_a_folder_is_refused(give: Give, lib: Path, tmp_path: Path) -> None:
    """--out names a file."""
    with pytest.raises(OutputUnwritable, match="is a folder"):
        build(give(out=tmp_path), [lib], quiet)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_build_into_a_folder_without_permission_is_refused(give: Give, lib: Path, tmp_path: Path) -> None:
    """Before anything is fetched."""
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputUnwritable, match="may not be written"):
        build(give(out=tmp_path / "locked/x.zip"), [lib], quiet)


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_check_size_takes_what_lambda_takes(more: int, *, fits: bool) -> None:
    """The limit itself is within it."""
    files = [File("a", bytes(10)), File("b", bytes(more))]
    if fits:
        archive.check_size(files, 10)
    else:
        with pytest.raises(PackageTooLarge):
            archive.check_size(files, 10)


def test_package_as_json_names_file_digest_and_parts(give: Give, lib: Path) -> None:
    """What a script reads."""
    wanted = give()
    made = build(wanted, [lib], quiet)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Package) == made
    assert (made.file, made.arch, len(made.digest)) == (str(wanted.out), "arm64", 64)
