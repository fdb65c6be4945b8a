"""Least privilege, proved: with any one permission of a role taken away, the pipeline no longer does its work.

The stack's own roles are copied with all permissions but one, and the real handlers run under such a copy, in this
process, on a stand-in that enforces IAM. What it does not enforce is asserted on the template
(tests/unit/deploy/test_template_permissions.py), with AWS's rule, and is named in `NOT_ENFORCED`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from safelight.entry.dead_letter_function import DeadLetterFunction
from safelight.entry.digest_function import DigestFunction
from safelight.entry.function import Function
from tests.e2e.scenarios import DEAD_LETTERS, DIGEST, PROCESSOR, SETTINGS, World
from tests.servers.aws import Server, ministack
from tests.servers.deployment import Deployment, write_settings
from tests.servers.stack import Grant, Stack, create, grants

Scenario = Callable[[World, str], None]
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


class Case(Struct, frozen=True, kw_only=True):
    """One function of the stack: its role's and its own logical id, its class, and what it is for."""

    role: str
    function: str
    kind: type[Any]
    scenarios: tuple[Scenario, ...]
    digest: bool = False


CASES = (
    Case(role="FunctionRole", function="Function", kind=Function, scenarios=PROCESSOR),
    Case(role="DeadLetterRole", function="DeadLetterFunction", kind=DeadLetterFunction, scenarios=DEAD_LETTERS),
    Case(role="DigestRole", function="DigestFunction", kind=DigestFunction, scenarios=DIGEST, digest=True),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """AWS with IAM, where nothing but the tests takes messages from queues."""
    with ministack(tmp_path_factory.mktemp("iam"), auth=True) as made:
        yield made


def stack_for(case: Case, server: Server) -> Stack:
    """Make the product's stack, with the functions that the case needs."""
    name = case.role.lower()
    digest = {"DigestMinutes": "5"} if case.digest else {}
    buckets = {"InputBucketName": f"{name}-input", "OutputBucketName": f"{name}-output", "TopicName": name}
    made = create(server, name, Name=name, RemoveOutputs="true", Email1="owner@example.com", **buckets, **digest)
    functions = server.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    return made


def credentials(stack: Stack, granted: Sequence[Grant]) -> dict[str, str]:
    """Return the credentials of a new role with these permissions, as Lambda would hand them to a function."""
    iam, name = stack.server.client("iam"), f"twin-{uuid.uuid4().hex}"
    account = stack.server.client("sts").get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_policy(granted))
    taken = stack.server.client("sts").assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="function")
    return {
        "AWS_ACCESS_KEY_ID": taken["Credentials"]["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["Credentials"]["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["Credentials"]["SessionToken"],
    }


def _policy(statements: Sequence[Grant]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def failing(case: Case, deployment: Deployment, stack: Stack, granted: Sequence[Grant], folder: Path) -> str:
    """Return the first scenario that does not work with these permissions; blank when all do."""
    write_settings(folder, SETTINGS)
    environ = {
        **stack.variables(case.function),
        **stack.server.environment,
        "LAMBDA_TASK_ROOT": str(folder),
        "TMPDIR": str(folder),
        **credentials(stack, granted),
    }
    with closing(case.kind(environ, StringIO())) as function:
        world = World(stack=stack, deployment=deployment, function=function, folder=folder)
        for scenario in case.scenarios:
            stack.server.client("sqs").purge_queue(QueueUrl=deployment.queue)
            deployment.messages()
            try:
                scenario(world, f"{uuid.uuid4().hex}.png")
            except Exception as err:  # noqa: BLE001 -- whatever it is, the pipeline does not do its work
                return f"{scenario.__name__}: {type(err).__name__}: {err}"
    return ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.role)
def test_role_suffices_and_none_of_its_permissions_can_be_left_out(case: Case, server: Server, tmp_path: Path) -> None:
    """A function works with its role; without any one action on any one resource something does not."""
    stack = stack_for(case, server)
    deployment, granted = stack.listened(), grants(stack, case.role)
    assert failing(case, deployment, stack, granted, tmp_path) == ""
    wanted = [each for each in granted if each["Action"] not in NOT_ENFORCED]
    assert wanted
    needless = [
        f"{each['Action']} on {each['Resource']}"
        for each in wanted
        if not failing(case, deployment, stack, [other for other in granted if other is not each], tmp_path)
    ]
    assert needless == []
