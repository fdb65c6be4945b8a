"""Fetching wheels by pip, from a folder instead of an index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from safelight.deploy.errors import DependenciesUnavailable, NoPip
from safelight.deploy.fetch import LOCK, Pip, pinned, wheels
from tests.unit.deploy.making import ARM, INTEL, lock, wheel

ARM_TAG, INTEL_TAG = "cp311-abi3-manylinux_2_24_aarch64", "cp311-abi3-manylinux_2_17_x86_64"


def pip(folder: Path) -> Pip:
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    return Pip(environ={"PATH": os.environ["PATH"], "HOME": str(folder), **settings})


def quiet(_: str) -> None:
    pass


def test_wheels_are_those_of_the_processor(tmp_path: Path) -> None:
    """Whatever this machine is; the stable ABI of an older Python and an older C library will do."""
    arm = wheel(tmp_path / "index", "lib", {"lib.abi3.so": ARM}, tag=ARM_TAG)
    intel = wheel(tmp_path / "index", "lib", {"lib.abi3.so": INTEL}, tag=INTEL_TAG)
    text = lock(arm).rstrip("\n") + " \\\n    " + lock(intel).split("\n")[2].strip() + "\n"
    for arch, wanted in (("arm64", arm), ("x86_64", intel)):
        (tmp_path / arch).mkdir()
        told: list[str] = []
        [found] = wheels(pip(tmp_path / "index"), arch, tmp_path / arch, text, told.append)  # type: ignore[arg-type]
        assert (found.name, found.read_bytes()) == (wanted.name, wanted.read_bytes())
        assert told == [f"Fetching lib for {arch} ..."]


def test_wheels_with_another_hash_are_refused(tmp_path: Path) -> None:
    """Nothing comes in that the lock does not name."""
    made = wheel(tmp_path / "index", "lib", {"lib.py": b"1"})
    text = lock(made)
    wheel(tmp_path / "index", "lib", {"lib.py": b"2"})
    with pytest.raises(DependenciesUnavailable, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        wheels(pip(tmp_path / "index"), "arm64", tmp_path, text, quiet)


def test_wheels_for_a_newer_c_library_than_lambdas_are_not_taken(tmp_path: Path) -> None:
    """Lambda's glibc is 2.34."""
    made = wheel(tmp_path / "index", "lib", {"lib.so": ARM}, tag="cp314-cp314-manylinux_2_35_aarch64")
    with pytest.raises(DependenciesUnavailable, match=r"lib==1\.0"):
        wheels(pip(tmp_path / "index"), "arm64", tmp_path, lock(made), quiet)


def test_wheels_without_a_network_say_what_pip_said(tmp_path: Path) -> None:
    """A closed port answers at once; the error names the package and the remedy."""
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    told = Pip(environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **offline})
    with pytest.raises(DependenciesUnavailable, match=r"lib==1\.0") as caught:
        wheels(told, "arm64", tmp_path, lock(wheel(tmp_path / "index", "lib", {})), quiet)
    assert "package index" in caught.value.remedy


def test_wheels_without_pip_say_how_to_get_it(tmp_path: Path) -> None:
    """Environments of uv have none."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = Pip(environ={"PATH": os.environ["PATH"]}, python=str(tmp_path / "bare/bin/python"))
    with pytest.raises(NoPip, match="has no pip") as caught:
        wheels(bare, "arm64", tmp_path, "", quiet)
    assert "ensurepip" in caught.value.remedy


def test_pinned_gives_every_package_of_the_lock_with_its_hashes() -> None:
    """The lock that is shipped: each package that a function runs on, and what builds pyvips."""
    pins = pinned(LOCK.read_text(encoding="utf-8"))
    assert set(pins) == {"cffi", "msgspec", "obstore", "pi-heif", "pillow", "pyvips", "pyvips-binary", "setuptools"}
    assert all("--hash=sha256:" in lines for lines in pins.values())
