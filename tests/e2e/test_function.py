"""The function in this process, with its adapters, on a stand-in of AWS: what goes in and what is there afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from safelight.aws.ports import Names, limits_of, names_from
from safelight.entry.function import Function, items_of
from safelight.errors import InvalidRecipe, SafelightError
from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe, Rendition
from safelight.settings import Settings
from safelight.steps.resize import Resize
from tests.e2e.working import Context
from tests.servers.aws import Server
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings
from tests.unit.fakes import png

THUMBS = Recipe(
    name="thumbs",
    metadata="keep",
    renditions=(Rendition(key="{dir}{filename}-4.webp", resize=Resize(width=4)), *DEFAULT_RECIPE.renditions),
)


@pytest.fixture
def deployment(ministack: Server) -> Deployment:
    return deploy(ministack)


@pytest.fixture
def printed() -> StringIO:
    return StringIO()


@pytest.fixture
def function(deployment: Deployment, tmp_path: Path, printed: StringIO) -> Iterator[Function]:
    write_settings(tmp_path, Settings(recipes=(THUMBS,)))
    environ = {**deployment.environment, "LAMBDA_TASK_ROOT": str(tmp_path), "TMPDIR": str(tmp_path)}
    with closing(Function(environ, printed)) as made:
        yield made


def run(function: Function, *bodies: object, receives: int = 1) -> Any:
    return function.handle(sqs_event(*bodies, receives=receives), Context())


def lines(printed: StringIO) -> list[dict[str, Any]]:
    """Return what was printed since the last look."""
    found = [json.loads(line) for line in printed.getvalue().splitlines()]
    printed.seek(0)
    printed.truncate()
    return found


def test_function_upload_becomes_outputs_with_metadata_and_tags(function: Function, deployment: Deployment) -> None:
    """The brief's own way: a picture in, `processed_<name>` out with the very bytes, and a notice."""
    assert run(function, deployment.put("a/b c+d.png", png(7))) == {"batchItemFailures": []}
    outputs = deployment.outputs()
    assert sorted(outputs) == ["a/b c+d.png-4.webp", "a/processed_b c+d.png"]
    assert outputs["a/processed_b c+d.png"] == png(7)
    s3 = deployment.server.client("s3")
    head = s3.head_object(Bucket=deployment.output, Key="a/b c+d.png-4.webp")
    tags = s3.get_object_tagging(Bucket=deployment.output, Key="a/b c+d.png-4.webp")["TagSet"]
    assert head["ContentType"] == "image/webp"
    kept = {"original-filename": "b c+d.png", "status": "succeeded", "recipe": "thumbs", "width": "4", "height": "4"}
    assert kept.items() <= head["Metadata"].items()
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "status": "succeeded",
        "recipe": "thumbs",
        "environment": "test",
    }
    [mail] = deployment.messages()
    assert "b c+d.png" in json.dumps(mail)


def test_function_logs_in_the_fields_keys_and_metrics_by_themselves(
    function: Function, deployment: Deployment, printed: StringIO
) -> None:
    """Every line is JSON; metrics are bare lines that CloudWatch reads, with no picture's key as a dimension."""
    run(function, deployment.put("a.png", png(7)))
    found = lines(printed)
    logs = [line for line in found if "_aws" not in line]
    [metrics] = [line for line in found if "_aws" in line]
    assert [line["message"] for line in logs] == ["start", "end"]
    assert all(line["cold_start"] is True and line["function_request_id"] == "request-1" for line in logs)
    end = logs[-1]
    assert (end["file"], end["size"], end["status"], end["renditions"]) == ("a.png", len(png(7)), "succeeded", 2)
    assert {"start", "end", "duration_ms", "bytes_out"} <= set(end)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["project", "environment"]]
    assert (metrics["project"], metrics["environment"]) == ("image-processor", "test")
    assert {each["Name"] for each in directive["Metrics"]} <= set(metrics)
    assert (metrics["Processed"], metrics["Failed"], metrics["ColdStart"]) == (1, 0, 1)
    run(function, deployment.put("b.png", png(8)))
    assert [line["ColdStart"] for line in lines(printed) if "_aws" in line] == [0]


def test_function_repeated_event_does_nothing_twice(function: Function, deployment: Deployment) -> None:
    """At least once means more than once."""
    event = deployment.put("a.png", png(7))
    for _ in range(3):
        assert run(function, event) == {"batchItemFailures": []}
    assert len(deployment.messages()) == 1


def test_function_bad_picture_is_rejected_and_acknowledged(
    function: Function, deployment: Deployment, printed: StringIO
) -> None:
    """A coded reason in the log and in the notice, and no further try."""
    assert run(function, deployment.put("a.png", b"no picture")) == {"batchItemFailures": []}
    [end] = [line for line in lines(printed) if line.get("message") == "end"]
    assert (end["status"], end["error"]["code"]) == ("rejected", "unknown_format")
    assert deployment.outputs() == {}
    assert "unknown_format" in json.dumps(deployment.messages())


def test_function_upload_that_is_gone_ends_quietly(function: Function, deployment: Deployment) -> None:
    """Deleted or replaced before it was read: its job is superseded, and nobody is told."""
    event = deployment.put("a.png", png(7))
    s3 = deployment.server.client("s3")
    s3.delete_object(Bucket=deployment.input, Key="a.png", VersionId=event["detail"]["object"]["version-id"])
    assert run(function, event) == {"batchItemFailures": []}
    assert deployment.outputs() == {}
    assert deployment.messages() == []


def test_function_two_uploads_of_one_key_leave_the_newest(function: Function, deployment: Deployment) -> None:
    """Also when their events come in the wrong order."""
    first, second = deployment.put("a.png", png(1)), deployment.put("a.png", png(2))
    assert run(function, second, first) == {"batchItemFailures": []}
    assert deployment.outputs()["processed_a.png"] == png(2)


def test_function_bucket_that_is_gone_harms_no_other_of_the_batch(function: Function, deployment: Deployment) -> None:
    """What was in it is gone like a deleted upload."""
    event = deployment.put("a.png", png(7))
    foreign = json.loads(json.dumps(event).replace(deployment.input, "somebody-elses-bucket"))
    assert run(function, foreign, event) == {"batchItemFailures": []}
    assert "processed_a.png" in deployment.outputs()


def test_function_called_by_s3_itself_raises_what_went_wrong(function: Function, deployment: Deployment) -> None:
    """Without a queue, its sender tries again: an error is what tells it to."""
    assert function.handle(deployment.put("a.png", png(7)), Context()) is None
    with pytest.raises(SafelightError):
        function.handle({"what": "ever"}, Context())


def test_function_topic_that_is_gone_is_tried_again_and_the_output_stays(
    function: Function, deployment: Deployment
) -> None:
    """A notice that cannot be handed over is owed, and its job is not developed again for it."""
    sns = deployment.server.client("sns")
    sns.delete_topic(TopicArn=deployment.topic)
    event = deployment.put("a.png", png(7))
    assert run(function, event) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert "processed_a.png" in deployment.outputs()


def test_items_of_batch_and_of_a_bare_event() -> None:
    """Only a batch of the queue has receipts."""
    batch = items_of(sqs_event({"a": 1}, {"b": 2}, receives=3))
    assert [(each.id, each.text, each.receives) for each in batch] == [("m0", '{"a": 1}', 3), ("m1", '{"b": 2}', 3)]
    [bare] = items_of({"Records": []})
    assert (bare.message, bare.receipt) == ({"Records": []}, "")


@pytest.mark.parametrize("missing", ["SAFELIGHT_OUTPUT_BUCKET", "SAFELIGHT_TABLE"])
def test_names_missing_variable_is_named(missing: str) -> None:
    """A function that was deployed by hand says at its start what it lacks."""
    environ = {"SAFELIGHT_OUTPUT_BUCKET": "out", "SAFELIGHT_TABLE": "table"}
    del environ[missing]
    with pytest.raises(InvalidRecipe, match=missing):
        names_from(environ)


def test_names_of_a_function_know_its_memory() -> None:
    """Pictures get what the program leaves of the function's memory, never more than the limit."""
    names = names_from(
        {
            "SAFELIGHT_OUTPUT_BUCKET": "out",
            "SAFELIGHT_TABLE": "table",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
    )
    assert names == Names(output_bucket="out", table="table", memory_mb=536)
    assert limits_of(Limits(), names.memory_mb).memory == 436
    assert limits_of(Limits(memory=200), names.memory_mb).memory == 200
    assert limits_of(Limits(), None) == Limits()


@pytest.mark.parametrize("wrong", ["many", "-1", "٣"])
def test_names_number_that_is_none_is_refused(wrong: str) -> None:
    """A wrong number of deliveries would end jobs too early or never."""
    environ = {"SAFELIGHT_OUTPUT_BUCKET": "out", "SAFELIGHT_TABLE": "table", "SAFELIGHT_MAX_RECEIVES": wrong}
    with pytest.raises(InvalidRecipe, match="SAFELIGHT_MAX_RECEIVES"):
        names_from(environ)


def test_limits_of_a_tiny_function_leave_room_for_a_picture() -> None:
    """Less than that would refuse every picture."""
    assert limits_of(Limits(), 134).memory == 128
    assert replace(Limits(), memory=128) == limits_of(Limits(), 134)
