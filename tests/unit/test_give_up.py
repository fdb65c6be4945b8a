"""The end of messages that were given up: kept, failed, told, whatever crashes in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from safelight import event, pipeline
from safelight.aws.kept import KeptMessage, kept_id
from safelight.aws.queue import UNKNOWN
from safelight.entry.dead_letter_function import letters_of
from safelight.entry.give_up import DeadLetters, Letter, Process
from safelight.errors import Busy, InvalidMessage, SafelightError, Timeout, Unavailable
from safelight.event import Deletion
from safelight.job import Outcome, Status, Upload, outcome_of
from safelight.ports import KeyHead, Ports
from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe
from safelight.remove import removals
from tests.servers.deployment import sqs_event
from tests.unit.fakes import Death, Killed, Mortal, World, job_for, png

REMOVING = replace(DEFAULT_RECIPE, on_delete="remove")
GONE = Deletion(bucket="in", key="a.png", deleted_at="2026-01-02T03:04:05.678Z")
UNREADABLE = b'{"what": "ever"}'


class MemoryKept:
    """As `aws.kept.Kept` does it."""

    def __init__(self) -> None:
        self.messages: dict[str, tuple[KeptMessage, bytes]] = {}
        self.finished: dict[str, str] = {}

    def keep(self, message: KeptMessage, body: bytes, *, sent: str) -> bool:
        if self.finished.get(message.id) == sent:
            return False
        self.messages[message.id] = message, body
        return True

    def done(self, message_id: str, *, sent: str) -> None:
        self.finished[message_id] = sent


class Alarm:
    """Notes what it was told, repeats included."""

    def __init__(self) -> None:
        self.told: list[tuple[str, KeptMessage]] = []

    def unreadable(self, message: KeptMessage, *, message_id: str) -> None:
        self.told.append((message_id, message))


class Place:
    """Everything around dead letters, in memory."""

    recipes: tuple[Recipe, ...] = (DEFAULT_RECIPE,)

    def __init__(self) -> None:
        self.memory = World()
        self.kept, self.alarm = MemoryKept(), Alarm()
        self.told: list[Outcome] = []
        self.wrap: Callable[[Any, str], Any] = lambda port, _: port

    def ports(self, bucket: str) -> Ports:
        ports = self.memory.ports
        return replace(ports, ledger=self.wrap(ports.ledger, "ledger"), notifier=self.wrap(ports.notifier, "notifier"))

    def end(self, letter: Letter) -> None:
        process = Process(now=self.memory.clock.now, told=self.told.append)
        DeadLetters(self, self.wrap(self.kept, "kept"), self.wrap(self.alarm, "alarm"), process).end(letter)

    def drop(self, key: str = "a.png", **facts: Any) -> Upload:
        return self.memory.input.drop(key, png(3), **facts)

    def found(self, upload: Upload) -> Outcome | None:
        return self.memory.ledger.get(job_for(upload).id)

    def begin(self, upload: Upload) -> None:
        """Leave a job behind as a function does that is killed in the middle of it."""
        job = job_for(upload)
        claim = self.memory.ledger.claim(job, lease_s=60)
        self.memory.ledger.start(claim, outcome_of(job, Status.RUNNING), KeyHead(version=upload.version))
        self.memory.clock.advance(61)


@pytest.fixture
def place() -> Place:
    return Place()


def letter(body: bytes, *, name: str = "m1", sent: str = "s1", reason: str = UNKNOWN) -> Letter:
    return Letter(name=name, body=body, reason=reason, sent=sent)


def test_end_job_of_a_killed_function_has_failed_and_is_told(place: Place) -> None:
    """It runs for ever in the ledger otherwise; its message is kept, and the reason names it."""
    upload = place.drop()
    place.begin(upload)
    place.end(letter(event.message(upload)))

    outcome = place.found(upload)
    assert outcome is not None
    assert (outcome.status, outcome.error.code, outcome.attempts) == (Status.FAILED, "dead_letter", 1)
    assert kept_id("m1") in outcome.error.message
    assert place.memory.notifier.statuses == ["failed"]
    assert [each.id for each in place.told] == [outcome.id]
    message, body = place.kept.messages[kept_id("m1")]
    assert (message.jobs, body) == ((outcome.id,), event.message(upload))
    assert place.alarm.told == []


def test_end_job_that_nobody_began_has_failed_too(place: Place) -> None:
    """The function could not even be started; the upload becomes the key's head, so that no scan takes it for new."""
    upload = place.drop()
    place.end(letter(event.message(upload)))
    assert place.found(upload).status is Status.FAILED
    assert place.memory.ledger.head("in", "a.png").version == upload.version


@pytest.mark.parametrize("sequencer", [None, "00A1"])
def test_end_job_that_has_ended_stays(place: Place, sequencer: str | None) -> None:
    """Its function was killed after its work, before it could acknowledge: nothing has failed."""
    upload = place.drop(sequencer=sequencer)
    pipeline.process(job_for(upload), place.memory.ports, Limits())
    place.end(letter(event.message(upload)))
    assert place.found(upload).status is Status.SUCCEEDED
    assert place.memory.notifier.statuses == ["succeeded"]
    assert place.told == []


def test_end_job_that_has_ended_and_owes_its_notice_is_told(place: Place) -> None:
    """Killed between recording and telling, at the last delivery."""
    upload = place.drop()
    death = Death()
    with pytest.raises(Killed):
        pipeline.process(job_for(upload), _dying_before_notify(place.memory.ports, death), Limits())
    place.memory.clock.advance(120)
    assert place.memory.notifier.notices == []
    place.end(letter(event.message(upload)))
    assert place.memory.notifier.statuses == ["succeeded"]


def _dying_before_notify(ports: Ports, death: Death) -> Ports:
    class Dying:
        def notify(self, outcome: Outcome, *, message_id: str) -> bool:
            raise Killed

    mortal = death.wrap(ports)
    return replace(mortal, notifier=Dying())


def test_end_job_that_failed_with_another_reason_keeps_it(place: Place) -> None:
    """What the processor knew is better than what a dead letter tells, and is told once."""
    upload = place.drop()
    pipeline.fail(job_for(upload), Timeout("too slow"), place.memory.ports)
    place.end(letter(event.message(upload)))
    assert place.found(upload).error.code == "timeout"
    assert len(place.memory.notifier.notices) == 1


def test_end_job_of_an_older_version_is_superseded_quietly(place: Place) -> None:
    """A newer version of the key won meanwhile; nobody misses the old one."""
    old = place.drop(sequencer="01")
    new = place.drop(sequencer="02")
    pipeline.process(job_for(new), place.memory.ports, Limits())
    place.end(letter(event.message(old)))
    assert place.found(old).status is Status.SUPERSEDED
    assert place.memory.notifier.statuses == ["succeeded"]
    assert place.told == []


def test_end_job_that_was_replayed_and_died_again_fails_and_is_told_again(place: Place) -> None:
    """Another try is another story: its failure is news."""
    upload = place.drop()
    place.end(letter(event.message(upload)))
    place.memory.ledger.reopen(job_for(upload).id)
    place.end(letter(event.message(upload), sent="s2"))
    assert place.found(upload).status is Status.FAILED
    assert len(place.memory.notifier.told) == 2


def test_end_deletion_has_failed(place: Place) -> None:
    """Outputs that could not be removed are told of."""
    place.recipes = (REMOVING,)
    place.end(letter(event.departure(GONE)))
    (job,) = removals(GONE, place.recipes)
    assert place.memory.ledger.get(job.id).status is Status.FAILED
    assert place.memory.notifier.statuses == ["failed"]
    assert [each.id for each in place.told] == [job.id]


def test_end_message_that_nobody_can_read_is_kept_and_alarms(place: Place) -> None:
    """It is no job, so it is told where alarms are heard, with why it cannot be read."""
    place.end(letter(UNREADABLE, reason="invalid_message"))
    ((message_id, told),) = place.alarm.told
    assert message_id == f"{kept_id('m1')}-s1"
    assert told == place.kept.messages[kept_id("m1")][0]
    assert told.problem == "invalid_message: the message is not of a known shape"
    assert (told.reason, told.size, told.start) == ("invalid_message", len(UNREADABLE), UNREADABLE.decode())
    assert place.memory.notifier.notices == []


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[" * 100_000, b'"text"', b"null"])
def test_end_any_bytes_are_kept(place: Place, body: bytes) -> None:
    """Whatever was sent: it never comes again and again."""
    place.end(letter(body))
    assert place.kept.messages[kept_id("m1")][1] == body
    assert len(place.alarm.told) == 1


def test_end_message_that_asks_for_nothing_is_kept_quietly(place: Place) -> None:
    """S3's test message, or a key that no recipe takes: nothing is missing because of it."""
    place.end(letter(json.dumps({"Event": "s3:TestEvent"}).encode()))
    assert place.kept.finished == {kept_id("m1"): "s1"}
    assert (place.alarm.told, place.memory.notifier.notices) == ([], [])


def test_end_message_that_eventbridge_put_aside_says_so(place: Place) -> None:
    """It never reached the queue, so no function was to blame."""
    upload = place.drop()
    place.end(letter(event.message(upload), reason="NO_PERMISSIONS"))
    assert "put aside (NO_PERMISSIONS)" in place.found(upload).error.message


def test_end_while_somebody_works_on_the_key_comes_again(place: Place) -> None:
    """Its other jobs have ended all the same, and the message is not done with."""
    place.recipes = (DEFAULT_RECIPE, replace(DEFAULT_RECIPE, name="other", metadata="keep"))
    upload, other = place.drop("a.png"), place.drop("b.png")
    place.memory.ledger.claim(job_for(upload), lease_s=60)
    body = _both(upload, other)
    with pytest.raises(Busy):
        place.end(letter(body))
    assert place.found(upload) is None
    assert place.found(other).status is Status.FAILED
    assert place.kept.finished == {}
    place.memory.clock.advance(61)
    place.end(letter(body))
    assert place.found(upload).status is Status.FAILED
    assert len(place.memory.notifier.told) == 4


def _both(*uploads: Upload) -> bytes:
    """Return one notification of S3 about several uploads."""
    records = [
        {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": each.arrived_at,
            "s3": {
                "bucket": {"name": each.bucket},
                "object": {"key": each.key, "size": each.size, "eTag": each.etag, "versionId": each.version},
            },
        }
        for each in uploads
    ]
    return json.dumps({"Records": records}).encode()


@pytest.mark.parametrize("away", ["kept", "ledger", "notifier", "alarm"])
def test_end_while_anything_is_away_comes_again(place: Place, away: str) -> None:
    """A bad day of any service loses nothing: the message stays until all is done."""
    upload = place.drop()
    body = UNREADABLE if away == "alarm" else event.message(upload)

    class Away:
        def __getattr__(self, name: str) -> Any:
            def call(*_: object, **__: object) -> None:
                raise Unavailable(f"{away} is away")

            return call

    place.wrap = lambda port, name: Away() if name == away else port
    with pytest.raises(SafelightError):
        place.end(letter(body))
    assert place.kept.finished == {}
    place.wrap = lambda port, _: port
    place.memory.clock.advance(60)
    place.end(letter(body))
    assert place.kept.finished == {kept_id("m1"): "s1"}
    assert len(place.memory.notifier.told) + len(place.alarm.told) == 1


def body_of(kind: str, place: Place) -> bytes:
    """Return a message of a kind, with the world in which it became a dead letter."""
    if kind == "unreadable":
        return UNREADABLE
    if kind == "deletion":
        place.recipes = (REMOVING,)
        return event.departure(GONE)
    upload = place.drop()
    if kind == "running":
        place.begin(upload)
    return event.message(upload)


@pytest.mark.parametrize("kind", ["running", "fresh", "deletion", "unreadable"])
def test_end_killed_at_any_step_neither_loses_nor_doubles(kind: str) -> None:
    """The next delivery does the rest; who hears twice hears it under one id."""
    counting = Death()
    place = Place()
    body = body_of(kind, place)
    place.wrap = lambda port, name: Mortal(port, counting, name)
    place.end(letter(body))
    steps = len(counting.steps)
    assert steps >= 6

    for step in range(1, steps + 1):
        place, death = Place(), Death(step)
        body = body_of(kind, place)
        place.wrap = lambda port, name, death=death: Mortal(port, death, name)
        with pytest.raises(Killed):
            place.end(letter(body))
        place.memory.clock.advance(60)  # the dead one's lease ends before the message is seen again
        place.wrap = lambda port, _: port
        for _ in range(2):
            place.end(letter(body))
        assert list(place.kept.messages) == [kept_id("m1")], death.steps[-1]
        told = {**place.memory.notifier.told, **dict(place.alarm.told)}
        assert len(told) == 1, death.steps[-1]
        assert len(place.memory.notifier.notices) + len(place.alarm.told) <= 2
        if kind != "unreadable":
            assert {each.status for each in place.memory.ledger.jobs()} == {Status.FAILED}
            assert 1 <= len(place.told) <= 2


def test_letters_carry_what_the_queue_knows_of_them() -> None:
    """Our own id and reason where there are some, SQS's id else; bytes that SQS takes in no text are decoded."""
    batch = sqs_event({"a": 1}, {"b": 2}, {"c": 3})
    plain, own, coded = batch["Records"]
    own["messageAttributes"] = {
        "id": {"stringValue": "YQE=", "dataType": "String.base64"},
        "reason": {"stringValue": "timeout", "dataType": "String"},
    }
    coded["body"] = "AAH/"
    coded["messageAttributes"] = {
        "encoding": {"stringValue": "base64", "dataType": "String"},
        "ERROR_CODE": {"stringValue": "SDK_CLIENT_ERROR", "dataType": "String"},
    }
    assert letters_of(batch) == [
        ("m0", Letter(name="m0", body=b'{"a": 1}', reason=UNKNOWN, sent="m0")),
        ("m1", Letter(name="a\x01", body=b'{"b": 2}', reason="timeout", sent="m1")),
        ("m2", Letter(name="m2", body=b"\0\x01\xff", reason="SDK_CLIENT_ERROR", sent="m2")),
    ]
    assert plain["messageAttributes"] == {}


def test_letters_of_foreign_attributes_are_taken_as_they_are() -> None:
    """What says that it is base64 and is none came from somebody else; it must not block the queue."""
    batch = sqs_event({"a": 1})
    batch["Records"][0]["messageAttributes"] = {
        "encoding": {"stringValue": "base64", "dataType": "String"},
        "id": {"stringValue": "é", "dataType": "String.base64"},
        "reason": {"binaryValue": "AA==", "dataType": "Binary"},
    }
    assert letters_of(batch) == [("m0", Letter(name="é", body=b'{"a": 1}', reason=UNKNOWN, sent="m0"))]


@pytest.mark.parametrize("other", [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, None, "text"])
def test_letters_of_another_event_are_refused(other: object) -> None:
    """Who calls the function by hand learns what it is for."""
    with pytest.raises(InvalidMessage):
        letters_of(other)
