"""Where an upload is stuck: what is told of parts that are gone or may not be looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from safelight.job import Upload
from safelight.operate.stuck import Stuck, diagnose
from tests.unit.deploy.answering import Answer, cloud

UPLOAD = Upload(bucket="in", key="a.jpg", version="v", etag="e", size=1, arrived_at="2026-01-02T03:04:05.000Z")
GONE = "AWS.SimpleQueueService.NonExistentQueue"


def stuck(**answers: list[Answer]) -> Stuck:
    """Return an upload that nobody has begun, in a deployment whose services answer so."""
    deployed: Any = SimpleNamespace(
        account=cloud(**answers).account,
        ledger=SimpleNamespace(head=lambda *_: None),
        kept=SimpleNamespace(unreadable=lambda **_: ()),
        output=lambda name: f"http://queue.example/{name}" if name.endswith("Url") else name,
        log_group=lambda _name: SimpleNamespace(since=lambda _ms: iter(())),
    )
    return Stuck(deployed=deployed, upload=UPLOAD, since_ms=0)


def test_diagnose_tells_of_a_queue_that_is_gone_once_and_by_name() -> None:
    """Queue and rule both ask for it; the remedy is the one that brings it back."""
    empty: Answer = ("get_queue_attributes", {"Attributes": {"ApproximateNumberOfMessages": "0"}})
    there = stuck(
        s3=[("get_bucket_notification_configuration", {"EventBridgeConfiguration": {}})],
        sqs=[("get_queue_attributes", GONE), ("get_queue_attributes", GONE), empty],
        lambda_=[("list_event_source_mappings", {"EventSourceMappings": [{"State": "Enabled"}]})],
    )
    found = [step for step in diagnose(there) if not step.ok]
    assert [step.name for step in found] == ["function", "queue"]
    assert "`safelight destroy ENV`, then `safelight deploy ENV`" in found[1].remedy
