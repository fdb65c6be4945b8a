"""What `SnsNotifier` hands over, seen by what subscribes to the topic, and what becomes of it on bad days."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.access import Access
from safelight.aws.client import TRIES, Client, Timing
from safelight.aws.notify import MAX_BYTES, SnsNotifier, forms
from safelight.aws.sigv4 import Credentials
from safelight.errors import Denied, ResourceMissing, Unavailable
from safelight.job import Outcome, Output, Problem, Status, Upload
from safelight.mail import Sender
from tests.servers.aws import Server as Standin
from tests.servers.deployment import heard_topic
from tests.servers.faults import Proxy, proxy
from tests.unit.aws.serving import Server, Times, client_of
from tests.unit.aws.shapes import form_of

UPLOAD = Upload(bucket="in", key="a/写真 1.jpg", version="v1", etag="e", size=1000, arrived_at="2026-03-01T10:00:00Z")
DONE = Outcome(
    id="job_1",
    status=Status.SUCCEEDED,
    recipe="photos",
    recipe_digest="d",
    upload=UPLOAD,
    renditions=(Output(key="a/写真 1.webp", format="webp", width=2, height=1, size=500),),
)
FAILED = replace(
    DONE, status=Status.REJECTED, renditions=(), error=Problem(code="corrupt", message="why", remedy="what")
)
XML = b"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>m</Message></Error></ErrorResponse>"


class World(Struct, frozen=True, kw_only=True):
    """A topic with one queue that subscribes to everything and one that subscribes to rejections alone."""

    notifier: SnsNotifier
    proxy: Proxy
    server: Standin
    topic: str
    everything: str
    rejections: str

    def received(self, url: str) -> list[dict[str, object]]:
        found = self.server.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", ())]


@pytest.fixture
def world(ministack: Standin) -> Iterator[World]:
    topic, everything, rejections = heard_topic(ministack)
    keys = Credentials(key_id=ministack.access_key, secret=ministack.secret_key)
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=lambda _: None, random=lambda: 0.5)
    with proxy(ministack.endpoint) as between:
        access = Access(region=ministack.region, credentials=keys, endpoint=between.endpoint)
        with closing(Client(access, timing, timeout_s=60)) as client:
            notifier = SnsNotifier(client, topic, ("success", "failure"), Sender(project="project"))
            yield World(
                notifier=notifier,
                proxy=between,
                server=ministack,
                topic=topic,
                everything=everything,
                rejections=rejections,
            )


def test_notice_reaches_machines_as_the_job_itself(world: World) -> None:
    """A queue gets the one shape of a job, and can tell a repeat by the id of the notice."""
    world.notifier.notify(DONE, message_id="job_1-17")

    (envelope,) = world.received(world.everything)

    assert msgspec.json.decode(str(envelope["Message"]), type=Outcome) == DONE
    attributes = {name: each["Value"] for name, each in dict(envelope["MessageAttributes"]).items()}
    assert attributes == {"status": "succeeded", "recipe": "photos", "message_id": "job_1-17"}
    assert str(envelope["Subject"]).startswith("[project] 1 picture developed")


def test_notice_is_filtered_by_its_attributes(world: World) -> None:
    """Who asks for rejections gets those alone."""
    world.notifier.notify(DONE, message_id="m1")
    world.notifier.notify(FAILED, message_id="m2")

    (envelope,) = world.received(world.rejections)

    assert json.loads(str(envelope["Message"]))["error"]["code"] == "corrupt"


@pytest.mark.parametrize("fault", [(400, XML % b"Throttling"), (503, b""), "drop", "cut"])
def test_notice_survives_one_fault(world: World, fault: tuple[int, bytes] | str) -> None:
    """A bad moment loses no notice; one that was carried out may come again under the same id."""
    world.proxy.faults = [fault]

    world.notifier.notify(DONE, message_id="m1")

    assert len(world.received(world.everything)) in {1, 2}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((400, XML % b"Throttling"), Unavailable),
        ("drop", Unavailable),
        ((403, XML % b"AuthorizationError"), Denied),
        ((404, XML % b"NotFound"), ResourceMissing),
    ],
)
def test_lasting_fault_is_told_and_may_be_tried_again(
    world: World, fault: tuple[int, bytes] | str, error: type[Exception]
) -> None:
    """A notice that could not be handed over is never silent."""
    world.proxy.faults = [fault] * TRIES * 2

    with pytest.raises(error) as failed:
        world.notifier.notify(DONE, message_id="m1")

    assert failed.value.retry


def test_topic_that_is_gone_is_named_a_missing_resource(world: World) -> None:
    """Somebody deleted the topic: the message stays until it is back."""
    world.server.client("sns").delete_topic(TopicArn=world.topic)

    with pytest.raises(ResourceMissing):
        world.notifier.notify(DONE, message_id="m1")


def test_notifier_without_a_topic_tells_nobody(world: World) -> None:
    """A deployment without notify has no topic."""
    SnsNotifier(world.notifier._client, None, ("success",), Sender(project="project")).notify(DONE, message_id="m1")

    assert world.proxy.requests == []


def test_notifier_beside_a_digest_leaves_owed_what_is_wanted(world: World) -> None:
    """The digest's function tells it; what nobody wants to hear of is done with at once."""
    notifier = SnsNotifier(world.notifier._client, world.topic, ("failure",), Sender(project="project"), collected=True)

    assert notifier.notify(FAILED, message_id="m1") is True
    assert notifier.notify(DONE, message_id="m2") is False
    assert world.proxy.requests == []


def test_notice_is_the_form_that_aws_describes() -> None:
    """botocore, given the same notice, sends the same form."""
    with Server().running() as server:
        client = client_of(server.url, Times())
        SnsNotifier(client, "arn:aws:sns:eu-north-1:123456789012:t", ("success",), Sender(project="p")).notify(
            DONE, message_id="m1"
        )
        client.close()
    sent = dict(parse_qsl(server.asked[0].body.decode(), strict_parsing=True))
    attributes = {"status": "succeeded", "recipe": "photos", "message_id": "m1"}
    fields = {
        "TopicArn": "arn:aws:sns:eu-north-1:123456789012:t",
        "Subject": "[p] 1 picture developed: ?? 1.jpg",
        "MessageStructure": "json",
        "Message": sent["Message"],
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }

    assert sent == form_of("Publish", fields)


def test_forms_are_text_for_people_and_the_job_for_machines() -> None:
    """Each way of subscribing gets what it can read."""
    found = json.loads(forms("text", DONE))

    assert found.pop("default") == "text"
    assert set(found) == {"sqs", "lambda", "https"}
    assert all(msgspec.json.decode(form, type=Outcome) == DONE for form in found.values())


def test_forms_of_a_job_with_very_many_outputs_keep_below_the_limit() -> None:
    """SNS refuses more than 256 KiB; then the list of outputs is left out, which the ledger has."""
    output = DONE.renditions[0]
    many = replace(DONE, renditions=tuple(replace(output, key=f"{n}-" + "写" * 300) for n in range(200)))

    found = forms("text", many)

    assert len(found.encode()) < MAX_BYTES
    assert msgspec.json.decode(json.loads(found)["sqs"], type=Outcome) == replace(many, renditions=())
