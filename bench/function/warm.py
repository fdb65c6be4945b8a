"""`python -m bench.function.warm`: the warm function on a machine as small as Lambda's 512 MB.

0.289 CPU and 512 MB by cgroups of version 1; S3, DynamoDB and SNS are a stand-in on the same machine, outside of them.
It is a model: Lambda's processor and network are others. Wall time of an invocation; what a start costs is given apart.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import corpus, ratios
from bench.engines import ROOT, EngineError
from bench.function.cgroup import CPU, NoCgroupError, small
from bench.function.functions import OURS, USUAL, Function, started, usual_event
from bench.function.places import Places, PlacesError, places
from bench.measure import Sample
from bench.service import job_a
from safelight.settings import Settings
from tests.servers.aws import ministack
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings

BRIEF_BYTES = 3_000_000


class Task(NamedTuple):
    """What is measured: a project's settings for ours, a job for the usual function, and photographs."""

    title: str
    settings: Settings
    usual_job: str
    photos: list[Path]


class Measured(NamedTuple):
    """Warm samples, and of each function the wall time of a start with its first image and the peak of memory."""

    samples: list[Sample]
    cold_s: dict[str, float]
    peak_mb: dict[str, float]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.function.warm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each photograph is developed (5)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache") as name:
        folder = Path(name)
        try:
            found = places()
            print(f"{found.versions}; {CPU} CPU, 512 MB")
            with ministack(folder) as server:
                for task in tasks():
                    table(task, measure(task, found, deploy(server), folder, asked.rounds))
        except NoCgroupError as err:
            print(f"Skipped: {err}")
        except (EngineError, PlacesError, corpus.CorpusError) as err:
            print(err, file=sys.stderr)
            return 1
    return 0


def tasks() -> list[Task]:
    """Return what is measured."""
    photos = corpus.photographs(ROOT / ".cache" / "corpus")
    brief = min(photos, key=lambda path: abs(path.stat().st_size - BRIEF_BYTES))
    twelve = [path for path in photos if path.name.startswith("phone-12mp")]
    large = [path for path in photos if path.name.startswith("phone-24mp")]
    size = f"{brief.stat().st_size / 1e6:.1f} MB"
    return [
        Task(f"The brief's own job, JPEG of {size} (usual: no look into the picture)", Settings(), "copy", [brief]),
        Task("Job A, 12 MP", job_a(), "a", twelve[:2]),
        Task("Job A, 24 MP", job_a(), "a", large[:1]),
    ]


def measure(task: Task, found: Places, deployment: Deployment, folder: Path, rounds: int) -> Measured:
    """Develop each photograph by both in every round; the first image of each function is not among the samples."""
    root = folder / task.title[:12]
    write_settings(root, task.settings)
    environ = {**deployment.environment, "LAMBDA_TASK_ROOT": str(root), "JOB": task.usual_job}
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    samples: list[Sample] = []
    with ExitStack() as stack:
        functions = []
        for name in (OURS, USUAL):
            within = stack.enter_context(small(f"bench-{folder.name}-{name}"))
            functions.append(stack.enter_context(started(found, name, folder, environ, within)))
        cold_s = {
            each.name: each.start.wall_s + _sample(each, deployment, task.photos[0], 0).wall_s for each in functions
        }
        for number in range(1, rounds + 1):
            for photo in task.photos:
                samples += [_sample(each, deployment, photo, number) for each in order.sample(functions, 2)]
        peak_mb = {each.name: each.peak_mb for each in functions}
    return Measured(samples, cold_s, peak_mb)


def _sample(function: Function, deployment: Deployment, photo: Path, number: int) -> Sample:
    key = f"{function.name}-{number}-{photo.name}"
    event = deployment.put(key, photo.read_bytes())
    spent = function.invoke(sqs_event(event) if function.name == OURS else usual_event(deployment, key))
    return Sample(engine=function.name, photo=photo.name, round=number, cpu_s=spent.cpu_s, wall_s=spent.wall_s)


def table(task: Task, found: Measured) -> None:
    """Print medians, and ratios of pairs of one round."""
    print(f"\n{task.title}")
    print(f"{'':12}{'warm ms':>9}{'CPU ms':>9}{'a minute':>9}{'cold ms':>9}{'peak MB':>9}  {'wall of usual':>20}")
    for name in (OURS, USUAL):
        wall_ms, cpu_ms = (_median_ms(found.samples, name, field) for field in ("wall_s", "cpu_s"))
        ratio = ratios.ratio(found.samples, name, USUAL, "wall_s")
        figures = f"{wall_ms:9.0f}{cpu_ms:9.0f}{60_000 / wall_ms:9.0f}{found.cold_s[name] * 1000:9.0f}"
        print(f"{name:12}{figures}{found.peak_mb[name]:9.0f}  {ratio!s:>20}")


def _median_ms(samples: Sequence[Sample], name: str, field: str) -> float:
    found: list[float] = [getattr(each, field) for each in samples if each.engine == name]
    return median(found) * 1000


if __name__ == "__main__":
    sys.exit(main())
