"""`python -m bench.jobs`: every job by every engine that is here, in one interleaved run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import msgspec
from msgspec import Struct

from bench import corpus, measure, outputs, ratios, report
from bench.engines import BENCH, PILLOW, ROOT, SHARP, Engine, EngineError, engines
from bench.job import ALL_SETTINGS, JOBS, Job
from bench.rivals import FLOOR, rivals

CACHE = ROOT / ".cache" / "bench"
RESULTS = BENCH / "results"
AGAINST = (PILLOW, SHARP, f"{SHARP}-cascade", FLOOR)
SCORED_PICTURES = 4
"""How many pictures of a job are scored, spread over its sources; one in a run of one round: each takes seconds."""


class Line(Struct, frozen=True, kw_only=True):
    """One engine's figures at one job. `against` compares its CPU with other engines'."""

    name: str
    label: str
    cpu_ms: float
    wall_ms: float
    against: Mapping[str, ratios.Ratio]
    memory: measure.Memory | None
    written: outputs.Written


class JobResult(Struct, frozen=True, kw_only=True):
    """One job: its pictures and its lines."""

    name: str
    title: str
    photos: tuple[corpus.Photo, ...]
    lines: tuple[Line, ...]


class Results(Struct, frozen=True, kw_only=True):
    """Everything that one run over all jobs found."""

    command: str
    machine: report.Machine
    versions: Mapping[str, str]
    settings: Mapping[str, str]
    rounds: int
    jobs: tuple[JobResult, ...]
    samples: tuple[measure.Sample, ...]


def main() -> int:
    """Measure and write `jobs.json`."""
    asked = _arguments()
    try:
        pictures = corpus.sources(ROOT / ".cache" / "corpus")
        photos = {job.name: pictures[job.source][:: 4 if asked.quick else 1] for job in JOBS.values()}
        with tempfile.TemporaryDirectory() as folder:
            results = _measured(asked.rounds, photos, Path(folder))
    except (corpus.CorpusError, EngineError, outputs.OutputError) as err:
        print(err, file=sys.stderr)
        return 1
    kept = CACHE if asked.quick else RESULTS
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "jobs.json").write_bytes(msgspec.json.encode(results) + b"\n")
    print(f"{kept / 'jobs.json'} has every sample and setting.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the pictures, one round; to .cache/bench")
    parser.add_argument("--rounds", type=int, default=0, help="how often each engine does each job (3)")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    return asked


def _measured(rounds: int, photos: Mapping[str, Sequence[Path]], folder: Path) -> Results:
    here = report.machine()
    if here.load > 0.5:
        print(f"Note: {here.load:.1f} other processes are busy on this machine: trust ratios, not milliseconds.")
    competitors = [engine for engine in [*engines([]), *rivals()] if engine.name != "sharp-together"]
    competitors = [engine for engine in competitors if len(engine.jobs) > 1]
    print(f"{len(JOBS)} jobs, {len(competitors)} engines: {', '.join(each.name for each in competitors)}")
    tasks = [measure.Task(photo, job) for job, some in photos.items() for photo in some]
    samples, versions = measure.timed(competitors, tasks, rounds=rounds, out=folder, tell=print)
    found = [_job(JOBS[name], photos[name], competitors, samples, folder / "kept" / name) for name in photos]
    return Results(
        command="make bench-all" if len(sys.argv) == 1 else f"make bench-all ARGS={' '.join(sys.argv[1:])!r}",
        machine=here,
        versions=versions,
        settings=ALL_SETTINGS,
        rounds=rounds,
        jobs=tuple(found),
        samples=tuple(samples),
    )


def _job(
    job: Job, photos: Sequence[Path], competitors: Sequence[Engine], samples: Sequence[measure.Sample], out: Path
) -> JobResult:
    print(f"memory and score: {job.title}")
    own = [sample for sample in samples if sample.job == job.name]
    able = [engine for engine in competitors if job.name in engine.jobs]
    lines = tuple(_line(engine, job, photos, own, out / engine.name) for engine in able)
    return JobResult(name=job.name, title=job.title, photos=tuple(map(corpus.describe, photos)), lines=lines)


def _line(engine: Engine, job: Job, photos: Sequence[Path], samples: Sequence[measure.Sample], out: Path) -> Line:
    memory = measure.memory(engine, photos, out, job.name)
    written = outputs.check(out, photos, job)
    if find_spec("ssimulacra2"):
        count = SCORED_PICTURES if samples[-1].round > 1 else 1
        chosen = photos[:: max(1, len(photos) // count)][:count]
        written = msgspec.structs.replace(written, score=_score(chosen, out, job))
    there = {sample.engine for sample in samples}
    return Line(
        name=engine.name,
        label=engine.label,
        cpu_ms=ratios.mean_ms(samples, engine.name, "cpu_s"),
        wall_ms=ratios.mean_ms(samples, engine.name, "wall_s"),
        against={other: ratios.ratio(samples, engine.name, other) for other in AGAINST if other in there},
        memory=None if engine.holds_pixels else memory,
        written=written,
    )


def _score(photos: Sequence[Path], out: Path, job: Job) -> float:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        return fmean(workers.map(outputs.score, photos, [out / photo.name / job.scored.file for photo in photos]))


if __name__ == "__main__":
    sys.exit(main())
