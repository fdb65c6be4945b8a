"""What the function needs of AWS, made on a stand-in: buckets, table, queues and a topic that is listened to."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from msgspec import Struct

from safelight import packed
from safelight.aws.ports import MAX_RECEIVES
from safelight.aws.table import DEFINITION
from safelight.settings import Settings
from tests.servers.aws import Server


class Deployment(Struct, frozen=True, kw_only=True):
    """Names of one deployment; `mails` is a queue that hears what the topics' subscribers would."""

    server: Server
    input: str
    output: str
    table: str
    queue: str
    dead: str
    topic: str
    alarms: str
    mails: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what the stack sets in the function's environment, and where the stand-in is."""
        return {
            **self.server.environment,
            "SAFELIGHT_OUTPUT_BUCKET": self.output,
            "SAFELIGHT_TABLE": self.table,
            "SAFELIGHT_TOPIC": self.topic,
            "SAFELIGHT_ALARM_TOPIC": self.alarms,
            "SAFELIGHT_QUEUE_URL": self.queue,
            "SAFELIGHT_DEAD_QUEUE_URL": self.dead,
            "SAFELIGHT_ENVIRONMENT": "test",
        }

    def put(self, key: str, body: bytes) -> dict[str, Any]:
        """Upload an object and return the notification that S3 would send."""
        made = self.server.client("s3").put_object(Bucket=self.input, Key=key, Body=body)
        return s3_event(self.input, key, body, made["ETag"].strip('"'), made.get("VersionId"))

    def keys(self) -> list[str]:
        """Return the key of every output."""
        pages = self.server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.output)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def outputs(self) -> dict[str, bytes]:
        """Return every output; none may be removed meanwhile."""
        s3 = self.server.client("s3")
        return {key: s3.get_object(Bucket=self.output, Key=key)["Body"].read() for key in self.keys()}

    def messages(self, queue: str | None = None) -> list[dict[str, Any]]:
        """Take everything out of a queue; without one, of what the topic told."""
        found: list[dict[str, Any]] = []
        sqs = self.server.client("sqs")
        while batch := sqs.receive_message(QueueUrl=queue or self.mails, MaxNumberOfMessages=10).get("Messages"):
            for each in batch:
                sqs.delete_message(QueueUrl=queue or self.mails, ReceiptHandle=each["ReceiptHandle"])
                found.append(json.loads(each["Body"]))
        return found


def deploy(server: Server, *, versioned: bool = True, max_receives: int = MAX_RECEIVES) -> Deployment:
    """Make all of it."""
    name = f"d{uuid.uuid4().hex[:12]}"
    sqs, sns = server.client("sqs"), server.client("sns")
    server.client("dynamodb").create_table(TableName=name, **DEFINITION)
    urls = [sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("queue", "dead", "mails")]
    _, dead, heard = (queue_arn(server, url) for url in urls)
    redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": max_receives}
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"RedrivePolicy": json.dumps(redrive)})
    topic, alarms = (sns.create_topic(Name=each)["TopicArn"] for each in (name, f"{name}-alarms"))
    for each in (topic, alarms):
        sns.subscribe(TopicArn=each, Protocol="sqs", Endpoint=heard)
    return Deployment(
        server=server,
        input=server.bucket(versioned=versioned),
        output=server.bucket(versioned=versioned),
        table=name,
        queue=urls[0],
        dead=urls[1],
        topic=topic,
        alarms=alarms,
        mails=urls[2],
    )


def heard_topic(server: Server) -> tuple[str, str, str]:
    """Make a topic, a queue that subscribes to all of it and one to rejections alone; return its ARN and their URLs."""
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    urls = []
    for policy in ({}, {"FilterPolicy": json.dumps({"status": ["rejected"]})}):
        urls.append(sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(server, urls[-1]), Attributes=policy)
    return topic, urls[0], urls[1]


def queue_arn(server: Server, url: str) -> str:
    """Return how other services call a queue."""
    found = server.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def write_settings(root: Path, settings: Settings) -> None:
    """Put settings where a package has them."""
    folder = root / packed.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / packed.FILE).write_bytes(packed.dump(settings))


def s3_event(bucket: str, key: str, body: bytes, etag: str, version: str | None) -> dict[str, Any]:
    """Return S3's notification of an upload, as EventBridge hands it to a rule's target."""
    found = {"key": key, "size": len(body), "etag": etag, "sequencer": f"{uuid.uuid1().time:016X}"}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "000000000000",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-north-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {**found, **({"version-id": version} if version else {})},
            "reason": "PutObject",
        },
    }


def sqs_event(*bodies: object, receives: int = 1) -> dict[str, Any]:
    """Return a batch as Lambda hands it to the function."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"receipt-{number}",
                "body": json.dumps(body),
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-north-1:000000000000:queue",
                "awsRegion": "eu-north-1",
            }
            for number, body in enumerate(bodies)
        ]
    }
