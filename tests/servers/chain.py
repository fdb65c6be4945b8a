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
DEAD_LETTERS = "safelight.entry.dead_letters.handle"
DIGEST = "safelight.entry.digest.handle"
PATIENCE_S = 90.0
"""The function's start on a busy machine takes seconds."""
ROLE = "arn:aws:iam::000000000000:role/function"


def zipped(root: Path, settings: Settings, out: Path, **modules: str) -> Path:
    """Write the package that is unpacked at `root` anew, with other settings in it and modules of the test's own."""
    own = f"{packed.FOLDER}/{packed.FILE}"
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for name, source in modules.items():
            archive.writestr(f"{name}.py", source)
        for path in sorted(each for each in root.rglob("*") if each.is_file()):
            if path.relative_to(root).as_posix() != own:
                archive.write(path, path.relative_to(root))
        archive.writestr(own, packed.dump(settings))
    return out


def connect(
    deployment: Deployment,
    package: Path,
    *,
    direct: bool = False,
    handler: str = HANDLER,
    timeout_s: int = 60,
    **environ: str,
) -> str:
    """Make the processor and what leads to it, and return its name.

    Args:
        deployment: buckets, queues, table and topic.
        package: the zip.
        direct: let the bucket call the function itself, without EventBridge and queue.
        handler: what is called.
        timeout_s: the function's time limit.
        environ: further variables.
    """
    name = function(deployment, package, handler, timeout_s=timeout_s, **environ)
    if direct:
        _call_from_bucket(deployment, name)
    else:
        _call_from_queue(deployment, name)
    return name


def connect_dead_letters(deployment: Deployment, package: Path) -> str:
    """Make the function of dead letters behind their queue, and return its name."""
    name = function(deployment, package, DEAD_LETTERS)
    _map(deployment, deployment.dead, name)
    return name


def function(deployment: Deployment, package: Path, handler: str, *, timeout_s: int = 60, **environ: str) -> str:
    """Make a function that nothing calls yet, and return its name."""
    server, name = deployment.server, f"{deployment.table}-{handler.split('.')[-2]}"
    code = server.bucket()
    server.client("s3").put_object(Bucket=code, Key="package.zip", Body=package.read_bytes())
    server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Handler=handler,
        Role=ROLE,
        Code={"S3Bucket": code, "S3Key": "package.zip"},
        MemorySize=512,
        Timeout=timeout_s,
        Environment={"Variables": {**deployment.environment, **environ}},
    )
    return name


def invoke(deployment: Deployment, name: str, event: object) -> Any:
    """Call a function as a schedule does, and return its answer."""
    answer = deployment.server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.load(answer["Payload"])


def _call_from_bucket(deployment: Deployment, name: str) -> None:
    found = deployment.server.client("lambda").get_function_configuration(FunctionName=name)
    calls = [{"LambdaFunctionArn": found["FunctionArn"], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
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
    _map(deployment, deployment.queue, name)


def _map(deployment: Deployment, queue: str, name: str) -> None:
    deployment.server.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn(deployment.server, queue),
        FunctionName=name,
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
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
