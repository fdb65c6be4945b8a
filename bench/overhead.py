"""`python -m bench.overhead`: what the pipeline and the service add to decode, steps and encode."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median, quantiles

import pyvips

from bench import corpus, measure, ratios
from bench.engines import PIPELINE, RENDERER, ROOT, SAFELIGHT, WHOLE, EngineError, started
from bench.service import Service, ServiceError, make_project, up

STAMPS = 60
SETTLE_S = 0.5
"""After the outputs are visible the service still records and tells; then it is idle."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each photograph is developed (3)")
    asked = parser.parse_args()
    photos = corpus.photographs(ROOT / ".cache" / "corpus")
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache") as name:
        folder = Path(name)
        try:
            job_ms = _pipeline(photos, folder / "engines", asked.rounds)
            make_project(folder / "project")
            with up(folder / "project", workers=1) as service:
                service.drop(_stamp(0), "first.jpg")
                _service(service, folder, job_ms)
                _latency(service, photos, folder)
        except (EngineError, ServiceError) as err:
            print(err, file=sys.stderr)
            return 1
    return 0


def _pipeline(photos: Sequence[Path], folder: Path, rounds: int) -> float:
    """Compare the whole pipeline with the renderer alone, in one process each; return the renderer's CPU ms."""
    tasks = [measure.Task(photo) for photo in photos]
    samples, _ = measure.timed([RENDERER, WHOLE], tasks, rounds=rounds, out=folder, tell=print)
    alone_ms = ratios.mean_ms(samples, SAFELIGHT, "cpu_s")
    whole_ms = ratios.mean_ms(samples, PIPELINE, "cpu_s")
    paired = ratios.ratio(samples, PIPELINE, SAFELIGHT)
    print(f"decode, steps and encode      {alone_ms:7.1f} ms of CPU a photograph")
    print(f"with the whole pipeline       {whole_ms:7.1f} ms: {paired} times, median of pairs [95 %]")
    return alone_ms


def _service(service: Service, folder: Path, job_ms: float) -> None:
    """Feed pictures so small that nearly all CPU is overhead; subtract what rendering them costs."""
    stamps = [_stamp(number) for number in range(STAMPS)]
    before_s = service.cpu_s()
    for number, body in enumerate(stamps):
        service.drop(body, f"stamp-{number}.jpg")
    time.sleep(SETTLE_S)
    spent_ms = (service.cpu_s() - before_s) / STAMPS * 1000
    path = folder / "stamp.jpg"
    path.write_bytes(stamps[0])
    with started(RENDERER) as running:
        costs = [running.develop(path, folder / "stamp").cpu_s * 1000 for _ in range(STAMPS)]
    over_ms = spent_ms - median(costs)
    print(f"the service, all processes    {over_ms:7.1f} ms of CPU a picture beside rendering")
    print(f"                              {over_ms / job_ms:7.1%} of job A's decode, steps and encode")


def _latency(service: Service, photos: Sequence[Path], folder: Path) -> None:
    """Drop photographs on the idle service; compare with the wall time of the renderer alone."""
    extra_ms = []
    with started(RENDERER) as running:
        running.develop(photos[0], folder / "latency")
        for photo in photos:
            alone_s = running.develop(photo, folder / "latency").wall_s
            extra_ms.append((service.drop(photo.read_bytes(), photo.name) - alone_s) * 1000)
            time.sleep(SETTLE_S)
    worst = quantiles(extra_ms, n=10)[-1]
    spread = f"mean {fmean(extra_ms):.1f}, 9 of 10 under {worst:.1f}"
    print(f"from close to outputs visible {median(extra_ms):7.1f} ms on top of rendering ({spread})")


def _stamp(number: int) -> bytes:
    """Return a 16 px JPEG; each has other bytes."""
    body: bytes = (pyvips.Image.black(16, 16, bands=3) + number).cast("uchar").jpegsave_buffer()
    return body


if __name__ == "__main__":
    sys.exit(main())
