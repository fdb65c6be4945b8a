"""A full disk: everything waits its turn with a coded error, nothing half-written is seen, nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pyvips

from tests.flow.conftest import Post
from tests.flow.running import Project, until

Picture = Callable[..., bytes]

CONFIG = """\
name: full
limits: {seconds: 20}
recipes:
  - name: large
    metadata: keep
    renditions:
      - key: "{dir}copy-{filename}"
      - key: "{dir}small-{filename}"
        resize: {width: 100}
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=16m", "safelight-test", str(place)]
    if os.getuid() != 0 or not shutil.which("mount") or subprocess.run(words, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, *, leave: int) -> Path:
    """Fill the disk up to so many bytes."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    with ballast.open("ab") as file:
        file.write(bytes(max(free - leave, 0)))
    return ballast


@pytest.mark.parametrize("leave", [700_000, 0], ids=["nearly-full", "full"])
def test_disk_full_makes_everything_wait_until_there_is_room(
    disk: Path, post: Post, picture: Picture, leave: int
) -> None:
    """Files that come while the disk is full are developed once there is room, without a restart, and told once."""
    post.open()
    project = Project(disk / "project", CONFIG + post.config)
    names = [f"{number}.png" for number in range(5)]
    aside = disk / "aside"
    aside.mkdir()
    for number, name in enumerate(names):
        (aside / name).write_bytes(picture(number, side=300))
    with project.serving():
        ballast = fill(disk, leave=leave)
        for name in names:
            (aside / name).rename(project.input / name)
        if leave:
            until(lambda: "disk_full" in project.codes(), "a line in the log")
        else:
            time.sleep(6)  # there is no room for a line in the log either
        for key in project.outputs():
            assert pyvips.Image.new_from_file(str(project.output / key), fail_on="warning").avg() > 0
        ballast.unlink()
        until(lambda: project.counts() == {"succeeded": len(names)}, "five successes", patience_s=40)
        until(lambda: project.waiting() == 0, "an empty queue")
    assert project.outputs() == {f"{kind}-{name}" for name in names for kind in ("copy", "small")}
    assert all((project.output / f"copy-{name}").read_bytes() == (project.input / name).read_bytes() for name in names)
    assert project.temporary() == []
    assert post.told() == {job.id: 1 for job in project.jobs()}


def test_disk_full_at_the_start_is_refused_with_its_code(disk: Path) -> None:
    """A service that cannot write its records does not pretend to serve."""
    project = Project(disk / "project", CONFIG)
    fill(disk, leave=0)
    assert "disk_full" in project.cli("up", code=2)
