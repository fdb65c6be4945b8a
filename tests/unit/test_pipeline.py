"""The spine, on ports in memory: every rule about repeats, order, claims, errors and notices."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from msgspec.structs import replace
from PIL import Image

from safelight.deliver import source_id
from safelight.errors import Busy, Conflict, DiskFull, LostLease, SafelightError, Timeout, Unavailable
from safelight.job import Job, Outcome, Status, Upload, outcome_of
from safelight.pipeline import LEASE_GRACE_S, fail, process
from safelight.ports import Attributes, KeyHead
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.steps.resize import Resize
from tests.unit.fakes import Death, Killed, World, job_for, png

LIMITS = Limits()
OUT = "processed_a.png"
BROKEN = b"this is no picture"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def drop(world: World) -> Callable[..., Job]:
    """Give a function that puts a picture into the input and returns its job."""

    def dropped(shade: int = 1, *, key: str = "a.png", body: bytes | None = None, sequencer: str | None = None) -> Job:
        return job_for(world.input.drop(key, png(shade) if body is None else body, sequencer=sequencer))

    return dropped


def run(world: World, job: Job) -> Outcome:
    return process(job, world.ports, LIMITS)


def taken_by(world: World, job: Job, *, token: int, body: bytes = b"theirs", **metadata: str) -> None:
    """Put an output into the place of the job's, as another worker of ours does."""
    theirs = {"job-id": "job_other", "source-id": source_id(job.upload), "claim": str(token), **metadata}
    world.output.put(OUT, body, Attributes(content_type="image/png", metadata=theirs), expect=None)
    world.output.puts.clear()


# Repeats


def test_process_new_upload_writes_its_output_and_tells(world: World, drop: Callable[..., Job]) -> None:
    """The plain way: one output, one outcome in the ledger, one notice."""
    job = drop(1)
    outcome = run(world, job)
    assert (outcome.status, outcome.attempts, [each.key for each in outcome.renditions]) == ("succeeded", 1, [OUT])
    assert world.bytes(OUT) == png(1)
    assert world.ledger.get(job.id) == outcome
    assert world.notifier.notices == [(f"{job.id}-{world.metadata(OUT)['claim']}", outcome)]
    assert world.ledger.unnotified() == []


@pytest.mark.parametrize("body", [png(1), BROKEN], ids=["succeeded", "rejected"])
def test_process_repeated_event_of_an_ended_job_does_nothing(
    world: World, drop: Callable[..., Job], body: bytes
) -> None:
    """A repeat returns the known outcome: no put, no notice, and the key is free again at once."""
    job = drop(body=body)
    first = run(world, job)
    puts, notices = list(world.output.puts), list(world.notifier.notices)
    assert run(world, job) == first
    assert run(world, job) == first
    assert (world.output.puts, world.notifier.notices) == (puts, notices)


def test_process_a_b_a_develops_a_again(world: World, drop: Callable[..., Job]) -> None:
    """A version that comes back after another one is developed again, and told again as a new event."""
    first = drop(1)
    run(world, first)
    run(world, drop(2))
    world.input.drop("a.png", png(1), version=first.upload.version)
    outcome = run(world, first)
    assert (outcome.status, outcome.attempts) == ("succeeded", 2)
    assert world.bytes(OUT) == png(1)
    assert world.notifier.statuses == ["succeeded"] * 3
    assert len(world.notifier.told) == 3


def test_process_older_version_is_superseded_without_a_notice(world: World, drop: Callable[..., Job]) -> None:
    """What the store no longer holds is not developed, and nobody is told."""
    old, new = drop(1), drop(2)
    outcome = run(world, old)
    assert (outcome.status, outcome.error and outcome.error.code) == ("superseded", "superseded")
    assert run(world, new).status is Status.SUCCEEDED
    assert run(world, old).status is Status.SUPERSEDED
    assert world.bytes(OUT) == png(2)
    assert world.notifier.statuses == ["succeeded"]


def test_process_late_repeat_of_an_older_done_version_changes_nothing(world: World, drop: Callable[..., Job]) -> None:
    """An ended job stays as it ended when its event comes again after a newer version was developed."""
    old = drop(1)
    ended = run(world, old)
    run(world, drop(2))
    assert run(world, old) == ended
    assert world.ledger.get(old.id) == ended
    assert world.bytes(OUT) == png(2)
    assert len(world.notifier.notices) == 2


def test_process_vanished_upload_is_superseded_and_not_told(world: World, drop: Callable[..., Job]) -> None:
    """A file that was deleted before its turn is nobody's fault."""
    job = drop(1)
    world.input.delete("a.png")
    outcome = run(world, job)
    assert (outcome.status, outcome.error and outcome.error.code) == ("superseded", "not_found")
    assert (world.notifier.notices, world.output.puts) == ([], [])


@pytest.mark.parametrize(("act", "code"), [("delete", "not_found"), ("replace", "superseded")])
def test_process_upload_that_changes_while_it_is_fetched_is_superseded(
    world: World, drop: Callable[..., Job], act: str, code: str
) -> None:
    """What happens to the file between the look and the reading ends the job without a notice; the key is free."""
    job = drop(1)
    world.input.on["fetch"] = lambda: world.input.delete("a.png") if act == "delete" else _drop_again(world)
    outcome = run(world, job)
    assert (outcome.status, outcome.error and outcome.error.code) == ("superseded", code)
    assert world.notifier.notices == []
    if act == "replace":
        assert run(world, job_for(next(world.input.walk()))).status is Status.SUCCEEDED


def _drop_again(world: World) -> None:
    world.input.drop("a.png", png(9))


# Order by sequencer


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6", "second"),
        ("0055AED6DCD90281E6", "0055AED6DCD90281E5", "first"),
        ("0055aed6dcd90281e5", "0055AED6DCD90281E6", "second"),
        ("00A1", "00A100", "second"),  # the same number, padded on the right with zeros: not older, so it is developed
        ("00A1", "00A101", "second"),
        ("00A2", "00A199", "first"),  # as plain numbers the second would be larger
        ("00a199", "00A2", "second"),
    ],
)
def test_process_versions_with_sequencers_are_ordered_by_them(
    world: World, drop: Callable[..., Job], first: str, second: str, wins: str
) -> None:
    """The larger sequencer is newer, whatever its case and length; shorter ones are padded with zeros on the right."""
    one, two = drop(1, sequencer=first), drop(2, sequencer=second)
    world.input.drop("a.png", png(1), version=one.upload.version)  # both can be fetched, as from a versioned bucket
    run(world, one)
    world.input.drop("a.png", png(2), version=two.upload.version)
    outcome = run(world, two)
    assert outcome.status is (Status.SUCCEEDED if wins == "second" else Status.SUPERSEDED)
    assert world.bytes(OUT) == png(2 if wins == "second" else 1)


def test_process_sequencer_without_a_known_one_is_developed(world: World, drop: Callable[..., Job]) -> None:
    """Where the head has no sequencer an event with one is newer: the store need not be asked."""
    run(world, drop(1))
    asked = []
    world.input.on["head"] = lambda: asked.append("head")
    assert run(world, drop(2, sequencer="00A1")).status is Status.SUCCEEDED
    assert asked == []


def test_process_event_without_a_sequencer_asks_the_store(world: World, drop: Callable[..., Job]) -> None:
    """A scan or replay carries no sequencer; what the store holds now decides."""
    run(world, drop(1, sequencer="00FF"))
    assert run(world, drop(2)).status is Status.SUCCEEDED


# Puts


def test_process_own_output_that_is_there_counts_as_done(world: World, drop: Callable[..., Job]) -> None:
    """A job that crashed after its put writes nothing again."""
    job = drop(1)
    taken_by(world, job, token=1, body=png(1), **{"job-id": job.id})
    outcome = run(world, job)
    assert outcome.status is Status.SUCCEEDED
    assert world.output.puts == []
    assert outcome.renditions[0].etag == world.output.objects[OUT].etag


def test_process_output_of_an_older_claim_is_overwritten(world: World, drop: Callable[..., Job]) -> None:
    """The newest version of an upload takes the place of an older one's output."""
    job = drop(1)
    taken_by(world, job, token=1)
    assert run(world, job).status is Status.SUCCEEDED
    assert world.bytes(OUT) == png(1)


def test_process_output_of_a_newer_claim_supersedes(world: World, drop: Callable[..., Job]) -> None:
    """A worker that slept while a newer version was written leaves it there, and nobody is told."""
    job = drop(1)
    taken_by(world, job, token=10**15)
    outcome = run(world, job)
    assert (outcome.status, world.bytes(OUT)) == (Status.SUPERSEDED, b"theirs")
    assert world.notifier.notices == []


def test_process_output_of_another_upload_is_a_key_conflict(world: World, drop: Callable[..., Job]) -> None:
    """Two uploads that land on one key: the second is rejected and told, the first one's output stays."""
    recipe = Recipe(name="r", renditions=(Rendition(key="{dir}{stem}.png", resize=Resize(width=4)),))
    process(job_for(world.input.drop("x/é 1.png", png(1)), recipe), world.ports, LIMITS)
    before = world.bytes("x/é 1.png")
    outcome = process(job_for(world.input.drop("x/é 1.jpg", png(2)), recipe), world.ports, LIMITS)
    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert (outcome.error.code, "é 1.png" in outcome.error.message) == ("key_conflict", True)
    assert world.bytes("x/é 1.png") == before
    assert world.notifier.statuses == ["succeeded", "rejected"]


def test_process_foreign_file_in_the_way_is_a_key_conflict(world: World, drop: Callable[..., Job]) -> None:
    """A file that Safelight did not make is never overwritten by the service."""
    world.output.drop(OUT, b"mine")
    outcome = run(world, drop(1))
    assert (outcome.status, outcome.error and outcome.error.code) == ("rejected", "key_conflict")
    assert world.bytes(OUT) == b"mine"


def test_process_foreign_file_under_replace_foreign_is_replaced(drop: Callable[..., Job]) -> None:
    """`safelight run` may replace what is there."""
    world = World(replace_foreign=True)
    world.output.drop(OUT, b"mine")
    job = job_for(world.input.drop("a.png", png(1)))
    assert run(world, job).status is Status.SUCCEEDED
    assert world.bytes(OUT) == png(1)


def test_process_lost_race_for_the_key_is_looked_at_again(world: World, drop: Callable[..., Job]) -> None:
    """What came to the key a moment before the put is judged like anything that was there."""
    job = drop(1)
    world.output.on["put"] = lambda: taken_by(world, job, token=1)
    assert run(world, job).status is Status.SUCCEEDED
    assert world.bytes(OUT) == png(1)


def test_process_output_that_vanishes_between_put_and_look_is_written(world: World, drop: Callable[..., Job]) -> None:
    """Where nothing is any more, the output is created."""
    taken_by(world, drop(1), token=1)
    world.output.on["head"] = lambda: world.output.delete(OUT)
    assert run(world, drop(1)).status is Status.SUCCEEDED
    assert world.bytes(OUT) == png(1)


def test_process_key_that_never_stays_is_tried_again_later(world: World, drop: Callable[..., Job]) -> None:
    """A key that changes hands at every look is a fault of the world, not an endless loop."""
    job, looks = drop(1), []

    def put_again() -> None:
        looks.append(1)
        assert len(looks) < 100
        world.output.drop(OUT, b"%d" % len(looks), version=f"n{len(looks)}")
        world.output.objects[OUT] = _ours(world, job)
        world.output.on["put"] = put_again

    put_again()
    with pytest.raises(Unavailable):
        run(world, job)
    assert world.notifier.notices == []


def _ours(world: World, job: Job) -> object:
    found = world.output.objects[OUT]
    metadata = {"job-id": "job_other", "source-id": source_id(job.upload), "claim": "1"}
    return replace(found, attributes=Attributes(content_type="image/png", metadata=metadata))


def test_process_stalled_while_a_b_a_leaves_the_newest_output(world: World, drop: Callable[..., Job]) -> None:
    """B sleeps past its lease; the key goes back to A, whose output is still there. B must not overwrite it."""
    a = drop(1)
    run(world, a)
    b = drop(2)

    def sleep() -> None:
        world.clock.advance(LIMITS.seconds + LEASE_GRACE_S + 1)
        world.input.drop("a.png", png(1), version=a.upload.version)
        assert run(world, a).status is Status.SUCCEEDED

    world.output.on["put"] = sleep
    with pytest.raises(LostLease):
        run(world, b)
    assert world.bytes(OUT) == png(1)
    assert run(world, b).status is Status.SUPERSEDED
    assert world.bytes(OUT) == png(1)


# Errors


def test_process_permanent_error_is_recorded_and_told(world: World, drop: Callable[..., Job]) -> None:
    """Bad input ends the job at the first try."""
    job = drop(body=BROKEN)
    outcome = run(world, job)
    assert (outcome.status, outcome.attempts, outcome.error and outcome.error.code) == ("rejected", 1, "unknown_format")
    assert world.ledger.get(job.id) == outcome
    assert world.notifier.statuses == ["rejected"]


@pytest.mark.parametrize("error", [DiskFull("full"), Unavailable("away"), RuntimeError("unknown")])
def test_process_error_that_may_pass_gives_the_claim_back_and_is_raised(
    world: World, drop: Callable[..., Job], error: Exception
) -> None:
    """The entry decides on another try; until then nobody is told, and the key is free for it."""
    job = drop(1)
    world.output.on["put"] = lambda: _raise(error)
    with pytest.raises(type(error)):
        run(world, job)
    known = world.ledger.get(job.id)
    assert known is not None
    assert (known.status, known.attempts, world.notifier.notices) == (Status.RUNNING, 1, [])
    outcome = run(world, job)
    assert (outcome.status, outcome.attempts) == (Status.SUCCEEDED, 2)


def _raise(error: Exception) -> None:
    raise error


def test_process_key_under_a_lease_is_busy(world: World, drop: Callable[..., Job]) -> None:
    """Two versions of a key are never developed at the same time; the error says when to come again."""
    world.ledger.claim(drop(1), lease_s=30)
    with pytest.raises(Busy) as busy:
        run(world, drop(2))
    assert busy.value.retry_after_s == 30


def test_process_result_of_a_lost_lease_does_not_count(world: World, drop: Callable[..., Job]) -> None:
    """Who slept past the lease records nothing and tells nobody; the later worker's ending stays."""
    job = drop(1)

    def sleep() -> None:
        world.clock.advance(LIMITS.seconds + LEASE_GRACE_S + 1)
        assert run(world, job).status is Status.SUCCEEDED

    world.input.on["fetch"] = sleep
    with pytest.raises(LostLease):
        run(world, job)
    assert world.notifier.statuses == ["succeeded"]
    assert world.ledger.get(job.id) == world.notifier.notices[0][1]
    assert len(world.output.puts) == 1


def test_process_started_after_the_lease_was_lost_fetches_nothing(world: World, drop: Callable[..., Job]) -> None:
    """A claim that ended before the work began is noticed before anything is read."""
    job = drop(1)

    def sleep() -> None:
        world.clock.advance(LIMITS.seconds + LEASE_GRACE_S + 1)
        world.ledger.claim(job, lease_s=60)
        world.input.on["fetch"] = lambda: pytest.fail("fetched")

    world.input.on["head"] = sleep
    with pytest.raises(LostLease):
        run(world, job)


def test_process_picture_with_frames_left_out_records_the_warning(world: World) -> None:
    """What a person should know of a success is in its outcome and in its notice."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    file = BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    recipe = Recipe(name="r", renditions=(Rendition(key="{stem}.png", resize=Resize(width=4)),))
    job = job_for(world.input.drop("a.gif", file.getvalue()), recipe)
    outcome = process(job, world.ports, LIMITS)
    assert any("2 frames" in warning for warning in outcome.warnings)
    assert world.notifier.notices[0][1].warnings == outcome.warnings
    assert world.ledger.get(job.id) == outcome


# Giving up


def test_fail_after_the_last_try_is_recorded_and_told(world: World, drop: Callable[..., Job]) -> None:
    """The attempts are counted, the error is the last one's."""
    job = drop(1)
    for _ in range(3):
        world.output.on["put"] = lambda: _raise(DiskFull("full"))
        with pytest.raises(DiskFull):
            run(world, job)
    outcome = fail(job, DiskFull("full"), world.ports)
    assert (outcome.status, outcome.attempts, outcome.error and outcome.error.code) == ("failed", 3, "disk_full")
    assert world.ledger.get(job.id) == outcome
    assert world.notifier.statuses == ["failed"]


def test_fail_of_a_job_that_ended_meanwhile_changes_nothing(world: World, drop: Callable[..., Job]) -> None:
    """A worker that died after its job had ended does not turn a success into a failure."""
    job = drop(1)
    ended = run(world, job)
    assert fail(job, Timeout("slow"), world.ports) == ended
    assert world.notifier.statuses == ["succeeded"]
    run(world, drop(2))  # the key is free


def test_fail_of_a_version_that_is_no_longer_the_newest_is_superseded(world: World, drop: Callable[..., Job]) -> None:
    """Nobody is bothered with the failure of a version that a newer one has replaced."""
    job = drop(1)
    drop(2)
    assert fail(job, Timeout("slow"), world.ports).status is Status.SUPERSEDED
    assert world.notifier.notices == []


def test_fail_while_the_input_cannot_be_asked_is_told_nevertheless(world: World, drop: Callable[..., Job]) -> None:
    """No failure is silent because of a second one."""
    job = drop(1)
    world.input.on["head"] = lambda: _raise(Unavailable("away"))
    assert fail(job, Timeout("slow"), world.ports).status is Status.FAILED
    assert world.notifier.statuses == ["failed"]


def test_fail_of_a_job_that_never_began_makes_its_version_the_head(world: World, drop: Callable[..., Job]) -> None:
    """A worker may die before it could record anything; a scan must not queue the same version for ever after."""
    job = drop(1)
    outcome = fail(job, Timeout("slow"), world.ports)
    head = world.ledger.head("in", "a.png")
    assert head is not None
    assert head.version == job.upload.version
    assert outcome == world.ledger.get(job.id)
    assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)


def test_process_failed_job_is_tried_again_by_its_next_event(world: World, drop: Callable[..., Job]) -> None:
    """`failed` is no ending for good: a scan or another event develops it, and that is told as well."""
    job = drop(1)
    fail(job, Timeout("slow"), world.ports)
    assert run(world, job).status is Status.SUCCEEDED
    assert world.notifier.statuses == ["failed", "succeeded"]
    assert len(world.notifier.told) == 2


@pytest.mark.parametrize("body", [png(1), BROKEN], ids=["succeeded", "rejected"])
def test_process_reopened_job_is_developed_again_and_told(world: World, drop: Callable[..., Job], body: bytes) -> None:
    """A replay is a new event: it runs although the job had ended, and its ending is told."""
    job = drop(body=body)
    status = run(world, job).status
    world.ledger.reopen(job.id)
    outcome = run(world, job)
    assert (outcome.status, outcome.attempts) == (status, 2)
    assert len(world.notifier.told) == 2


# Crashes


def test_process_crash_between_finish_and_notify_is_told_once_on_redelivery(
    world: World, drop: Callable[..., Job]
) -> None:
    """The redelivered event tells the ending that was recorded, and develops nothing."""
    job = drop(1)
    _die(world, job, "before notifier.notify")
    assert world.notifier.notices == []
    (_, token) = world.ledger.unnotified()[0]
    outcome = run(world, job)
    assert world.notifier.notices == [(f"{job.id}-{token}", outcome)]
    assert world.output.puts == [OUT]
    assert run(world, job) == outcome
    assert len(world.notifier.notices) == 1


def test_process_crash_between_notify_and_mark_repeats_the_same_message_id(
    world: World, drop: Callable[..., Job]
) -> None:
    """A notice that may have gone out goes again only under its first message id."""
    job = drop(1)
    _die(world, job, "after notifier.notify")
    run(world, job)
    assert len(world.notifier.notices) == 2
    assert len(world.notifier.told) == 1


def _die(world: World, job: Job, step: str) -> None:
    """Process until that step, and no further."""
    whole = Death()
    twin = World()
    process(job_for(twin.input.drop("a.png", png(1))), whole.wrap(twin.ports), LIMITS)
    with pytest.raises(Killed):
        process(job, Death(whole.steps.index(step) + 1).wrap(world.ports), LIMITS)
    world.ledger.abandon(job.id)


def test_process_repeat_while_the_notice_is_handed_over_waits(world: World, drop: Callable[..., Job]) -> None:
    """Two workers with the same event: the second finds the key taken until the first has told, and tells nobody."""
    job = drop(1)
    met: list[str] = []

    class Meanwhile:
        def notify(self, outcome: Outcome, *, message_id: str) -> None:
            world.notifier.notify(outcome, message_id=message_id)
            with pytest.raises(Busy):
                run(world, job)
            met.append(message_id)

    process(job, replace(world.ports, notifier=Meanwhile()), LIMITS)
    run(world, job)
    assert len(world.notifier.notices) == len(met) == 1


def test_process_whose_notice_fails_gives_the_key_back(world: World, drop: Callable[..., Job]) -> None:
    """The next try need not wait for the lease to end, and only hands the notice over."""
    job = drop(1)

    class Down:
        def notify(self, outcome: Outcome, *, message_id: str) -> None:
            raise Unavailable("no notice today")

    with pytest.raises(Unavailable):
        process(job, replace(world.ports, notifier=Down()), LIMITS)
    assert run(world, job).status is Status.SUCCEEDED
    assert len(world.notifier.notices) == 1
    assert world.output.puts == [OUT]


def test_process_killed_at_each_step_ends_right_after_redelivery(world: World) -> None:
    """Whatever call a worker dies before or after: the next delivery ends the job, whole, told under one id."""
    whole = Death()
    process(job_for(world.input.drop("a.png", png(1))), whole.wrap(world.ports), LIMITS)
    assert len(whole.steps) > 12
    for at, step in enumerate(whole.steps, 1):
        twin = World()
        job = job_for(twin.input.drop("a.png", png(1)))
        with pytest.raises(Killed):
            process(job, Death(at).wrap(twin.ports), LIMITS)
        twin.ledger.abandon(job.id)
        outcome = process(job, twin.ports, LIMITS)
        assert outcome.status is Status.SUCCEEDED, step
        assert twin.bytes(OUT) == png(1), step
        assert len(twin.notifier.told) == 1, step
        assert len(twin.output.puts) == 1, step
        assert twin.ledger.unnotified() == [], step


def test_process_killed_while_an_older_version_is_queued_lets_the_newer_win(world: World) -> None:
    """B dies at any step, then the late event of A and B's own come in either order: B's output is there at the end."""
    whole = Death()
    first = World()
    run(first, job_for(first.input.drop("a.png", png(1))))
    process(job_for(first.input.drop("a.png", png(2))), whole.wrap(first.ports), LIMITS)
    for at in range(1, len(whole.steps) + 1):
        for order in ("ab", "ba"):
            twin = World()
            jobs = {"a": job_for(twin.input.drop("a.png", png(1)))}
            run(twin, jobs["a"])
            jobs["b"] = job_for(twin.input.drop("a.png", png(2)))
            with pytest.raises(Killed):
                process(jobs["b"], Death(at).wrap(twin.ports), LIMITS)
            twin.ledger.abandon(jobs["b"].id)
            for name in order:
                run(twin, jobs[name])
            assert twin.bytes(OUT) == png(2), (whole.steps[at - 1], order)
            assert sorted(twin.notifier.told) == sorted(set(twin.notifier.told))
            assert len(twin.notifier.told) == 2


def test_process_notice_that_cannot_be_handed_over_is_raised_and_told_later(
    world: World, drop: Callable[..., Job]
) -> None:
    """The outcome stands, its notice is owed."""

    class Away:
        def notify(self, outcome: Outcome, *, message_id: str) -> None:
            raise Unavailable("the outbox is locked")

    job = drop(1)
    with pytest.raises(Unavailable):
        process(job, replace(world.ports, notifier=Away()), LIMITS)
    assert [outcome.id for outcome, _ in world.ledger.unnotified()] == [job.id]
    run(world, job)
    assert world.notifier.statuses == ["succeeded"]
    assert world.output.puts == [OUT]


def test_process_upload_over_the_size_limit_is_not_fetched(world: World) -> None:
    """A file's size is known before its bytes are read."""
    upload = Upload(bucket="in", key="a.png", version="v1", etag="e", size=10**12, arrived_at="")
    world.input.drop("a.png", b"", version="v1")
    world.input.on["fetch"] = lambda: pytest.fail("fetched")
    outcome = run(world, job_for(upload))
    assert (outcome.status, outcome.error and outcome.error.code) == ("rejected", "too_large")


def test_process_unknown_error_that_is_no_exception_gives_the_claim_back(
    world: World, drop: Callable[..., Job]
) -> None:
    """Also an interrupt leaves the key free."""
    job = drop(1)

    def interrupt() -> None:
        raise KeyboardInterrupt

    world.input.on["fetch"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(world, job)
    assert run(world, job).status is Status.SUCCEEDED


def test_fail_with_a_broken_ledger_leaves_no_lease(world: World, drop: Callable[..., Job]) -> None:
    """A failure that cannot be recorded is tried again, which must not wait for its own lease."""
    job = drop(1)

    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(world.ledger, name)

        def finish(self, claim: object, outcome: Outcome) -> None:
            raise DiskFull("full")

    with pytest.raises(DiskFull):
        fail(job, Timeout("slow"), replace(world.ports, ledger=Full()))
    assert fail(job, Timeout("slow"), world.ports).status is Status.FAILED


def test_ledger_fake_keeps_the_rules_that_these_tests_lean_on(world: World, drop: Callable[..., Job]) -> None:
    """A fake that took any claim would let every test about leases pass."""
    job = drop(1)
    old = world.ledger.claim(job, lease_s=1)
    world.clock.advance(2)
    world.ledger.claim(job, lease_s=1)
    with pytest.raises(LostLease):
        world.ledger.start(old, outcome_of(job, Status.RUNNING), KeyHead(version="v1"))
    with pytest.raises(Conflict):
        world.output.put("x", b"", Attributes(content_type="x"), expect="other")
    assert issubclass(LostLease, SafelightError)


# Cost


class Taxi:
    """A meter that asks a dollar for each time it began."""

    def __init__(self) -> None:
        self.began = 0
        self.seen: list[Outcome] = []

    def begin(self) -> None:
        self.began += 1

    def cost_usd(self, outcome: Outcome) -> float:
        self.seen.append(outcome)
        return float(self.began)


@pytest.mark.parametrize("body", [png(1), BROKEN], ids=["succeeded", "rejected"])
def test_process_where_jobs_cost_records_it_once(world: World, drop: Callable[..., Job], body: bytes) -> None:
    """The meter sees the whole outcome; ledger and notice have the cost, and a repeat changes nothing of it."""
    meter = Taxi()
    ports = replace(world.ports, meter=meter)
    job = drop(body=body)
    first = process(job, ports, LIMITS)
    assert first.cost_usd == 1.0
    assert meter.seen == [replace(first, cost_usd=None)]
    known, told = world.ledger.get(job.id), [outcome for _, outcome in world.notifier.notices]
    assert (known, told) == (first, [first])
    assert process(job, ports, LIMITS) == first


def test_process_where_nothing_costs_says_nothing_of_it(world: World, drop: Callable[..., Job]) -> None:
    """One machine has no meter."""
    assert run(world, drop(1)).cost_usd is None


def test_fail_where_jobs_cost_records_it(world: World, drop: Callable[..., Job]) -> None:
    """Also a job that failed was paid for."""
    failed = fail(drop(1), Timeout("too slow"), replace(world.ports, meter=Taxi()))
    assert (failed.status, failed.cost_usd) == ("failed", 1.0)
