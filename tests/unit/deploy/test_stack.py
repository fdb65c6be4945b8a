"""Stacks in every state that a deployment may meet, and change sets that are discarded, executed and overtaken."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.deploy.errors import ChangeSetFailed, DeployFailed, DeployInProgress, NotDeployed, StackStuck
from safelight.deploy.stack import ChangeSet, Wanted, outputs
from tests.unit.deploy.fake_aws import FakeAws
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation, Seen, refusal, stacks

NAME = "image-processor-dev"
WANTED = Wanted(name=NAME, template={"TemplateBody": "{}"}, parameters={"Name": "x"}, tags={"safelight:stack": NAME})
CHANGE = {"Action": "Add", "LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue"}
MADE = {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": CHANGE}]}
EMPTY = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes. Submit different ..."}
CREATED = [("InputBucket", "CREATE_IN_PROGRESS", ""), ("InputBucket", "CREATE_COMPLETE", "")]


def test_ready_without_a_stack_asks_for_a_new_one() -> None:
    """The first deployment of an environment."""
    assert stacks(FakeCloudFormation()).ready(NAME) == "CREATE"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("REVIEW_IN_PROGRESS", "CREATE"),
        ("CREATE_COMPLETE", "UPDATE"),
        ("UPDATE_COMPLETE", "UPDATE"),
        ("UPDATE_ROLLBACK_COMPLETE", "UPDATE"),
        ("IMPORT_COMPLETE", "UPDATE"),
        ("IMPORT_ROLLBACK_COMPLETE", "UPDATE"),
        ("UPDATE_FAILED", "UPDATE"),
    ],
)
def test_ready_in_a_state_that_can_be_changed_does_nothing(status: str, kind: str) -> None:
    """Also after an import, a rollback that succeeded, and a change set that nobody executed."""
    cloudformation, seen = FakeCloudFormation(), Seen()
    cloudformation.add(NAME, status)
    assert stacks(cloudformation, seen).ready(NAME) == kind
    assert (seen.titles, cloudformation.calls) == ([], [])


def test_ready_while_another_command_deploys_follows_it_from_its_start() -> None:
    """Two deployments at once: the second waits, shows what the first does, and goes on from its end."""
    cloudformation, seen = FakeCloudFormation(), Seen()
    stack = cloudformation.add(NAME, "CREATE_COMPLETE")
    cloudformation.happen(stack.id, (NAME, "UPDATE_IN_PROGRESS", "User Initiated"))
    cloudformation.happen(stack.id, ("Queue", "UPDATE_IN_PROGRESS", ""))
    cloudformation.waiting = [(stack.id, ("Queue", "UPDATE_COMPLETE", "")), (stack.id, (NAME, "UPDATE_COMPLETE", ""))]
    assert stacks(cloudformation, seen).ready(NAME) == "UPDATE"
    assert "UPDATE_IN_PROGRESS" in seen.titles[0]
    assert seen.events == [
        f"{NAME} UPDATE_IN_PROGRESS",
        "Queue UPDATE_IN_PROGRESS",
        "Queue UPDATE_COMPLETE",
        f"{NAME} UPDATE_COMPLETE",
    ]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_ready_after_a_failed_first_deployment_deletes_what_is_left_and_tells(status: str) -> None:
    """CloudFormation can do nothing else with such a stack; buckets and table are retained."""
    plays = {"delete_stack": [(NAME, "DELETE_IN_PROGRESS", ""), (NAME, "DELETE_COMPLETE", "")]}
    cloudformation, seen = FakeCloudFormation(plays=plays), Seen()
    cloudformation.add(NAME, status)
    assert stacks(cloudformation, seen).ready(NAME) == "CREATE"
    assert seen.titles == [f"The first deployment of {NAME} had failed; deleting what is left of it"]


def test_ready_after_a_rollback_that_failed_goes_on_with_it() -> None:
    """Once; then the stack can be updated again."""
    rolled = [(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", ""), (NAME, "UPDATE_ROLLBACK_COMPLETE", "")]
    cloudformation, seen = FakeCloudFormation(plays={"continue_update_rollback": rolled}), Seen()
    cloudformation.add(NAME, "UPDATE_ROLLBACK_FAILED")
    assert stacks(cloudformation, seen).ready(NAME) == "UPDATE"
    assert seen.events == [f"{NAME} UPDATE_ROLLBACK_IN_PROGRESS", f"{NAME} UPDATE_ROLLBACK_COMPLETE"]


def test_ready_after_a_rollback_that_fails_again_says_what_to_do() -> None:
    """It is not tried for ever; the reason and the way around are told."""
    failed = [(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", ""), (NAME, "UPDATE_ROLLBACK_FAILED", "failed to update: [Queue]")]
    cloudformation = FakeCloudFormation(plays={"continue_update_rollback": failed})
    cloudformation.add(NAME, "UPDATE_ROLLBACK_FAILED")
    with pytest.raises(StackStuck, match=r"failed to update: \[Queue\]") as caught:
        stacks(cloudformation).ready(NAME)
    assert "--resources-to-skip" in caught.value.remedy


def test_ready_after_a_deletion_that_failed_points_to_destroy() -> None:
    """What keeps it from being deleted has to be solved first."""
    cloudformation = FakeCloudFormation()
    cloudformation.add(NAME, "DELETE_FAILED", "The following resource(s) failed to delete: [Queue].")
    with pytest.raises(StackStuck, match="failed to delete") as caught:
        stacks(cloudformation).ready(NAME)
    assert "safelight destroy" in caught.value.remedy


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"])
def test_ready_that_may_not_repair_changes_nothing(status: str) -> None:
    """A dry run says what a deployment would do first."""
    cloudformation = FakeCloudFormation()
    cloudformation.add(NAME, status)
    with pytest.raises(StackStuck, match=status):
        stacks(cloudformation).ready(NAME, repair=False)
    assert cloudformation.calls == []


def test_ready_that_may_not_repair_says_why_the_first_deployment_failed() -> None:
    """CloudFormation gives such a stack no reason of its own; its events have it."""
    cloudformation = FakeCloudFormation()
    stack = cloudformation.add(NAME, "CREATE_IN_PROGRESS")
    for line in (*FAILING, (NAME, "ROLLBACK_IN_PROGRESS", ""), (NAME, "ROLLBACK_COMPLETE", "")):
        cloudformation.happen(stack.id, line)
    with pytest.raises(StackStuck) as caught:
        stacks(cloudformation).ready(NAME, repair=False)
    assert caught.value.message.startswith(f"{NAME} is ROLLBACK_COMPLETE: Function (AWS::S3::Bucket) failed: You exc")
    assert "without --dry-run" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "says", "remedy"),
    [
        (
            "ROLLBACK_COMPLETE",
            "is ROLLBACK_COMPLETE: its first deployment failed",
            "`safelight deploy dev` clears it away",
        ),
        ("REVIEW_IN_PROGRESS", "is REVIEW_IN_PROGRESS: nothing of it was made yet", "`safelight deploy dev`"),
        ("", f"there is no stack {NAME} in eu-north-1", "`safelight deploy dev`"),
    ],
)
def test_outputs_of_a_stack_that_holds_nothing_says_its_state_and_what_to_do(
    status: str, says: str, remedy: str
) -> None:
    """`jobs`, `logs`, `smoke` and `outputs` ask for them first."""
    found = FakeAws()
    if status:
        found.cloudformation.add(NAME, status)
    with pytest.raises(NotDeployed, match=says) as caught:
        outputs(found, NAME, "dev")  # type: ignore[arg-type]
    assert remedy in caught.value.remedy


def test_propose_shows_changes_and_executes_nothing() -> None:
    """The change set waits until it is ready; names of roles are agreed to, and all carries the stack's tag."""
    cloudformation = FakeCloudFormation(described=[{"Status": "CREATE_IN_PROGRESS"}, MADE])
    made = stacks(cloudformation).propose(WANTED, "CREATE")
    assert made
    assert (made.changes, cloudformation.pauses) == ((CHANGE,), 1)
    assert cloudformation.calls == ["create_change_set"]
    assert cloudformation.asked["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert cloudformation.asked["Tags"] == [{"Key": "safelight:stack", "Value": NAME}]
    assert cloudformation.asked["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "x"}]


def test_propose_gives_each_change_set_a_name_of_its_own() -> None:
    """Two commands at once do not get into each other's way."""
    cloudformation = FakeCloudFormation(described=[MADE])
    names = {made.name for _ in range(2) if (made := stacks(cloudformation).propose(WANTED, "CREATE"))}
    assert len(names) == 2


def test_propose_import_sends_no_tags() -> None:
    """CloudFormation refuses them with an import."""
    cloudformation = FakeCloudFormation(described=[MADE])
    cloudformation.add(NAME, "REVIEW_IN_PROGRESS")
    wanted = Wanted(name=NAME, template={"TemplateBody": "{}"}, parameters={}, imports=[{"LogicalResourceId": "A"}])
    stacks(cloudformation).propose(wanted, "IMPORT")
    assert "Tags" not in cloudformation.asked
    assert cloudformation.asked["ResourcesToImport"] == [{"LogicalResourceId": "A"}]


@pytest.mark.parametrize("reason", [EMPTY["StatusReason"], "No updates are to be performed."])
def test_propose_without_changes_leaves_nothing(reason: str) -> None:
    """The empty change set is deleted."""
    cloudformation = FakeCloudFormation(described=[{"Status": "FAILED", "StatusReason": reason}])
    cloudformation.add(NAME, "CREATE_COMPLETE")
    assert stacks(cloudformation).propose(WANTED, "UPDATE") is None
    assert cloudformation.change_sets == {}


def test_propose_that_cloudformation_refuses_says_why_and_leaves_nothing() -> None:
    """Neither the change set nor the stack that was made for it."""
    refused = {"Status": "FAILED", "StatusReason": "Transform AWS::X failed"}
    cloudformation = FakeCloudFormation(described=[refused])
    with pytest.raises(ChangeSetFailed, match="Transform AWS::X failed"):
        stacks(cloudformation).propose(WANTED, "CREATE")
    assert (cloudformation.change_sets, cloudformation.alive()) == ({}, [])


@pytest.mark.parametrize("where", ["create_change_set", "describe_change_set"])
def test_propose_interrupted_leaves_nothing(where: str) -> None:
    """Ctrl-C while the change set is made: also when AWS took the call and its answer never came."""
    described: list[Any] = [KeyboardInterrupt()] if where == "describe_change_set" else [MADE]
    refusals: dict[str, Any] = {"create_change_set": KeyboardInterrupt()} if where == "create_change_set" else {}
    cloudformation = FakeCloudFormation(described=described, refusals=refusals)
    with pytest.raises(KeyboardInterrupt):
        stacks(cloudformation).propose(WANTED, "CREATE")
    assert (cloudformation.change_sets, cloudformation.alive()) == ({}, [])


def test_discard_leaves_the_stack_that_somebody_else_plans() -> None:
    """Two first deployments at once: the stack goes when the last change set does."""
    cloudformation = FakeCloudFormation(described=[MADE])
    control = stacks(cloudformation)
    first, second = control.propose(WANTED, "CREATE"), control.propose(WANTED, "CREATE")
    assert first
    assert second
    control.discard(first)
    assert [each.name for each in cloudformation.alive()] == [NAME]
    control.discard(second)
    assert cloudformation.alive() == []


def test_discard_twice_is_no_error() -> None:
    """What is gone is gone."""
    stacks(FakeCloudFormation()).discard(ChangeSet(name="x", stack=NAME))


def test_execute_shows_the_events_of_this_operation_alone() -> None:
    """What happened before is nobody's concern now."""
    plays = {"execute_change_set": [(NAME, "UPDATE_IN_PROGRESS", ""), *CREATED, (NAME, "UPDATE_COMPLETE", "")]}
    cloudformation, seen = FakeCloudFormation(plays=plays), Seen()
    stack = cloudformation.add(NAME, "CREATE_IN_PROGRESS")
    cloudformation.happen(stack.id, ("Old", "CREATE_COMPLETE", ""))
    cloudformation.happen(stack.id, (NAME, "CREATE_COMPLETE", ""))
    stacks(cloudformation, seen).execute(ChangeSet(name="x", stack=NAME), "Deploying")
    assert seen.events == [
        f"{NAME} UPDATE_IN_PROGRESS",
        "InputBucket CREATE_IN_PROGRESS",
        "InputBucket CREATE_COMPLETE",
        f"{NAME} UPDATE_COMPLETE",
    ]


FAILING = [
    ("Function", "CREATE_FAILED", "You exceeded your quota of concurrent executions. (Service: Lambda)"),
    ("Queue", "CREATE_FAILED", "Resource creation cancelled"),
]


@pytest.mark.parametrize(
    ("end", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "Nothing of it runs"),
        ("UPDATE_ROLLBACK_COMPLETE", "What ran before runs on"),
        ("UPDATE_ROLLBACK_FAILED", "--resources-to-skip"),
        ("ROLLBACK_FAILED", "starts anew"),
    ],
)
def test_execute_rolled_back_tells_in_the_words_of_what_failed_first(end: str, remedy: str) -> None:
    """Not of those that were cancelled because of it; and what state that leaves, and what to do."""
    rolling = (
        NAME,
        "ROLLBACK_IN_PROGRESS" if end.startswith("ROLL") else "UPDATE_ROLLBACK_IN_PROGRESS",
        "failed: [..]",
    )
    cloudformation = FakeCloudFormation(plays={"execute_change_set": [*CREATED, *FAILING, rolling, (NAME, end, "")]})
    cloudformation.add(NAME, "REVIEW_IN_PROGRESS")
    with pytest.raises(DeployFailed) as caught:
        stacks(cloudformation).execute(ChangeSet(name="x", stack=NAME), "Deploying")
    assert caught.value.message == (
        "Function (AWS::S3::Bucket) failed: You exceeded your quota of concurrent executions. (Service: Lambda); "
        f"the stack is {end} now"
    )
    assert remedy in caught.value.remedy


def test_execute_that_fails_as_a_whole_tells_the_reason_of_the_stack() -> None:
    """No resource has failed then."""
    ended = (NAME, "UPDATE_ROLLBACK_COMPLETE", "Stack policy denies it")
    cloudformation = FakeCloudFormation(
        plays={"execute_change_set": [(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", ""), ended]}
    )
    cloudformation.add(NAME, "CREATE_COMPLETE")
    with pytest.raises(DeployFailed, match="Stack policy denies it"):
        stacks(cloudformation).execute(ChangeSet(name="x", stack=NAME), "Deploying")


@pytest.mark.parametrize("code", ["InvalidChangeSetStatus", "ChangeSetNotFound"])
def test_execute_after_another_command_did_is_refused(code: str) -> None:
    """Its plan was made of a stack that is no more."""
    cloudformation = FakeCloudFormation(refusals={"execute_change_set": refusal(code)})
    cloudformation.add(NAME, "CREATE_COMPLETE")
    with pytest.raises(DeployInProgress) as caught:
        stacks(cloudformation).execute(ChangeSet(name="x", stack=NAME), "Deploying")
    assert "again" in caught.value.remedy


def test_delete_waits_until_the_stack_is_gone() -> None:
    """Its name is gone before its last event can be read, so it is followed by its id."""
    deleting = [(NAME, "DELETE_IN_PROGRESS", ""), ("Queue", "DELETE_COMPLETE", ""), (NAME, "DELETE_COMPLETE", "")]
    cloudformation, seen = FakeCloudFormation(plays={"delete_stack": deleting}), Seen()
    cloudformation.add(NAME, "DELETE_FAILED")
    stacks(cloudformation, seen).delete(NAME, "Deleting")
    assert seen.events[-1] == f"{NAME} DELETE_COMPLETE"


def test_delete_that_fails_names_what_stays() -> None:
    """And that the same command goes on."""
    deleting = [("Queue", "DELETE_FAILED", "in use"), (NAME, "DELETE_FAILED", "failed to delete: [Queue]")]
    cloudformation = FakeCloudFormation(plays={"delete_stack": deleting})
    cloudformation.add(NAME, "CREATE_COMPLETE")
    with pytest.raises(DeployFailed, match=r"Queue \(.*\) failed: in use") as caught:
        stacks(cloudformation).delete(NAME, "Deleting")
    assert "safelight destroy" in caught.value.remedy


def test_delete_without_a_stack_or_with_an_empty_one_is_quick() -> None:
    """An empty one ends without an event."""
    cloudformation = FakeCloudFormation()
    stacks(cloudformation).delete(NAME, "Deleting")
    cloudformation.add(NAME, "REVIEW_IN_PROGRESS")
    stacks(cloudformation).delete(NAME, "Deleting")
    assert (cloudformation.alive(), cloudformation.pauses) == ([], 0)
