"""The digest: what is owed is told in one mail, whatever crashes in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from safelight import pipeline
from safelight.aws.digest import Digest, digest_forms
from safelight.aws.notify import fits
from safelight.aws.parcels import Parcel
from safelight.entry.collect import BATCH, Collector, Told
from safelight.errors import Busy, Timeout, Unavailable
from safelight.job import Outcome, Output, Problem, Status, Upload
from safelight.ports import Ports
from safelight.recipe.model import Limits
from tests.unit.fakes import Death, Killed, Mortal, World, job_for, png


class MemoryParcels:
    """As `aws.parcels.Parcels` does it, but for the lease."""

    def __init__(self) -> None:
        self.parcel: Parcel | None = None
        self.made = 0

    def left(self) -> Parcel | None:
        return self.parcel

    def make(self, endings: tuple[tuple[str, int], ...]) -> Parcel:
        if self.parcel:
            raise Busy("another function makes the digest now")
        self.made += 1
        self.parcel = Parcel(id=f"digest-{self.made}", endings=endings)
        return self.parcel

    def sent(self, parcel: Parcel) -> None:
        self.parcel = replace(parcel, sent=True)

    def close(self, parcel: Parcel) -> None:
        self.parcel = None


class Inbox:
    """Notes each mail, repeats included."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str]]] = []

    def publish(self, outcomes: Sequence[Outcome], *, message_id: str) -> None:
        self.mails.append((message_id, [each.upload.key for each in outcomes]))

    @property
    def keys(self) -> list[str]:
        return sorted(key for _, keys in self.mails for key in keys)


class Collecting:
    """A notifier that leaves what is wanted to the digest."""

    def notify(self, outcome: Outcome, *, message_id: str) -> bool:
        return True


class Place:
    """What a digest is made of, in memory."""

    def __init__(self) -> None:
        self.memory = World()
        self.parcels, self.inbox = MemoryParcels(), Inbox()
        self.unwanted: set[Status] = set()
        self.wrap: Callable[[Any, str], Any] = lambda port, _: port

    @property
    def ports(self) -> Ports:
        return replace(self.memory.ports, notifier=Collecting())

    def develop(self, *keys: str, body: bytes | None = None) -> None:
        for key in keys:
            upload = self.memory.input.drop(key, png(3) if body is None else body)
            pipeline.process(job_for(upload), self.ports, Limits())

    def run(self, left_s: Callable[[], float] = lambda: 300.0) -> Told:
        wrap = self.wrap
        return Collector(
            wrap(self.memory.ledger, "ledger"),
            wrap(self.parcels, "parcels"),
            wrap(self.inbox, "inbox"),
            lambda outcome: outcome.status not in self.unwanted,
        ).run(left_s)


@pytest.fixture
def place() -> Place:
    return Place()


def test_endings_stay_owed_until_one_mail_tells_them_all(place: Place) -> None:
    """The interval's endings, good and bad, are one mail, and are never told again."""
    place.develop("a.png", "b.png")
    place.develop("bad.png", body=b"no picture")
    assert len(place.memory.ledger.unnotified()) == 3
    assert place.run() == Told(mails=1, endings=3)
    assert place.inbox.mails == [("digest-1", ["a.png", "b.png", "bad.png"])]
    assert place.memory.ledger.unnotified() == []
    assert place.run() == Told()
    assert len(place.inbox.mails) == 1


def test_nothing_owed_makes_no_mail(place: Place) -> None:
    """A quiet night is no mail."""
    assert place.run() == Told()
    assert place.parcels.made == 0


def test_ending_that_nobody_wants_to_hear_of_is_owed_no_longer(place: Place) -> None:
    """Owed since a time at which `notify.on` was another; alone it makes no mail."""
    place.develop("a.png")
    place.develop("bad.png", body=b"no picture")
    place.unwanted = {Status.SUCCEEDED}
    place.run()
    assert place.inbox.keys == ["bad.png"]
    place.develop("c.png")
    assert place.run() == Told(mails=0, endings=1)
    assert place.memory.ledger.unnotified() == []
    assert len(place.inbox.mails) == 1


def test_job_that_ends_twice_is_told_twice(place: Place) -> None:
    """A failure that was told, then a replay that succeeds: another ending, another mail."""
    upload = place.memory.input.drop("a.png", png(3))
    pipeline.fail(job_for(upload), Timeout("too slow"), place.ports)
    place.run()
    place.memory.ledger.reopen(job_for(upload).id)
    place.memory.clock.advance(1)
    pipeline.process(job_for(upload), place.ports, Limits())
    place.run()
    assert place.inbox.mails == [("digest-1", ["a.png"]), ("digest-2", ["a.png"])]


def test_very_many_endings_take_more_than_one_mail(place: Place) -> None:
    """Each is told once, in as few mails as that takes."""
    job = job_for(place.memory.input.drop("a.png", png(3)))
    for number in range(BATCH + 5):
        upload = replace(job.upload, key=f"{number}.png", version=f"v{number}", sequencer="1")
        pipeline.fail(replace(job, id=f"job_{number}", upload=upload), Timeout("too slow"), place.ports)
    assert place.run() == Told(mails=2, endings=BATCH + 5)
    assert len(set(place.inbox.keys)) == BATCH + 5


def test_time_that_runs_out_leaves_the_rest_to_the_next_run(place: Place) -> None:
    """A function that is ended in the middle would only repeat itself; the first mail is always tried."""
    place.develop("a.png")
    left = iter([300.0, 3.0])
    assert place.run(lambda: next(left)) == Told(mails=1, endings=1)
    place.develop("b.png")
    assert place.run(lambda: 3.0) == Told(mails=1, endings=1)
    assert place.inbox.keys == ["a.png", "b.png"]


def test_index_that_lags_behind_repeats_no_ending(place: Place) -> None:
    """DynamoDB's indexes follow within a second or so: what was just told may be listed once more."""
    place.develop("a.png", "b.png")
    stale = place.memory.ledger.unnotified()

    class Lagging:
        def __getattr__(self, name: str) -> Any:
            return getattr(place.memory.ledger, name)

        def unnotified(self, *, limit: int = 100) -> list[tuple[Outcome, int]]:
            return stale

    place.wrap = lambda port, name: Lagging() if name == "ledger" else port
    assert place.run() == Told(mails=1, endings=2)


def test_digest_that_another_function_makes_is_left_to_it(place: Place) -> None:
    """Two at once would tell the same twice; the one that is late says why, and Lambda tries it again."""
    place.develop("a.png")
    place.parcels.parcel = Parcel(id="digest-0", endings=())

    class Taken:
        def __getattr__(self, name: str) -> Any:
            return getattr(place.parcels, name)

        def left(self) -> None:
            return None

    place.wrap = lambda port, name: Taken() if name == "parcels" else port
    with pytest.raises(Busy):
        place.run()
    assert place.inbox.mails == []


def test_topic_that_is_away_loses_nothing(place: Place) -> None:
    """The same mail goes out later, with what ended since in another."""
    place.develop("a.png")

    class Away:
        def publish(self, outcomes: Sequence[Outcome], *, message_id: str) -> None:
            raise Unavailable("the topic is away")

    place.wrap = lambda port, name: Away() if name == "inbox" else port
    with pytest.raises(Unavailable):
        place.run()
    place.wrap = lambda port, _: port
    place.develop("b.png")
    place.run()
    assert place.inbox.mails == [("digest-1", ["a.png"]), ("digest-2", ["b.png"])]


def test_job_that_was_begun_anew_leaves_a_mail_that_is_sent_again(place: Place) -> None:
    """It will end once more, and is told of then."""
    place.develop("a.png", "b.png")
    parcels = place.memory.ledger.unnotified()
    place.parcels.make(tuple((outcome.id, token) for outcome, token in parcels))
    place.memory.ledger.reopen(parcels[0][0].id)
    place.run()
    assert place.inbox.mails == [("digest-1", ["b.png"])]
    assert place.parcels.parcel is None


def test_killed_at_any_step_each_ending_is_told_once_or_again_under_the_same_id() -> None:
    """The mail that a dead function left behind goes out as it was, or not at all when it was out."""
    counting, place = Death(), Place()
    place.develop("a.png", "b.png", "c.png")
    place.wrap = lambda port, name: Mortal(port, counting, name)
    place.run()
    steps = len(counting.steps)
    assert steps >= 14

    for step in range(1, steps + 1):
        place, death = Place(), Death(step)
        place.develop("a.png", "b.png", "c.png")
        place.wrap = lambda port, name, death=death: Mortal(port, death, name)
        with pytest.raises(Killed):
            place.run()
        place.wrap = lambda port, _: port
        place.develop("late.png")
        place.run()
        place.run()
        mails = dict(place.inbox.mails)
        assert sorted(key for keys in mails.values() for key in keys) == ["a.png", "b.png", "c.png", "late.png"]
        assert len(place.inbox.mails) <= 3, death.steps[-1]
        assert place.memory.ledger.unnotified() == []
        assert place.parcels.parcel is None


def outcome(number: int = 0, **changes: object) -> Outcome:
    upload = Upload(
        bucket="in", key=f"{number}-写真.jpg", version="v", etag="e", size=9, arrived_at="2026-01-01T00:00:00Z"
    )
    renditions = tuple(Output(key=f"{number}/{n}.webp", format="webp", width=2, height=1, size=5) for n in range(8))
    blank = Outcome(
        id=f"job_{number}", status=Status.SUCCEEDED, recipe="r", recipe_digest="d", upload=upload, renditions=renditions
    )
    return replace(blank, **changes)


def _machine(message: str) -> Digest:
    forms = json.loads(message)
    assert forms["sqs"] == forms["lambda"] == forms["https"]
    return msgspec.json.decode(forms["sqs"], type=Digest)


def test_forms_are_text_for_people_and_all_jobs_for_machines() -> None:
    """Whoever subscribes with a queue gets each job in its one shape."""
    bad = outcome(2, status=Status.REJECTED, renditions=(), error=Problem(code="corrupt", message="why", remedy="what"))
    message = digest_forms("text", [outcome(1), bad], "digest-1")
    assert json.loads(message)["default"] == "text"
    assert _machine(message) == Digest(
        digest="digest-1", counts={"succeeded": 1, "rejected": 1}, jobs=(outcome(1), bad)
    )


@pytest.mark.parametrize("count", [120, 1000])
def test_forms_of_very_many_jobs_keep_below_the_limit(count: int) -> None:
    """Outputs are left out first, then jobs; how many there were is always told."""
    outcomes = [outcome(number) for number in range(count)]
    message = digest_forms("text", outcomes, "digest-1")
    found = _machine(message)
    assert fits(message)
    assert found.counts == {"succeeded": count}
    assert found.jobs
    assert all(each.renditions == () for each in found.jobs)
    assert [each.id for each in found.jobs] == [f"job_{number}" for number in range(len(found.jobs))]


def test_forms_of_a_text_without_end_keep_below_the_limit() -> None:
    """A mail of a hundred keys of a thousand odd characters is cut, and says so."""
    message = digest_forms("\x01写\n" * 100_000, [outcome()], "digest-1")
    assert fits(message)
    assert json.loads(message)["default"].endswith("`safelight jobs` lists them.\n")
    assert _machine(message).jobs == (outcome(),)
