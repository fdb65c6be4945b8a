"""The loop around every Python engine: a photograph's path comes in, what it cost goes out."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def serve(develop: Callable[[Path, Path], None], versions: Mapping[str, str]) -> None:
    """Develop every photograph that standard input names, and answer with CPU and wall time.

    CPU is that of the whole process with all its threads since the last answer, so that nothing escapes that runs
    between two photographs.
    """
    _say({"versions": versions})
    spent_s = _cpu_s()
    for line in sys.stdin:
        order = json.loads(line)
        begin_s = time.perf_counter()
        develop(Path(order["photo"]), Path(order["out"]))
        wall_s = time.perf_counter() - begin_s
        now_s = _cpu_s()
        _say({"cpu_s": now_s - spent_s, "wall_s": wall_s, "peak_mb": _peak_mb()})
        spent_s = now_s


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _say(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
