"""What `SnsDigest` and `SnsAlarm` hand over, seen by what subscribes to their topic and by botocore."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.access import access_from
from safelight.aws.alarm import SnsAlarm
from safelight.aws.client import Client, Timing
from safelight.aws.digest import Digest, SnsDigest
from safelight.aws.kept import KeptMessage, kept_message
from safelight.job import Outcome, Problem, Status, Upload
from safelight.mail import MAX_SUBJECT, Sender
from tests.servers.aws import Server as Standin
from tests.servers.deployment import heard_topic
from tests.unit.aws.serving import Server, Times, client_of
from tests.unit.aws.shapes import form_of

TOPIC = "arn:aws:sns:eu-north-1:123456789012:t"
UPLOAD = Upload(bucket="in", key="a/写真 1.jpg", version="v1", etag="e", size=1000, arrived_at="2026-03-01T10:00:00Z")
DONE = Outcome(id="job_1", status=Status.SUCCEEDED, recipe="photos", recipe_digest="d", upload=UPLOAD)
BAD = replace(
    DONE, id="job_2", status=Status.REJECTED, error=Problem(code="corrupt", message="why", remedy="what to do")
)
UNREADABLE = replace(
    kept_message("m1", b'{"what":\n "ever\x1b[31m"}', reason="unknown", kept_at=1_800_000_000.0),
    problem="invalid_message: the message is not of a known shape",
)


class World(Struct, frozen=True, kw_only=True):
    """A topic with one queue that subscribes to everything and one that subscribes to rejections alone."""

    client: Client
    server: Standin
    topic: str
    queues: tuple[str, str]

    def received(self, number: int) -> list[dict[str, str]]:
        found = self.server.client("sqs").receive_message(QueueUrl=self.queues[number], MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", ())]


@pytest.fixture
def world(ministack: Standin) -> Iterator[World]:
    topic, everything, rejections = heard_topic(ministack)
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=time.sleep, random=random.random)
    with closing(Client(access_from(ministack.environment), timing, timeout_s=60)) as client:
        yield World(client=client, server=ministack, topic=topic, queues=(everything, rejections))


def test_digest_reaches_machines_with_every_job(world: World) -> None:
    """A queue gets how many ended how, each job in its one shape, and the id by which a repeat is known."""
    SnsDigest(world.client, world.topic, Sender(project="project")).publish([DONE, BAD], message_id="digest-1")

    (envelope,) = world.received(0)

    expected = Digest(digest="digest-1", counts={"succeeded": 1, "rejected": 1}, jobs=(DONE, BAD))
    assert msgspec.json.decode(envelope["Message"], type=Digest) == expected
    assert envelope["Subject"] == "[project] 1 picture could not be developed, 1 developed"


def test_digest_passes_a_filter_that_one_of_its_jobs_would(world: World) -> None:
    """Who asked for rejections gets the digests that hold some, and no others."""
    digest = SnsDigest(world.client, world.topic, Sender(project="project"))
    digest.publish([DONE], message_id="digest-1")
    digest.publish([DONE, BAD], message_id="digest-2")

    (envelope,) = world.received(1)

    assert json.loads(envelope["Message"])["digest"] == "digest-2"


def test_digest_is_the_form_that_aws_describes() -> None:
    """botocore, given the same message, sends the same form; lists are SNS's own type."""
    with Server().running() as server:
        with closing(client_of(server.url, Times())) as client:
            SnsDigest(client, TOPIC, Sender(project="p")).publish([BAD, DONE], message_id="digest-1")
        sent = dict(parse_qsl(server.asked[0].body.decode(), strict_parsing=True))
    attributes = {
        "status": ("String.Array", '["rejected","succeeded"]'),
        "recipe": ("String.Array", '["photos"]'),
        "message_id": ("String", "digest-1"),
    }
    fields = {
        "TopicArn": TOPIC,
        "Subject": "[p] 1 picture could not be developed, 1 developed",
        "MessageStructure": "json",
        "Message": sent["Message"],
        "MessageAttributes": {
            name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()
        },
    }
    assert sent == form_of("Publish", fields)


def test_without_a_topic_nobody_is_told() -> None:
    """A deployment by hand may have none."""
    with Server().running() as server, closing(client_of(server.url, Times())) as client:
        SnsDigest(client, None, Sender(project="p")).publish([DONE], message_id="digest-1")
        SnsAlarm(client, None, Sender(project="p", environment="prod")).unreadable(UNREADABLE, message_id="m")
        assert server.asked == []


def test_alarm_says_what_came_why_and_what_to_do(world: World) -> None:
    """Whoever reads it needs nothing else; control characters of a stranger's message are written out."""
    SnsAlarm(world.client, world.topic, Sender(project="project", environment="staging")).unreadable(
        UNREADABLE, message_id="msg_1-s1"
    )

    (envelope,) = world.received(0)

    assert msgspec.json.decode(envelope["Message"], type=KeptMessage) == UNREADABLE


def test_alarm_for_people_reads_as_a_letter() -> None:
    """The text is what a mail shows."""
    with Server().running() as server:
        with closing(client_of(server.url, Times())) as client:
            SnsAlarm(client, TOPIC, Sender(project="a" * 41, environment="staging-of-16chr")).unreadable(
                UNREADABLE, message_id="m"
            )
        sent = dict(parse_qsl(server.asked[0].body.decode(), strict_parsing=True))
    text = json.loads(sent["Message"])["default"]
    assert len(sent["Subject"]) <= MAX_SUBJECT
    assert sent["Subject"].isascii()
    assert "invalid_message: the message is not of a known shape" in text
    assert '{"what":\\n "ever\\x1b[31m"}' in text
    assert f"safelight replay {UNREADABLE.id} --env staging-of-16chr\n" in text
    assert "2027-01-15T08:00:00.000Z" in text
