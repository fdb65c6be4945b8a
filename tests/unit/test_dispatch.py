"""What becomes of a message: done, again later, alone, or given up. Workers are futures that the test settles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from pebble import ProcessExpired

from safelight import event
from safelight.entry import worker
from safelight.entry.dispatch import MAX_TRIES, Dispatch
from safelight.errors import (
    Busy,
    Denied,
    DiskFull,
    InvalidMessage,
    OutOfMemory,
    SafelightError,
    Timeout,
    Unavailable,
    WorkerCrashed,
)
from safelight.job import Outcome, Status, Upload, outcome_of
from safelight.local.ledger import SqliteLedger
from safelight.local.queue import SqliteQueue
from safelight.ports import Message
from safelight.recipe.model import DEFAULT_RECIPE
from safelight.remove import removals
from safelight.settings import Settings
from tests.unit.fakes import Clock, job_for

TAKING = replace(DEFAULT_RECIPE, on_delete="remove")


class Workers:
    """A pool whose workers do as the test says."""

    def __init__(self) -> None:
        self.developing: list[tuple[str, Future[list[Outcome]]]] = []
        self.giving_up: list[tuple[str, SafelightError, Future[list[Outcome]]]] = []

    def develop(self, body: bytes) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        self.developing.append((_key(body), future))
        return future

    def give_up(self, body: bytes, error: SafelightError) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        self.giving_up.append((_key(body), error, future))
        return future


def _key(body: bytes) -> str:
    found = event.parse(body)
    return (*found.uploads, *found.deletions)[0].key


class FullQueue:
    """A queue on a disk that may be full."""

    def __init__(self, queue: SqliteQueue) -> None:
        self._queue = queue
        self.full = False

    def __getattr__(self, name: str) -> Any:
        if self.full and name in ("delete", "release", "bury", "receive"):
            raise DiskFull("the disk is full")
        return getattr(self._queue, name)


class Desk:
    """A dispatch with everything around it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.queue = FullQueue(SqliteQueue(folder / "safelight.db", self.clock.now))
        self.ledger = SqliteLedger(folder / "safelight.db", self.clock.now)
        self.workers, self.told = Workers(), list[str]()
        local = SimpleNamespace(
            queue=self.queue,
            ledger=self.ledger,
            world=SimpleNamespace(settings=Settings(name="test", recipes=(TAKING,))),
        )
        told: Callable[[Outcome], None] = lambda outcome: self.told.append(outcome.upload.key)  # noqa: E731
        self.dispatch = Dispatch(local, self.workers, 2, told)  # type: ignore[arg-type]

    def send(self, *keys: str) -> None:
        for key in keys:
            self.queue.send(event.message(_upload(key)), id=key)

    def turn(self) -> None:
        """Take a turn that does not wait."""
        self.dispatch.wake()
        self.dispatch._woken.clear = lambda: None  # type: ignore[method-assign]
        self.dispatch.turn()

    def answer(self, answer: Status | BaseException, key: str | None = None) -> str:
        """Let the worker that has this message, or the first one, answer, and return the message's key."""
        index = next(i for i, (there, _) in enumerate(self.workers.developing) if key in (None, there))
        name, future = self.workers.developing.pop(index)
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result([outcome_of(job_for(_upload(name)), answer)])
        return name

    def flying(self) -> list[str]:
        return [key for key, _ in self.workers.developing]

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.turn()


def _upload(key: str) -> Upload:
    return Upload(bucket="input", key=key, version="1", etag="e", size=1, arrived_at="")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with closing(desk.ledger), closing(desk.queue):
        yield desk


def test_dispatch_ended_message_is_done_and_told(desk: Desk) -> None:
    """An answer deletes the message, and its outcomes are told."""
    desk.send("a")
    desk.turn()
    assert (desk.flying(), desk.dispatch.busy()) == (["a"], True)
    desk.answer(Status.SUCCEEDED)
    assert (desk.queue.waiting(), desk.told, desk.dispatch.busy()) == (0, ["a"], False)


def test_dispatch_takes_one_message_more_than_there_are_workers(desk: Desk) -> None:
    """No worker waits between two pictures, and the rest stays in the queue where a stop leaves it."""
    desk.send(*"abcde")
    desk.turn()
    assert desk.flying() == ["a", "b", "c"]
    desk.answer(Status.SUCCEEDED, "b")
    desk.turn()
    assert desk.flying() == ["a", "c", "d"]


def test_dispatch_that_stops_takes_no_more(desk: Desk) -> None:
    """A turn without taking only ends what has begun."""
    desk.send("a")
    desk.dispatch.wake()
    desk.dispatch._woken.clear = lambda: None  # type: ignore[method-assign]
    desk.dispatch.turn(taking=False)
    assert desk.flying() == []


def test_dispatch_busy_key_waits_and_costs_no_try(desk: Desk) -> None:
    """A version that waits for another one's worker comes again soon, however often, and keeps all its tries."""
    desk.send("a")
    for _ in range(3 * MAX_TRIES):
        desk.later(1.0)
        desk.answer(Busy("another worker develops this key now", retry_after_s=60))
    for _ in range(MAX_TRIES - 1):
        desk.later(60)
        desk.answer(Unavailable("away"))
    assert desk.workers.giving_up == []
    desk.later(60)
    desk.answer(Status.SUCCEEDED)
    assert desk.told == ["a"]


@pytest.mark.parametrize("error", [Denied("no"), DiskFull("full"), Unavailable("away"), ValueError("unknown")])
def test_dispatch_fault_that_may_pass_is_tried_again_ever_later_and_then_given_up(desk: Desk, error: Exception) -> None:
    """Five tries, 1, 4, 16 and 60 seconds apart; then the failure is recorded and the message kept."""
    desk.send("a")
    desk.turn()
    for wait_s in (1, 4, 16, 60):
        desk.answer(error)
        desk.later(wait_s - 0.5)
        assert desk.flying() == []
        desk.later(0.5)
        assert desk.flying() == ["a"]
    desk.answer(error)
    desk.turn()
    [(key, fault, future)] = desk.workers.giving_up
    assert (key, fault.code) == ("a", error.code if isinstance(error, SafelightError) else "internal")
    assert desk.dispatch.busy()
    future.set_result([outcome_of(job_for(_upload("a")), Status.FAILED)])
    assert desk.told == ["a"]
    assert [buried.reason for buried in desk.queue.buried()] == [fault.code]
    assert (desk.queue.waiting(), desk.dispatch.busy()) == (0, False)


DEATHS = [
    (ProcessExpired("died", code=-14), Timeout),
    (ProcessExpired("died", code=worker.EXIT_OUT_OF_MEMORY), OutOfMemory),
    (ProcessExpired("died", code=-9), WorkerCrashed),
    (TimeoutError("pebble's own"), Timeout),
    (BrokenProcessPool("all gone"), WorkerCrashed),
]


@pytest.mark.parametrize(("death", "kind"), DEATHS, ids=[kind.code for _, kind in DEATHS])
def test_dispatch_death_of_a_worker_is_tried_once_more_alone_then_given_up(
    desk: Desk, death: BaseException, kind: type[SafelightError]
) -> None:
    """The picture gets the machine to itself for its second try; its neighbours go on before and after."""
    desk.send(*"abcd")
    desk.turn()
    claim = desk.ledger.claim(job_for(_upload("a")), lease_s=60)
    desk.answer(death, "a")
    desk.ledger.release(desk.ledger.claim(job_for(_upload("a")), lease_s=60))  # the dead worker's claim is free
    desk.ledger.release(claim)
    desk.turn()
    assert desk.flying() == ["b", "c", "d"]
    desk.later(1)
    desk.answer(Status.SUCCEEDED, "b")
    desk.later(1)
    assert desk.flying() == ["c", "d"], "nothing new while the fragile one waits for its turn"
    desk.answer(Status.SUCCEEDED, "c")
    desk.answer(Status.SUCCEEDED, "d")
    desk.send("e")
    desk.turn()
    assert desk.flying() == ["a"], "alone"
    desk.turn()
    assert desk.flying() == ["a"]
    desk.answer(death)
    desk.turn()
    [(key, fault, future)] = desk.workers.giving_up
    assert (key, type(fault)) == ("a", kind)
    future.set_result([outcome_of(job_for(_upload("a")), Status.FAILED)])
    desk.turn()
    assert desk.flying() == ["e"]
    assert [buried.id for buried in desk.queue.buried()] == ["a"]


def test_dispatch_second_try_alone_that_succeeds_is_done(desk: Desk) -> None:
    """A picture that died of its neighbours' hunger is developed; afterwards all workers are used again."""
    desk.send("a")
    desk.turn()
    desk.answer(ProcessExpired("died", code=worker.EXIT_OUT_OF_MEMORY))
    desk.later(1)
    desk.turn()
    desk.answer(Status.SUCCEEDED)
    desk.send(*"bcd")
    desk.turn()
    assert desk.flying() == ["b", "c", "d"]
    assert desk.told == ["a"]


def test_dispatch_message_of_no_known_shape_is_put_aside_at_once(desk: Desk) -> None:
    """What nobody can read is kept and not tried again."""
    desk.send("a")
    desk.turn()
    desk.answer(InvalidMessage("no known shape"))
    assert [buried.reason for buried in desk.queue.buried()] == ["invalid_message"]
    assert desk.queue.waiting() == 0


def test_dispatch_failure_that_cannot_be_recorded_comes_again(desk: Desk) -> None:
    """No failure is lost because its record could not be written."""
    desk.send("a")
    for _ in range(MAX_TRIES):
        desk.later(60)
        desk.answer(Unavailable("away"))
    desk.turn()
    desk.workers.giving_up[0][2].set_exception(Busy("somebody has the key"))
    assert desk.queue.buried() == []
    assert desk.queue.waiting() == 1
    desk.later(60)
    assert desk.flying() == ["a"]
    desk.answer(Unavailable("away"))
    desk.turn()
    assert len(desk.workers.giving_up) == 2


def test_dispatch_full_disk_keeps_what_was_decided_until_it_can_be_written(desk: Desk) -> None:
    """While the queue cannot be written nothing new begins; with room again every message goes its way."""
    desk.send(*"abcd")
    desk.turn()
    desk.queue.full = True
    desk.answer(Status.SUCCEEDED, "a")
    desk.answer(DiskFull("full"), "b")
    desk.turn()
    assert (desk.told, desk.flying()) == ([], ["c"])
    desk.answer(ProcessExpired("died", code=-9), "c")
    desk.turn()
    assert desk.flying() == []
    assert not desk.dispatch.busy(), "a stop need not wait for the disk"
    desk.queue.full = False
    desk.turn()
    assert desk.told == ["a"]
    assert desk.queue.waiting() == 3
    desk.later(1)
    desk.answer(Status.SUCCEEDED, "d")
    desk.answer(Status.SUCCEEDED, "b")
    desk.turn()
    desk.turn()
    desk.answer(Status.SUCCEEDED, "c")
    assert sorted(desk.told) == ["a", "b", "c", "d"]
    assert desk.queue.waiting() == 0


def test_dispatch_unreadable_queue_does_not_end_the_service(desk: Desk) -> None:
    """A turn survives a queue that does not answer."""
    desk.send("a")
    desk.queue.full = True
    desk.turn()
    assert desk.flying() == []
    desk.queue.full = False
    desk.turn()
    assert desk.flying() == ["a"]


def test_dispatch_cancelled_by_a_stop_leaves_the_message_in_the_queue(desk: Desk) -> None:
    """What was cancelled is neither done nor failed: the next service takes it up."""
    desk.send("a")
    desk.turn()
    _, future = desk.workers.developing.pop()
    future.cancel()
    assert (desk.queue.waiting(), desk.dispatch.busy(), desk.told) == (1, False, [])
    desk.queue.reveal_all()
    assert isinstance(desk.queue.receive(1, visible_again_s=1)[0], Message)


def test_dead_worker_of_a_removal_leaves_no_claim(desk: Desk) -> None:
    """Also the key of a deleted upload is free again when whoever had it is dead."""
    deletion = event.Deletion(bucket="in", key="a", deleted_at="2026-01-02T03:04:05.678Z")
    (job,) = removals(deletion, (TAKING,))
    desk.queue.send(event.departure(deletion), id=event.departure_id(deletion))
    desk.turn()
    desk.ledger.claim(job, lease_s=60)
    desk.answer(WorkerCrashed("died"))
    desk.ledger.claim(job, lease_s=60)
