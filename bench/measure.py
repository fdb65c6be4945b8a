"""Run the engines: CPU and wall time in one interleaved run, memory in processes of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from msgspec import Struct

from bench.engines import Engine, Running, started

POLL_S = 0.005


class Sample(Struct, frozen=True, kw_only=True):
    """One photograph developed once by one engine."""

    engine: str
    photo: str
    round: int
    cpu_s: float
    wall_s: float


class Memory(Struct, frozen=True, kw_only=True):
    """The most memory of a process that developed the whole corpus.

    `peak_mb` is resident memory with shared libraries; `private_mb` is anonymous memory alone, looked at every 5 ms;
    `idle_mb` is what was resident before the first photograph.
    """

    peak_mb: float
    private_mb: float | None
    idle_mb: float | None


def timed(
    engines: Sequence[Engine], photos: Sequence[Path], *, rounds: int, out: Path, tell: Callable[[str], None]
) -> tuple[list[Sample], dict[str, str]]:
    """Develop every photograph by every engine in every round, in a shuffled but repeatable order.

    Returns:
        The samples, and the versions that the engines named.
    """
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    samples: list[Sample] = []
    with ExitStack() as stack:
        running = [stack.enter_context(started(engine)) for engine in engines]
        for engine in running:
            for photo in (photos[0], photos[-1]):
                engine.develop(photo, out / "warm-up")
        for number in range(1, rounds + 1):
            tell(f"round {number} of {rounds}")
            samples += _round(number, running, photos, out, order)
        versions = {name: value for engine in running for name, value in engine.versions.items()}
    return samples, versions


def _round(
    number: int, running: Sequence[Running], photos: Sequence[Path], out: Path, order: random.Random
) -> list[Sample]:
    samples = []
    for photo in order.sample(photos, len(photos)):
        for engine in order.sample(running, len(running)):
            cost = engine.develop(photo, out / "timed" / engine.engine.name)
            samples.append(
                Sample(engine=engine.engine.name, photo=photo.name, round=number, cpu_s=cost.cpu_s, wall_s=cost.wall_s)
            )
    return samples


def memory(engine: Engine, photos: Sequence[Path], out: Path) -> Memory:
    """Develop the corpus once in a fresh process; the outputs stay in `out`, one folder per photograph."""
    with started(engine) as running:
        pid = running.process.pid
        idle = _status_mb(pid, "VmRSS")
        with _Watch(pid) as watch:
            told_mb = [running.develop(photo, out / photo.name).peak_mb for photo in photos]
        # Linux' own account of a process survives exec: a child would start with its parent's peak.
        peak = _status_mb(pid, "VmHWM") or max(told_mb)
    return Memory(peak_mb=peak, private_mb=watch.peak_mb, idle_mb=idle)


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
