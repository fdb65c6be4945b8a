"""A queue of many uploads, in batches, some slow and some that hang: how often is each begun until all have ended?

The failure that this replays: a function that was ended in the middle of its batches gave no partial answer, so that
4,384 uploads became 14,727 executions (accelerated-intelligent-document-processing-on-aws, issue 904).
"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, NoReturn

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight import event
from safelight.entry.invocation import Invocation, Item, Process
from safelight.errors import Unavailable
from safelight.job import Outcome, Upload
from safelight.ports import Body, Message, Ports
from safelight.recipe.model import DEFAULT_RECIPE, Limits
from tests.unit.fakes import Clock, World, png

UPLOADS = 219
"""A twentieth of those of the failure."""
FUNCTION_S = 60.0
VISIBLE_AGAIN_S = 360.0
BATCH = 10
MAX_RECEIVES = 5


class Ended(Exception):
    """The function was ended and gave no answer."""


class Entry(Struct, kw_only=True):
    """One message of the queue."""

    id: str
    text: str
    receives: int = 0
    visible_at: float = 0.0


class Queue:
    """SQS with its dead letters, as time passes on a clock that is told to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.entries: dict[str, Entry] = {}
        self.dead: list[Entry] = []
        self._count = 0

    def send(self, body: bytes, *, id: str = "", delay_s: float = 0) -> None:  # noqa: A002 -- the port's word
        self._count += 1
        name = str(self._count)
        self.entries[name] = Entry(id=name, text=body.decode(), visible_at=self._clock.seconds + delay_s)

    def release(self, message: Message, *, delay_s: float) -> None:
        self.entries[message.id].visible_at = self._clock.seconds + delay_s

    def delete(self, message: Message) -> None:
        del self.entries[message.id]

    def take(self) -> list[Item]:
        """Wait until there is something to receive, and receive it."""
        self._clock.seconds = max(self._clock.seconds, min(each.visible_at for each in self.entries.values()))
        visible = [each for each in self.entries.values() if each.visible_at <= self._clock.seconds]
        for each in visible:
            if each.receives >= MAX_RECEIVES:
                self.dead.append(self.entries.pop(each.id))
        batch = [each for each in visible if each.id in self.entries][:BATCH]
        for each in batch:
            each.receives += 1
            each.visible_at = self._clock.seconds + VISIBLE_AGAIN_S
        return [
            Item(
                message=msgspec.json.decode(each.text),
                text=each.text,
                id=each.id,
                receipt=each.id,
                receives=each.receives,
            )
            for each in batch
        ]


class Environment:
    """Lets pictures take their time, on the clock of the test: a thread that needs more than it has is stuck."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._change = threading.Condition()
        self._until = 0.0
        self._stuck = False
        self._over = False

    def spend(self, seconds: float) -> None:
        """Take so long, in the thread of a picture."""
        ends = self._clock.seconds + seconds
        with self._change:
            while ends > self._until:
                self._stuck = True
                self._change.wait()
                if self._over:
                    raise Unavailable("the process has ended")
            self._clock.seconds = max(self._clock.seconds, ends)

    def join(self, thread: Thread, patience_s: float) -> None:
        """Stand for `Thread.join`."""
        with self._change:
            self._until, self._stuck = self._clock.seconds + patience_s, False
            self._change.notify_all()
        while thread.is_alive() and not self._stuck:
            thread.join(0.001)
        if thread.is_alive():
            self._clock.seconds = self._until

    def end(self) -> None:
        """End the threads that are stuck."""
        with self._change:
            self._over = True
            self._change.notify_all()


class Slow:
    """A store whose pictures take their time; it counts how often each was begun."""

    def __init__(self, store: Any, seconds: dict[str, float], spend: Callable[[float], None]) -> None:
        self.begun: Counter[str] = Counter()
        self.spend = spend
        self._store, self._seconds = store, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def fetch(self, upload: Upload) -> Iterator[Body]:
        self.begun[upload.key] += 1
        self.spend(self._seconds[upload.key])
        with self._store.fetch(upload) as body:
            yield body


class Function:
    """What the function has of AWS, in memory; `environment` is its process, which ends when it says so."""

    limits = Limits()
    recipes = (DEFAULT_RECIPE,)
    max_receives = MAX_RECEIVES

    def __init__(self, seconds: dict[str, float]) -> None:
        self.memory = World()
        self.queue: Any = Queue(self.memory.clock)
        self.told: list[Outcome] = []
        self.input = Slow(self.memory.input, seconds, self._cold().spend)
        for number, key in enumerate(seconds):
            self.queue.send(event.message(self.memory.input.drop(key, png(number))))

    def ports(self, bucket: str) -> Ports:
        return replace(self.memory.ports, input=self.input)

    def is_output(self, bucket: str, key: str) -> bool:
        return False

    def answer(self, batch: list[Item], deadline_s: float) -> set[str]:
        """Return which of a batch must come again.

        Raises:
            Ended: nothing was answered.
        """
        failed = self._invocation.develop(batch, deadline_s)
        assert self.memory.clock.seconds < deadline_s, "the function would have been ended"
        return set(failed)

    def close(self) -> None:
        self.environment.end()

    def _cold(self) -> Environment:
        self.environment = Environment(self.memory.clock)
        process = Process(now=self.memory.clock.now, told=self.told.append, exit=self._exit, join=self.environment.join)
        self._invocation = Invocation(self, process)
        return self.environment

    def _exit(self, code: int) -> NoReturn:
        self.environment.end()
        self.input.spend = self._cold().spend
        raise Ended


@pytest.fixture
def function(seconds: dict[str, float]) -> Iterator[Function]:
    made = Function(seconds)
    yield made
    made.close()


@pytest.fixture
def seconds() -> dict[str, float]:
    """Most pictures take a moment, a fifth long, and a few for ever."""
    chance = random.Random(904)
    kinds = chance.choices(["plain", "slow", "hanging"], [0.785, 0.2, 0.015], k=UPLOADS)
    assert 2 <= kinds.count("hanging") <= 10
    times = {"plain": (0.5, 2.0), "slow": (15.0, 25.0)}
    return {
        f"{number}-{kind}.png": chance.uniform(*times[kind]) if kind in times else math.inf
        for number, kind in enumerate(kinds)
    }


def work_off(function: Function, answer: Callable[[list[Item], float], set[str]]) -> int:
    """Invoke the function with batch after batch until the queue is empty; return how often it was invoked."""
    invocations = 0
    while function.queue.entries:
        batch = function.queue.take()
        if not batch:
            continue
        invocations += 1
        deadline_s = function.memory.clock.seconds + FUNCTION_S
        try:
            failed = answer(batch, deadline_s)
        except Ended:
            continue
        for item in batch:
            if item.id not in failed:
                del function.queue.entries[item.id]
    return invocations


def test_function_that_answers_nothing_when_its_time_is_up_begins_all_again(
    function: Function, seconds: dict[str, float]
) -> None:
    """The failure itself, so that the next test could fail: a function ended in mid-batch does its batch again."""
    begun: Counter[str] = Counter()

    def answer(batch: list[Item], deadline_s: float) -> set[str]:
        for item in batch:
            [upload] = event.parse_object(item.message).uploads
            begun[upload.key] += 1
            function.memory.clock.seconds += seconds[upload.key]
            if function.memory.clock.seconds > deadline_s:
                function.memory.clock.seconds = deadline_s
                raise Ended
        return set()

    work_off(function, answer)
    assert begun.total() > 1.5 * UPLOADS
    assert len(function.queue.dead) > 4 * sum("hanging" in key for key in begun), "with the hanging ones went others"


def test_batches_with_slow_and_hanging_pictures_begin_each_about_once(
    function: Function, seconds: dict[str, float]
) -> None:
    """Begun is only what there is time for, the rest is handed back before the end; nothing is lost or done twice."""
    invocations = work_off(function, function.answer)
    hanging = {key for key in seconds if "hanging" in key}
    ended = {job.upload.key: job.status.value for job in function.memory.ledger.jobs(limit=UPLOADS)}
    assert ended == {key: "failed" if key in hanging else "succeeded" for key in seconds}
    assert function.queue.dead == []
    assert len(function.memory.notifier.notices) == UPLOADS
    assert function.input.begun.total() <= 1.1 * UPLOADS
    assert max(function.input.begun[key] for key in hanging) <= 3
    assert invocations <= UPLOADS / 2
