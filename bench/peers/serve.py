"""The loop around every Python engine: a picture's path and a job come in, what it cost goes out."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.job import JOBS, Output

Outputs = tuple[Output, ...]


def serve(
    develop: Callable[[Path, Path, Outputs], None],
    versions: Mapping[str, str],
    prepare: Callable[[Path, Outputs], None] | None = None,
) -> None:
    """Develop every picture that standard input names, and answer with CPU and wall time.

    CPU is that of the whole process with all its threads and of the programs that it ran, since the last answer, so
    that nothing escapes that runs between two pictures. What `prepare` does is not counted.
    """
    _say({"versions": versions})
    spent_s = _cpu_s()
    for line in sys.stdin:
        order = json.loads(line)
        photo, outputs = Path(order["photo"]), JOBS[order["job"]].outputs
        if prepare:
            prepare(photo, outputs)
            spent_s = _cpu_s()
        begin_s = time.perf_counter()
        develop(photo, Path(order["out"]), outputs)
        wall_s = time.perf_counter() - begin_s
        now_s = _cpu_s()
        _say({"cpu_s": now_s - spent_s, "wall_s": wall_s, "peak_mb": _peak_mb()})
        spent_s = now_s


def _cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mb() -> float:
    """Return the peak of the largest program that ran, or of this process where none did."""
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (children or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit / 1e6


def _say(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
