"""`safelight deploy` when it is interrupted, and what it prints while AWS works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from safelight.config import load
from safelight.deploy import cloudformation
from safelight.deploy.environment import environment_of
from safelight.deploy.errors import DeployFailed
from safelight.entry.cli import rollout, stack_view, teardown
from safelight.entry.cli.rollout import Asked, Rollout, stacks_of
from safelight.entry.cli.teardown import Agreed
from tests.unit.deploy.fake_aws import FakeAws
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation
from tests.unit.deploy.stubbed import StubbedAccount

STACK = "image-processor-dev"
CHANGE = {"Action": "Add", "LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue"}


def rolled_out(
    account: FakeAws,
    prepare: Callable[[], object],
    template: Path = cloudformation.TEMPLATE,
    *,
    dry_run: bool = False,
    parameters: dict[str, str] | None = None,
    **more: Any,
) -> None:
    rollout._roll_out(
        Rollout(
            account=account,  # type: ignore[arg-type]
            environment=replace(environment_of(load(None, {}), "dev", account.id), **more),
            template=template,
            parameters=parameters or {},
            prepare=prepare,
            asked=Asked(dry_run=dry_run, yes=True, drift=False),
        )
    )


def account(**more: Any) -> FakeAws:
    described = [{"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": CHANGE}]}]
    return FakeAws(cloudformation=FakeCloudFormation(described=described, **more))


def interrupt() -> None:
    raise KeyboardInterrupt


def test_deploy_interrupted_while_it_uploads_takes_the_plan_back() -> None:
    """The change set goes, and the empty stack that was made for it."""
    found = account()
    with pytest.raises(KeyboardInterrupt):
        rolled_out(found, interrupt)
    assert (found.cloudformation.change_sets, found.cloudformation.alive()) == ({}, [])


def test_deploy_whose_package_cannot_be_built_takes_the_plan_back() -> None:
    """Whatever the error is."""
    found = account()
    with pytest.raises(ZeroDivisionError):
        rolled_out(found, lambda: 1 / 0)
    assert (found.cloudformation.change_sets, found.cloudformation.alive()) == ({}, [])


def test_deploy_interrupted_when_aws_was_asked_to_begin_says_that_it_may_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The answer was not waited for, so nobody knows; the change set is left to AWS."""
    found = account(refusals={"execute_change_set": KeyboardInterrupt()})
    with pytest.raises(SystemExit) as caught:
        rolled_out(found, lambda: None)
    assert caught.value.code == 130
    assert "AWS goes on with what it has begun; `safelight deploy dev` follows it." in capsys.readouterr().err
    assert "delete_change_set" not in found.cloudformation.calls


def test_deploy_with_nothing_to_change_tells_of_what_was_deleted_by_hand() -> None:
    """CloudFormation does not look; and what brings it back is another command than this one."""
    nothing = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    found = FakeAws(cloudformation=FakeCloudFormation(described=[nothing], outputs={"Table": "jobs"}))
    found.cloudformation.add(STACK, "CREATE_COMPLETE")
    with pytest.raises(DeployFailed, match="the table jobs was deleted by hand") as caught:
        rolled_out(found, lambda: None)
    assert "`safelight destroy dev`, then `safelight deploy dev`" in caught.value.remedy


@pytest.mark.parametrize("notifies", [False, True])
def test_deploy_dry_run_shows_that_a_bucket_of_the_users_would_be_changed(
    capsys: pytest.CaptureFixture[str], *, notifies: bool
) -> None:
    """It is no part of the stack, whose plan may be empty; the fake has nothing that could change it."""
    nothing = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    found = FakeAws({"photos": "eu-north-1"}, cloudformation=FakeCloudFormation(described=[nothing]))
    found.notifications = {"EventBridgeConfiguration": {}} if notifies else {}
    found.cloudformation.add(STACK, "CREATE_COMPLETE")
    own = {"input_bucket": "photos", "owns_input": False}
    rolled_out(found, interrupt, dry_run=True, **own)
    shown = "~ change  photos  S3 Bucket, yours  sends its events to EventBridge; its other notifications stay"
    assert (shown in capsys.readouterr().out.splitlines()) != notifies


def test_deploy_that_ends_encryption_by_key_says_that_the_key_must_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever pays for it might delete it."""
    found = account(parameters={"Encryption": "kms"})
    found.cloudformation.add(STACK, "CREATE_COMPLETE")
    rolled_out(found, interrupt, dry_run=True, parameters={"Encryption": "s3"})
    assert rollout.KEY_STAYS in capsys.readouterr().out.splitlines()


def test_watch_interrupted_says_how_to_follow(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C stops the watching, not AWS."""

    def events() -> Iterator[Any]:
        yield event("Queue", "CREATE_IN_PROGRESS", 0)
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        stacks_of(account(), "destroy dev").watch("Deleting", events())  # type: ignore[arg-type]
    assert caught.value.code == 130
    assert "`safelight destroy dev` follows it" in capsys.readouterr().err


def test_deploy_template_too_long_for_a_call_loses_its_comments(tmp_path: Path) -> None:
    """CloudFormation takes 51,200 bytes; as JSON it is shorter than as people write it."""
    long = tmp_path / "template.yaml"
    long.write_text(f"# {'x' * 51_200}\nResources: {{Queue: {{Type: 'AWS::SQS::Queue'}}}}\n")
    found = account()
    with pytest.raises(KeyboardInterrupt):
        rolled_out(found, interrupt, long)
    assert found.cloudformation.asked["TemplateBody"] == '{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}'


def test_destroy_never_counts_a_bucket_that_the_file_names(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where an earlier stack had made it: it is its owner's since."""
    found = FakeAws({"photos": "eu-north-1"})
    stack = found.cloudformation.add(STACK, "CREATE_COMPLETE")
    found.cloudformation.happen(stack.id, ("InputBucket", "CREATE_COMPLETE", ""))
    stack.events[-1]["PhysicalResourceId"] = "photos"
    found.cloudformation.happen(stack.id, (STACK, "DELETE_COMPLETE", ""))
    target = replace(environment_of(load(None, {}), "dev", found.id), input_bucket="photos", owns_input=False)
    places: Any = [(found, STACK)]
    teardown._destroy(target, places, Agreed(with_data=True, stack=STACK, data=STACK))
    assert capsys.readouterr().out == f"There is no stack {STACK}.\n", "nor are there packages to speak of"


def test_deploy_template_too_long_even_so_goes_by_way_of_the_artifact_bucket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is written, under its digest; that it stays there is said."""
    found, text = StubbedAccount(), "Description: " + "x" * 51_200
    found.answer("s3.get_bucket_policy")
    found.answer("s3.put_object")
    asked = Asked(dry_run=True, yes=False, drift=False)
    environment = environment_of(load(None, {}), "dev", found.id)
    one = Rollout(
        account=found,  # type: ignore[arg-type]
        environment=environment,
        template=tmp_path,
        parameters={},
        prepare=interrupt,
        asked=asked,
    )
    [url] = rollout._fitting(one, text, {"Description": "x" * 51_200}).values()
    found.done()
    assert url.startswith(f"https://s3.eu-north-1.amazonaws.com/{environment.artifact_bucket}/templates/")
    assert "where it stays" in capsys.readouterr().err


def event(logical: str, status: str, second: float, reason: str = "", physical: str = "") -> Any:
    return {
        "StackId": "arn:stack",
        "StackName": STACK,
        "LogicalResourceId": logical,
        "PhysicalResourceId": "arn:stack" if logical == STACK else physical,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second),
    }


@pytest.mark.parametrize("columns", ["40", "120"])
def test_watch_prints_each_resource_when_it_is_done(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own time, its name at AWS and, where it failed, AWS's words; narrow terminals break lines themselves."""
    monkeypatch.setenv("COLUMNS", columns)
    arn, url = "arn:aws:sns:eu-north-1:1:image-processor-alarms", "https://sqs.eu-north-1.amazonaws.com/1/image-queue"
    events = [
        event(STACK, "CREATE_IN_PROGRESS", 0),
        event("Topic", "CREATE_IN_PROGRESS", 1),
        event("Queue", "CREATE_IN_PROGRESS", 1.5),
        event("Topic", "CREATE_COMPLETE", 3.25, physical=arn),
        event("Queue", "CREATE_FAILED", 14, "already exists", url),
        event(STACK, "ROLLBACK_COMPLETE", 21),
    ]
    assert stack_view.watch("Deploying", iter(events)) == events
    assert capsys.readouterr().out.splitlines() == [
        "Deploying ...",
        "   2.2 s  create complete    Topic  image-processor-alarms",
        "  12.5 s  create failed      Queue  image-queue",
        "          already exists",
        f"{STACK} is ROLLBACK_COMPLETE after 21 s.",
    ]
