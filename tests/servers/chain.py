"""The way of an image as AWS has it, on ministack: bucket -> EventBridge -> queue -> function with our package."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from safelight import packed
from safelight.settings import Settings
from tests.servers.deployment import Deployment, queue_arn

HANDLER = "safelight.entry.lambda_handler.handle"
PATIENCE_S = 90.0
"""The function's start on a busy machine takes seconds."""
ROLE = "arn:aws:iam::000000000000:role/function"


def zipped(root: Path, settings: Settings, out: Path) -> Path:
    """Write the package that is unpacked at `root` anew, with other settings in it."""
    own = f"{packed.FOLDER}/{packed.FILE}"
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for path in sorted(each for each in root.rglob("*") if each.is_file()):
            if path.relative_to(root).as_posix() != own:
                archive.write(path, path.relative_to(root))
        archive.writestr(own, packed.dump(settings))
    return out


def connect(deployment: Deployment, package: Path, *, direct: bool = False) -> str:
    """Make the function and what leads to it, and return its name.

    Args:
        deployment: buckets, queues, table and topic.
        package: the zip.
        direct: let the bucket call the function itself, without EventBridge and queue.
    """
    server, name = deployment.server, deployment.table
    code = server.bucket()
    server.client("s3").put_object(Bucket=code, Key="package.zip", Body=package.read_bytes())
    made = server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Handler=HANDLER,
        Role=ROLE,
        Code={"S3Bucket": code, "S3Key": "package.zip"},
        MemorySize=512,
        Timeout=60,
        Environment={"Variables": deployment.environment},
    )
    if direct:
        _call_from_bucket(deployment, made["FunctionArn"])
    else:
        _call_from_queue(deployment, name)
    return name


def _call_from_bucket(deployment: Deployment, function_arn: str) -> None:
    calls = [{"LambdaFunctionArn": function_arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
    deployment.server.client("s3").put_bucket_notification_configuration(
        Bucket=deployment.input, NotificationConfiguration={"LambdaFunctionConfigurations": calls}
    )


def _call_from_queue(deployment: Deployment, name: str) -> None:
    server, queue = deployment.server, queue_arn(deployment.server, deployment.queue)
    server.client("s3").put_bucket_notification_configuration(
        Bucket=deployment.input, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [deployment.input]}}}
    server.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    server.client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    server.client("lambda").create_event_source_mapping(
        EventSourceArn=queue, FunctionName=name, BatchSize=1, FunctionResponseTypes=["ReportBatchItemFailures"]
    )


def until(found: Callable[[], Any], what: str) -> Any:
    """Wait for something to be there, and return it."""
    ends = time.monotonic() + PATIENCE_S
    while not (seen := found()):
        assert time.monotonic() < ends, f"{what} never came"
        time.sleep(0.1)
    return seen


def logged(deployment: Deployment, name: str) -> list[str]:
    """Return what CloudWatch Logs has of a function."""
    logs = deployment.server.client("logs")
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}").get("events", [])
    return [each["message"] for each in found]
