"""The spine: claim -> fetch -> render -> put -> finish -> notify, once for each job, whatever crashes."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from safelight import metrics
from safelight.decode import check_bytes
from safelight.deliver import deliver
from safelight.errors import LostLease, NotFound, SafelightError, Superseded
from safelight.job import Job, Outcome, Output, Status, outcome_of, problem_of
from safelight.ports import Claim, KeyHead, Ports
from safelight.recipe.model import Limits
from safelight.render import Rendering, render
from safelight.times import timestamp

LEASE_GRACE_S = 5
"""A lease outlives the time limit by this, so that it never ends under a worker that is still allowed to work."""

DONE = (Status.SUCCEEDED, Status.REJECTED, Status.QUARANTINED)
"""Endings that a repeated event does not change; `failed` is tried again."""
ENDED = (*DONE, Status.FAILED)

log = logging.getLogger("safelight")


def process(job: Job, ports: Ports, limits: Limits) -> Outcome:
    """Develop one upload by one recipe, and tell how it ended.

    Raises:
        Busy: another worker holds the key.
        SafelightError: with `retry`, after the claim was given back; the caller tries again or calls `fail`.
    """
    with _claimed(job, ports, limits.seconds + LEASE_GRACE_S) as claim:
        outcome = _settled(job, claim) or _supersede(job, claim, ports) or _run(job, claim, ports, limits)
        return announce(outcome, claim, ports)


def fail(job: Job, error: SafelightError, ports: Ports, *, settled: Collection[Status] = DONE) -> Outcome:
    """Record that the last try failed, and tell; what has ended is left as it is, and told of if that is owed.

    Args:
        job: the job.
        error: why.
        ports: the world.
        settled: endings that stay; who cannot know whether this failure is news gives `ENDED`.

    Raises:
        Busy: another worker holds the key.
    """
    with _claimed(job, ports, LEASE_GRACE_S) as claim:
        outcome = _settled(job, claim, settled) or _outdated(job, claim, ports)
        if outcome is None:
            # Its version must be the head, or each scan would queue it anew.
            begun = claim.head is not None and claim.head.version == job.upload.version
            facts = {} if begun else {"started_at": _start(job, claim, ports)}
            outcome = _finish(job, claim, ports, Status.FAILED, error=problem_of(error), **facts)
        return announce(outcome, claim, ports)


@contextmanager
def _claimed(job: Job, ports: Ports, lease_s: float) -> Iterator[Claim]:
    """Hold the job's key, and give it back when something goes wrong; `announce` does it when all went well."""
    if ports.meter:
        ports.meter.begin()
    claim = ports.ledger.claim(job, lease_s=lease_s)
    try:
        yield claim
    except BaseException:
        ports.ledger.release(claim)
        raise


def announce(outcome: Outcome, claim: Claim, ports: Ports) -> Outcome:
    """Hand over the notice of an ending, unless that was done, and give the claim back.

    The claim is held until then: who repeats the job in between would find a notice owed, and hand it over again.
    """
    repeated, told = outcome is claim.known, outcome.owes_notice
    if told and not (repeated and claim.notified):
        token = claim.known_token if repeated and claim.known_token is not None else claim.token
        if not ports.notifier.notify(outcome, message_id=f"{outcome.id}-{token}"):
            ports.ledger.mark_notified(outcome.id, token)
    if repeated or told:
        ports.ledger.release(claim)
    return outcome


def _settled(job: Job, claim: Claim, settled: Collection[Status] = DONE) -> Outcome | None:
    """Return the known outcome when it still counts: the job ended, and its version is the key's newest."""
    known = claim.known
    if known is None or known.status not in settled:
        return None
    return known if claim.head is not None and claim.head.version == job.upload.version else None


def _supersede(job: Job, claim: Claim, ports: Ports) -> Outcome | None:
    """End the job when its version is not the key's newest."""
    reason = _not_newest(job, claim, ports)
    if reason is None:
        return None
    if claim.known is not None and claim.known.status.ended:
        return claim.known
    return _finish(job, claim, ports, Status.SUPERSEDED, error=problem_of(reason))


def _outdated(job: Job, claim: Claim, ports: Ports) -> Outcome | None:
    """Supersede a job that failed, where the store can still tell; a failure must not be silent because of another."""
    try:
        return _supersede(job, claim, ports)
    except LostLease:
        raise
    except SafelightError:
        return None


def _not_newest(job: Job, claim: Claim, ports: Ports) -> SafelightError | None:
    """Compare by the sequencer where the events carry one, else by what the store holds now."""
    upload = job.upload
    if upload.sequencer is not None and claim.head is not None and claim.head.sequencer is not None:
        newer = _padded(claim.head.sequencer, upload.sequencer) > _padded(upload.sequencer, claim.head.sequencer)
        return Superseded("a newer version of this key was developed") if newer else None
    if upload.sequencer is not None:
        return None
    there = ports.input.head(upload.key)
    if there is None:
        return NotFound("the upload was gone before it was developed")
    return None if there.version == upload.version else Superseded("a newer version of this key arrived")


def _padded(sequencer: str, other: str) -> str:
    """Pad with zeros on the right for comparison. Source: Amazon S3 user guide, event message structure."""
    return sequencer.lower().ljust(len(other), "0")


def _run(job: Job, claim: Claim, ports: Ports, limits: Limits) -> Outcome:
    began = ports.now()
    metrics.reset_peak()
    facts: dict[str, object] = {"started_at": _start(job, claim, ports)}
    log.info("start", extra={"job": job})
    try:
        rendering, outputs = _develop(job, claim, ports, limits)
        facts |= {"source": rendering.source, "renditions": outputs, "warnings": rendering.warnings}
        status = Status.SUCCEEDED
    except (Superseded, NotFound) as err:
        status, facts["error"] = Status.SUPERSEDED, problem_of(err)
    except SafelightError as err:
        if err.retry:
            raise
        status, facts["error"] = Status.REJECTED, problem_of(err)
    spent_ms = round((ports.now() - began) * 1000, 1)
    return _finish(job, claim, ports, status, duration_ms=spent_ms, peak_mb=metrics.peak_mb(), **facts)


def _start(job: Job, claim: Claim, ports: Ports) -> str:
    """Make the job's version the key's head, and return when."""
    now = timestamp(ports.now())
    head = KeyHead(version=job.upload.version, sequencer=job.upload.sequencer)
    ports.ledger.start(claim, outcome_of(job, Status.RUNNING, started_at=now), head)
    return now


def _develop(job: Job, claim: Claim, ports: Ports, limits: Limits) -> tuple[Rendering, tuple[Output, ...]]:
    check_bytes(job.upload.size, limits)
    with ports.input.fetch(job.upload) as body:
        rendering = render(body, job.upload.key, job.recipe, limits, ports.assets)
        return rendering, tuple(deliver(output, job, claim, ports) for output in rendering.outputs)


def _finish(job: Job, claim: Claim, ports: Ports, status: Status, **facts: object) -> Outcome:
    tries = claim.known.attempts if claim.known else 0
    ran = 1 if "started_at" in facts else 0
    outcome = outcome_of(job, status, attempts=tries + ran, finished_at=timestamp(ports.now()), **facts)
    if ports.meter:
        outcome = replace(outcome, cost_usd=ports.meter.cost_usd(outcome))
    ports.ledger.finish(claim, outcome)
    _log_end(outcome)
    return outcome


def _log_end(outcome: Outcome) -> None:
    level = logging.ERROR if outcome.status is Status.FAILED else logging.INFO
    log.log(level, "end", extra={"outcome": outcome})
