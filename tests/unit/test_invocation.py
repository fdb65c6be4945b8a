"""One invocation: what is developed, what is handed back, and what ends on its last try."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
import pytest
from msgspec.structs import replace

from safelight import event
from safelight.entry.invocation import HAND_BACK_S, LEAST_S, Invocation, Item, Process
from safelight.errors import Busy, SafelightError, Unavailable
from safelight.event import Deletion
from safelight.job import Outcome, Upload
from safelight.ports import Message, Ports
from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe
from tests.unit.fakes import World, job_for, png


class Queue:
    """Notes what is released and sent."""

    def __init__(self) -> None:
        self.released: list[tuple[str, float]] = []
        self.sent: list[tuple[bytes, float]] = []
        self.deleted: list[str] = []

    def send(self, body: bytes, *, id: str, delay_s: float = 0) -> None:  # noqa: A002 -- the port's word
        self.sent.append((body, delay_s))

    def release(self, message: Message, *, delay_s: float) -> None:
        self.released.append((message.id, delay_s))

    def delete(self, message: Message) -> None:
        self.deleted.append(message.id)


class Exited(BaseException):
    """The process has ended."""


class Function:
    """An invocation's world in memory."""

    limits = Limits(seconds=1)
    recipes: tuple[Recipe, ...] = (DEFAULT_RECIPE,)
    max_receives = 5

    def __init__(self) -> None:
        self.memory = World()
        self.queue: Any = Queue()
        self.told: list[Outcome] = []
        self.invocation = Invocation(self, Process(now=self.memory.clock.now, told=self.told.append, exit=self._exit))

    def ports(self, bucket: str) -> Ports:
        return self.memory.ports

    def is_output(self, bucket: str, key: str) -> bool:
        return key.startswith("processed_")

    def run(self, *items: Item, seconds: float = 60.0) -> dict[str, str]:
        failed = self.invocation.develop(list(items), self.memory.clock.now() + seconds)
        return {id_: error.code for id_, error in failed.items()}

    def drop(self, key: str = "a.png", body: bytes | None = None) -> Upload:
        return self.memory.input.drop(key, png(3) if body is None else body)

    def status(self, upload: Upload) -> str | None:
        found = self.memory.ledger.get(job_for(upload).id)
        return found.status.value if found else None

    def _exit(self, code: int) -> NoReturn:
        raise Exited(code)


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def hold(function: Function) -> Iterator[threading.Event]:
    """Let the next fetch hang until the event is set."""
    hold = threading.Event()
    function.memory.input.on["fetch"] = lambda: bool(hold.wait(30)) and None
    yield hold
    hold.set()


def item(*uploads: Upload, receives: int = 1, name: str = "m1") -> Item:
    """Return one delivery of our own messages, as a batch of the queue holds it."""
    text = event.message(uploads[0]).decode()
    return Item(message=msgspec.json.decode(text), text=text, id=name, receipt="r-" + name, receives=receives)


def test_develop_upload_is_developed_and_told(function: Function) -> None:
    """The plain way."""
    upload = function.drop()
    assert function.run(item(upload)) == {}
    assert function.status(upload) == "succeeded"
    assert [each.status.value for each in function.told] == ["succeeded"]


def test_develop_repeat_is_acknowledged_and_not_told_again(function: Function) -> None:
    """A second delivery of what ended is done with at once, and counts in no metric."""
    upload = function.drop()
    function.run(item(upload))
    function.memory.clock.advance(1)
    assert function.run(item(upload)) == {}
    assert len(function.told) == 1


def test_develop_bad_picture_is_acknowledged(function: Function) -> None:
    """The input's fault is final: no further try would help."""
    upload = function.drop(body=b"no picture")
    assert function.run(item(upload)) == {}
    assert [each.status.value for each in function.told] == ["rejected"]


def test_develop_deletion_takes_outputs_along_where_the_recipe_says_so(function: Function) -> None:
    """A deleted original is an event like any other."""
    function.recipes = (replace(DEFAULT_RECIPE, on_delete="remove"),)
    function.run(item(function.drop("a.png")))
    function.memory.input.delete("a.png")
    deleted = Deletion(bucket="in", key="a.png", deleted_at="2026-01-02T03:04:05.678Z")
    assert function.run(Item(message=msgspec.json.decode(event.departure(deleted)))) == {}
    assert function.memory.output.head("processed_a.png") is None


def test_develop_deletion_that_fails_on_its_last_try_is_recorded(function: Function) -> None:
    """Outputs that could not be removed are a failed job, of which somebody is told."""
    function.recipes = (replace(DEFAULT_RECIPE, on_delete="remove"),)
    deleted = Deletion(bucket="in", key="a.png", deleted_at="2026-01-02T03:04:05.678Z")

    def down() -> None:
        raise Unavailable("the store is down")

    function.memory.input.on["head"] = down
    message = msgspec.json.decode(event.departure(deleted))
    last = Item(message=message, id="m", receipt="r", receives=function.max_receives)
    assert function.run(last) == {}
    assert [job.status.value for job in function.memory.ledger.jobs()] == ["failed"]
    assert function.memory.notifier.statuses == ["failed"]


def test_develop_own_output_is_skipped(function: Function) -> None:
    """Where input and output share a bucket, the pipeline never develops what it made."""
    upload = function.drop("processed_a.png")
    assert function.run(item(upload)) == {}
    assert function.status(upload) is None


def test_develop_one_failure_leaves_the_others_of_a_batch_alone(function: Function) -> None:
    """Only what failed comes again, and soon."""
    good, bad, other = (function.drop(f"{name}.png") for name in "abc")

    def refuse() -> None:
        function.memory.input.on["fetch"] = down

    def down() -> None:
        raise Unavailable("the store is down")

    function.memory.input.on["fetch"] = refuse
    items = [item(each, name=each.key) for each in (good, bad, other)]
    assert function.run(*items) == {"b.png": "unavailable"}
    assert [function.status(each) for each in (good, bad, other)] == ["succeeded", "running", "succeeded"]
    assert function.queue.released == [("b.png", 1.0)]


def test_develop_malformed_message_comes_again_until_it_is_a_dead_letter(function: Function) -> None:
    """A message that cannot be read is kept by the queue, and poisons no other."""
    upload = function.drop()
    wrong = Item(message={"what": "ever"}, text="{}", id="wrong", receipt="r", receives=5)
    assert function.run(wrong, item(upload)) == {"wrong": "invalid_message"}
    assert function.status(upload) == "succeeded"


def test_develop_without_time_is_handed_back_unbegun(function: Function) -> None:
    """What there is no time for is not begun: 4,384 uploads once became 14,727 executions by being begun."""
    upload = function.drop()
    assert function.run(item(upload), seconds=HAND_BACK_S + LEAST_S - 0.1) == {"m1": "timeout"}
    assert function.status(upload) is None
    assert function.queue.released == [("m1", 1.0)]


def test_develop_with_a_function_that_never_has_time_fails(function: Function) -> None:
    """A time limit that is too short for anything must not make messages come again for ever."""
    upload = function.drop()
    assert function.run(item(upload, receives=2), seconds=HAND_BACK_S + LEAST_S - 0.1) == {}
    assert function.status(upload) == "failed"


def test_develop_item_as_long_as_the_longest_so_far_is_not_begun_late(function: Function) -> None:
    """The second item is handed back when it would take as long as the first and there is less time than that."""
    first, second = function.drop("a.png"), function.drop("b.png")
    function.memory.input.on["fetch"] = lambda: function.memory.clock.advance(30)
    failed = function.run(item(first, name="a"), item(second, name="b"), seconds=60)
    assert failed == {"b": "out_of_time"}
    assert (function.status(first), function.status(second)) == ("succeeded", None)


def test_develop_hanging_picture_is_left_behind_and_the_rest_handed_back(
    function: Function, hold: threading.Event
) -> None:
    """The answer is given before the function is ended, and names what hangs and what was not begun."""
    first, second = function.drop("a.png"), function.drop("b.png")
    assert function.run(item(first, name="a"), item(second, name="b")) == {"a": "timeout", "b": "out_of_time"}
    assert function.status(second) is None
    hold.set()
    assert function.run(item(second, name="b")) == {}


def test_develop_after_a_hanging_picture_waits_for_it_or_ends_the_process(
    function: Function, hold: threading.Event
) -> None:
    """A process that still hangs would give the next picture half of its memory and CPU."""
    function.run(item(function.drop("a.png")))
    function.queue.released.clear()
    first, last = item(function.drop("b.png"), name="b"), item(function.drop("c.png"), name="c", receives=5)
    with pytest.raises(Exited):
        function.run(first, last, seconds=1.0)
    assert function.queue.released == [("b", 0)], "no answer tells that it was not tried"
    assert (function.queue.sent, function.queue.deleted) == ([(last.text.encode(), 0.0)], ["c"])


def test_develop_hanging_picture_fails_on_its_second_try(function: Function, hold: threading.Event) -> None:
    """It ends with a coded reason, a notice, and no third try."""
    upload = function.drop()
    assert function.run(item(upload, receives=2)) == {}
    assert function.status(upload) == "failed"
    assert function.memory.notifier.statuses == ["failed"]
    assert [each.error.code for each in function.told if each.error] == ["timeout"]


def test_develop_item_that_never_got_its_time_goes_to_the_end_of_the_queue(function: Function) -> None:
    """Nothing is known against a picture that others left no time for: it is no failure and no dead letter."""
    first, waiting = item(function.drop("a.png"), name="a"), item(function.drop("b.png"), receives=5)
    function.memory.input.on["fetch"] = lambda: function.memory.clock.advance(30)
    assert function.run(first, waiting) == {}
    assert function.queue.sent == [(waiting.text.encode(), 0.0)]


def test_develop_item_cut_short_by_those_before_it_is_not_taken_for_a_hanging_one(
    function: Function, hold: threading.Event
) -> None:
    """It had a rest of the time only: it is tried again, where a picture that had all of it would have failed."""
    function.limits = replace(function.limits, seconds=60)
    bad, cut = Item(message={}, text="{}", id="bad", receipt="r"), function.drop()
    left_s = HAND_BACK_S + LEAST_S + 0.1
    assert function.run(bad, item(cut, receives=2), seconds=left_s) == {"bad": "invalid_message", "m1": "out_of_time"}
    assert function.status(cut) == "running"


def test_develop_last_try_records_the_failure_and_acknowledges(function: Function) -> None:
    """After the last try the job has failed with its reason; the upload in it is what a replay needs."""
    upload = function.drop()

    def down() -> None:
        raise Unavailable("the store is down")

    function.memory.input.on["fetch"] = down
    assert function.run(item(upload, receives=5)) == {}
    assert function.status(upload) == "failed"
    assert [each.status.value for each in function.told] == ["failed"]


def test_develop_busy_key_on_the_last_try_goes_to_the_end_of_the_queue(function: Function) -> None:
    """To have waited for another worker is no failure."""
    upload = function.drop()
    function.memory.ledger.claim(job_for(upload), lease_s=20)
    waiting = item(upload, receives=5)
    assert function.run(waiting) == {}
    assert function.queue.sent == [(waiting.text.encode(), 20.0)]


@pytest.mark.parametrize(("receives", "delay_s"), [(1, 1.0), (2, 4.0), (4, 20.0)])
def test_develop_busy_key_comes_again_soon_and_when_the_lease_ends_at_the_latest(
    function: Function, receives: int, delay_s: float
) -> None:
    """A lease mostly ends long before its time; a newer version must not wait a minute for an older one."""
    upload = function.drop()
    function.memory.ledger.claim(job_for(upload), lease_s=20)
    assert function.run(item(upload, receives=receives)) == {"m1": "busy"}
    assert function.queue.released == [("m1", delay_s)]


def test_develop_lease_ends_five_seconds_after_the_deadline(function: Function) -> None:
    """Nobody may take a key over while the function could still work on it, and nobody waits long after that."""
    upload = function.drop()
    waited: list[float] = []

    def look() -> None:
        try:
            function.memory.ledger.claim(job_for(upload), lease_s=1)
        except Busy as err:
            waited.append(err.retry_after_s)

    function.memory.input.on["fetch"] = look
    function.run(item(upload), seconds=40)
    assert waited == [45.0]


def test_develop_unexpected_error_is_an_internal_one_and_comes_again(function: Function) -> None:
    """A fault of ours is tried again, and never takes the process with it."""
    upload = function.drop()

    def broken() -> None:
        raise ZeroDivisionError

    function.memory.input.on["fetch"] = broken
    assert function.run(item(upload)) == {"m1": SafelightError.code}


def test_develop_without_a_queue_only_says_what_failed(function: Function) -> None:
    """S3 and EventBridge may call the function themselves: they try again by their own rules."""
    function.queue = None
    wrong = Item(message=[])
    assert function.run(wrong) == {"": "invalid_message"}
