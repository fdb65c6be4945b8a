"""Why an upload's jobs do not end: how far it came, from the bucket's events to the function's errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from safelight.deploy.account import explained
from safelight.deploy.errors import NoLogs
from safelight.errors import SafelightError
from safelight.job import Upload
from safelight.operate.deployed import Deployed
from safelight.operate.gone import anew, is_gone
from safelight.operate.lines import line, report
from safelight.operate.step import Step

MOST_LINES = 3
DEPLOY_AGAIN = "`safelight deploy ENV` puts it right."
ON = ("Enabled", "Enabling", "Updating", "Creating")


class Stuck(Struct, frozen=True, kw_only=True):
    """What waits: the upload, and when its way began, in milliseconds since 1970."""

    deployed: Deployed
    upload: Upload
    since_ms: int


def diagnose(stuck: Stuck) -> Iterator[Step]:
    """Yield what is known of the way, and of each hindrance that is found; all of it is only looked at.

    What may not be looked at is told as such, and the rest is gone on with.
    """
    told: set[str] = set()
    for name, look in LOOKS:
        try:
            yield from look(stuck)
        except SafelightError as err:
            remedy = anew("ENV") if is_gone(err) else err.remedy
            if err.message not in told:  # the rule is looked for by the queue, which is gone once
                yield Step(name=name, ok=False, detail=err.message, remedy=remedy)
            told.add(err.message)


def _begun(stuck: Stuck) -> Iterator[Step]:
    """Tell whether the function has begun this version, and by which recipes."""
    upload, ledger = stuck.upload, stuck.deployed.ledger
    head = ledger.head(upload.bucket, upload.key)
    if head is None:
        yield Step(
            name="function", ok=False, detail="it has not begun this upload", remedy="See below how far it came."
        )
        return
    jobs = [each for each in ledger.jobs(limit=100) if each.upload.key == upload.key]
    told = ", ".join(f"{each.id} {each.recipe}: {each.status.value}, attempt {each.attempts}" for each in jobs)
    detail = f"it has begun this upload, and not ended it: {told or 'no job of it is listed'}"
    remedy = "Wait if its limits.seconds are long; else read `safelight logs ENV`, and deploy again if recipes differ."
    yield Step(name="function", ok=False, detail=detail, remedy=remedy)


def _events(stuck: Stuck) -> Iterator[Step]:
    """See that the bucket tells EventBridge of uploads."""
    deployed, bucket = stuck.deployed, stuck.upload.bucket
    with explained(deployed.account):
        found = deployed.account.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    if "EventBridgeConfiguration" not in found:
        yield Step(
            name="events", ok=False, detail=f"{bucket} does not tell EventBridge of uploads", remedy=DEPLOY_AGAIN
        )


def _rules(stuck: Stuck) -> Iterator[Step]:
    """See that a rule of EventBridge that is on leads to the queue."""
    account = stuck.deployed.account
    with explained(account):
        events = account.client("events")
        names = events.list_rule_names_by_target(TargetArn=_attributes(stuck)["QueueArn"])["RuleNames"]
        states = {name: events.describe_rule(Name=name)["State"] for name in names}
    if not any(state.startswith("ENABLED") for state in states.values()):
        off = ", ".join(f"{name} is {state.lower()}" for name, state in states.items())
        detail = off or "no rule of EventBridge leads to the queue"
        yield Step(name="rule", ok=False, detail=detail, remedy=DEPLOY_AGAIN)


def _source(stuck: Stuck) -> Iterator[Step]:
    """See that the function is fed from the queue."""
    deployed = stuck.deployed
    with explained(deployed.account):
        client, function = deployed.account.client("lambda"), deployed.output("FunctionName")
        sources = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    if not any(each["State"] in ON for each in sources):
        states = ", ".join(f"{each['State'].lower()} ({each.get('StateTransitionReason', '')})" for each in sources)
        detail = f"the function is not fed from the queue: {states or 'there is no event source mapping'}"
        yield Step(name="event source", ok=False, detail=detail, remedy=DEPLOY_AGAIN)
    for each in sources:
        if (said := each.get("LastProcessingResult", "")).startswith("PROBLEM"):
            yield Step(name="event source", ok=False, detail=said, remedy="`safelight doctor --aws ENV` says more.")


def _queue(stuck: Stuck) -> Iterator[Step]:
    """Tell how many messages wait and are worked on."""
    waiting, hidden = waiting_in(_attributes(stuck))
    busy = waiting > 0
    remedy = "Others may be before it: wait, or raise aws.concurrency." if busy else ""
    detail = f"{waiting} waiting, {hidden} with the function or to be tried again"
    yield Step(name="queue", ok=not busy, detail=detail, remedy=remedy)


def _letters(stuck: Stuck) -> Iterator[Step]:
    """Tell of messages that were given up since."""
    deployed = stuck.deployed
    waiting, hidden = waiting_in(attributes_of(deployed, "DeadLetterQueueUrl"))
    if waiting + hidden:
        detail = f"{waiting + hidden} in the dead-letter queue, which its function has not kept yet"
        yield Step(name="dead letters", ok=False, detail=detail, remedy="`safelight logs ENV --function dead-letters`")
    kept = deployed.kept.unreadable(limit=10)
    if kept:
        detail = f"{len(kept)} kept; the latest: {kept[0].problem or kept[0].reason}"
        remedy = "`safelight replay --status failed --env ENV` delivers them again."
        yield Step(name="dead letters", ok=False, detail=detail, remedy=remedy)


def _errors(stuck: Stuck) -> Iterator[Step]:
    """Quote the last errors that the function logged."""
    deployed = stuck.deployed
    try:
        with explained(deployed.account):
            events = list(deployed.log_group(deployed.output("FunctionName")).since(stuck.since_ms))
    except NoLogs as err:
        yield Step(name="log", ok=False, detail=err.message, remedy="See the hindrance above.")
        return
    said = [text for each in events if (text := _complaint(each.message))]
    calls = sum(line(each.message).kind == "report" for each in events)
    if calls and not said:
        detail = f"the function was called {calls} times since, and logged no error"
        yield Step(name="log", ok=False, detail=detail, remedy="It may not start: read `safelight logs ENV --json`.")
    for text in said[-MOST_LINES:]:
        yield Step(name="log", ok=False, detail=text, remedy="`safelight logs ENV` has the rest.")


LOOKS = (
    ("function", _begun),
    ("events", _events),
    ("queue", _queue),
    ("rule", _rules),
    ("event source", _source),
    ("dead letters", _letters),
    ("log", _errors),
)
"""What is looked at, in this order, by the name of its step."""


def _complaint(message: str) -> str:
    """Return what went wrong by a line of the log, or nothing."""
    found = line(message)
    if found.kind == "report":
        failure = report(found).failure
        return f"the function was ended: {failure}" if failure else ""
    bad = found.fields.get("level") in ("ERROR", "WARNING", "CRITICAL") or "errorMessage" in found.fields
    return found.text if bad or "Task timed out" in found.text else ""


def _attributes(stuck: Stuck) -> dict[str, str]:
    return attributes_of(stuck.deployed, "QueueUrl")


def attributes_of(deployed: Deployed, output: str) -> dict[str, str]:
    """Return what SQS tells of the queue that an output of the stack names.

    Raises:
        DeployError: it may not be asked, or the queue is not there.
    """
    with explained(deployed.account):
        client: Any = deployed.account.client("sqs")
        found: dict[str, str] = client.get_queue_attributes(QueueUrl=deployed.output(output), AttributeNames=["All"])[
            "Attributes"
        ]
    return found


def waiting_in(attributes: dict[str, str]) -> tuple[int, int]:
    """Return about how many messages of a queue can be received, and how many are hidden for now."""
    hidden = ("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
    return int(attributes["ApproximateNumberOfMessages"]), sum(int(attributes.get(name, 0)) for name in hidden)
