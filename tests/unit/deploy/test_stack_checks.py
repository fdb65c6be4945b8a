"""`doctor --aws`: what each check of a deployment says of each answer that AWS may give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.session import get_session
from msgspec.structs import replace

from safelight.deploy.environment import Artifact, parameters
from safelight.entry.cli import stack_checks as checks
from safelight.entry.cli.aws_checks import Cloud, looked
from safelight.placement import Aws
from safelight.recipe.model import Limits
from safelight.settings import Notify, Settings
from tests.unit.deploy.answering import ID, REGION, Answer, cloud, environment

WHEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
OUTPUTS = {
    "InputBucket": "myimage-processor-input",
    "FunctionName": "image-processor-function",
    "DeadLetterFunctionName": "image-processor-dead-letters",
    "TopicArn": f"arn:aws:sns:{REGION}:{ID}:image-processing-notifications",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ID}:image-processor-alarms",
    "QueueUrl": "http://queue.example/q",
    "DeadLetterQueueUrl": "http://queue.example/d",
    "Version": "packages/abc.zip",
}


def deployed(settings: Settings | None = None, *, before: Settings | None = None, **answers: list[Answer]) -> Cloud:
    """Return a deployment of the settings, or of those that were there before."""
    settings = settings or Settings()
    given = parameters(environment(before or settings), Artifact(bucket="b", key="k"))
    stack = {
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    }
    return cloud(settings, stack=stack, **answers)


def state(status: str, reason: str = "") -> Cloud:
    return cloud(stack={"StackStatus": status, "StackStatusReason": reason, "CreationTime": WHEN})


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        ("CREATE_COMPLETE", "ok", "since 2026-11-25 12:00 UTC"),
        ("UPDATE_COMPLETE", "ok", ""),
        ("IMPORT_COMPLETE", "ok", ""),
        ("UPDATE_IN_PROGRESS", "warn", "since 2026-11-25 12:00 UTC"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "warn", ""),
        ("UPDATE_ROLLBACK_COMPLETE", "warn", "what ran before runs"),
        ("REVIEW_IN_PROGRESS", "warn", "never executed"),
        ("ROLLBACK_COMPLETE", "fail", "nothing of it runs"),
        ("ROLLBACK_FAILED", "fail", "could not be undone"),
        ("UPDATE_ROLLBACK_FAILED", "fail", "nothing can be deployed"),
        ("DELETE_FAILED", "fail", "could not be deleted"),
        ("IMPORT_ROLLBACK_FAILED", "fail", "could not be taken back"),
        ("CREATE_FAILED", "fail", "no room"),
    ],
)
def test_stack_in_each_state_is_explained(status: str, level: str, words: str) -> None:
    """Whoever finds a stack stuck reads what that means, why, and what to do."""
    found = checks.stack(state(status, "no room"))
    assert (found.status, status in found.detail, words in found.detail) == (level, True, True)
    assert found.status == "ok" or found.remedy
    assert found.status != "fail" or "no room" in found.detail


def test_stack_states_that_are_explained_are_states_of_aws() -> None:
    """Each name is one that CloudFormation gives."""
    shape = get_session().get_service_model("cloudformation").shape_for("StackStatus")
    assert set(checks.STATES) <= set(shape.enum)


def test_stack_that_is_not_there_is_no_fault() -> None:
    """Before the first deployment there is nothing to look at."""
    assert checks.stack(cloud()).detail == "image-processor-prod: nothing is deployed yet"


def test_options_that_differ_from_the_file_are_named_with_both_values() -> None:
    """Whoever changed the file and did not deploy is reminded."""
    after, before = Settings(aws=Aws(memory=1024)), Settings(notify=Notify(email=("a@example.com",)))
    assert checks.options(deployed()).status == "ok"
    found = checks.options(deployed(after, before=before))
    assert found.status == "warn"
    assert "MemorySize: 512 is deployed, 1024 is in the file" in found.detail
    assert "Email1: a@example.com is deployed, none is in the file" in found.detail


RECIPE = Settings().recipes[0]
OTHER = replace(RECIPE, name="other")


@pytest.mark.parametrize(
    ("deployed_", "wanted", "told"),
    [
        (Settings(), Settings(), []),
        (Settings(), Settings(recipes=(RECIPE, OTHER)), ["recipe 'other' is in the file, and not deployed"]),
        (Settings(recipes=(RECIPE, OTHER)), Settings(), ["recipe 'other' is deployed, and not in the file"]),
        (
            Settings(),
            Settings(recipes=(replace(RECIPE, metadata="strip"),)),
            ["recipe 'default' is another one in the file"],
        ),
        (Settings(), Settings(limits=Limits(seconds=9)), ["limits differ"]),
        (Settings(), Settings(notify=Notify(on=("failure",))), ["notify differ"]),
        (Settings(recipes=(RECIPE, OTHER)), Settings(recipes=(OTHER, RECIPE)), ["the recipes stand in another order"]),
    ],
)
def test_differences_name_what_is_not_deployed(deployed_: Settings, wanted: Settings, told: list[str]) -> None:
    """Whoever changed a recipe reads which one still runs as it was."""
    assert checks.differences(deployed_, wanted) == told


def test_recipes_that_cannot_be_read_are_a_warning() -> None:
    """A package without settings, as of another Safelight, is no reason to stop."""
    place: Answer = ("get_function", {"Code": {"Location": "http://127.0.0.1:9/x.zip"}})
    found = checks.recipes(deployed(lambda_=[place]))
    assert (found.status, "could not be compared" in found.detail) == ("warn", True)


def function(name: str, **states: str) -> Answer:
    made = {"FunctionName": name, "Runtime": "python3.14", "Architectures": ["arm64"], "State": "Active", **states}
    return "get_function_configuration", made


def test_functions_that_run_are_told_with_their_package() -> None:
    """One sees which package runs, and on what."""
    found = checks.functions(deployed(lambda_=[function("a"), function("b")]))
    assert (found.status, found.detail) == ("ok", "2 can run, python3.14 on arm64; package packages/abc.zip")


@pytest.mark.parametrize("part", ["State", "LastUpdateStatus"])
def test_functions_that_cannot_run_are_told_with_the_reason(part: str) -> None:
    """A function may be there and yet refuse every event, for instance when its key was disabled."""
    broken = function("b", **{part: "Failed", f"{part}Reason": "the key is disabled"})
    found = checks.functions(deployed(lambda_=[function("a"), broken]))
    assert (found.status, found.detail) == ("fail", "b is Failed: the key is disabled")


TOLD: Answer = ("get_bucket_notification_configuration", {"EventBridgeConfiguration": {}})
ARN = f"arn:aws:sqs:{REGION}:{ID}:q"
OTHER_ARN = f"{ARN}-other"
QUEUE: Answer = ("get_queue_attributes", {"Attributes": {"QueueArn": ARN}})


def fed(state: str = "Enabled", arn: str = ARN, **more: str) -> Answer:
    mapping = {"UUID": "0" * 36, "State": state, "EventSourceArn": arn, **more}
    return "list_event_source_mappings", {"EventSourceMappings": [mapping]}


FED = fed()


@pytest.mark.parametrize(
    ("s3", "rule", "source", "status", "words"),
    [
        (TOLD, "ENABLED", FED, "ok", "the queue feeds image-processor-function"),
        (("get_bucket_notification_configuration", {}), "ENABLED", FED, "fail", "does not tell EventBridge"),
        (TOLD, "DISABLED", FED, "fail", "the rule image-processor-uploads is disabled"),
        (TOLD, "ENABLED", (FED[0], {"EventSourceMappings": []}), "fail", "no event source"),
        (
            TOLD,
            "ENABLED",
            fed("Disabled", StateTransitionReason="User action"),
            "fail",
            "disabled: User action",
        ),
        (TOLD, "ENABLED", fed(arn=OTHER_ARN), "fail", "no event source"),
    ],
)
def test_uploads_reach_the_function_or_it_is_told_where_they_stop(
    s3: Answer, rule: str, source: Answer, status: str, words: str
) -> None:
    """Whatever is switched off on the way of a picture is found."""
    answers = {"events": [("describe_rule", {"State": rule})], "sqs": [QUEUE], "lambda_": [function("f"), source]}
    found = checks.uploads(deployed(s3=[s3], **answers))
    assert (found.status, words in found.detail) == (status, True)


GONE_QUEUE: Answer = ("get_queue_attributes", "AWS.SimpleQueueService.NonExistentQueue")
GONE_FUNCTION: Answer = ("get_function_configuration", "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("queue", "lambda_"), [(GONE_QUEUE, [function("f"), FED]), (QUEUE, [GONE_FUNCTION, FED])], ids=["queue", "function"]
)
def test_uploads_without_queue_or_function_fail_in_spite_of_a_mapping(queue: Answer, lambda_: list[Answer]) -> None:
    """Whoever deleted one by hand is told how to get it back: a deployment without a change mends nothing."""
    rule: Answer = ("describe_rule", {"State": "ENABLED"})
    _, found = looked("uploads", checks.uploads, deployed(s3=[TOLD], events=[rule], sqs=[queue], lambda_=lambda_))
    assert found.status == "fail"
    assert "`safelight destroy prod`, then `safelight deploy prod`" in found.remedy


def subscribers(**arns: str) -> Answer:
    listed = [
        {"Endpoint": f"{name}@example.com", "Protocol": "email", "SubscriptionArn": arn} for name, arn in arns.items()
    ]
    return "list_subscriptions_by_topic", {"Subscriptions": listed}


CONFIRMED = f"arn:aws:sns:{REGION}:{ID}:t:1"
MAILED = Settings(notify=Notify(email=("Ann@example.com", "bob@example.com")), aws=Aws(alarms=()))


@pytest.mark.parametrize(
    ("arns", "status", "words", "remedy"),
    [
        ({"ann": CONFIRMED, "bob": CONFIRMED}, "ok", "Ann@example.com, bob@example.com told", ""),
        ({"ann": CONFIRMED, "bob": checks.PENDING}, "warn", "bob@example.com not confirmed", "48 hours"),
        ({"ann": CONFIRMED}, "warn", "bob@example.com left by a click on unsubscribe", "aws sns subscribe --region"),
        (
            {"ann": checks.REMOVED, "bob": CONFIRMED},
            "warn",
            "Ann@example.com left by a click",
            "endpoint Ann@example.com",
        ),
        ({"ann": CONFIRMED, "bob": CONFIRMED, "eve": CONFIRMED}, "ok", "eve@example.com subscribed, and not in", ""),
    ],
)
def test_mail_tells_who_did_not_confirm_and_who_left(
    arns: dict[str, str], status: str, words: str, remedy: str
) -> None:
    """Mail that never comes is noticed by nobody; CloudFormation does not see it either."""
    found = checks.mail(deployed(MAILED, sns=[subscribers(**arns), subscribers()]))
    assert (found.status, words in found.detail, remedy in found.remedy) == (status, True, True)
    assert "alarms: nobody is told" in found.detail
    assert found.status == "warn" or not found.remedy


def test_mail_to_addresses_that_are_not_deployed_says_deploy() -> None:
    """Whom the stack never subscribed did not leave."""
    found = checks.mail(deployed(MAILED, before=Settings(), sns=[subscribers(), subscribers()]))
    assert "new in safelight.yaml, not deployed" in found.detail
    assert found.remedy == "`safelight deploy prod` subscribes new ones."


def alarm(name: str, **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "AlarmActions": [OUTPUTS["AlarmTopicArn"]], "StateValue": "OK", **more}


@pytest.mark.parametrize(
    ("alarms", "status", "words"),
    [
        ([alarm("image-processor-errors"), alarm("image-processor-throttles")], "ok", "none of 2 rings"),
        (
            [alarm("image-processor-errors", StateValue="ALARM", AlarmDescription="It ends badly.")],
            "warn",
            "ends badly",
        ),
        ([alarm("image-processor-errors", StateValue="INSUFFICIENT_DATA")], "ok", "none of 1"),
        ([alarm("image-processor-errors", ActionsEnabled=False)], "warn", "actions are off"),
        ([alarm("image-processor-errors-dev", StateValue="ALARM", AlarmActions=["other"])], "ok", "none of 0"),
    ],
)
def test_alarms_of_this_environment_that_ring_are_told(alarms: list[Any], status: str, words: str) -> None:
    """Those of other environments have other topics, whatever they are called."""
    found = checks.alarms(deployed(cloudwatch=[("describe_alarms", {"MetricAlarms": alarms})]))
    assert (found.status, words in found.detail) == (status, True)


@pytest.mark.parametrize(("dead", "status"), [(0, "ok"), (3, "warn")])
def test_dead_letters_that_wait_are_counted(dead: int, status: str) -> None:
    """Messages that nobody could handle are never silent."""
    answers = [
        ("get_queue_attributes", {"Attributes": {"ApproximateNumberOfMessages": str(count)}}) for count in (7, dead)
    ]
    found = checks.dead_letters(deployed(sqs=answers))
    assert (found.status, found.detail) == (status, f"{dead} dead, 7 uploads in the queue")
