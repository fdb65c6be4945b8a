"""The packages that a function runs on, as wheels for Lambda: fetched by pip, each checked by its hash in the lock."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from safelight.deploy.arch import Arch, platforms
from safelight.deploy.errors import DependenciesUnavailable, NoPip, PackageBroken

LOCK = Path(__file__).with_name("function.lock")
PYTHON_VERSION = "3.14"
TOOLS = ("setuptools",)
"""What builds SOURCES, and does not go into the package."""
SOURCES = ("pyvips",)
"""What comes as source: built here, as pure Python, so that it runs on any processor."""

Told = Callable[[str], None]


class Pip(Struct, frozen=True, kw_only=True):
    """How pip is called: by the Python that it is installed in, with the user's settings (mirror, proxy, cache)."""

    environ: Mapping[str, str]
    python: str = sys.executable


def wheels(pip: Pip, arch: Arch, folder: Path, lock: str, told: Told) -> list[Path]:
    """Fetch what the lock names into a folder.

    Args:
        pip: how to call it.
        arch: whose binary wheels.
        folder: an empty one.
        lock: text of a requirements file with hashes.
        told: is called with what begins.

    Returns:
        The wheels, by name.

    Raises:
        NoPip, DependenciesUnavailable, PackageBroken
    """
    _check_pip(pip)
    pins = pinned(lock)
    ready, made = folder / "wheels", [name for name in pins if name in SOURCES]
    binary = [name for name in pins if name not in (*SOURCES, *TOOLS)]
    if binary:
        told(f"Fetching {', '.join(binary)} for {arch} ...")
        tags = [word for tag in platforms(arch) for word in ("--platform", tag)]
        target = ["--only-binary", ":all:", "--python-version", PYTHON_VERSION, "--implementation", "cp", *tags]
        _run(pip, "download", [*target, "--dest", str(ready)], _requirements(folder, "binary", pins, binary))
    if made:
        told(f"Building {', '.join(made)} ...")
        _build(pip, folder, pins, made)
    return sorted(ready.glob("*.whl"))


def pinned(lock: str) -> dict[str, str]:
    """Return each package of a lock with its lines: the version and the hashes."""
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return {block.partition("==")[0]: block for block in blocks}


def _check_pip(pip: Pip) -> None:
    command = [pip.python, "-P", "-m", "pip", "--version"]
    try:
        subprocess.run(command, env=dict(pip.environ), capture_output=True, check=True)  # noqa: S603 -- our own Python
    except (OSError, subprocess.CalledProcessError) as err:
        raise NoPip(f"{Path(pip.python).name} has no pip, which fetches the packages of the function") from err


def _build(pip: Pip, folder: Path, pins: Mapping[str, str], names: Iterable[str]) -> None:
    tools = folder / "tools"
    pure = ["--only-binary", ":all:", "--target", str(tools)]
    _run(pip, "install", pure, _requirements(folder, "tools", pins, [name for name in TOOLS if name in pins]))
    # A wheel from pip's cache may have been compiled for this machine: without pkg-config and cache it is pure.
    builder = Pip(environ={**pip.environ, "PKG_CONFIG": "false", "PYTHONPATH": str(tools)}, python=pip.python)
    words = ["--no-build-isolation", "--no-cache-dir", "--no-binary", ":all:", "--wheel-dir", str(folder / "wheels")]
    for name in names:
        _run(builder, "wheel", words, _requirements(folder, name, pins, [name]))
        for made in (folder / "wheels").glob(f"{name}-*.whl"):
            if not made.name.endswith("-py3-none-any.whl"):
                raise PackageBroken(f"{made.name}: the build of {name} is not pure Python, so it runs here alone")


def _requirements(folder: Path, stem: str, pins: Mapping[str, str], names: Iterable[str]) -> Path:
    path = folder / f"{stem}.txt"
    path.write_text("".join(pins[name] for name in names), encoding="utf-8")
    return path


def _run(pip: Pip, verb: str, words: Iterable[str], requirements: Path) -> None:
    command = [pip.python, "-P", "-m", "pip", "--no-input", "--disable-pip-version-check", verb]
    command += ["--no-deps", "--require-hashes", *words, "-r", str(requirements)]
    environ = {**pip.environ, "PIP_USER": "0"}  # a user's setting that --target does not go with
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 -- our own Python
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        why = " ".join(dict.fromkeys(line.removeprefix("ERROR:").strip() for line in lines[-3:]))
        raise DependenciesUnavailable(f"pip {verb} failed: {why or 'it said nothing'}")
