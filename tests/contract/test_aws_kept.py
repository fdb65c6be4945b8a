"""What `Kept` promises of messages that were given up: whole, findable, delivered again, and kept once."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws import table
from safelight.aws.access import Access
from safelight.aws.client import TRIES, Timing
from safelight.aws.kept import PART_BYTES, Kept, KeptMessage, kept_id, kept_message
from safelight.aws.ledger import DynamoLedger
from safelight.aws.queue import SqsQueue
from safelight.aws.sigv4 import Credentials
from safelight.errors import ResourceMissing, Unavailable
from tests.servers.aws import Server
from tests.servers.faults import Proxy, proxy
from tests.unit.aws.shapes import CheckedClient

THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}')
AWAY = (503, b"")
NOW = 1_800_000_000.0


class World(Struct, frozen=True, kw_only=True):
    """A table behind a proxy, and a queue to deliver to."""

    kept: Kept
    queue: SqsQueue
    ledger: DynamoLedger
    proxy: Proxy
    server: Server
    name: str


@pytest.fixture(params=["ministack", "moto"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    server: Server = request.getfixturevalue(request.param)
    name = f"kept-{secrets.token_hex(8)}"
    server.client("dynamodb").create_table(TableName=name, **table.DEFINITION)
    url = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    keys = Credentials(key_id=server.access_key, secret=server.secret_key)
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=lambda _: None, random=lambda: 0.5)
    with proxy(server.endpoint) as between:
        access = Access(region=server.region, credentials=keys, endpoint=between.endpoint)
        with closing(CheckedClient(access, timing, timeout_s=60)) as client:
            yield World(
                kept=Kept(client, name, now=lambda: NOW),
                queue=SqsQueue(client, url, "", wait_s=0),
                ledger=DynamoLedger(client, name, now=lambda: NOW, unique=lambda: secrets.token_hex(16)),
                proxy=between,
                server=server,
                name=name,
            )


def unreadable(name: str, body: bytes) -> KeptMessage:
    return replace(kept_message(name, body, reason="unknown", kept_at=NOW), problem="of no known shape")


def keep(world: World, name: str, body: bytes, *, sent: str = "s1") -> KeptMessage:
    message = unreadable(name, body)
    assert world.kept.keep(message, body, sent=sent)
    return message


@pytest.mark.parametrize(
    "body",
    [
        b'{"what": "ever"}',
        "写真 é 😀".encode(),
        b"\0\x01\xff",
        b"",
        random.Random(1).randbytes(PART_BYTES),
        random.Random(2).randbytes(PART_BYTES + 1),
        random.Random(3).randbytes(1_048_576),  # SQS's longest, and no compression makes it shorter
    ],
    ids=["json", "unicode", "bytes", "empty", "full", "over", "longest"],
)
def test_message_of_any_length_is_kept_whole(world: World, body: bytes) -> None:
    """What SQS may hold is kept to the last byte, also where it is longer than an item."""
    message = keep(world, "a/b", body)

    assert world.kept.get(message.id) == message
    assert world.kept.body(message.id) == body
    assert message.size == len(body)


def test_message_with_jobs_is_found_by_its_id_and_not_listed(world: World) -> None:
    """A replay of its jobs makes it good; what nobody could read is all that is listed, the latest first."""
    with_jobs = replace(kept_message("m1", b"1", reason="unknown", kept_at=NOW), jobs=("job_1",))
    world.kept.keep(with_jobs, b"1", sent="s1")
    without = [keep(world, f"m{number}", b"x") for number in (2, 3)]

    assert sorted(each.id for each in world.kept.unreadable()) == sorted(each.id for each in without)
    assert len(world.kept.unreadable(limit=1)) == 1
    assert world.kept.get(kept_id("m1")) == with_jobs
    assert world.ledger.jobs() == []


def test_many_messages_are_listed_to_the_last(world: World) -> None:
    """A list goes over pages: DynamoDB gives a million bytes at once."""
    for number in range(40):
        message = replace(unreadable(str(number), b"x"), problem="long " * 8_000)
        world.kept.keep(message, b"x", sent="s1")
    before = len(world.proxy.requests)

    assert len({each.id for each in world.kept.unreadable()}) == 40
    assert len(world.proxy.requests) > before + 1, "more than a page"
    assert len(world.kept.unreadable(limit=7)) == 7


def test_message_is_delivered_again_as_it_was(world: World) -> None:
    """It comes as new, under the id that it had, and is listed no more."""
    body = b'{"a": 1}'
    message = keep(world, "in/a b.jpg/v1", body)

    assert world.kept.deliver(message.id, world.queue)

    (again,) = world.queue.receive(10, visible_again_s=60)
    assert (again.id, again.body, again.receives) == ("in/a b.jpg/v1", body, 1)
    assert world.kept.unreadable() == []
    assert world.kept.body(message.id) == body


def test_unknown_message_is_none(world: World) -> None:
    """Nothing is made up, and nothing is left behind by asking."""
    unknown = kept_id("never")
    world.kept.done(unknown, sent="s1")

    assert (world.kept.get(unknown), world.kept.body(unknown)) == (None, None)
    assert not world.kept.deliver(unknown, world.queue)


def test_repeat_of_one_sending_is_kept_once(world: World) -> None:
    """Before all is done it is kept again; afterwards a repeat does nothing, also when it was delivered since."""
    message = keep(world, "m1", b"x")
    assert world.kept.keep(message, b"x", sent="s1")
    assert len(world.kept.unreadable()) == 1
    world.kept.done(message.id, sent="s1")
    world.kept.deliver(message.id, world.queue)

    assert not world.kept.keep(message, b"x", sent="s1")
    assert world.kept.unreadable() == []


def test_message_that_dies_again_is_listed_again(world: World) -> None:
    """Another sending of the same message is news, and replaces what was kept of the one before."""
    long = b"x" * (PART_BYTES + 5)
    message = keep(world, "m1", long)
    world.kept.done(message.id, sent="s1")
    world.kept.deliver(message.id, world.queue)

    keep(world, "m1", b"short", sent="s2")

    assert [each.size for each in world.kept.unreadable()] == [5]
    assert world.kept.body(message.id) == b"short"


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop", "cut", "lost"])
def test_every_call_survives_one_fault(world: World, fault: tuple[int, bytes] | str) -> None:
    """Throttled, away, or carried out without an answer: each call is made good, and nothing is there twice."""
    world.proxy.faults = [fault, None] * 200

    body = b"x" * (PART_BYTES + 1)
    message = keep(world, "m1", body)
    assert world.kept.unreadable() == [message]
    world.kept.done(message.id, sent="s1")
    assert world.kept.body(message.id) == body
    assert world.kept.deliver(message.id, world.queue)
    assert world.kept.unreadable() == []

    assert len(world.proxy.faults) < 400 - 18, "the faults were met"


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop"])
def test_lasting_fault_is_unavailable(world: World, fault: tuple[int, bytes] | str) -> None:
    """What could not be kept is not taken for kept."""
    world.proxy.faults = [fault] * TRIES * 2

    with pytest.raises(Unavailable):
        world.kept.keep(unreadable("m1", b"x"), b"x", sent="s1")


def test_missing_table_is_named_a_missing_resource(world: World) -> None:
    """A table that is gone is the deployment's fault: the message stays in its queue."""
    world.server.client("dynamodb").delete_table(TableName=world.name)

    with pytest.raises(ResourceMissing):
        world.kept.keep(unreadable("m1", b"x"), b"x", sent="s1")


def test_every_item_may_be_forgotten_in_time_and_fits(world: World) -> None:
    """Each part has the attribute of `TIME_TO_LIVE`, and none is above DynamoDB's 400 kB, which moto enforces."""
    keep(world, "m" * 900, b"\x01" * 1_048_576)

    pages = world.server.client("dynamodb").get_paginator("scan").paginate(TableName=world.name)
    items = [item for page in pages for item in page["Items"]]

    assert len(items) == 9
    assert all(int(item[table.TIME_TO_LIVE["AttributeName"]]["N"]) >= NOW + 89 * 86_400 for item in items)
    sizes = [sum(len(name) + len(next(iter(value.values()))) for name, value in item.items()) for item in items]
    assert max(sizes) < 400_000
