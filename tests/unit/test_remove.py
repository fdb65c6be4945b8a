"""Deleting an original leaves its outputs, unless the recipe says otherwise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from safelight.errors import Busy, Denied
from safelight.event import Deletion, departure, parse
from safelight.job import Job, jobs_for
from safelight.pipeline import process
from safelight.ports import Attributes
from safelight.recipe.model import DEFAULT_RECIPE, Limits, digest
from safelight.remove import fail, removals, remove
from tests.unit.fakes import World, png

TAKING = replace(DEFAULT_RECIPE, on_delete="remove")
OUT = "processed_a.png"
GONE = Deletion(bucket="in", key="a.png", deleted_at="2026-01-02T03:04:05.678Z")


@pytest.fixture
def world() -> World:
    return World()


def develop(world: World, *, sequencer: str | None = None, version: str | None = None) -> None:
    upload = world.input.drop("a.png", png(1), sequencer=sequencer, version=version)
    (job,) = jobs_for(upload, (TAKING,))
    process(job, world.ports, Limits())


def gone(world: World, deletion: Deletion = GONE) -> Job:
    """Delete the original and return the job of it."""
    world.input.delete("a.png")
    (job,) = removals(deletion, (TAKING,))
    return job


def test_removals_recipe_that_keeps_has_none() -> None:
    """Outputs outlive their original by default."""
    assert removals(GONE, (DEFAULT_RECIPE,)) == ()


def test_remove_outputs_go_and_the_ledger_tells(world: World) -> None:
    """What was done stands among the jobs; nobody is mailed."""
    develop(world)
    outcome = remove(gone(world), world.ports)
    assert world.output.head(OUT) is None
    assert outcome is not None
    assert outcome == world.ledger.get(outcome.id)
    assert outcome.error is not None
    assert "deleted; so were its outputs, 1 of them" in outcome.error.message
    assert world.notifier.statuses == ["succeeded"]


def test_remove_repeat_does_nothing(world: World) -> None:
    """Events come more than once."""
    develop(world)
    job = gone(world)
    first = remove(job, world.ports)
    world.output.put(OUT, b"x", Attributes(content_type="image/png"), expect=None)
    assert remove(job, world.ports) == first
    assert world.output.head(OUT) is not None


def test_remove_original_that_came_back_keeps_its_outputs(world: World) -> None:
    """A late event of an earlier deletion touches nothing that is there for a newer upload."""
    develop(world)
    (job,) = removals(GONE, (TAKING,))
    assert remove(job, world.ports) is None
    assert world.output.head(OUT) is not None
    develop(world)  # the claim was given back


@pytest.mark.parametrize("sequencer", [None, "0A"])
def test_remove_same_version_that_comes_back_is_developed_anew(world: World, sequencer: str | None) -> None:
    """Without versions the same bytes are the same version, yet their outputs are gone."""
    develop(world, version="etag", sequencer=sequencer)
    deleted = replace(GONE, sequencer="0B" if sequencer else None)
    remove(gone(world, deleted), world.ports)
    develop(world, version="etag", sequencer="0C" if sequencer else None)
    assert world.output.head(OUT) is not None


def test_remove_upload_older_than_the_deletion_is_not_developed(world: World) -> None:
    """An event that was overtaken by the deletion brings nothing back."""
    remove(gone(world, replace(GONE, sequencer="0B")), world.ports)
    develop(world, sequencer="0A")
    assert world.output.head(OUT) is None


def test_remove_output_of_somebody_else_stays(world: World) -> None:
    """Only what was made of this very original goes."""
    world.output.put(OUT, b"mine", Attributes(content_type="image/png"), expect=None)
    remove(gone(world), world.ports)
    assert world.output.head(OUT) is not None


def test_remove_while_the_key_is_developed_waits(world: World) -> None:
    """Whoever holds the key would put its outputs after they were removed."""
    upload = world.input.drop("a.png", png(1))
    (job,) = jobs_for(upload, (TAKING,))
    world.ledger.claim(job, lease_s=60)
    with pytest.raises(Busy):
        remove(gone(world), world.ports)


def test_fail_is_told_once_and_a_reopened_job_removes(world: World) -> None:
    """Outputs that could not be removed are no secret, and another try removes them."""
    develop(world)
    job = gone(world)
    failed = fail(job, Denied("no"), world.ports)
    assert fail(job, Denied("no"), world.ports) == failed
    assert list(world.notifier.told.values())[1:] == [failed]
    assert remove(job, world.ports) == failed
    world.ledger.reopen(job.id)
    remove(job, world.ports)
    assert world.output.head(OUT) is None


def test_fail_while_the_key_is_developed_waits(world: World) -> None:
    """Also a failure is recorded by who holds the key."""
    upload = world.input.drop("a.png", png(1))
    (job,) = jobs_for(upload, (TAKING,))
    world.ledger.claim(job, lease_s=60)
    with pytest.raises(Busy):
        fail(gone(world), Denied("no"), world.ports)


def test_departure_survives_the_queue() -> None:
    """Our own message of a deletion reads as it was written."""
    assert parse(departure(GONE)).deletions == (GONE,)


def test_digest_does_not_know_what_a_deletion_does() -> None:
    """The option changes no output, so nothing is developed anew for it."""
    assert digest(TAKING) == digest(DEFAULT_RECIPE)
