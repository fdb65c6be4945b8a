"""A process that holds one function, as Lambda's does: an event comes in as a line, what it cost goes out.

    PYTHONPATH=ZIPROOT python3.14 runtime.py package.module.function

It is run by the Python of the function, so that it imports nothing but the standard library.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

SECONDS = 60


class Clock:
    """Wall and CPU time since it was made; CPU is that of all threads."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def say(self, answers: TextIO, answer: object) -> None:
        """Write what it cost, and the handler's answer."""
        cost = {"wall_s": time.perf_counter() - self._began, "cpu_s": time.process_time() - self._cpu}
        answers.write(json.dumps({**cost, "peak_mb": _peak_mb(), "answer": answer}) + "\n")
        answers.flush()


def main() -> None:
    """Import the handler, then serve."""
    answers, sys.stdout = sys.stdout, sys.stderr
    clock = Clock()
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    clock.say(answers, None)
    for line in sys.stdin:
        event = json.loads(line)
        context = _context()
        clock = Clock()
        clock.say(answers, handler(event, context))


def _context() -> SimpleNamespace:
    ends = time.time() + SECONDS
    return SimpleNamespace(
        aws_request_id="bench", get_remaining_time_in_millis=lambda: int((ends - time.time()) * 1000)
    )


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
