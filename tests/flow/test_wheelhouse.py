"""Wheels that were fetched once are not fetched again, and nothing else is ever taken for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from safelight.deploy.arch import Arch
from safelight.deploy.errors import DependenciesUnavailable
from safelight.deploy.fetch import Pip
from safelight.deploy.wheelhouse import SUMS, wheels
from tests.unit.deploy.making import lock, wheel


def pip(folder: Path, cache: Path) -> Pip:
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "index"), "PIP_CONFIG_FILE": os.devnull}
    return Pip(environ={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(cache), **settings})


def fetched(folder: Path, text: str, arch: Arch = "arm64", cache: Path | None = None) -> tuple[dict[str, bytes], int]:
    """Return wheels by name, and how often something was fetched for them."""
    told: list[str] = []
    with wheels(pip(folder, cache or folder / "cache"), arch, text, told.append) as found:
        return {path.name: path.read_bytes() for path in found}, len(told)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return wheel(tmp_path / "index", "lib", {"lib.py": b"1"})


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "cache/safelight/wheels").iterdir())


def test_wheels_again_come_from_the_cache(tmp_path: Path, made: Path) -> None:
    """Without an index, too: a second deployment asks nobody."""
    first = fetched(tmp_path, lock(made))
    text = lock(made)
    shutil.rmtree(tmp_path / "index")
    assert first == ({made.name: (kept(tmp_path)[0] / made.name).read_bytes()}, 1)
    assert fetched(tmp_path, text) == (first[0], 0)
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("harm", ["changed", "missing", "added", "no sums"])
def test_wheels_that_were_tampered_with_are_fetched_again(tmp_path: Path, made: Path, harm: str) -> None:
    """Digests decide, not names or times."""
    first, _ = fetched(tmp_path, lock(made))
    [folder] = kept(tmp_path)
    if harm == "changed":
        before = (folder / made.name).stat()
        (folder / made.name).write_bytes(b"x" * before.st_size)
        os.utime(folder / made.name, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif harm == "added":
        (folder / "other-1.0-py3-none-any.whl").write_bytes(b"")
    else:
        (folder / (made.name if harm == "missing" else SUMS)).unlink()
    assert fetched(tmp_path, lock(made)) == (first, 1)
    assert fetched(tmp_path, lock(made)) == (first, 0)


def test_wheels_of_another_lock_or_processor_are_others(tmp_path: Path, made: Path) -> None:
    """A new Safelight brings a new lock."""
    fetched(tmp_path, lock(made))
    assert fetched(tmp_path, lock(made), "x86_64")[1] == 1
    assert fetched(tmp_path, lock(made) + "# another\n")[1] == 1
    assert len(kept(tmp_path)) == 3


def test_wheels_that_cannot_be_had_leave_nothing(tmp_path: Path, made: Path) -> None:
    """Half of them would be taken for all the next time."""
    text = lock(made)
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(DependenciesUnavailable):
        fetched(tmp_path, text)
    assert kept(tmp_path) == []


def test_wheels_without_a_cache_are_fetched_each_time(tmp_path: Path, made: Path) -> None:
    """A home that cannot be written, as in many containers, is no reason to fail."""
    (tmp_path / "file").touch()
    for _ in range(2):
        assert fetched(tmp_path, lock(made), cache=tmp_path / "file")[1] == 1
