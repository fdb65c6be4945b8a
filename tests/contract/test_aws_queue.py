"""What `SqsQueue` does beside its contract: where it differs, with messages of others, and on bad days."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec import Struct

from safelight import event
from safelight.aws.access import Access
from safelight.aws.client import TRIES, Timing
from safelight.aws.queue import UNKNOWN, SqsQueue
from safelight.aws.sigv4 import Credentials
from safelight.errors import ResourceMissing, Unavailable
from safelight.job import Upload
from tests.servers.aws import Server
from tests.servers.faults import Proxy, proxy
from tests.unit.aws.shapes import CheckedClient

THROTTLED = (400, b'{"__type":"com.amazonaws.sqs#RequestThrottled"}')
AWAY = (503, b"")


class World(Struct, frozen=True, kw_only=True):
    """A queue behind a proxy, and its server as an outsider sees it."""

    queue: SqsQueue
    proxy: Proxy
    server: Server
    live: str
    dead: str


@pytest.fixture(params=["ministack", "moto"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    server: Server = request.getfixturevalue(request.param)
    sqs = server.client("sqs")
    live, dead = (sqs.create_queue(QueueName=f"q-{secrets.token_hex(8)}")["QueueUrl"] for _ in range(2))
    keys = Credentials(key_id=server.access_key, secret=server.secret_key)
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=lambda _: None, random=lambda: 0.5)
    with proxy(server.endpoint) as between:
        access = Access(region=server.region, credentials=keys, endpoint=between.endpoint)
        with closing(CheckedClient(access, timing, timeout_s=60)) as client:
            queue = SqsQueue(client, live, dead, wait_s=0)
            yield World(queue=queue, proxy=between, server=server, live=live, dead=dead)


def test_message_of_one_id_sent_twice_comes_twice(world: World) -> None:
    """SQS knows no ids: both come, under the one id by which the ledger finds the same job."""
    for body in (b"first", b"second"):
        world.queue.send(body, id="m1")

    found = world.queue.receive(10, visible_again_s=600)

    assert sorted((message.id, message.body) for message in found) == [("m1", b"first"), ("m1", b"second")]


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        (b'{"key": "plain"}', "in/a b/c.jpg/v1"),
        ("写真 é 😀".encode(), "in/写真/😀"),
        (b"\0\x01\xff", "m"),
        (b"", "m"),
        (b"text", "in/a\x01b\x7f/\x0b"),
        ("\ufffe".encode(), "in/\uffff"),
        (b"text", "in/a\udcff.jpg"),
        (b"a\r\n\t b\n", "m"),
        (b"<&>'\"", "<&>'\""),
    ],
)
def test_any_body_and_id_come_as_they_were_sent(world: World, body: bytes, id_: str) -> None:
    """What SQS takes in no text goes in base64; what it takes stays readable in its console."""
    world.queue.send(body, id=id_)

    (message,) = world.queue.receive(1, visible_again_s=0)

    assert (message.body, message.id) == (body, id_)


@pytest.mark.parametrize("key", ["a.jpg", "a\x01\x7f\x0b.jpg", "\ufffe\uffff.jpg", "写真 + é.jpg"])
def test_own_message_of_any_key_is_text_that_a_function_reads(world: World, key: str) -> None:
    """Lambda hands over SQS's own text, and knows nothing of our attributes."""
    upload = Upload(bucket="in", key=key, version="v", etag="v", size=1, arrived_at="2026-01-02T03:04:05Z")
    world.queue.send(event.message(upload), id=event.message_id(upload))

    (message,) = world.server.client("sqs").receive_message(QueueUrl=world.live)["Messages"]
    record = {"eventSource": "aws:sqs", "body": message["Body"]}
    assert event.parse_object({"Records": [record]}).uploads == (upload,)


def test_message_of_another_sender_has_sqs_own_id(world: World) -> None:
    """S3 and EventBridge give no id, so SQS's counts, also after the message was buried and exhumed."""
    body = '{"detail-type": "Object Created"}'
    sent = world.server.client("sqs").send_message(QueueUrl=world.live, MessageBody=body)

    (message,) = world.queue.receive(1, visible_again_s=600)
    world.queue.bury(message, reason="timeout")

    assert (message.id, message.body) == (sent["MessageId"], body.encode())
    assert world.queue.exhume(message.id)
    (again,) = world.queue.receive(1, visible_again_s=600)
    assert (again.id, again.body, again.receives) == (sent["MessageId"], body.encode(), 1)


def test_message_that_sqs_put_aside_is_among_the_buried(world: World) -> None:
    """After so many deliveries SQS moves a message by itself; it is listed and replayed like the others."""
    sqs = world.server.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=world.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=world.live, Attributes={"RedrivePolicy": policy})
    world.queue.send(b"x", id="m1")
    world.queue.receive(1, visible_again_s=0)
    assert world.queue.receive(1, visible_again_s=0) == []

    assert [(kept.id, kept.body, kept.reason) for kept in world.queue.buried()] == [("m1", b"x", UNKNOWN)]
    assert world.queue.exhume("m1")
    assert world.queue.buried() == []


def test_many_buried_are_listed_and_stay(world: World) -> None:
    """Looking takes nothing away, and finds more than one batch."""
    for number in range(12):
        world.queue.send(b"x", id=str(number))
    while batch := world.queue.receive(10, visible_again_s=600):
        for message in batch:
            world.queue.bury(message, reason="denied")

    for _ in range(2):
        assert sorted(int(kept.id) for kept in world.queue.buried()) == list(range(12))
    assert len(world.queue.buried(limit=3)) == 3
    assert world.queue.exhume("7")
    assert sorted(int(kept.id) for kept in world.queue.buried()) == [n for n in range(12) if n != 7]


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop", "cut", "lost"])
def test_every_call_survives_one_fault(world: World, fault: tuple[int, bytes] | str) -> None:
    """Each call is made good; a send or a burial that was carried out before may leave a second message, never none."""
    queue, met = world.queue, world.proxy.requests
    world.proxy.faults = [fault, None] * 200
    queue.send(b"x", id="m1")
    world.proxy.faults = []  # SQS hides what it handed over, also when nobody got it: only time brings that back
    (message, *rest) = queue.receive(10, visible_again_s=600)
    before = len(met)
    world.proxy.faults = [fault, None] * 200
    queue.bury(message, reason="timeout")
    assert len(met) == before + 6, "three calls, each met the fault once"
    for each in rest:
        queue.release(each, delay_s=0)
    world.proxy.faults = []

    assert {kept.id for kept in queue.buried()} == {"m1"}
    assert queue.exhume("m1")
    assert queue.buried() == []
    assert {each.id for each in queue.receive(10, visible_again_s=600)} == {"m1"}


@pytest.mark.parametrize("fault", [THROTTLED, AWAY, "drop"])
def test_lasting_fault_is_unavailable(world: World, fault: tuple[int, bytes] | str) -> None:
    """A bad day is told as one."""
    world.proxy.faults = [fault] * TRIES * 2

    with pytest.raises(Unavailable):
        world.queue.send(b"x", id="m1")


def test_missing_queue_is_named_a_missing_resource(world: World) -> None:
    """A queue that is gone is the deployment's fault."""
    world.server.client("sqs").delete_queue(QueueUrl=world.live)

    with pytest.raises(ResourceMissing):
        world.queue.send(b"x", id="m1")
