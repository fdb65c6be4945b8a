"""The product's own stack on a stand-in of AWS, made from its template by CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from botocore.exceptions import WaiterError
from msgspec import Struct

from safelight.deploy import own
from tests.servers.aws import Server
from tests.servers.deployment import Deployment, queue_arn

TEMPLATE = own.SOURCE / "safelight/deploy/template.yaml"
Grant = dict[str, Any]
IDLE = "def handle(event, context):\n    return {}\n"


class Stack(Struct, frozen=True, kw_only=True):
    """A stack, its outputs, and the physical names of its resources by their logical ids."""

    server: Server
    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]

    def variables(self, function: str) -> dict[str, str]:
        """Return the environment variables that the stack gives one of its functions."""
        found = self.server.client("lambda").get_function_configuration(FunctionName=self.resources[function])
        return dict(found["Environment"]["Variables"])

    def listened(self) -> Deployment:
        """Return the stack as the tests of the function know a deployment, with a queue that hears its topic."""
        sqs, sns = self.server.client("sqs"), self.server.client("sns")
        anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
        mails = sqs.create_queue(QueueName=f"{self.name}-mails", Attributes={"Policy": policy})["QueueUrl"]
        for topic in (self.outputs["TopicArn"], self.outputs["AlarmTopicArn"]):
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(self.server, mails))
        return Deployment(
            server=self.server,
            input=self.outputs["InputBucket"],
            output=self.outputs["OutputBucket"],
            table=self.outputs["Table"],
            queue=self.outputs["QueueUrl"],
            dead=self.outputs["DeadLetterQueueUrl"],
            topic=self.outputs["TopicArn"],
            alarms=self.outputs["AlarmTopicArn"],
            mails=mails,
        )


def create(server: Server, name: str, **parameters: str) -> Stack:
    """Make a stack whose functions do nothing, from the template and its defaults but for these parameters."""
    code = server.bucket()
    s3, cloudformation = server.client("s3"), server.client("cloudformation")
    s3.put_object(Bucket=code, Key="idle.zip", Body=_idle())
    s3.put_object(Bucket=code, Key="template.yaml", Body=TEMPLATE.read_bytes())
    given = {"CodeBucket": code, "CodeKey": "idle.zip", **parameters}
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{server.endpoint}/{code}/template.yaml",  # as a body it may have 51,200 bytes
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    except WaiterError as err:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [each["ResourceStatusReason"] for each in reversed(events) if "ResourceStatusReason" in each]
        raise AssertionError(reasons) from err
    return found(server, name)


def found(server: Server, name: str) -> Stack:
    """Return a stack that is there."""
    cloudformation = server.client("cloudformation")
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        server=server,
        name=name,
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]},
        resources={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
    )


def grants(stack: Stack, role: str) -> list[Grant]:
    """Return what a role of the stack may do: a statement for each action on each resource."""
    iam, name = stack.server.client("iam"), stack.resources[role]
    statements: list[dict[str, Any]] = []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        statements += (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return [
        {**statement, "Action": action, "Resource": resource, "Sid": f"{number}a{at}r{place}"}
        for number, statement in enumerate(statements)
        for at, action in enumerate(_listed(statement["Action"]))
        for place, resource in enumerate(_listed(statement["Resource"]))
    ]


def _listed(words: str | list[str]) -> list[str]:
    return [words] if isinstance(words, str) else words


def _idle() -> bytes:
    """Return a package whose handlers do nothing: tests call the real ones themselves."""
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for module in ("lambda_handler", "dead_letters", "digest"):
            archive.writestr(f"safelight/entry/{module}.py", IDLE)
    return out.getvalue()
