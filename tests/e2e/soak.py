"""Many uploads whose events come twice and in the wrong order, several functions at once: does each end as promised?

Usage: python -m tests.e2e.soak [EVENTS [WORKERS [KILLS]]]     (10,000, 8 and none; `make soak` runs both kinds)

With KILLS, so many functions are killed by SIGKILL at random moments, and others take their place.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from safelight.job import Outcome, Status
from safelight.settings import Settings
from tests.servers.aws import ministack
from tests.servers.deployment import Deployment, deploy, write_settings
from tests.unit.fakes import png

REPEATED = 0.3
"""The share of events that tell of what another one told of."""
LATE = 0.3
"""The share of events that come out of their order."""
APART = 60
"""Such an event comes at most so many places too early or too late."""
MAX_VERSIONS = 4
MESSAGES = 10
"""SQS takes and gives so many at once."""
PATIENCE_S = 7200.0
BRIEF = {"seconds": 10.0, "visible_again_s": 16.0}
"""A function of little time, so that what a killed one held comes again soon: its lease ends after 15 s."""
ROOT = Path(__file__).parents[2]


class Plan(Struct, frozen=True, kw_only=True):
    """What was uploaded: the bytes of each version in their order by key, and the events as they are to come."""

    versions: dict[str, list[bytes]]
    ids: dict[str, list[str]]
    events: list[str]


def upload(deployment: Deployment, events: int, chance: random.Random) -> Plan:
    """Put small pictures, several versions of many keys, and return the events in the order in which they come."""
    versions: dict[str, list[bytes]] = {}
    ids: dict[str, list[str]] = {}
    told: list[str] = []
    while len(told) < round(events * (1 - REPEATED)):
        # A version of a new key, or one more of a recent one: versions of a key come soon after each other.
        recent = list(versions)[-20:]
        key = chance.choice(recent) if recent and chance.random() < 0.5 else f"{len(versions)}.png"
        if len(versions.setdefault(key, [])) == MAX_VERSIONS:
            continue
        versions[key].append(png(chance.randrange(1, 1 << 30)))
        event = deployment.put(key, versions[key][-1])
        ids.setdefault(key, []).append(event["detail"]["object"]["version-id"])
        told.append(json.dumps(event))
    placed = [(place, text) for place, text in enumerate(told)]
    again = chance.choices(placed, k=events - len(told))
    late = [(_moved(place, chance), text) for place, text in placed]
    late += [(place + chance.uniform(0, APART), text) for place, text in again]
    return Plan(versions=versions, ids=ids, events=[text for _, text in sorted(late)])


def _moved(place: float, chance: random.Random) -> float:
    return place + chance.uniform(-APART, APART) if chance.random() < LATE else place


def send(deployment: Deployment, plan: Plan) -> None:
    """Put all events into the queue."""
    sqs = deployment.server.client("sqs")
    for at in range(0, len(plan.events), MESSAGES):
        entries = [
            {"Id": str(number), "MessageBody": text} for number, text in enumerate(plan.events[at : at + MESSAGES])
        ]
        sqs.send_message_batch(QueueUrl=deployment.queue, Entries=entries)


class Workers:
    """Functions in processes of their own; they end with us."""

    def __init__(self, deployment: Deployment, folder: Path, *, seconds: float, visible_again_s: float) -> None:
        write_settings(folder, Settings())
        self._words = ["-m", "tests.e2e.working", str(folder), str(seconds), str(visible_again_s)]
        self._environment = {**os.environ, **deployment.environment, "TMPDIR": str(folder)}
        self._log = folder / "log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start one more."""
        with self._log.open("ab") as log:
            words = [sys.executable, *self._words]
            process = subprocess.Popen(
                words, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        self.processes.append(process)

    def kill(self, number: int) -> None:
        """End one as the machine would that it runs on."""
        process = self.processes.pop(number)
        process.send_signal(signal.SIGKILL)
        _reaped(process)

    def check(self) -> None:
        """Fail when one ended by itself."""
        ended = [process.returncode for process in self.processes if process.poll() is not None]
        assert not ended, f"a worker ended with {ended[0]}: {self._log.read_text()[-2000:]}"


def _reaped(process: subprocess.Popen[bytes]) -> None:
    process.wait(30)
    assert process.stdin is not None
    process.stdin.close()


@contextmanager
def working(
    deployment: Deployment, folder: Path, count: int, *, seconds: float = 60.0, visible_again_s: float = 360.0
) -> Iterator[Workers]:
    """Run functions on a deployment until the block ends."""
    workers = Workers(deployment, folder, seconds=seconds, visible_again_s=visible_again_s)
    try:
        for _ in range(count):
            workers.start()
        yield workers
    finally:
        while workers.processes:
            workers.kill(-1)


def waiting(deployment: Deployment, queue: str | None = None) -> int:
    """Return how many messages are in a queue, without one in that of uploads; those in work are among them."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    sqs = deployment.server.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=queue or deployment.queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def finish(deployment: Deployment, workers: Workers, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until the queue is empty."""
    ends = time.monotonic() + patience_s
    while left := waiting(deployment):
        assert time.monotonic() < ends, f"{left} messages are still in the queue"
        workers.check()
        time.sleep(0.2)


def kill(deployment: Deployment, workers: Workers, kills: int, chance: random.Random) -> int:
    """Kill the oldest worker and start another, again and again while there is work; return how often."""
    for done in range(kills):
        time.sleep(chance.uniform(0.2, 1.0))
        if not waiting(deployment):
            return done
        workers.kill(0)
        workers.start()
    return kills


def jobs(deployment: Deployment) -> list[Outcome]:
    """Return all jobs, as the table has them."""
    pages = deployment.server.client("dynamodb").get_paginator("scan").paginate(TableName=deployment.table)
    items = (item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("job/"))
    return [msgspec.json.decode(item["record"]["S"], type=Outcome) for item in items]


def check(deployment: Deployment, plan: Plan, *, repeats: bool = False) -> Counter[str]:
    """Hold what is there against what was promised, and return how many jobs ended how.

    Args:
        deployment: where all events have been worked off.
        plan: what was uploaded.
        repeats: whether functions were killed: then a notice may have come twice, under one id.
    """
    found = jobs(deployment)
    expected = sorted((key, version) for key, versions in plan.ids.items() for version in versions)
    assert sorted((job.upload.key, job.upload.version) for job in found) == expected, "one job for each version"
    ended = Counter(job.status.value for job in found)
    assert set(ended) <= {Status.SUCCEEDED.value, Status.SUPERSEDED.value}
    newest = {(key, versions[-1]) for key, versions in plan.ids.items()}
    done = {job.id for job in found if job.status is Status.SUCCEEDED}
    assert all(job.id in done for job in found if (job.upload.key, job.upload.version) in newest)
    outputs = deployment.outputs()
    assert outputs == {f"processed_{key}": versions[-1] for key, versions in plan.versions.items()}
    notices = Counter(each["MessageAttributes"]["message_id"]["Value"] for each in deployment.messages())
    assert Counter(name.rpartition("-")[0] for name in notices) == Counter(done), "one notice for each that counted"
    assert repeats or set(notices.values()) <= {1}, "and none of them twice"
    assert deployment.messages(deployment.dead) == []
    return ended


def main(events: int = 10_000, workers: int = 8, kills: int = 0) -> None:
    """Run it on a ministack of its own, and print what was seen."""
    seed = random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory() as place, ministack(Path(place)) as server:
        deployment = deploy(server)
        folder = Path(place) / "task"
        folder.mkdir()
        began = time.monotonic()
        plan = upload(deployment, events, random.Random(seed))
        send(deployment, plan)
        versions = sum(map(len, plan.ids.values()))
        _say(f"seed {seed}: {versions} versions of {len(plan.ids)} keys, {len(plan.events)} events,", began)
        began = time.monotonic()
        with working(deployment, folder, workers, **(BRIEF if kills else {})) as running:
            killed = kill(deployment, running, kills, random.Random(seed))
            finish(deployment, running)
        _say(f"worked off by {workers} processes, {killed} killed,", began)
        began = time.monotonic()
        ended = check(deployment, plan, repeats=bool(kills))
        _say(f"one outcome each ({dict(ended)}), newest outputs, one notice for each that counted: checked,", began)


def _say(text: str, began: float) -> None:
    print(f"{text} {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 -- a program that tells what it saw


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
