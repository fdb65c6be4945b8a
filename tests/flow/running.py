"""A project folder, the service on it as a process of its own, and what a test asks of both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

import safelight
from safelight.config import load
from safelight.entry.cli import main
from safelight.entry.stores import PROBE_KEY, open_local
from safelight.job import Outcome
from safelight.local.database import Database
from safelight.local.ledger import SqliteLedger
from safelight.local.ports import Local
from safelight.local.ports import project as world_of
from safelight.local.queue import SqliteQueue
from tests.servers.aws import Server

SOURCE = Path(safelight.__file__).parents[1]
PATIENCE_S = 60.0
MARK = "SAFELIGHT_TEST"
"""The environment variable by which a test finds every process that its service started."""

RECIPE = """\
name: test
limits: {seconds: 20}
recipes:
  - name: small
    renditions:
      - key: "{dir}{filename}-16.png"
        resize: {width: 16}
"""

_decode = msgspec.json.Decoder(Outcome).decode


def until(condition: Callable[[], Any], what: str, *, patience_s: float = PATIENCE_S) -> Any:
    """Wait until the condition holds, and return what it gave."""
    ends = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < ends, f"still waiting after {patience_s:.0f} s: {what}"
        time.sleep(0.02)
    return found


def command(*arguments: str | Path) -> list[str]:
    """Return the words that run the command line from this checkout."""
    return [sys.executable, "-m", "safelight", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a program of ours, wherever it is started."""
    return {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}", "COLUMNS": "120", **changes}


def living(mark: str) -> dict[int, str]:
    """Return the processes that carry the mark, and what they run."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes():
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                words = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                if state != "Z":
                    found[int(folder.name)] = words
    return found


class Buckets(Struct, frozen=True, kw_only=True):
    """The buckets of a project, on a server that tells of new objects at `port`."""

    server: Server
    input: str
    output: str
    port: int
    token: str
    named: bool = False
    """Whether the project's own configuration names them."""

    @property
    def config(self) -> str:
        """The line of safelight.yaml that names them."""
        if self.named:
            return ""
        server = f"endpoint: '{self.server.endpoint}', region: {self.server.region}, webhook: {{port: {self.port}}}"
        return f"store: {{{server}, input: {self.input}, output: {self.output}}}\n"

    @property
    def variables(self) -> dict[str, str]:
        """What the service finds in its environment."""
        kept = self.server.environment
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return {name: kept[name] for name in names} | {"SAFELIGHT_WEBHOOK_TOKEN": self.token}


class Running:
    """One `safelight up`. Its outcomes are collected as they are printed."""

    def __init__(self, project: Project, *words: str, prefix: Sequence[str] = ()) -> None:
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.outcomes: list[Outcome] = []
        self.process = subprocess.Popen(
            [*prefix, *command("up", "-c", project.config, "--workers", "2", "--json", *words)],
            env=environment(**{MARK: self.mark}, **project.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.errors = ""
        self.stopped = False
        self._readers = [threading.Thread(target=each, daemon=True) for each in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.outcomes.extend(map(_decode, lines))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.errors += line.decode(errors="replace")

    def statuses(self, *keys: str) -> dict[str, str]:
        """Return how the last job of each key ended, so far."""
        ended = {outcome.upload.key: outcome.status.value for outcome in list(self.outcomes)}
        return {key: status for key, status in ended.items() if not keys or key in keys}

    def wait_for(self, *keys: str, patience_s: float = PATIENCE_S) -> list[Outcome]:
        """Wait until a job of each key has ended, and return the last of each."""
        until(lambda: len(self.statuses(*keys)) == len(keys), f"{keys}: {self._state()}", patience_s=patience_s)
        return [next(each for each in reversed(self.outcomes) if each.upload.key == key) for key in keys]

    def wait_until_ended(self, count: int, *, patience_s: float = PATIENCE_S) -> list[Outcome]:
        """Wait until so many jobs have ended."""
        until(lambda: len(self.outcomes) >= count, f"{count} outcomes: {self._state()}", patience_s=patience_s)
        return list(self.outcomes)

    def _state(self) -> str:
        return f"{self.statuses()} {self.errors}"

    def workers(self) -> list[int]:
        """Return the ids of the worker processes."""
        return [pid for pid, words in living(self.mark).items() if "spawn_main" in words]

    def stop(self, number: int = signal.SIGTERM, *, patience_s: float = PATIENCE_S) -> int:
        """Send a signal, wait for the end, and return the exit code; nothing may be left of it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.stopped = True
        code = self.process.wait(patience_s)
        for reader in self._readers:
            reader.join(10)
        until(lambda: not living(self.mark), f"the end of all its processes: {living(self.mark)}", patience_s=10)
        return code


class Project:
    """A project folder with its configuration, and the buckets that stand in for its folders."""

    def __init__(self, folder: Path, config: str = RECIPE, buckets: Buckets | None = None) -> None:
        self.folder = folder
        self.buckets = buckets
        self.config = folder / "safelight.yaml"
        self.input, self.output = folder / "input", folder / "output"
        self.log = folder / ".safelight" / "safelight.log"
        for each in (self.input, self.output):
            each.mkdir(parents=True, exist_ok=True)
        self.config.write_text(config + (buckets.config if buckets else ""))

    @property
    def variables(self) -> dict[str, str]:
        """What programs find in their environment beside what is always there."""
        return self.buckets.variables if self.buckets else {}

    def open(self) -> Local:
        """Open the project's ports beside the service."""
        found = load(self.config, self.variables)
        return open_local(world_of(self.folder, found.settings, secrets=found.storage_secrets))

    @contextmanager
    def serving(self, *words: str, prefix: Sequence[str] = ()) -> Iterator[Running]:
        """Run the service until the block ends, and see that nothing of it is left."""
        running = self.start(*words, prefix=prefix)
        try:
            yield running
            ended = running.process.poll()
            assert ended is None or running.stopped, f"the service ended by itself: {running.errors}"
            assert running.stop() == 0, running.errors
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait(10)

    def start(self, *words: str, prefix: Sequence[str] = ()) -> Running:
        """Start the service and wait until it watches."""
        running = Running(self, *words, prefix=prefix)
        seen = self.starts()
        until(
            lambda: self.starts() > seen or running.process.poll() is not None,
            "the service's start",
        )
        return running

    def starts(self) -> int:
        """Count how often the service was ready."""
        return self.log.read_text().count('"service started"') if self.log.exists() else 0

    def drop(self, key: str, body: bytes) -> Path:
        """Put a file into the input folder the safe way: written elsewhere, then renamed. Or put an object."""
        path = self.input / key
        if self.buckets:
            self.buckets.server.client("s3").put_object(Bucket=self.buckets.input, Key=key, Body=body)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{time.monotonic_ns()}"
        aside.write_bytes(body)
        aside.rename(path)
        return path

    def outputs(self) -> set[str]:
        """Return the keys of all files in the output folder that can be seen, or of all objects in its bucket."""
        if self.buckets:
            listed = self.buckets.server.client("s3").list_objects_v2(Bucket=self.buckets.output)
            return {found["Key"] for found in listed.get("Contents", [])} - {PROBE_KEY}
        return {
            path.relative_to(self.output).as_posix()
            for path in self.output.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def read(self, key: str) -> bytes:
        """Return the bytes of an output."""
        if self.buckets:
            got = self.buckets.server.client("s3").get_object(Bucket=self.buckets.output, Key=key)
            return bytes(got["Body"].read())
        return (self.output / key).read_bytes()

    def original(self, key: str) -> bytes:
        """Return the bytes of an upload."""
        if self.buckets:
            return bytes(self.buckets.server.client("s3").get_object(Bucket=self.buckets.input, Key=key)["Body"].read())
        return (self.input / key).read_bytes()

    def temporary(self) -> list[Path]:
        """Return the temporary files that were left anywhere."""
        return list(self.folder.rglob(".safelight-tmp-*"))

    def logged(self) -> list[dict[str, Any]]:
        """Return the lines of the log."""
        return [msgspec.json.decode(line) for line in self.log.read_bytes().splitlines()]

    def codes(self) -> set[str]:
        """Return the error codes that the log names."""
        return {line["error"]["code"] for line in self.logged() if "error" in line}

    @contextmanager
    def ledger(self) -> Iterator[SqliteLedger]:
        """Open the ledger beside the service."""
        with closing(SqliteLedger(self.folder / ".safelight" / "safelight.db", time.time)) as ledger:
            yield ledger

    @contextmanager
    def queue(self) -> Iterator[SqliteQueue]:
        """Open the queue beside the service."""
        with closing(SqliteQueue(self.folder / ".safelight" / "safelight.db", time.time)) as queue:
            yield queue

    def jobs(self) -> list[Outcome]:
        """Return all jobs."""
        with self.ledger() as ledger:
            return ledger.jobs(limit=10_000)

    def counts(self) -> Counter[str]:
        """Count the jobs of each status."""
        return Counter(job.status.value for job in self.jobs())

    def waiting(self) -> int:
        """Count the messages that are not done."""
        with self.queue() as queue:
            return queue.waiting()

    def mails_on_their_way(self) -> int:
        """Count the mails that were made and not yet accepted, which the next ones wait for."""
        with closing(Database(self.folder / ".safelight" / "safelight.db")) as database:
            return int(database.read("SELECT count(*) FROM mails WHERE sent_at IS NULL")[0][0])

    def cli(self, *words: str | Path, code: int = 0) -> str:
        """Run a command on this project and return what it printed."""
        ran = subprocess.run(
            command(*words, "-c", self.config),
            env=environment(**self.variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def ask(self, *words: str | Path, code: int = 0) -> str:
        """Run a command that only asks or queues within this process, which is quicker; return what it printed."""
        stream = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
        before, sys.argv = sys.argv, ["safelight", *map(str, words), "-c", str(self.config)]
        try:
            with redirect_stdout(stream), redirect_stderr(stream), pytest.raises(SystemExit) as ended:
                main()
        finally:
            sys.argv = before
        said = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert (ended.value.code or 0) == code, said
        return said
