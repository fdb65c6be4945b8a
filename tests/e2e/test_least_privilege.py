"""Least privilege, proved: with any one permission of a role taken away, the pipeline no longer does its work.

The stack's own roles are copied with all permissions but one, and the real handlers run under such a copy, in this
process, on a stand-in that enforces IAM. What it does not enforce is asserted on the template
(tests/unit/deploy/test_template_permissions.py), with AWS's rule, and is named in `NOT_ENFORCED`.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
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
from tests.servers.aws import ministack
from tests.servers.chain import until
from tests.servers.deployment import Deployment, write_settings
from tests.servers.stack import Stack, create, policies
from tests.unit.fakes import png

RECIPE = replace(DEFAULT_RECIPE, on_delete="remove")
Statement = dict[str, Any]
Message = dict[str, Any]
PATIENCE_S = 10.0


class World(Struct, frozen=True, kw_only=True):
    """A stack, what it hears, and the function under the role that is tried."""

    stack: Stack
    deployment: Deployment
    function: Function

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
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": str(receives)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        }
        answer = self.function.handle({"Records": [record]}, Context())
        if answer != {"batchItemFailures": []}:
            return False
        self.sqs.delete_message(QueueUrl=self.deployment.queue, ReceiptHandle=message["ReceiptHandle"])
        return True

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
    until(lambda: any(key in json.dumps(mail) for mail in world.deployment.messages()), "the notice")


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


SCENARIOS: tuple[Callable[[World, str], None], ...] = (
    develops,
    replaces,
    removes,
    hands_back,
    sends_anew,
)
NOT_ENFORCED = frozenset(
    (
        "s3:PutObjectTagging",  # the stand-in takes a tagged put without it
        "s3:GetObjectVersion",  # nor asks for this where a version is named
        "s3:ListBucket",  # the stand-in says 404 for what is missing where AWS says 403
        "sqs:ReceiveMessage",  # these three are of the event source mapping's poller, which asks nobody there
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogStream",  # and Lambda writes logs by itself
        "logs:PutLogEvents",
    )
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product's stack where IAM is enforced; nothing but the tests takes messages from its queues."""
    with ministack(tmp_path_factory.mktemp("iam"), auth=True) as server:
        made = create(server, "iam", RemoveOutputs="true", Email1="owner@example.com")
        functions = server.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield made


@pytest.fixture(scope="module")
def deployment(stack: Stack) -> Deployment:
    return stack.listened()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Give the root logger back what it had: each function takes it over."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def credentials(stack: Stack, statements: list[Statement]) -> dict[str, str]:
    """Return the credentials of a new role with these permissions, as Lambda would hand them to a function."""
    iam, name = stack.server.client("iam"), f"twin-{uuid.uuid4().hex}"
    account = stack.server.client("sts").get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_policy(statements))
    taken = stack.server.client("sts").assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="function")
    return {
        "AWS_ACCESS_KEY_ID": taken["Credentials"]["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["Credentials"]["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["Credentials"]["SessionToken"],
    }


def _policy(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def without(statements: list[Statement], number: int, action: str) -> list[Statement]:
    """Return the statements without one action of one of them."""
    left = [each for each in statements[number]["Action"] if each != action]
    changed = [{**statements[number], "Action": left}] if left else []
    return [*statements[:number], *changed, *statements[number + 1 :]]


def failing(stack: Stack, deployment: Deployment, statements: list[Statement], folder: Path) -> str:
    """Return the first scenario that does not work with these permissions; blank when all do."""
    write_settings(folder, Settings(recipes=(RECIPE,)))
    server = stack.server
    environ = {
        **stack.variables("Function"),
        **server.environment,
        "LAMBDA_TASK_ROOT": str(folder),
        "TMPDIR": str(folder),
        **credentials(stack, statements),
    }
    with closing(Function(environ, StringIO())) as function:
        world = World(stack=stack, deployment=deployment, function=function)
        for scenario in SCENARIOS:
            server.client("sqs").purge_queue(QueueUrl=deployment.queue)
            try:
                scenario(world, f"{uuid.uuid4().hex}.png")
            except Exception as err:  # noqa: BLE001 -- whatever it is, the pipeline does not do its work
                return f"{scenario.__name__}: {type(err).__name__}: {err}"
    return ""


@pytest.mark.usefixtures("quiet")
def test_function_role_suffices_and_none_of_its_permissions_can_be_left_out(
    stack: Stack, deployment: Deployment, tmp_path: Path
) -> None:
    """The processor works with its role; without any one action of any one statement something does not."""
    granted = policies(stack, "FunctionRole")
    assert failing(stack, deployment, granted, tmp_path) == ""
    wanted = [
        (number, action)
        for number, statement in enumerate(granted)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        if action not in NOT_ENFORCED
    ]
    assert wanted
    needless = [
        f"{action} on {granted[number]['Resource']}"
        for number, action in wanted
        if not failing(stack, deployment, without(granted, number, action), tmp_path)
    ]
    assert needless == []
