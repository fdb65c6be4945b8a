"""Wheels for Lambda that were fetched before: kept in the user's cache, and checked by digest when used again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safelight.deploy import fetch
from safelight.deploy.arch import Arch

SUMS = "sums.json"


@contextmanager
def wheels(pip: fetch.Pip, arch: Arch, lock: str, told: Callable[[str], None]) -> Iterator[list[Path]]:
    """Give the wheels that a lock names, from the cache where they are there, whole and as they were fetched.

    The folder is $XDG_CACHE_HOME/safelight or ~/.cache/safelight; where it cannot be written they are fetched anew.

    Raises:
        NoPip, DependenciesUnavailable, PackageBroken
    """
    root = _root(pip.environ)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=root) as draft:
        kept = (root or Path(draft)) / name_of(arch, lock)
        if not _is_whole(kept):
            keep(fetch.wheels(pip, arch, Path(draft), lock, told), kept)
        yield sorted(kept.glob("*.whl"))


def name_of(arch: Arch, lock: str) -> str:
    """Return what the folder of some wheels is called: a digest of all that decides what is fetched."""
    wanted = json.dumps([arch, fetch.PYTHON_VERSION, fetch.SOURCES, fetch.TOOLS, lock])
    return hashlib.sha256(wanted.encode()).hexdigest()[:32]


def keep(fetched: list[Path], kept: Path) -> None:
    """Make the folder of some wheels that of the cache, at once, so that nobody ever sees half of it."""
    made = fetched[0].parent
    (made / SUMS).write_text(json.dumps({path.name: _digest(path) for path in fetched}), encoding="utf-8")
    shutil.rmtree(kept, ignore_errors=True)
    try:
        made.rename(kept)
    except OSError:
        if not _is_whole(kept):  # or another command was faster
            raise


def _root(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    root = Path(home) / "safelight" / "wheels"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        return None


def _is_whole(folder: Path) -> bool:
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        return bool(sums == {path.name: _digest(path) for path in folder.glob("*.whl")})
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
