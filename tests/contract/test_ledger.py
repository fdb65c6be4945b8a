"""The contract of every ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from safelight.errors import Busy, LostLease
from safelight.job import Job, Problem, Status, outcome_of
from safelight.ports import Claim, KeyHead, Ledger

Advance = Callable[[float], None]
MakeJob = Callable[..., Job]

V1 = KeyHead(version="v1", sequencer="00A1")
V2 = KeyHead(version="v2")


def _run(ledger: Ledger, job: Job, status: Status = Status.SUCCEEDED, head: KeyHead = V1) -> Claim:
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), head)
    ledger.finish(claim, outcome_of(job, status))
    ledger.release(claim)
    return claim


def test_first_claim_knows_nothing(ledger: Ledger, make_job: MakeJob, now: Callable[[], float]) -> None:
    """A key that nobody began has no head, and its job no outcome."""
    job = make_job()

    claim = ledger.claim(job, lease_s=60)

    assert (claim.job_id, claim.bucket, claim.key) == (job.id, "in", "a/b.jpg")
    assert (claim.head, claim.known, claim.notified) == (None, None, False)
    assert claim.token >= now() * 1000


def test_claim_of_leased_key_is_busy_until_the_lease_ends(ledger: Ledger, make_job: MakeJob, advance: Advance) -> None:
    """One worker at a time works on a key, whatever its version; an ended lease is free to take."""
    first = ledger.claim(make_job(), lease_s=60)
    advance(20)
    with pytest.raises(Busy) as busy:
        ledger.claim(make_job(version="v2"), lease_s=60)
    assert 0 < busy.value.retry_after_s <= 40

    advance(busy.value.retry_after_s)

    assert ledger.claim(make_job(version="v2"), lease_s=60).token > first.token


def test_claims_of_different_keys_do_not_meet(ledger: Ledger, make_job: MakeJob) -> None:
    """A lease holds one key and no other."""
    ledger.claim(make_job(key="a"), lease_s=60)

    assert ledger.claim(make_job(key="b"), lease_s=60).key == "b"


def test_tokens_grow_with_every_claim_of_a_key(ledger: Ledger, make_job: MakeJob, advance: Advance) -> None:
    """Tokens grow also when the clock stands still or goes back."""
    tokens = []
    for step in (0, 0, -5, 60):
        advance(step)
        claim = ledger.claim(make_job(), lease_s=1)
        tokens.append(claim.token)
        ledger.release(claim)

    assert tokens == sorted(set(tokens))


def test_start_counts_attempts_and_sets_head(ledger: Ledger, make_job: MakeJob) -> None:
    """Each start is one more attempt, whatever the outcome says, and the version is the key's head."""
    job = make_job()
    for attempt in (1, 2):
        claim = ledger.claim(job, lease_s=60)
        ledger.start(claim, outcome_of(job, Status.RUNNING, attempts=7), V1)
        ledger.release(claim)
        assert ledger.get(job.id).attempts == attempt
        assert ledger.get(job.id).status is Status.RUNNING

    assert ledger.head("in", "a/b.jpg") == V1
    again = ledger.claim(job, lease_s=60)
    assert (again.head, again.known) == (V1, ledger.get(job.id))


def test_head_of_unknown_and_unstarted_key_is_none(ledger: Ledger, make_job: MakeJob) -> None:
    """A claim alone makes no head."""
    ledger.claim(make_job(), lease_s=60)

    assert ledger.head("in", "a/b.jpg") is None
    assert ledger.head("in", "never") is None


def test_finish_keeps_the_whole_outcome_and_the_key_until_its_notice_is_out(ledger: Ledger, make_job: MakeJob) -> None:
    """What the pipeline says of an ending comes back as it was said; nobody else may hand over the notice meanwhile."""
    job = make_job()
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    problem = Problem(code="corrupt", message="mögliche Sache\n", remedy="r")
    ending = outcome_of(job, Status.REJECTED, duration_ms=1.5, error=problem, warnings=("a", "b"))

    ledger.finish(claim, ending)

    assert ledger.get(job.id) == replace(ending, attempts=1)
    with pytest.raises(Busy):
        ledger.claim(job, lease_s=60)
    ledger.release(claim)
    assert ledger.claim(job, lease_s=60).known == replace(ending, attempts=1)


def test_finish_as_superseded_frees_the_key(ledger: Ledger, make_job: MakeJob) -> None:
    """Nobody is told of it, so the next worker need not wait."""
    old = make_job()
    ledger.finish(ledger.claim(old, lease_s=60), outcome_of(old, Status.SUPERSEDED))

    ledger.claim(make_job(version="v2"), lease_s=60)


def test_finish_without_start_is_recorded(ledger: Ledger, make_job: MakeJob) -> None:
    """A job can end before it ran, as when its worker never came up; it makes no head."""
    job = make_job()
    claim = ledger.claim(job, lease_s=60)

    ledger.finish(claim, outcome_of(job, Status.FAILED, attempts=3))

    assert ledger.get(job.id) == outcome_of(job, Status.FAILED, attempts=3)
    assert ledger.head("in", "a/b.jpg") is None


def test_finish_repeated_changes_nothing(ledger: Ledger, make_job: MakeJob) -> None:
    """A repeat with the same claim neither alters the ending nor owes its notice anew."""
    job = make_job()
    claim = _run(ledger, job)
    ledger.mark_notified(job.id, claim.token)

    ledger.finish(claim, outcome_of(job, Status.FAILED))

    assert ledger.get(job.id).status is Status.SUCCEEDED
    assert ledger.unnotified() == []


def test_stale_claim_can_neither_start_nor_finish(ledger: Ledger, make_job: MakeJob, advance: Advance) -> None:
    """Who was overtaken learns it and changes nothing, also after the other one has ended."""
    old_job, new_job = make_job(), make_job(version="v2")
    old = ledger.claim(old_job, lease_s=10)
    ledger.start(old, outcome_of(old_job, Status.RUNNING), V1)
    advance(11)
    _run(ledger, new_job, head=V2)

    with pytest.raises(LostLease):
        ledger.finish(old, outcome_of(old_job, Status.SUCCEEDED))
    with pytest.raises(LostLease):
        ledger.start(old, outcome_of(old_job, Status.RUNNING), V1)

    assert ledger.get(old_job.id).status is Status.RUNNING
    assert ledger.head("in", "a/b.jpg") == V2


def test_finish_after_the_lease_ended_but_nobody_came_counts(
    ledger: Ledger, make_job: MakeJob, advance: Advance
) -> None:
    """A slow worker whom nobody overtook has not worked in vain."""
    job = make_job()
    claim = ledger.claim(job, lease_s=10)
    advance(1000)

    ledger.finish(claim, outcome_of(job, Status.SUCCEEDED))

    assert ledger.get(job.id).status is Status.SUCCEEDED


def test_release_frees_the_key_and_leaves_the_job(ledger: Ledger, make_job: MakeJob) -> None:
    """A handed-back claim can be taken at once."""
    job = make_job()
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), V1)

    ledger.release(claim)

    assert ledger.claim(job, lease_s=60).known.status is Status.RUNNING


def test_release_of_a_lost_claim_leaves_the_new_one(ledger: Ledger, make_job: MakeJob, advance: Advance) -> None:
    """A stale worker cannot free the key under the worker that overtook it."""
    old = ledger.claim(make_job(), lease_s=10)
    advance(11)
    ledger.claim(make_job(version="v2"), lease_s=60)

    ledger.release(old)

    with pytest.raises(Busy):
        ledger.claim(make_job(), lease_s=60)


def test_claim_knows_the_token_of_the_last_ending(ledger: Ledger, make_job: MakeJob) -> None:
    """Who repeats a notice does it under the token of the ending that it tells of."""
    job = make_job()
    ending = _run(ledger, job)
    ledger.release(ledger.claim(job, lease_s=60))

    again = ledger.claim(job, lease_s=60)

    assert again.known_token == ending.token < again.token


def test_abandon_frees_the_key_of_a_dead_worker_only(ledger: Ledger, make_job: MakeJob) -> None:
    """The death of a job's worker ends that job's lease and no other; its late call is still refused afterwards."""
    dead = ledger.claim(make_job(key="a"), lease_s=60)
    ledger.claim(make_job(key="b"), lease_s=60)

    ledger.abandon(dead.job_id)

    ledger.claim(make_job(key="a"), lease_s=60)
    with pytest.raises(LostLease):
        ledger.finish(dead, outcome_of(make_job(key="a"), Status.SUCCEEDED))
    with pytest.raises(Busy):
        ledger.claim(make_job(key="b"), lease_s=60)


def test_reopened_job_is_queued_and_keeps_its_attempts(ledger: Ledger, make_job: MakeJob) -> None:
    """A replay forgets how the job ended and what was owed for it, and remembers how often it was tried."""
    job = make_job()
    _run(ledger, job, Status.FAILED)

    reopened = ledger.reopen(job.id)

    assert reopened == outcome_of(job, Status.QUEUED, attempts=1)
    assert ledger.get(job.id) == reopened
    assert ledger.unnotified() == []
    claim = ledger.claim(job, lease_s=60)
    assert (claim.known, claim.notified, claim.head) == (reopened, False, V1)


def test_reopen_of_running_or_unknown_job_changes_nothing(ledger: Ledger, make_job: MakeJob) -> None:
    """Only an ended job can be put back."""
    job = make_job()
    assert ledger.reopen(job.id) is None
    ledger.start(ledger.claim(job, lease_s=60), outcome_of(job, Status.RUNNING), V1)

    assert ledger.reopen(job.id) == ledger.get(job.id) == outcome_of(job, Status.RUNNING, attempts=1)


def test_superseded_job_owes_nothing(ledger: Ledger, make_job: MakeJob) -> None:
    """Nobody is told of a superseded job, so a later claim finds no notice missing."""
    job = make_job()
    _run(ledger, job, Status.SUPERSEDED)

    assert ledger.claim(job, lease_s=60).notified


def test_notice_is_owed_from_the_ending_until_it_is_marked(ledger: Ledger, make_job: MakeJob) -> None:
    """After a crash between ending and notice, the ledger still knows who has not been told."""
    job = make_job()
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    assert ledger.unnotified() == []
    ledger.finish(claim, outcome_of(job, Status.SUCCEEDED))
    ledger.release(claim)
    assert ledger.unnotified() == [(ledger.get(job.id), claim.token)]
    assert not ledger.claim(job, lease_s=0).notified

    ledger.mark_notified(job.id, claim.token)

    assert ledger.unnotified() == []
    assert ledger.claim(job, lease_s=0).notified


def test_notice_of_an_older_ending_does_not_count_for_the_newer(ledger: Ledger, make_job: MakeJob) -> None:
    """A job that ends again, as by A, B, A, owes a notice again; the late mark of its first ending is nothing."""
    job = make_job()
    first = _run(ledger, job)
    second = _run(ledger, job)

    ledger.mark_notified(job.id, first.token)
    assert [token for _, token in ledger.unnotified()] == [second.token]

    ledger.mark_notified(job.id, second.token)
    assert ledger.unnotified() == []


def test_running_job_cannot_be_marked_notified(ledger: Ledger, make_job: MakeJob) -> None:
    """There is no notice before there is an ending."""
    job = make_job()
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    ledger.mark_notified(job.id, claim.token)

    ledger.finish(claim, outcome_of(job, Status.SUCCEEDED))

    assert len(ledger.unnotified()) == 1


def test_unnotified_lists_the_oldest_first_and_nobody_for_superseded(ledger: Ledger, make_job: MakeJob) -> None:
    """Every ending but `superseded` is told of, in the order of the endings."""
    endings = [Status.REJECTED, Status.SUPERSEDED, Status.FAILED, Status.QUARANTINED, Status.SUCCEEDED]
    for number, status in enumerate(endings):
        _run(ledger, make_job(key=str(number)), status)

    assert [outcome.upload.key for outcome, _ in ledger.unnotified()] == ["0", "2", "3", "4"]
    assert [outcome.upload.key for outcome, _ in ledger.unnotified(limit=2)] == ["0", "2"]


def test_get_unknown_job_is_none(ledger: Ledger) -> None:
    """A job that nobody began is None."""
    assert ledger.get("job_none") is None


def test_jobs_lists_the_last_changed_first_in_pages(ledger: Ledger, make_job: MakeJob) -> None:
    """Pages by `after` hold every job once; a job that changes comes to the front."""
    jobs = [make_job(key=str(number)) for number in range(5)]
    for job in jobs:
        _run(ledger, job)
    _run(ledger, jobs[1])

    seen, after = [], None
    while page := ledger.jobs(limit=2, after=after):
        seen += [outcome.upload.key for outcome in page]
        after = page[-1].id

    assert seen == ["1", "4", "3", "2", "0"]
    assert ledger.jobs(after="job_none") == []


def test_jobs_by_status_lists_only_those(ledger: Ledger, make_job: MakeJob) -> None:
    """A status selects, and pages as the whole list does."""
    for number, status in enumerate([Status.REJECTED, Status.SUCCEEDED, Status.REJECTED]):
        _run(ledger, make_job(key=str(number)), status)

    rejected = ledger.jobs(status=Status.REJECTED)

    assert [outcome.upload.key for outcome in rejected] == ["2", "0"]
    assert [o.upload.key for o in ledger.jobs(status=Status.REJECTED, after=rejected[0].id)] == ["0"]
    assert ledger.jobs(status=Status.FAILED) == []


def test_another_connection_sees_everything_at_once(connect_ledger: Callable[[], Ledger], make_job: MakeJob) -> None:
    """What a method has done is there for every worker when it returns."""
    one, other = connect_ledger(), connect_ledger()
    claim = one.claim(make_job(), lease_s=60)
    with pytest.raises(Busy):
        other.claim(make_job(), lease_s=60)

    other.finish(claim, outcome_of(make_job(), Status.SUCCEEDED))

    assert one.get(make_job().id).status is Status.SUCCEEDED


def test_racing_claims_have_one_winner(connect_ledger: Callable[[], Ledger], make_job: MakeJob) -> None:
    """Of many workers that claim a key at once, one gets it."""
    ledgers = [connect_ledger() for _ in range(6)]

    def claim(number: int) -> bool:
        try:
            ledgers[number].claim(make_job(version=str(number)), lease_s=60)
        except Busy:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(claim, range(6))) == 1
