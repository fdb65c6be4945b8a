"""Checks of what is deployed: its stack, its functions, the way of an upload, who is told, and what went wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from safelight import packed
from safelight.deploy.environment import Artifact, parameters
from safelight.entry.checkup import Verdict, fail, ok, warn
from safelight.entry.cli.aws_checks import AwsCheck, Cloud
from safelight.errors import InvalidRecipe, Unavailable
from safelight.operate.code import settings_of
from safelight.operate.gone import anew
from safelight.settings import Settings

STATES = {
    "ROLLBACK_COMPLETE": (
        "the first deployment failed and was undone; nothing of it runs",
        "Solve what `safelight deploy` had named, and deploy again: it deletes the empty stack first.",
    ),
    "ROLLBACK_FAILED": (
        "the first deployment failed and could not be undone",
        "Deploy again: it deletes what is left. If that fails, delete the stack in the console and look at its events.",
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "an update failed and could not be undone; nothing can be deployed until that is done",
        "Solve what the stack's events name; then `aws cloudformation continue-update-rollback --stack-name {stack}`.",
    ),
    "DELETE_FAILED": (
        "it could not be deleted; a part of it is still there",
        "Solve what the stack's events name; then `safelight destroy` again.",
    ),
    "IMPORT_ROLLBACK_FAILED": (
        "buckets or table could not be taken back, nor that be undone",
        "Look at the stack's events; then delete the stack in the console: buckets and table stay.",
    ),
    "UPDATE_ROLLBACK_COMPLETE": (
        "the last update failed and was undone; what ran before runs",
        "Solve what `safelight deploy` had named, and deploy again.",
    ),
    "REVIEW_IN_PROGRESS": (
        "a change set was made and never executed; nothing of it runs",
        "Deploy, or delete the stack: it is empty.",
    ),
}
"""What a state of a stack means for its owner, and what to do."""
ENDED = ("_COMPLETE", "_FAILED")
STILL_RUNS = ("UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")
PENDING, REMOVED = "PendingConfirmation", "Deleted"
UNCONFIRMED = (
    "Click the link in the mail of AWS Notifications (look into spam). After 48 hours SNS forgets who has not; it also "
    "asks anew after more than 10 mails a second."
)
ON = ("Enabled", "Enabling", "Creating", "Updating")
MOST_SHOWN = 5


def stack(cloud: Cloud) -> Verdict:
    """Look at the stack's state; one that is stuck is explained."""
    if cloud.unseen:
        raise cloud.unseen
    name, found = cloud.environment.stack, cloud.stack
    if not found:
        return ok(f"{name}: nothing is deployed yet")
    status, reason = found["StackStatus"], found.get("StackStatusReason", "")
    why = f"\n{reason}" if reason else ""
    since = found.get("LastUpdatedTime", found["CreationTime"]).strftime("%Y-%m-%d %H:%M UTC")
    if status in STATES:
        meaning, remedy = STATES[status]
        told = warn if status in STILL_RUNS else fail
        return told(f"{name} is {status}: {meaning}{why}", remedy.format(stack=name))
    if not status.endswith(ENDED):
        return warn(f"{name} is {status} since {since}", "Wait until it ends; `safelight deploy` waits too.")
    if status.endswith("_FAILED"):
        return fail(f"{name} is {status}{why}", "Look at the stack's events.")
    return ok(f"{name} is {status} since {since}")


def options(cloud: Cloud) -> Verdict:
    """Compare what the stack was deployed with and what safelight.yaml says now."""
    artifact = Artifact(bucket=cloud.given.get("CodeBucket", ""), key=cloud.given.get("CodeKey", ""))
    wanted = parameters(cloud.environment, artifact)
    differing = [
        f"{name}: {_shown(cloud.given[name])} is deployed, {_shown(value)} is in the file"
        for name, value in wanted.items()
        if cloud.given.get(name, value) != value
    ]
    if differing:
        return warn("\n".join(differing), f"`{_deploy(cloud)}` makes it so.")
    return ok("as safelight.yaml says")


def recipes(cloud: Cloud) -> Verdict:
    """Compare what the function develops by with what safelight.yaml says now."""
    try:
        theirs = settings_of(cloud.account, cloud.outputs["FunctionName"], cloud.ca_bundle)
    except (InvalidRecipe, Unavailable) as err:
        return warn(f"could not be compared: {err.message}", f"`{_deploy(cloud)}` brings the function up to date.")
    if differing := differences(theirs, packed.carried(cloud.settings)):
        return warn("\n".join(differing), f"`{_deploy(cloud)}` brings the function up to date.")
    return ok("as safelight.yaml says")


def differences(deployed: Settings, wanted: Settings) -> list[str]:
    """Say what differs between two settings as packages carry them."""
    before, now = ({recipe.name: recipe for recipe in each.recipes} for each in (deployed, wanted))
    found = [
        *(f"recipe {name!r} is in the file, and not deployed" for name in now if name not in before),
        *(f"recipe {name!r} is deployed, and not in the file" for name in before if name not in now),
        *(f"recipe {name!r} is another one in the file" for name in now if now[name] != before.get(name, now[name])),
        *(f"{part} differ" for part in ("limits", "notify") if getattr(deployed, part) != getattr(wanted, part)),
    ]
    return found or ([] if deployed == wanted else ["the recipes stand in another order"])


def _deploy(cloud: Cloud) -> str:
    return f"safelight deploy {cloud.environment.environment}"


def _shown(value: str) -> str:
    return value or "none"


def functions(cloud: Cloud) -> Verdict:
    """See that each function is there and can run."""
    names = [
        cloud.outputs[output]
        for output in ("FunctionName", "DeadLetterFunctionName", "DigestFunctionName")
        if output in cloud.outputs
    ]
    found = [cloud.account.client("lambda").get_function_configuration(FunctionName=name) for name in names]
    faults = [
        f"{each['FunctionName']} is {each.get(part)}: {each.get(f'{part}Reason', 'AWS tells no reason')}"
        for each in found
        for part in ("State", "LastUpdateStatus")
        if each.get(part) == "Failed"
    ]
    if faults:
        return fail("\n".join(faults), "Deploy again; if it stays, look at the function in the console.")
    runtimes = ", ".join(
        sorted({f"{each['Runtime']} on {(each.get('Architectures') or ['x86_64'])[0]}" for each in found})
    )
    return ok(f"{len(found)} can run, {runtimes}; package {cloud.outputs.get('Version', 'unknown')}")


def uploads(cloud: Cloud) -> Verdict:
    """See that what lands in the input bucket reaches the function: bucket, EventBridge, queue, function."""
    bucket, account = cloud.outputs["InputBucket"], cloud.account
    told = account.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    if "EventBridgeConfiguration" not in told:
        return fail(f"{bucket} does not tell EventBridge of uploads", f"`{_deploy(cloud)}` turns that on.")
    rule = f"{cloud.environment.name}-uploads{cloud.environment.suffix}"
    state = account.client("events").describe_rule(Name=rule)["State"]
    if not state.startswith("ENABLED"):
        return fail(
            f"the rule {rule} is {state.lower()}", f"`aws events enable-rule --region {account.region} --name {rule}`"
        )
    return _feeding(cloud) or ok(
        f"{bucket} tells EventBridge, the rule {rule} is on, the queue feeds {_function(cloud)}"
    )


def _feeding(cloud: Cloud) -> Verdict | None:
    """Return what keeps the queue from feeding the function; a queue or function that is gone is refused by AWS."""
    account, function = cloud.account, _function(cloud)
    asked = {"QueueUrl": cloud.outputs["QueueUrl"], "AttributeNames": ["QueueArn"]}
    arn = account.client("sqs").get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    # A mapping outlives its function, and is listed for a name that nothing has any more.
    account.client("lambda").get_function_configuration(FunctionName=function)
    listed = account.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    sources = [each for each in listed if each.get("EventSourceArn") == arn]
    off = [each for each in sources if each.get("State") not in ON]
    if off:
        fault = f"{off[0]['State'].lower()}: {off[0].get('StateTransitionReason', 'AWS tells no reason')}"
        remedy = f"`aws lambda update-event-source-mapping --region {account.region} --uuid {off[0]['UUID']} --enabled`"
        return fail(f"{function} is not fed from its queue, {fault}", remedy)
    if not sources:
        return fail(f"{function} is not fed from its queue: no event source", anew(cloud.environment.environment))
    return None


def _function(cloud: Cloud) -> str:
    return cloud.outputs["FunctionName"]


def mail(cloud: Cloud) -> Verdict:
    """Compare who is to be told with who has confirmed, of notices and of alarms."""
    here, given = cloud.environment, cloud.given
    found = [
        _topic(cloud, topic, wanted, {value.lower() for name, value in given.items() if name.startswith(parameter)})
        for topic, wanted, parameter in (
            ("TopicArn", here.emails, "Email"),
            ("AlarmTopicArn", here.alarm_emails, "AlarmEmail"),
        )
    ]
    remedies = " ".join(dict.fromkeys(each.remedy for each in found if each.remedy))
    detail = "\n".join(f"{kind}: {each.detail}" for kind, each in zip(("notices", "alarms"), found, strict=True))
    return warn(detail, remedies) if remedies else ok(detail)


def _topic(cloud: Cloud, output: str, wanted: Iterable[str], asked: Collection[str]) -> Verdict:
    """Look at the subscribers of a topic; `asked` are whom the stack has subscribed."""
    arn = cloud.outputs[output]
    pages = cloud.account.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    states = {
        each["Endpoint"].lower(): each["SubscriptionArn"]
        for page in pages
        for each in page["Subscriptions"]
        if each["Protocol"].startswith("email") and each["SubscriptionArn"] != REMOVED
    }
    pending = [each for each in wanted if states.get(each.lower()) == PENDING]
    missing = [each for each in wanted if each.lower() not in states]
    gone = [each for each in missing if each.lower() in asked]
    told = [each for each in wanted if each not in (*pending, *missing)]
    others = sorted(set(states) - {each.lower() for each in wanted})
    groups = (
        (told, "told"),
        (pending, "not confirmed"),
        (gone, "left by a click on unsubscribe, or never confirmed"),
        ([each for each in missing if each not in gone], "new in safelight.yaml, not deployed"),
        (others, "subscribed, and not in safelight.yaml"),
    )
    detail = "; ".join(f"{', '.join(group)} {words}" for group, words in groups if group) or "nobody is told"
    again = f"aws sns subscribe --region {cloud.account.region} --topic-arn {arn} --protocol email"
    remedies = (
        UNCONFIRMED if pending else "",
        f"Subscribe again: `{again} --notification-endpoint {gone[0]}`." if gone else "",
        f"`{_deploy(cloud)}` subscribes new ones." if len(missing) > len(gone) else "",
    )
    remedy = " ".join(filter(None, remedies))
    return warn(detail, remedy) if remedy else ok(detail)


def alarms(cloud: Cloud) -> Verdict:
    """Tell which alarms of the stack ring."""
    pages = cloud.account.client("cloudwatch").get_paginator("describe_alarms")
    found: list[dict[str, Any]] = [
        each
        for page in pages.paginate(AlarmNamePrefix=f"{cloud.environment.name}-", AlarmTypes=["MetricAlarm"])
        for each in page["MetricAlarms"]
        if cloud.outputs["AlarmTopicArn"] in each.get("AlarmActions", [])
    ]
    ringing = [each for each in found if each["StateValue"] == "ALARM"]
    silent = [each["AlarmName"] for each in found if not each.get("ActionsEnabled", True)]
    if ringing:
        lines = [
            f"{each['AlarmName']}: {each.get('AlarmDescription') or each.get('StateReason', '')}" for each in ringing
        ]
        remedy = f"`safelight logs {cloud.environment.environment}` tells more; an alarm ends with its cause."
        return warn("\n".join(lines), remedy)
    if silent:
        return warn(f"{', '.join(silent)}: actions are off", "Turn them on in CloudWatch: nobody would be told.")
    return ok(f"none of {len(found)} rings")


def dead_letters(cloud: Cloud) -> Verdict:
    """Tell what was given up and waits, and how much is still to be developed."""
    waiting, dead = (_messages(cloud, output) for output in ("QueueUrl", "DeadLetterQueueUrl"))
    detail = f"{dead} dead, {waiting} uploads in the queue"
    if dead:
        return warn(detail, "The dead-letter function takes them within minutes; if they stay, its log says why.")
    return ok(detail)


def _messages(cloud: Cloud, output: str) -> int:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    asked = {"QueueUrl": cloud.outputs[output], "AttributeNames": names}
    found = cloud.account.client("sqs").get_queue_attributes(**asked)["Attributes"]
    return sum(int(found.get(name, 0)) for name in names)


DEPLOYED: tuple[tuple[str, AwsCheck], ...] = (
    ("options", options),
    ("recipes", recipes),
    ("functions", functions),
    ("uploads", uploads),
    ("mail", mail),
    ("alarms", alarms),
    ("dead letters", dead_letters),
)
"""What is looked at of a deployment, in this order."""
