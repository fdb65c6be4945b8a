"""What `DynamoLedger` does beside its contract: on bad days, over days and months, and as the table is defined."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws import table
from safelight.aws.access import Access
from safelight.aws.client import TRIES, Timing
from safelight.aws.ledger import DynamoLedger
from safelight.aws.sigv4 import Credentials
from safelight.errors import Busy, LostLease, ResourceMissing, Unavailable
from safelight.job import Job, Status, outcome_of
from safelight.ports import KeyHead
from tests.servers.aws import Server
from tests.servers.faults import Proxy, proxy
from tests.unit.aws.shapes import CheckedClient
from tests.unit.test_pipeline_simulation import assert_promises, in_memory

MakeJob = Callable[..., Job]
V1 = KeyHead(version="v1", sequencer="00A1")
THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}')
CONFLICT = (
    400,
    (
        b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",'
        b'"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]}'
    ),
)
AWAY = (503, b"")


class Bad(Struct, frozen=True):
    """A ledger behind a proxy that has bad days."""

    ledger: DynamoLedger
    client: CheckedClient
    proxy: Proxy
    name: str


def _unique() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def bad(ministack: Server, now: Callable[[], float]) -> Iterator[Bad]:
    name = f"ledger-{secrets.token_hex(8)}"
    ministack.client("dynamodb").create_table(TableName=name, **table.DEFINITION)
    with proxy(ministack.endpoint) as between:
        keys = Credentials(key_id=ministack.access_key, secret=ministack.secret_key)
        access = Access(region=ministack.region, credentials=keys, endpoint=between.endpoint)
        timing = Timing(now=time.time, monotonic=time.monotonic, sleep=lambda _: None, random=lambda: 0.5)
        with closing(CheckedClient(access, timing, timeout_s=60)) as client:
            yield Bad(DynamoLedger(client, name, now=now, unique=_unique), client, between, name)


def _life(ledger: DynamoLedger, job: Job) -> None:
    """Call every method once."""
    claim = ledger.claim(job, lease_s=60)
    ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    ledger.finish(claim, outcome_of(job, Status.FAILED))
    assert [token for _, token in ledger.unnotified()] == [claim.token]
    ledger.mark_notified(job.id, claim.token)
    ledger.release(claim)
    assert ledger.jobs() == [outcome_of(job, Status.FAILED, attempts=1)]
    ledger.reopen(job.id)
    again = ledger.claim(job, lease_s=60)
    ledger.release(again)
    ledger.claim(job, lease_s=60)
    ledger.abandon(job.id)
    assert ledger.get(job.id) == outcome_of(job, Status.QUEUED, attempts=1)
    assert ledger.head("in", "a/b.jpg") == V1


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop", "lost", "cut"])
def test_every_call_survives_one_fault(bad: Bad, make_job: MakeJob, fault: tuple[int, bytes] | str) -> None:
    """Throttled, away, or carried out without an answer: each call is made good, and nothing counts twice."""
    bad.proxy.faults = [fault, None] * 200

    _life(bad.ledger, make_job())

    assert len(bad.proxy.faults) < 400 - 30, "the faults were met"


def test_conflict_of_transactions_is_tried_again(bad: Bad, make_job: MakeJob) -> None:
    """Two transactions on one item at once cancel each other; that is no lost lease."""
    job = make_job()
    claim = bad.ledger.claim(job, lease_s=60)
    bad.proxy.faults = [None, CONFLICT, CONFLICT]  # the first notes the day

    bad.ledger.start(claim, outcome_of(job, Status.RUNNING), V1)

    assert bad.ledger.get(job.id) == outcome_of(job, Status.RUNNING, attempts=1)
    assert bad.proxy.faults == []


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop"])
def test_lasting_fault_is_unavailable_and_changes_nothing(
    bad: Bad, make_job: MakeJob, fault: tuple[int, bytes] | str
) -> None:
    """A bad day hands the message back; the job is as it was."""
    job = make_job()
    claim = bad.ledger.claim(job, lease_s=60)
    bad.proxy.faults = [fault] * TRIES * 2

    with pytest.raises(Unavailable):
        bad.ledger.start(claim, outcome_of(job, Status.RUNNING), V1)

    bad.proxy.faults = []
    assert bad.ledger.get(job.id) is None
    bad.ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    assert bad.ledger.get(job.id).attempts == 1


def test_claim_whose_answer_was_lost_still_holds_its_key(bad: Bad, make_job: MakeJob) -> None:
    """The retry finds the key leased, by nobody but itself; others are refused."""
    bad.proxy.faults = ["lost"]

    claim = bad.ledger.claim(make_job(), lease_s=60)

    with pytest.raises(Busy):
        bad.ledger.claim(make_job(version="v2"), lease_s=60)
    bad.ledger.finish(claim, outcome_of(make_job(), Status.SUCCEEDED))


def test_missing_table_is_named_a_missing_resource(bad: Bad, ministack: Server, make_job: MakeJob) -> None:
    """A table that is gone is the deployment's fault, never the upload's: the message stays."""
    ministack.client("dynamodb").delete_table(TableName=bad.name)

    with pytest.raises(ResourceMissing) as gone:
        bad.ledger.claim(make_job(), lease_s=60)

    assert gone.value.retry


def test_lists_go_over_days_and_months(bad: Bad, make_job: MakeJob, advance: Callable[[float], None]) -> None:
    """Pages hold each job once over many days, with and without a status, and days without jobs are no end."""
    ledger, expected = bad.ledger, []
    for number in range(12):
        job = make_job(key=str(number))
        claim = ledger.claim(job, lease_s=60)
        ledger.finish(claim, outcome_of(job, Status.SUCCEEDED if number % 3 else Status.REJECTED))
        expected.insert(0, str(number))
        advance(86_400 * (5 if number % 2 else 0.25))

    def pages(status: Status | None) -> list[str]:
        seen, after = [], None
        while page := ledger.jobs(status=status, limit=5, after=after):
            seen += [outcome.upload.key for outcome in page]
            after = page[-1].id
        return seen

    assert pages(None) == expected
    assert pages(Status.REJECTED) == [key for key in expected if int(key) % 3 == 0]
    assert [outcome.upload.key for outcome, _ in ledger.unnotified(limit=3)] == ["0", "1", "2"]


def test_items_carry_the_time_at_which_they_may_go(
    bad: Bad, ministack: Server, make_job: MakeJob, now: Callable[[], float]
) -> None:
    """Every item has the attribute of `TIME_TO_LIVE`, later than any job that needs it."""
    job = make_job()
    claim = bad.ledger.claim(job, lease_s=60)
    bad.ledger.start(claim, outcome_of(job, Status.RUNNING), V1)
    bad.ledger.finish(claim, outcome_of(job, Status.SUCCEEDED))

    items = ministack.client("dynamodb").scan(TableName=bad.name)["Items"]

    assert {item["pk"]["S"].partition("/")[0] for item in items} == {"key", "job", "days"}
    name = table.TIME_TO_LIVE["AttributeName"]
    assert all(int(item[name]["N"]) >= now() + 89 * 86_400 for item in items)


def test_abandon_by_another_process_frees_what_was_started(bad: Bad, make_job: MakeJob) -> None:
    """A job that was started names its key; one that was only claimed is left to its lease's end, without a search."""
    other = DynamoLedger(bad.client, bad.name, now=lambda: 1_800_000_000.0, unique=_unique)
    started, claimed = make_job(key="started"), make_job(key="claimed")
    bad.ledger.start(bad.ledger.claim(started, lease_s=60), outcome_of(started, Status.RUNNING), V1)
    bad.ledger.claim(claimed, lease_s=60)

    for job in (started, claimed, make_job(key="unknown")):
        other.abandon(job.id)

    other.claim(started, lease_s=60)
    with pytest.raises(Busy):
        other.claim(claimed, lease_s=60)


def test_key_of_the_greatest_length_has_an_item(bad: Bad, make_job: MakeJob) -> None:
    """S3's longest bucket and key fit into the name of an item."""
    job = make_job(key="写" * 341)
    claim = bad.ledger.claim(job, lease_s=60)

    bad.ledger.finish(claim, outcome_of(job, Status.SUCCEEDED))

    assert len(table.key_pk("b" * 63, "k" * 1024)) < 2048
    assert bad.ledger.get(job.id).status is Status.SUCCEEDED


def test_stale_claim_learns_of_its_loss_also_when_answers_are_lost(
    bad: Bad, make_job: MakeJob, advance: Callable[[float], None]
) -> None:
    """A lost answer must not hide that another worker took the key."""
    old = bad.ledger.claim(make_job(), lease_s=10)
    advance(11)
    bad.ledger.claim(make_job(version="v2"), lease_s=60)
    bad.proxy.faults = [None, "lost"]

    with pytest.raises(LostLease):
        bad.ledger.finish(old, outcome_of(make_job(), Status.SUCCEEDED))


@pytest.mark.parametrize("seed", [1, 2])
def test_pipeline_on_bad_days_keeps_every_promise(bad: Bad, seed: int) -> None:
    """Events doubled and out of order, workers killed and asleep, and each eighth call throttled, lost or dropped."""
    simulation, notifier, output = in_memory(seed, versioned=True)
    ledger = DynamoLedger(bad.client, bad.name, now=simulation.clock.now, unique=_unique)
    simulation.ports = replace(simulation.ports, ledger=ledger)
    chance = random.Random(seed)
    bad.proxy.faults = [chance.choice((THROTTLED, AWAY, "drop", "lost", *[None] * 28)) for _ in range(20_000)]

    simulation.run(60)

    assert_promises(simulation, notifier.told, lambda key: output.objects[key].body)
    assert len(bad.proxy.faults) < 20_000 - 500
