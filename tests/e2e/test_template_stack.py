"""The whole template, every option on, made by CloudFormation's stand-in and updated back to none."""

from __future__ import annotations

from tests.servers.aws import Server
from tests.servers.stack import create, found
from tests.unit.deploy.resolving import CODE, EVERYTHING, Resolved

UNKNOWN = ("Backup",)
"""The stand-in knows no AWS Backup; what the template says of it is asserted on the template."""


def test_stack_with_every_option_is_made_and_loses_them_again(ministack: Server) -> None:
    """Options turned on make what they say, and turned off again take away just that: nothing else is replaced."""
    names = {"Name": "every", "InputBucketName": "every-in", "OutputBucketName": "every-out", "TopicName": "every"}
    wanted = {name: value for name, value in EVERYTHING.items() if name not in {*CODE, *UNKNOWN}}
    stack = create(ministack, "every", **names, **wanted)
    assert stack.resources.keys() == Resolved({**CODE, **names, **wanted}).resources.keys()
    assert stack.outputs.keys() == Resolved({**CODE, **names, **wanted}).outputs.keys()

    cloudformation = ministack.client("cloudformation")
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in (*CODE, *names)]
    cloudformation.update_stack(
        StackName="every", UsePreviousTemplate=True, Parameters=kept, Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName="every", WaiterConfig={"Delay": 1})
    plain = found(ministack, "every")
    assert plain.resources.keys() == Resolved({**CODE, **names}).resources.keys()
    assert plain.resources.items() <= stack.resources.items()
