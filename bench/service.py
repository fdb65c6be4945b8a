"""A project folder for job A, and Safelight's own commands on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml

from bench.job import OUTPUTS
from bench.peers.safelight_render import rendition
from safelight.recipe.model import Recipe, Rendition
from safelight.settings import Settings

POLL_S = 0.0005
WAIT_S = 60.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class ServiceError(Exception):
    """Safelight's command ended badly or made no output in time; the message holds what it said."""


def command(*words: str) -> list[str]:
    """Return the command line of `safelight WORDS`, whether or not it is installed as a program."""
    return [sys.executable, "-c", "from safelight.entry.cli import main; main()", *words]


def make_project(folder: Path) -> None:
    """Write a `safelight.yaml` that asks for job A, beside an empty input folder."""
    (folder / "input").mkdir(parents=True)
    (folder / "safelight.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(job_a()), sort_keys=False))


def job_a() -> Settings:
    """Return the settings of a project that asks for job A."""
    renditions = tuple(_beside(rendition(output)) for output in OUTPUTS)
    return Settings(name="bench", recipes=(Recipe(name="job-a", renditions=renditions),))


def _beside(wanted: Rendition) -> Rendition:
    return msgspec.structs.replace(wanted, key=wanted.key.replace("{dir}", "{dir}{filename}-"))


class Service:
    """A running `safelight up` on a project folder."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._process = process

    def drop(self, body: bytes, name: str) -> float:
        """Write a file into the input folder, wait for its outputs, and return the seconds since it was closed.

        Raises:
            ServiceError
        """
        (self._folder / "input" / name).write_bytes(body)
        closed_s = time.perf_counter()
        missing = [str(self._folder / "output" / f"{name}-{output.file}") for output in OUTPUTS]
        while missing:
            missing = [path for path in missing if not os.path.exists(path)]  # noqa: PTH110 - a tight loop
            if time.perf_counter() - closed_s > WAIT_S or self._process.poll() is not None:
                raise ServiceError(f"no {', '.join(Path(path).name for path in missing)}: {self._said()}")
            time.sleep(POLL_S)
        return time.perf_counter() - closed_s

    def cpu_s(self) -> float:
        """Return the CPU seconds of the service and all its processes so far, also of those that ended."""
        stats = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
        parents = {pid: parent for pid, parent, _ in stats}
        return sum(ticks for pid, _, ticks in stats if self._is_ours(pid, parents)) * TICK_S

    def _is_ours(self, pid: int, parents: dict[int, int]) -> bool:
        while pid not in (0, self._process.pid):
            pid = parents.get(pid, 0)
        return pid != 0

    def _said(self) -> str:
        return (self._folder / "up.log").read_text()[-2000:]


@contextmanager
def up(folder: Path, *, workers: int) -> Iterator[Service]:
    """Run `safelight up` while the context lasts."""
    with (folder / "up.log").open("wb") as said:
        words = command("up", "-c", str(folder / "safelight.yaml"), "--workers", str(workers))
        with subprocess.Popen(words, stdout=said, stderr=said, cwd=folder) as process:
            try:
                yield Service(folder, process)
            finally:
                process.terminate()


def _stat(path: Path) -> tuple[int, int, int]:
    """Return a process's id, its parent's, and the ticks of it and of its children that ended. Source: proc(5)."""
    try:
        text = path.read_text()
    except OSError:
        return 0, 0, 0
    fields = text.rpartition(")")[2].split()
    return int(path.parent.name), int(fields[1]), sum(int(field) for field in fields[11:15])
