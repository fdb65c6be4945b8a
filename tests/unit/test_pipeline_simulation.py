"""Thousands of events, doubled, out of order, with workers that die or sleep at any step: what holds at the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from safelight import event, pipeline
from safelight.errors import Busy, LostLease
from safelight.job import Job, Outcome, Status, Upload
from safelight.local.ledger import SqliteLedger
from safelight.local.ports import Local, project
from safelight.local.store import FolderStore
from safelight.ports import Attributes, Body, Ports
from safelight.recipe.model import Limits
from safelight.settings import Notify, Settings
from tests.unit.fakes import Clock, Death, Killed, MemoryNotifier, MemoryStore, World, job_for, png

LIMITS = Limits(seconds=10)
LEASE_S = LIMITS.seconds + pipeline.LEASE_GRACE_S
BROKEN = b"no picture"


class Versioned(MemoryStore):
    """A bucket with versions: each of them can be fetched, whichever is current."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.versions: dict[tuple[str, str], bytes] = {}

    def drop(self, key: str, body: bytes, *, version: str | None = None, sequencer: str | None = None) -> Upload:
        upload = super().drop(key, body, version=version, sequencer=sequencer)
        self.versions[key, upload.version] = body
        return upload

    @contextmanager
    def fetch(self, upload: Upload) -> Iterator[Body]:
        yield self.versions[upload.key, upload.version]


class Sleep(Death):
    """A worker that sleeps at a step until its lease is over, while the world goes on."""

    def __init__(self, at_step: int, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._at, self._meanwhile = at_step, meanwhile

    def step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) == self._at:
            self._meanwhile()


class Simulation:
    """Drops versions, delivers their events, and lets workers die and sleep, as the dice have it."""

    def __init__(self, ports: Ports, clock: Clock, drop: Callable[[str, bytes], Upload], seed: int) -> None:
        self.ports, self.clock, self.chance = ports, clock, random.Random(seed)
        self._drop = drop
        self.queue: list[Upload] = []
        self.jobs: dict[str, Job] = {}
        self.newest: dict[str, tuple[Upload, bytes]] = {}
        self.deaths = self.sleeps = self._drops = 0
        self._depth = 0

    def run(self, events: int) -> None:
        for _ in range(events):
            self.arrive(f"k{self.chance.randrange(max(events // 4, 3))}.png")
            for _ in range(self.chance.choice((0, 1, 2))):
                self.work()
        while self.queue:
            self.work(calm=len(self.queue) < 3)
        for outcome, token in self.ports.ledger.unnotified():  # as a service does when it starts
            self.ports.notifier.notify(outcome, message_id=f"{outcome.id}-{token}")
            self.ports.ledger.mark_notified(outcome.id, token)

    def arrive(self, key: str, *, first: bool = False) -> None:
        """Drop a new version; its event comes once or twice, at its place or anywhere, or before all others."""
        self._drops += 1
        body = BROKEN if self.chance.random() < 0.1 else png(self._drops)
        upload = self._drop(key, body)
        self.newest[key] = (upload, body)
        self.jobs[job_for(upload).id] = job_for(upload)
        for _ in range(2 if self.chance.random() < 0.3 else 1):
            late = self.chance.random() < 0.3
            at = self.chance.randrange(len(self.queue) + 1) if late else len(self.queue)
            self.queue.insert(0 if first else at, upload)

    def work(self, *, calm: bool = False) -> None:
        """Deliver one event to a worker; where it does not end the job, the event comes again."""
        if not self.queue:
            return
        self.clock.advance(0.01)
        upload = self.queue.pop(0)
        job = job_for(event.parse(event.message(upload)).uploads[0])
        fate = 1.0 if calm else self.chance.random()
        try:
            pipeline.process(job, self._ports(fate, upload.key), LIMITS)
        except Killed:
            self.deaths += 1
            self._after_death(job)
            self.queue.insert(self.chance.randrange(len(self.queue) + 1), upload)
        except (Busy, LostLease) as err:
            self.clock.advance(err.retry_after_s if isinstance(err, Busy) else 0)
            self.queue.append(upload)

    def _ports(self, fate: float, key: str) -> Ports:
        step = self.chance.randrange(1, 16)
        if fate < 0.25:
            return Death(step).wrap(self.ports)
        if fate < 0.4 and self._depth < 3:
            return Sleep(step, lambda: self._meanwhile(key)).wrap(self.ports)
        return self.ports

    def _meanwhile(self, key: str) -> None:
        """Let the world go on while a worker sleeps on `key`, often with a newer version, mostly beyond its lease."""
        self.sleeps += 1
        self._depth += 1
        self.clock.advance(self.chance.choice((0, LEASE_S + 1)))
        if self.chance.random() < 0.3:
            self.arrive(key, first=True)
        for _ in range(self.chance.randrange(4)):
            self.work()
        self._depth -= 1

    def _after_death(self, job: Job) -> None:
        if self.chance.random() < 0.5:
            self.ports.ledger.abandon(job.id)
        else:
            self.clock.advance(LEASE_S + 1)


def assert_promises(simulation: Simulation, told: dict[str, Outcome], body_at: Callable[[str], bytes]) -> None:
    """See that every version ended, the newest one's output is there, and each ending was told once."""
    ledger = simulation.ports.ledger
    known = {id_: ledger.get(id_) for id_ in simulation.jobs}
    statuses = {id_: outcome.status for id_, outcome in known.items() if outcome}
    assert set(statuses) == set(simulation.jobs)
    assert set(statuses.values()) <= {Status.SUCCEEDED, Status.REJECTED, Status.SUPERSEDED}
    for key, (upload, body) in simulation.newest.items():
        status = statuses[job_for(upload).id]
        assert status is (Status.REJECTED if body == BROKEN else Status.SUCCEEDED), key
        if status is Status.SUCCEEDED:
            assert body_at(f"processed_{key}") == body, key
    notices = [outcome.id for outcome in told.values()]
    assert sorted(notices) == sorted(id_ for id_, status in statuses.items() if status is not Status.SUPERSEDED)
    assert ledger.unnotified() == []
    assert min(simulation.deaths, simulation.sleeps) > len(simulation.jobs) / 20


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("versioned", [False, True], ids=["folder", "bucket"])
def test_pipeline_many_events_in_memory_keep_every_promise(seed: int, versioned: bool) -> None:  # noqa: FBT001
    """30 % of the events doubled, 30 % out of order, 25 % of the workers killed, others asleep past their lease."""
    simulation, notifier, output = in_memory(seed, versioned=versioned)
    simulation.run(300)
    assert_promises(simulation, notifier.told, lambda key: output.objects[key].body)


@pytest.mark.slow
def test_pipeline_ten_thousand_events_keep_every_promise() -> None:
    """The same at the size that the design promises."""
    simulation, notifier, output = in_memory(99, versioned=True)
    simulation.run(10_000)
    assert_promises(simulation, notifier.told, lambda key: output.objects[key].body)


def in_memory(seed: int, *, versioned: bool) -> tuple[Simulation, MemoryNotifier, MemoryStore]:
    """Return a simulation on the fakes: a folder, or a versioned bucket whose events carry sequencers."""
    world = World()
    store: MemoryStore = Versioned("in") if versioned else world.input
    count = iter(range(1, 10**6))

    def drop(key: str, body: bytes) -> Upload:
        return store.drop(key, body, sequencer=f"{next(count):08X}" if versioned else None)

    ports = replace(world.ports, input=store)
    return Simulation(ports, world.clock, drop, seed), world.notifier, world.output


@pytest.mark.parametrize("seed", [1, 2])
def test_pipeline_many_events_on_disk_keep_every_promise(tmp_path: Path, seed: int) -> None:
    """The same with the real folder and SQLite."""
    clock, notifier = Clock(), MemoryNotifier()
    world = project(tmp_path, Settings(name="sim", notify=Notify()))
    (tmp_path / "input").mkdir()
    with closing(Local(world)) as local, closing(SqliteLedger(world.database, clock.now)) as ledger:
        ports = replace(local.ports("input"), ledger=ledger, notifier=notifier, now=clock.now)
        simulation = Simulation(ports, clock, lambda key, body: _drop(tmp_path, local.inputs["input"], key, body), seed)
        simulation.run(100)
        assert_promises(simulation, notifier.told, lambda key: (tmp_path / "output" / key).read_bytes())
        assert local.output.sweep() == 0 or simulation.deaths


def _drop(folder: Path, store: FolderStore, key: str, body: bytes) -> Upload:
    aside = folder / "aside"
    aside.write_bytes(body)
    aside.rename(folder / "input" / key)
    upload = store.upload_at(key)
    assert upload is not None
    return upload


def test_pipeline_simulation_finds_a_broken_spine() -> None:
    """The check has teeth: without conditional puts a sleeper's older output stays, and is found."""
    simulation, notifier, output = in_memory(0, versioned=True)
    careful = output.put

    def put(key: str, body: Body, attributes: Attributes, *, expect: str | None) -> str:
        head = output.head(key)
        return careful(key, body, attributes, expect=head.etag if head else None)

    output.put = put  # type: ignore[method-assign]
    simulation.run(600)
    with pytest.raises(AssertionError):
        assert_promises(simulation, notifier.told, lambda key: output.objects[key].body)
