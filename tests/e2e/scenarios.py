"""What each function of the stack is for, as scenarios that run it in this process, with AWS's services around it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.ledger import DynamoLedger
from safelight.entry.function import TIMING, Function
from safelight.event import parse_object
from safelight.job import jobs_for
from safelight.recipe.model import DEFAULT_RECIPE
from safelight.settings import Settings
from tests.e2e.working import Context
from tests.servers.chain import until
from tests.servers.deployment import Deployment
from tests.servers.stack import Stack
from tests.unit.fakes import png

RECIPE = replace(DEFAULT_RECIPE, on_delete="remove")
SETTINGS = Settings(recipes=(RECIPE,))
Message = dict[str, Any]
PATIENCE_S = 10.0


class World(Struct, frozen=True, kw_only=True):
    """A stack, what it hears, and the function under the role that is tried."""

    stack: Stack
    deployment: Deployment
    function: Any
    folder: Path

    def upload(self, key: str, shade: int) -> Message:
        """Put a picture into the input, and return the message that EventBridge made of it."""
        self.s3.put_object(Bucket=self.deployment.input, Key=key, Body=png(shade))
        return self.received(key)

    def received(self, key: str) -> Message:
        """Take the message about a key out of the queue, as Lambda does: it is hidden for the queue's own time."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            for each in self.sqs.receive_message(QueueUrl=self.deployment.queue, WaitTimeSeconds=1).get("Messages", []):
                if key in each["Body"]:
                    return dict(each)
        raise AssertionError("no message came")

    def handle(self, message: Message, *, receives: int = 1) -> bool:
        """Hand a message to the function; delete it, as Lambda does, and return true unless it is to come again."""
        done = self.given(message, receives=receives)
        if done:
            self.sqs.delete_message(QueueUrl=self.deployment.queue, ReceiptHandle=message["ReceiptHandle"])
        return done

    def given(self, message: Message, *, receives: int = 1) -> bool:
        """Hand a message to the function, and return true unless it is to come again."""
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": str(receives)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        }
        answer = self.function.handle({"Records": [record]}, Context())
        return bool(answer == {"batchItemFailures": []})

    def hears(self, words: str) -> None:
        """Wait for one of the topics to tell of something."""
        until(lambda: any(words in json.dumps(mail) for mail in self.deployment.messages()), "the notice")

    def output(self, key: str) -> bytes:
        """Return the bytes of the output of a key."""
        return bytes(self.s3.get_object(Bucket=self.deployment.output, Key=f"processed_{key}")["Body"].read())

    @property
    def s3(self) -> Any:
        """AWS's own client."""
        return self.deployment.server.client("s3")

    @property
    def sqs(self) -> Any:
        """AWS's own client."""
        return self.deployment.server.client("sqs")


def develops(world: World, key: str) -> None:
    """A picture becomes its output, with a job and a notice."""
    assert world.handle(world.upload(key, 3))
    assert world.output(key) == png(3)
    world.hears(key)


def replaces(world: World, key: str) -> None:
    """A newer version of a picture replaces the output of the older one."""
    assert world.handle(world.upload(key, 1))
    assert world.handle(world.upload(key, 2))
    assert world.output(key) == png(2)


def removes(world: World, key: str) -> None:
    """With `on_delete: remove` the output goes when its original does."""
    assert world.handle(world.upload(key, 3))
    world.s3.delete_object(Bucket=world.deployment.input, Key=key)
    assert world.handle(world.received(key))
    assert f"processed_{key}" not in set(world.deployment.keys())


def hands_back(world: World, key: str) -> None:
    """What another worker holds comes again soon, not after the queue's whole visibility timeout."""
    message = world.upload(key, 3)
    with _held(world, message):
        assert not world.handle(message)
        world.received(key)


def sends_anew(world: World, key: str) -> None:
    """What only had to wait on its last delivery is sent anew, and is no dead letter."""
    message = world.upload(key, 3)
    with _held(world, message):
        assert world.handle(message, receives=5)
        delayed = "ApproximateNumberOfMessagesDelayed"
        found = world.sqs.get_queue_attributes(QueueUrl=world.deployment.queue, AttributeNames=[delayed])
        assert found["Attributes"][delayed] == "1"


@contextmanager
def _held(world: World, message: Message) -> Iterator[None]:
    """Let another worker hold the key that a message is about."""
    [upload] = parse_object(json.loads(message["Body"])).uploads
    [job] = jobs_for(upload, (RECIPE,))
    with closing(Client(access_from(world.deployment.environment), TIMING)) as client:
        ledger = DynamoLedger(client, world.deployment.table, now=time.time, unique=lambda: uuid.uuid4().hex)
        claim = ledger.claim(job, lease_s=600)
        try:
            yield
        finally:
            ledger.release(claim)


def ends_a_dead_letter(world: World, key: str) -> None:
    """The job of a dead letter has failed, and its owner is told."""
    assert world.given(world.upload(key, 3))
    world.hears(key)


def keeps_what_nobody_can_read(world: World, key: str) -> None:
    """A message that is no event is kept, and an alarm tells of it."""
    assert world.given({"MessageId": key, "ReceiptHandle": "receipt", "Body": json.dumps({"what": key})})
    world.hears(key)


def collects(world: World, key: str) -> None:
    """What the processor left to the digest is told when its schedule calls."""
    variables = world.stack.variables("Function") | {"LAMBDA_TASK_ROOT": str(world.folder)}
    processor = Function(variables | world.stack.server.environment, StringIO())
    with closing(processor) as function:
        assert replace(world, function=function).handle(world.upload(key, 3))
    assert not world.deployment.messages(), "the processor told it itself"
    world.function.handle({}, Context())
    world.hears(key)


PROCESSOR = (develops, replaces, removes, hands_back, sends_anew)
DEAD_LETTERS = (ends_a_dead_letter, keeps_what_nobody_can_read)
DIGEST = (collects,)
