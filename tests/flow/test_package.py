"""`safelight package` for real: from the package index, for both processors; and what it says when it cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from safelight import packed
from safelight.deploy import archive, fetch
from safelight.deploy.arch import Arch
from safelight.deploy.errors import PackageTooLarge
from safelight.deploy.package import build
from tests.flow.running import command, environment
from tests.servers.packaged import PY314, Built, order, quiet
from tests.unit.deploy.making import elf, wheel

MOST_ZIPPED = 20_000_000
"""The figure that the package is to keep to."""


pytestmark = pytest.mark.xdist_group("package")  # what is fetched and built serves all of them


def machines(zipped: Path) -> set[bytes]:
    """Return e_machine of all binary files, read by nothing of ours."""
    with ZipFile(zipped) as made:
        heads = [made.read(name)[:20] for name in made.namelist()]
    return {head[18:20] for head in heads if head.startswith(b"\x7fELF")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "machine"), [("arm64", b"\xb7\x00"), ("x86_64", b"\x3e\x00")], ids=["arm64", "x86_64"]
)
def test_package_is_small_whole_and_for_its_processor(built: Built, arch: Arch, machine: bytes) -> None:
    """Within 20 MB, with every package, only binary files of the processor, and the bill of materials is valid."""
    wanted, made = built[arch]
    assert made.zipped_size <= MOST_ZIPPED
    assert machines(wanted.out) == {machine}
    assert {row.name for row in made.parts} >= set(fetch.pinned(fetch.LOCK.read_text(encoding="utf-8"))) - {
        "setuptools"
    }
    assert [row.name for row in made.parts if not row.licence or not row.size] == []
    assert wanted.sbom
    bill = wanted.sbom.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    inside = {each["name"]: {x["name"] for x in each.get("components", ())} for each in json.loads(bill)["components"]}
    assert {"libvips", "aom", "mozjpeg", "librsvg", "glib", "libheif"} <= inside["pyvips-binary"]
    assert {"libheif", "libde265"} <= inside["pi-heif"]
    assert "libtiff" in inside["pillow"]
    assert "libavif" not in inside["pillow"]


@pytest.mark.slow
def test_package_brings_every_library_that_is_linked_to(built: Built) -> None:
    """What was left out is missed by nothing: each library's name that a binary file holds is a file of the zip."""
    wanted, _ = built["x86_64"]
    with ZipFile(wanted.out) as made:
        bodies = {name: made.read(name) for name in made.namelist()}
    there = {name.rpartition("/")[2].encode() for name in bodies}
    named = re.compile(rb"\0(lib[\w+.]+-[0-9a-f]{8}\.so[\d.]*)(?=\0)")  # the names that auditwheel gives
    linked = {found for body in bodies.values() if body.startswith(b"\x7fELF") for found in named.findall(body)}
    assert len(linked) > 5
    assert linked - there == set()


@pytest.mark.slow
def test_package_twice_gives_the_same_bytes(built: Built, wheels: dict[Arch, list[Path]], tmp_path: Path) -> None:
    """Real packages, in another folder, compiled where a Python 3.14 is there."""
    first, package = built["x86_64"]
    again = order(tmp_path, "x86_64", python=PY314)
    assert build(again, wheels["x86_64"], quiet).digest == package.digest
    assert again.out.read_bytes() == first.out.read_bytes()
    assert package.compiled == bool(PY314)


@pytest.mark.slow
def test_package_imports_from_the_unpacked_zip(built: Built, tmp_path: Path) -> None:
    """Under Python 3.14 with what is in the zip alone; elsewhere its Python with this environment's packages."""
    wanted, _ = built["x86_64"]
    with ZipFile(wanted.out) as made:
        made.extractall(tmp_path / "task")
    whole = PY314 is not None and os.uname().machine == "x86_64"
    task = tmp_path / "task" if whole else tmp_path / "pure"
    if not whole:
        shutil.copytree(tmp_path / "task/safelight", task / "safelight")
        shutil.copytree(tmp_path / "task/project", task / "project")
    script = f"""
import sys
sys.path.insert(0, {str(task)!r})
import safelight.entry.function  # all that the handler imports; the handler itself wants a deployment
from pathlib import Path
from safelight import heic, packed
from safelight.steps.text import Lettering, SHIPPED_FONT, draw
assert safelight.__file__.startswith({str(task)!r}), safelight.__file__
print(packed.load(Path({str(task)!r}) / packed.FOLDER).name, draw(Lettering(text="a"), SHIPPED_FONT, 40).width)
import pi_heif.heif
print(*sorted(sys.modules))
"""
    words = [PY314, "-I", "-S"] if whole else [sys.executable, "-P"]
    done = subprocess.run([*map(str, words), "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    first, modules = done.stdout.splitlines()
    assert first == f"{wanted.found.settings.name} 40"
    assert set(modules.split()) & {"yaml", "click", "rich", "safelight.config", "safelight.local"} == set()
    assert (tmp_path / "task" / packed.FOLDER / packed.FILE).is_file()


def test_build_over_lambdas_limit_is_refused(tmp_path: Path) -> None:
    """250 MB unpacked are 262,144,000 bytes; the zip itself would be small."""
    path = wheel(tmp_path / "wheels", "zeros", {"zeros.so": elf(183)})
    with ZipFile(path, "a", ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("zeros.bin", bytes(archive.MOST_UNPACKED))
    own_source = tmp_path / "source/safelight"
    own_source.mkdir(parents=True)
    (own_source / "__init__.py").touch()
    wanted = order(tmp_path, "arm64", source=own_source.parent, starts=("safelight",))
    with pytest.raises(PackageTooLarge, match="Lambda takes 262 MB"):
        build(wanted, [path], quiet)
    assert not wanted.out.exists()


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command("package"), *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        (["--out", "none/x.zip"], "", "error[output_unwritable]: the folder of none/x.zip is not there"),
        (["--sbom", "none/x.json"], "", "error[output_unwritable]: the folder of none/x.json is not there"),
        (["--arch", "riscv"], "", "'riscv' is not one of 'arm64', 'x86_64'"),
        ([], "recipes: [{name: a}]", "error[invalid_recipe]: "),
        (["-c", "none.yaml"], "", "error[invalid_recipe]: there is no such file; none.yaml"),
    ],
)
def test_package_that_cannot_be_says_why_before_anything_is_fetched(
    tmp_path: Path, words: list[str], text: str, says: str
) -> None:
    """Each with a code, exit 2 and nothing written."""
    (tmp_path / "safelight.yaml").write_text(text)
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Fetching" not in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["safelight.yaml"]
