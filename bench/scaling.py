"""`python -m bench.scaling`: images a minute of `safelight run` with two worker processes against one."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench import corpus
from bench.engines import ROOT
from bench.job import OUTPUTS
from bench.service import ServiceError, command, make_project


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each number of workers runs (3)")
    parser.add_argument("--copies", type=int, default=3, help="how often each photograph is developed in a run (3)")
    parser.add_argument("--workers", type=int, default=2, help="compared with one (2)")
    asked = parser.parse_args()
    photos = corpus.photographs(ROOT / ".cache" / "corpus")
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache") as folder:
        try:
            speeds = _speeds(photos, Path(folder), asked)
        except ServiceError as err:
            print(err, file=sys.stderr)
            return 1
    gains = sorted(many / one for one, many in zip(speeds[1], speeds[asked.workers], strict=True))
    for workers, found in speeds.items():
        print(f"{workers} workers: {median(found):.0f} images a minute (start and end of the command counted)")
    each = ", ".join(f"{gain:.2f}" for gain in gains)
    print(f"{asked.workers} workers against 1: {median(gains):.2f} times (runs: {each})")
    return 0


def _speeds(photos: Sequence[Path], folder: Path, asked: argparse.Namespace) -> dict[int, list[float]]:
    make_project(folder)
    pictures = folder / "pictures"
    pictures.mkdir()
    for copy in range(asked.copies):
        for photo in photos:
            os.link(photo, pictures / f"{copy}-{photo.name}")
    count = len(photos) * asked.copies
    speeds: dict[int, list[float]] = {1: [], asked.workers: []}
    for number in range(asked.rounds):
        for workers, found in speeds.items():
            out = folder / f"out-{number}-{workers}"
            found.append(count / _run(folder, pictures, out, workers) * 60)
            made = sum(1 for path in out.rglob("*") if path.is_file())
            if made != count * len(OUTPUTS):
                raise ServiceError(f"{made} outputs; expected {count * len(OUTPUTS)} for {count} photographs")
    return speeds


def _run(folder: Path, pictures: Path, out: Path, workers: int) -> float:
    """Return the seconds that `safelight run` takes."""
    config = str(folder / "safelight.yaml")
    words = command("run", str(pictures), "--out", str(out), "--workers", str(workers), "-c", config)
    begin_s = time.perf_counter()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    spent_s = time.perf_counter() - begin_s
    if done.returncode:
        raise ServiceError(f"safelight run ended with {done.returncode}: {done.stderr[-2000:]}")
    return spent_s


if __name__ == "__main__":
    sys.exit(main())
