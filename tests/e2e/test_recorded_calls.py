"""Every call of the functions, recorded, against what their roles grant: all is allowed, and nothing is left over.

What a stand-in does not ask for (a tag, a version, a list), AWS does: `tests/servers/asking.py` has its rules.
"""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path

import pytest

from tests.e2e.scenarios import SETTINGS, World
from tests.e2e.test_least_privilege import CASES, Case
from tests.servers.asking import Permission, asked
from tests.servers.aws import Server
from tests.servers.deployment import s3_event, write_settings
from tests.servers.faults import proxy
from tests.servers.stack import create, grants
from tests.unit.deploy.iam import allowed
from tests.unit.fakes import png

BY_AWS = frozenset(
    (
        # Lambda's own, by the function's role. Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS",
        # execution role permissions; "Sending Lambda function logs to CloudWatch Logs".
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    )
)
MISSING = "s3:ListBucket"
"""Asked for where a look finds nothing; which of the two buckets that happens in, no scenario decides."""


def develops_a_version(world: World, key: str) -> None:
    """A picture is read by the version that S3's event names; the stand-in's events leave it out."""
    body = png(5)
    put = world.s3.put_object(Bucket=world.deployment.input, Key=key, Body=body)
    event = s3_event(world.deployment.input, key, body, put["ETag"].strip('"'), put["VersionId"])
    assert world.given({"MessageId": key, "ReceiptHandle": "receipt", "Body": json.dumps(event)})
    assert world.output(key) == body


MORE = {"FunctionRole": (develops_a_version,)}


def recorded(case: Case, server: Server, folder: Path) -> tuple[list[dict[str, str]], set[Permission]]:
    """Return what the role of a function grants, and what AWS asks for when the function does all that it is for."""
    name = f"calls-{case.role.lower()}"
    names = {"InputBucketName": f"{name}-in", "OutputBucketName": f"{name}-out", "TopicName": name}
    digest = {"DigestMinutes": "5"} if case.digest else {}
    stack = create(server, name, Name=name, RemoveOutputs="true", **names, **digest)
    functions = server.client("lambda")
    for source in ("EventSource", "DeadLetterEventSource"):
        functions.update_event_source_mapping(UUID=stack.resources[source], Enabled=False)
    write_settings(folder, SETTINGS)
    deployment = stack.listened()
    account = server.client("sts").get_caller_identity()["Account"]
    with proxy(server.endpoint) as between:
        environ = {
            **stack.variables(case.function),
            **server.environment,
            "AWS_ENDPOINT_URL": between.endpoint,
            "LAMBDA_TASK_ROOT": str(folder),
            "TMPDIR": str(folder),
        }
        with closing(case.kind(environ, StringIO())) as function:
            world = World(stack=stack, deployment=deployment, function=function, folder=folder)
            for scenario in (*case.scenarios, *MORE.get(case.role, ())):
                deployment.messages()
                scenario(world, f"{uuid.uuid4().hex}.png")
    wanted = {each for exchange in between.exchanges for each in asked(exchange, f"{server.region}:{account}")}
    return grants(stack, case.role), wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.role)
def test_calls_are_allowed_and_every_permission_is_used(case: Case, ministack: Server, tmp_path: Path) -> None:
    """Both ways: each call finds its permission in the role, and each permission is one that a call asks for."""
    granted, wanted = recorded(case, ministack, tmp_path)
    assert len(wanted) >= 3
    assert [each for each in sorted(wanted) if not allowed(granted, *each)] == []
    assert {resource.split(":")[2] for _, resource in wanted} >= {"dynamodb", "sns"}
    unused = [
        (grant["Action"], grant["Resource"])
        for grant in granted
        if grant["Action"] not in {*BY_AWS, MISSING}
        and not any(
            action == grant["Action"] and fnmatchcase(resource, grant["Resource"]) for action, resource in wanted
        )
    ]
    assert unused == []
    lists = {grant["Resource"] for grant in granted if grant["Action"] == MISSING}
    assert lists == {resource.partition("/")[0] for action, resource in wanted if action == "s3:GetObject"}
