"""Run the engines: CPU and wall time in one interleaved run, memory in processes of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from msgspec import Struct

from bench.engines import Engine, Running, started
from bench.job import JOB_A

POLL_S = 0.005


class Sample(Struct, frozen=True, kw_only=True):
    """One job done once with one picture by one engine."""

    engine: str
    job: str = JOB_A.name
    photo: str
    round: int
    cpu_s: float
    wall_s: float


class Task(NamedTuple):
    """A picture and what to do with it."""

    photo: Path
    job: str = JOB_A.name


class Memory(Struct, frozen=True, kw_only=True):
    """The most memory of a process that developed the whole corpus.

    `peak_mb` is resident memory with shared libraries; `private_mb` is anonymous memory alone, looked at every 5 ms;
    `idle_mb` is what was resident before the first photograph.
    """

    peak_mb: float
    private_mb: float | None
    idle_mb: float | None


def timed(
    engines: Sequence[Engine], tasks: Sequence[Task], *, rounds: int, out: Path, tell: Callable[[str], None]
) -> tuple[list[Sample], dict[str, str]]:
    """Do every task by every engine in every round, in a shuffled but repeatable order.

    Returns:
        The samples, and the versions that the engines named.
    """
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    samples: list[Sample] = []
    with ExitStack() as stack:
        running = [stack.enter_context(started(engine)) for engine in engines]
        for engine in running:
            for task in _warm_up(tasks):
                if task.job in engine.engine.jobs:
                    engine.develop(task.photo, out / "warm-up", task.job)
        for number in range(1, rounds + 1):
            tell(f"round {number} of {rounds}")
            samples += _round(number, running, tasks, out, order)
        versions = {name: value for engine in running for name, value in engine.versions.items()}
    return samples, versions


def _warm_up(tasks: Sequence[Task]) -> list[Task]:
    """Return the first task of each job, and the last of the first job."""
    jobs = [[task for task in tasks if task.job == job] for job in dict.fromkeys(task.job for task in tasks)]
    return [jobs[0][-1], *(same[0] for same in jobs)]


def _round(
    number: int, running: Sequence[Running], tasks: Sequence[Task], out: Path, order: random.Random
) -> list[Sample]:
    return [
        _sample(number, engine, task, out)
        for task in order.sample(tasks, len(tasks))
        for engine in order.sample(running, len(running))
        if task.job in engine.engine.jobs
    ]


def _sample(number: int, engine: Running, task: Task, out: Path) -> Sample:
    name = engine.engine.name
    cost = engine.develop(task.photo, out / "timed" / name, task.job)
    return Sample(engine=name, job=task.job, photo=task.photo.name, round=number, cpu_s=cost.cpu_s, wall_s=cost.wall_s)


def memory(engine: Engine, photos: Sequence[Path], out: Path, job: str = JOB_A.name) -> Memory:
    """Do the job with every picture once in a fresh process; the outputs stay in `out`, one folder per picture."""
    with started(engine) as running:
        pid = running.process.pid
        idle = _status_mb(pid, "VmRSS")
        with _Watch(pid) as watch:
            told_mb = [running.develop(photo, out / photo.name, job).peak_mb for photo in photos]
        # Linux' own account of a process survives exec: a child would start with its parent's peak.
        peak = None if engine.spawns else _status_mb(pid, "VmHWM")
    private = None if engine.spawns else watch.peak_mb
    return Memory(peak_mb=peak or max(told_mb), private_mb=private, idle_mb=idle)


class _Watch:
    """Look at a process's anonymous memory again and again; Linux keeps no peak of it."""

    def __init__(self, pid: int) -> None:
        self.peak_mb: float | None = None
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(POLL_S):
            now = _status_mb(self._pid, "RssAnon")
            if now is not None:
                self.peak_mb = max(self.peak_mb or 0, now)


def _status_mb(pid: int, field: str) -> float | None:
    """Return a field of the process's status in MB, or None where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field + ":")), None)
