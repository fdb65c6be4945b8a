"""What is compared, made once under `.cache/function`: our package unpacked, and the usual function."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from bench.engines import ROOT
from bench.service import command
from safelight.deploy import bytecode

FOLDER = ROOT / ".cache" / "function"
SERVERS = ROOT / ".cache" / "servers"
HERE = Path(__file__).parent
USUAL = ("boto3", "pillow")
ARCHES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class PlacesError(Exception):
    """Something that is compared cannot be had; the message says what to do."""


class Places(Struct, frozen=True, kw_only=True):
    """Two unpacked zips and the Python of Lambda's version that runs both."""

    python: Path
    ours: Path
    usual: Path
    zip_bytes: int

    @property
    def versions(self) -> str:
        """What was compared, on one line."""
        words = [str(self.python), "-c", "import platform; print(platform.python_version())"]
        python = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        found = {each.name: each.version for each in metadata.distributions(path=[str(self.usual)])}
        peers = ", ".join(f"{name} {found[name]}" for name in ("boto3", "botocore", "pillow"))
        return f"CPython {python}; {peers}; {platform.machine()}"


def places() -> Places:
    """Return both, made where they are not there yet or Safelight changed since.

    Raises:
        PlacesError
    """
    python = SERVERS / "lambda" / "bin" / "python"
    if not python.exists():
        raise PlacesError("there is no Python for functions; run `make .cache/servers/done`")
    if not bytecode.find_python(str(python.parent)):
        raise PlacesError(f"{python} is no Python 3.14, which is what Lambda runs")
    sources = [*sorted((ROOT / "src").rglob("*.py")), ROOT / "src/safelight/deploy/function.lock"]
    ours = _made("ours", _digest(sources), lambda folder: _package(python, folder))
    usual = _made("usual", _digest([HERE / "usual_function.py"]), lambda folder: _install_usual(python, folder))
    return Places(python=python, ours=ours / "task", usual=usual, zip_bytes=(ours / "zip").stat().st_size)


def _digest(paths: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(str(path).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def _made(name: str, digest: str, make: Callable[[Path], None]) -> Path:
    folder, mark = FOLDER / name, FOLDER / f"{name}.made"
    if not mark.exists() or mark.read_text() != digest:
        print(f"Preparing {folder} ...")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        mark.write_text(digest)
    return folder


def _package(python: Path, folder: Path) -> None:
    (folder / "safelight.yaml").write_text("name: image-processor\n")
    path = os.pathsep.join((str(python.parent), os.environ.get("PATH", "")))
    words = command("package", "-c", str(folder / "safelight.yaml"), "--out", str(folder / "zip"))
    _run([*words, "--arch", ARCHES[platform.machine()]], {**os.environ, "PATH": path})
    with zipfile.ZipFile(folder / "zip") as packed:
        packed.extractall(folder / "task")


def _install_usual(python: Path, folder: Path) -> None:
    target = ["--target", str(folder), "--only-binary", ":all:", "--python-version", "3.14"]
    _run([sys.executable, "-m", "pip", "-qq", "install", "--root-user-action", "ignore", *target, *USUAL], os.environ)
    shutil.copy(HERE / "usual_function.py", folder)
    # As our package is compiled, so that neither is compared with its source again.
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for left in folder.rglob("__pycache__"):
        shutil.rmtree(left)
    _run([str(python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)], os.environ)


def _run(words: list[str], environ: os._Environ[str] | dict[str, str]) -> None:
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlacesError(f"{' '.join(words[:6])} ... failed: {done.stderr[-1500:]}")
