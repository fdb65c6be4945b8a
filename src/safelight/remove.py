"""Take the outputs of a deleted original along, where the recipe says so."""

from __future__ import annotations

import logging

from safelight.deliver import source_id
from safelight.errors import NotFound, SafelightError
from safelight.event import Deletion
from safelight.job import DELETED, Job, Outcome, Status, Upload, job_id, outcome_of, problem_of
from safelight.pipeline import announce
from safelight.ports import Claim, KeyHead, Ports
from safelight.recipe.keys import keys_of
from safelight.recipe.model import Recipe, digest
from safelight.times import timestamp

LEASE_S = 30
DONE = "Nothing to do: the recipe says on_delete: remove."
log = logging.getLogger("safelight")


def removals(deletion: Deletion, recipes: tuple[Recipe, ...]) -> tuple[Job, ...]:
    """Return one job for each recipe that takes the outputs of a deleted original along."""
    wanted = (each for each in recipes if each.on_delete == "remove" and each.match.takes(deletion.key))
    return tuple(_job(deletion, recipe) for recipe in wanted)


def _job(deletion: Deletion, recipe: Recipe) -> Job:
    """Return the deletion as a version of its own: what is done for it stands in the ledger, and is done once."""
    upload = Upload(
        bucket=deletion.bucket,
        key=deletion.key,
        version=f"{DELETED}{deletion.sequencer or deletion.version or deletion.deleted_at}",
        etag="",
        size=0,
        arrived_at=deletion.deleted_at,
        sequencer=deletion.sequencer,
    )
    recipe_digest = digest(recipe)
    return Job(id=job_id(upload, recipe_digest), upload=upload, recipe=recipe, recipe_digest=recipe_digest)


def remove(job: Job, ports: Ports) -> Outcome | None:
    """Remove the outputs of a deleted original; nothing where something is at its key again.

    The claim keeps out whoever develops the key, and the deletion becomes the key's head: the same bytes that come
    back are developed anew.

    Raises:
        Busy: a worker develops the key now.
        SafelightError: with `retry`, after the claim was given back.
    """
    claim = ports.ledger.claim(job, lease_s=LEASE_S)
    try:
        if (claim.known is not None and claim.known.status.ended) or ports.input.head(job.upload.key) is not None:
            ports.ledger.release(claim)
            return claim.known
        return _removed(job, claim, ports)
    except BaseException:
        ports.ledger.release(claim)
        raise


def fail(job: Job, error: SafelightError, ports: Ports) -> Outcome:
    """Record that the outputs could not be removed, and tell.

    Raises:
        Busy: another worker holds the key.
    """
    claim = ports.ledger.claim(job, lease_s=LEASE_S)
    try:
        outcome = claim.known
        if outcome is None or not outcome.status.ended:
            started = _start(job, claim, ports)  # the deletion must be the head, or each scan would find it anew
            tries = claim.known.attempts if claim.known else 0
            facts = {"started_at": started, "finished_at": timestamp(ports.now()), "error": problem_of(error)}
            outcome = outcome_of(job, Status.FAILED, attempts=tries + 1, **facts)
            ports.ledger.finish(claim, outcome)
            log.error("outputs of a deleted upload stay: %s", error.message, extra={"outcome": outcome})
        return announce(outcome, claim, ports)
    except BaseException:
        ports.ledger.release(claim)
        raise


def _start(job: Job, claim: Claim, ports: Ports) -> str:
    now = timestamp(ports.now())
    head = KeyHead(version=job.upload.version, sequencer=job.upload.sequencer)
    ports.ledger.start(claim, outcome_of(job, Status.RUNNING, started_at=now), head)
    return now


def _removed(job: Job, claim: Claim, ports: Ports) -> Outcome:
    now = _start(job, claim, ports)
    gone = [key for key in keys_of(job.recipe, job.upload.key) if _delete(key, job.upload, ports)]
    reason = NotFound(f"the upload was deleted; so were its outputs, {len(gone)} of them", remedy=DONE)
    facts = {"started_at": now, "finished_at": timestamp(ports.now()), "error": problem_of(reason)}
    tries = claim.known.attempts if claim.known else 0
    outcome = outcome_of(job, Status.SUPERSEDED, attempts=tries + 1, **facts)
    ports.ledger.finish(claim, outcome)
    log.info("outputs of a deleted upload removed: %d", len(gone), extra={"outcome": outcome})
    return outcome


def _delete(key: str, upload: Upload, ports: Ports) -> bool:
    """Delete an output, unless another upload's or somebody's own file has its place."""
    there = ports.output.head(key)
    if there is None or there.metadata.get("source-id") != source_id(upload):
        return False
    ports.output.delete(key)
    return True
