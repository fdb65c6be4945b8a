"""The engines that are compared, each a child process that lives as long as it is measured."""

from __future__ import annotations

import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from bench.job import JOB_A, JOBS

ROOT = Path(__file__).parent.parent
BENCH = Path(__file__).parent
PEERS = ROOT / ".cache" / "peers"
PILLOW = "pillow"
SHARP = "sharp"
SAFELIGHT = "safelight"
PIPELINE = "safelight-pipeline"


class EngineError(Exception):
    """An engine's process ended or wrote something else than an answer."""


class Engine(Struct, frozen=True, kw_only=True):
    """A competitor: a program that speaks the protocol of `bench/peers/serve.py`."""

    name: str
    label: str
    command: tuple[str, ...]
    jobs: tuple[str, ...] = tuple(JOBS)
    spawns: bool = False
    """Whether it works in programs that it starts, so that its memory is theirs."""
    holds_pixels: bool = False
    """Whether it keeps pictures from before, so that its memory says nothing."""


def module(name: str, *words: str, python: Path | str = sys.executable) -> tuple[str, ...]:
    """Return the command that runs a Python engine."""
    return (str(python), "-m", f"bench.peers.{name}", *words)


RENDERER = Engine(name=SAFELIGHT, label="Safelight", command=module("safelight_render"))
WHOLE = Engine(
    name=PIPELINE, label="Safelight, whole pipeline", command=module("safelight_pipeline"), jobs=(JOB_A.name,)
)


class Cost(Struct, frozen=True, kw_only=True):
    """What one photograph cost an engine, and the most memory that it has used so far by its own account."""

    cpu_s: float
    wall_s: float
    peak_mb: float


class Running:
    """An engine's process, ready for photographs."""

    def __init__(self, engine: Engine, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.engine = engine
        self.process = process
        self._errors = errors
        self.versions: dict[str, str] = self._answer("starting")["versions"]

    def develop(self, photo: Path, out: Path, job: str = JOB_A.name) -> Cost:
        """Do a job with one picture; the outputs go into the folder `out`.

        Raises:
            EngineError
        """
        assert self.process.stdin is not None  # noqa: S101 - it was opened with a pipe
        out.mkdir(parents=True, exist_ok=True)
        order = {"job": job, "photo": str(photo.absolute()), "out": str(out.absolute())}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return msgspec.convert(self._answer(f"developing {photo.name}"), Cost)

    def _answer(self, doing: str) -> dict[str, Any]:
        assert self.process.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self.process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise EngineError(f"engine {self.engine.name!r} stopped while {doing}:\n{self._errors.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def started(engine: Engine) -> Iterator[Running]:
    """Run the engine's process while the context lasts."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            engine.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        with process:
            try:
                yield Running(engine, process, errors)
            finally:
                process.kill()


def engines(extra: list[str]) -> list[Engine]:
    """Return every engine that this machine can run, and say which it cannot and why.

    Args:
        extra: more engines, each as `NAME=COMMAND`.
    """
    found = [
        Engine(name=PILLOW, label="Pillow, as tutorials write it", command=module("pillow_function")),
        Engine(name="pillow-careful", label="Pillow, draft and cascade", command=module("pillow_careful")),
        *sharps(),
    ]
    if importlib.util.find_spec("safelight"):
        found += [RENDERER, WHOLE]
    else:
        print("Skipping Safelight: it is not installed in this Python; `make bench` does that.")
    for name, _, command in (text.partition("=") for text in extra):
        found.append(Engine(name=name, label=name, command=tuple(shlex.split(command))))
    return found


def sharps() -> list[Engine]:
    """Return sharp in the ways that it is used, or nothing and say why."""
    reason = _sharp_missing()
    if reason:
        print(f"Skipping sharp: {reason}.")
        return []
    ways = {"each": "one call per output", "together": "all calls at once", "cascade": "raw cascade"}
    jobs = json.dumps({name: [output._asdict() for output in job.outputs] for name, job in JOBS.items()})
    script = str(BENCH / "peers" / "sharp.mjs")
    return [
        Engine(
            name=SHARP if way == "each" else f"{SHARP}-{way}",
            label=f"sharp, {says}",
            command=("node", script, jobs, way),
        )
        for way, says in ways.items()
    ]


def _sharp_missing() -> str | None:
    """Install sharp if it is not there, and return why it cannot be had."""
    if not shutil.which("node"):
        return "there is no node here"
    if (BENCH / "node_modules" / "sharp").exists():
        return None
    if not shutil.which("npm"):
        return "there is no npm here, and bench/node_modules has no sharp"
    print("Installing sharp in bench/node_modules ...")
    done = subprocess.run(["npm", "ci", "--silent"], cwd=BENCH, capture_output=True, text=True, check=False)
    return f"npm could not install it: {done.stderr.strip()[-300:]}" if done.returncode else None
