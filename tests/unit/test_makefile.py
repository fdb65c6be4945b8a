"""What `make` does on machines where something is missing, and that it does nothing twice. Pythons are fakes."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted([*(ROOT / "requirements").glob("*.lock"), ROOT / "src/safelight/deploy/function.lock"])
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)

WORKING = 'if [ "$1$2" = -mvenv ]; then mkdir -p "$4/bin"; exit; fi; exec {python} "$@"'
WITHOUT_ENSUREPIP = 'case "$*" in *ensurepip*) exit 1;; esac; exec {python} "$@"'
FAILING_HALFWAY = 'if [ "$1$2" = -mvenv ]; then mkdir -p "$4/bin"; exit 1; fi; exec {python} "$@"'
OFFLINE = 'case "$2" in venv|pip) echo no network >&2; exit 1;; esac; exec {python} "$@"'
TOO_OLD = """exec {python} -c "import sys; sys.version_info = (3, 9, 0); $2" """
SHIM = 'echo "pyenv: $0: command not found" >&2; exit 127'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the first lines of `make` need, as in a fresh clone."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def fake_python(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n" + body.format(python=sys.executable) + "\n")
    path.chmod(0o755)
    return str(path)


def make(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=checkout, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("body", [WITHOUT_ENSUREPIP, FAILING_HALFWAY])
def test_make_without_ensurepip_names_the_package_and_leaves_nothing(checkout: Path, body: str) -> None:
    """Where Python cannot make an environment, make says which package to install and leaves no half-made .venv."""
    python = fake_python(checkout, "python3", body)
    done = make(checkout, ".venv/made", f"PYTHON={python}")
    package = f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert done.returncode != 0
    assert package in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_with_an_old_python_says_which_is_needed(checkout: Path) -> None:
    """A Python that is too old is named with its version and the one that is needed."""
    python = fake_python(checkout, "python3", TOO_OLD)
    done = make(checkout, ".venv/made", f"PYTHON={python}")
    assert done.returncode != 0
    assert "is Python 3.9; Safelight needs 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_make_without_python_says_which_is_needed(checkout: Path) -> None:
    """A name that is no Python, or a pyenv shim that runs none, is told apart from an old one."""
    python = fake_python(checkout, "python3", SHIM)
    done = make(checkout, ".venv/made", f"PYTHON={python}")
    assert done.returncode != 0
    assert "No Python found" in done.stderr


def test_venv_takes_the_newest_python_that_works(tmp_path: Path) -> None:
    """A newer Python that is a dead shim, or that cannot make environments, gives way to an older one that can."""
    pythons = [
        fake_python(tmp_path, "python3.14", SHIM),
        fake_python(tmp_path, "python3.13", WITHOUT_ENSUREPIP),
        fake_python(tmp_path, "python3.12", WORKING),
    ]
    script = str(ROOT / "requirements" / "make-venv.sh")
    done = subprocess.run(["sh", script, str(tmp_path / "env"), " ".join(pythons)], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "env" / "bin").is_dir()


def test_make_after_an_interrupted_start_begins_anew(checkout: Path) -> None:
    """A .venv without its stamp was interrupted while it was made; it does not count as made."""
    python = fake_python(checkout, "python3", WORKING)
    (checkout / ".venv").mkdir()
    assert make(checkout, "--question", ".venv/made").returncode == 1
    assert make(checkout, ".venv/made", f"PYTHON={python}").returncode == 0
    assert make(checkout, "--question", ".venv/made").returncode == 0


def test_make_when_set_up_does_nothing_until_its_inputs_change(checkout: Path) -> None:
    """What is installed is installed again only after its lock changed; the demo waits for no test's."""
    for path in checkout.rglob("*"):
        os.utime(path, (1, 1))
    (checkout / ".venv").mkdir()
    for age, stamp in enumerate(("made", "run.done", "dev.done"), start=2):
        (checkout / ".venv" / stamp).touch()
        os.utime(checkout / ".venv" / stamp, (age, age))
    assert make(checkout, "--question", ".venv/dev.done").returncode == 0
    (checkout / "requirements" / "dev.lock").touch()
    assert make(checkout, "--question", ".venv/run.done").returncode == 0
    assert make(checkout, "--question", ".venv/dev.done").returncode == 1
    (checkout / "requirements" / "run.lock").touch()
    assert make(checkout, "--question", ".venv/run.done").returncode == 1


def test_servers_that_cannot_be_had_are_told_and_tried_again(tmp_path: Path) -> None:
    """Without a network each server is named with the log that says why; that is no error, and not counted as done."""
    python = fake_python(tmp_path, "python", OFFLINE)
    for name in ("apt-get", "python3.14"):
        fake_python(tmp_path, name, SHIM)
    script = str(ROOT / "requirements" / "servers.sh")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", script, str(tmp_path / "servers"), python],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("cfn-lint", "checkov", "lambda", "ministack", "moto", "parliament", "rie", "seaweedfs"):
        assert f"Not installed: {name}." in done.stdout
        assert "no network" in (tmp_path / "servers" / f"{name}.log").read_text() or name == "rie"
    assert not (tmp_path / "servers" / "done").exists()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_names_no_host_and_hashes_everything(lock: Path) -> None:
    """A lock serves any mirror, and nothing comes in that it has no hash of."""
    text = lock.read_text()
    assert "://" not in text
    assert "index-url" not in text
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_locks_agree_with_each_other_and_with_the_project() -> None:
    """The tests run on the very versions that the demo runs on, and every dependency that is declared is pinned."""
    pins = {lock.stem: dict(PINNED.findall(lock.read_text())) for lock in LOCKS}
    assert pins["run"].items() <= pins["dev"].items()
    assert pins["function"].items() <= {**pins["run"], **pins["build"]}.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {"run": project["project"]["dependencies"], **project["dependency-groups"]}
    for name, requirements in groups.items():
        names = {re.split(r"[<>=~!;\[ ]", requirement)[0] for requirement in requirements}
        assert names - pins[name].keys() == set(), f"run make lock: {name}.lock lacks these"
