"""The functions as processes that wait for events, against a stand-in of AWS."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.engines import EngineError
from bench.function.places import HERE, Places
from tests.servers.deployment import Deployment

OURS, USUAL, RENDER = "safelight", "usual", "render alone"
HANDLERS = {
    OURS: "safelight.entry.lambda_handler.handle",
    USUAL: "usual_function.handle",
    RENDER: "render_only.handle",
}


class Spent(Struct, frozen=True, kw_only=True):
    """What the import or an invocation cost, and the process's peak of resident memory so far."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    answer: Any = None


class Function:
    """A running function; `start` is what its import cost."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log
        self.peak_mb = 0.0
        self.start = self._answer()

    def invoke(self, event: object) -> Spent:
        """Hand over an event and wait.

        Raises:
            EngineError: the process ended, or the function wants the event again.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        spent = self._answer()
        if spent.answer and spent.answer.get("batchItemFailures"):
            raise EngineError(f"{self.name} failed: {self._log.read_text()[-2000:]}")
        return spent

    def _answer(self) -> Spent:
        assert self._process.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self._process.stdout.readline()
        if not line:
            raise EngineError(f"{self.name} ended: {self._log.read_text()[-2000:]}")
        spent = msgspec.json.decode(line, type=Spent)
        self.peak_mb = spent.peak_mb
        return spent


@contextmanager
def started(
    found: Places, name: str, folder: Path, environ: Mapping[str, str], within: tuple[str, ...] = ()
) -> Iterator[Function]:
    """Run a function while the context lasts.

    Args:
        found: what there is.
        name: which one.
        folder: for what it prints.
        environ: what it finds in its environment beside what Lambda sets.
        within: words that start it in a smaller machine.
    """
    root = found.usual if name == USUAL else found.ours
    path = os.pathsep.join((str(root), str(HERE)))
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "LAMBDA_TASK_ROOT": str(root),
        "TMPDIR": str(folder),
        "AWS_DEFAULT_REGION": environ["AWS_REGION"],
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    }
    words = [*within, str(found.python), "-B", str(HERE / "runtime.py"), HANDLERS[name]]
    log = folder / f"{uuid.uuid4().hex}.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            words,
            env={**settings, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            yield Function(name, process, log)
        finally:
            process.kill()


def usual_event(deployment: Deployment, key: str) -> dict[str, Any]:
    """Return what S3 itself sends to a function: the part that the usual one reads."""
    name = {"name": deployment.input}
    return {"Records": [{"s3": {"bucket": name, "object": {"key": urllib.parse.quote_plus(key)}}}]}
