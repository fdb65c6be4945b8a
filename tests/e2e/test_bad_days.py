"""The function on bad days of AWS: a coded outcome or another try, never a lost image, never a poisoned batch."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from safelight import event, packed
from safelight.entry.function import Function, items_of
from safelight.errors import InvalidRecipe
from safelight.job import Outcome, Upload
from safelight.recipe.model import DEFAULT_RECIPE, Limits
from safelight.settings import Settings
from tests.e2e.soak import jobs
from tests.e2e.working import Context
from tests.servers.aws import Server
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings
from tests.servers.faults import SLOW_DOWN, Proxy, proxy
from tests.unit.fakes import png

THROTTLED = (400, json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode())
THROTTLED_FORM = (400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>")
DENIED = (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
ELSEWHERE = (301, b"<Error><Code>PermanentRedirect</Code><Endpoint>s3.eu-central-1.amazonaws.com</Endpoint></Error>")
OTHER_REGION = (400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>")
AGAIN = {"batchItemFailures": [{"itemIdentifier": "m0"}]}
DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def between(ministack: Server) -> Iterator[Proxy]:
    with proxy(ministack.endpoint) as found:
        yield found


@pytest.fixture(params=[True])
def deployment(request: pytest.FixtureRequest, ministack: Server) -> Deployment:
    return deploy(ministack, versioned=request.param)


@pytest.fixture
def function(deployment: Deployment, between: Proxy, tmp_path: Path) -> Iterator[Function]:
    write_settings(tmp_path, Settings(limits=Limits(megabytes=1)))
    environ = {
        **deployment.environment,
        "AWS_ENDPOINT_URL": between.endpoint,
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    with closing(Function(environ, StringIO())) as made:
        yield made


def run(function: Function, *bodies: object, receives: int = 1) -> Any:
    return function.handle(sqs_event(*bodies, receives=receives), Context())


def only_job(deployment: Deployment) -> Outcome:
    [job] = jobs(deployment)
    return job


def ended(deployment: Deployment) -> tuple[str, str]:
    job = only_job(deployment)
    return job.status.value, job.error.code if job.error else ""


@pytest.mark.parametrize(
    ("service", "fault"),
    [
        ("dynamodb", THROTTLED),
        ("sns", THROTTLED_FORM),
        ("s3", DENIED),
        ("s3", ELSEWHERE),
        ("s3", OTHER_REGION),
        ("dynamodb", (500, b"")),
        ("sns", "drop"),
    ],
)
def test_service_that_fails_for_a_while_delays_and_loses_nothing(
    function: Function, deployment: Deployment, between: Proxy, service: str, fault: tuple[int, bytes] | str
) -> None:
    """The message comes again until the service answers; then there is one output, one outcome and one notice."""
    upload = deployment.put("a.png", png(7))
    between.lasting[service] = fault
    assert run(function, upload) == AGAIN
    between.lasting.clear()
    assert run(function, upload, receives=2) == DONE
    assert deployment.outputs() == {"processed_a.png": png(7)}
    assert ended(deployment) == ("succeeded", "")
    assert len(deployment.messages()) == 1


@pytest.mark.parametrize(
    ("fault", "code"), [(DENIED, "denied"), (ELSEWHERE, "unavailable"), (OTHER_REGION, "unavailable")]
)
def test_bucket_that_never_gives_the_upload_is_a_failure_with_its_reason(
    function: Function, deployment: Deployment, between: Proxy, fault: tuple[int, bytes], code: str
) -> None:
    """On the last try the job has failed, somebody is told, and the message is done with: a replay finds the upload."""
    upload = deployment.put("a.png", png(7))
    between.lasting["s3"] = fault
    assert run(function, upload, receives=5) == DONE
    assert ended(deployment) == ("failed", code)
    assert code in json.dumps(deployment.messages())
    between.lasting.clear()
    assert run(function, upload) == DONE
    assert ended(deployment) == ("succeeded", "")


def test_bucket_in_another_region_is_told_as_such(function: Function, deployment: Deployment, between: Proxy) -> None:
    """S3 redirects without saying where to; whoever reads the failure learns what to look at."""
    between.lasting["s3"] = ELSEWHERE
    run(function, deployment.put("a.png", png(7)), receives=5)
    error = only_job(deployment).error
    assert error is not None
    assert "region" in error.remedy


def test_throttled_bucket_is_tried_again_within_the_invocation(
    function: Function, deployment: Deployment, between: Proxy
) -> None:
    """S3 says slow down now and then; no message is handed back for it."""
    upload = deployment.put("a.png", png(7))
    between.faults = [SLOW_DOWN if number % 3 == 0 else None for number in range(60)]
    assert run(function, upload) == DONE
    assert ended(deployment) == ("succeeded", "")
    assert len(between.faults) < 55, "the faults were met"


def test_queue_that_is_throttled_does_not_keep_the_answer_back(
    function: Function, deployment: Deployment, between: Proxy
) -> None:
    """To say when a message comes again is a courtesy; that it comes again is in the answer."""
    between.lasting = {"sqs": THROTTLED, "s3": DENIED}
    assert run(function, deployment.put("a.png", png(7))) == AGAIN


@pytest.mark.parametrize("deployment", [False], indirect=True)
def test_object_replaced_before_it_is_read_is_superseded_by_the_newer(
    function: Function, deployment: Deployment
) -> None:
    """Without versions only the newer bytes are left: the older event ends quietly, the newer one is developed."""
    first, second = deployment.put("a.png", png(1)), deployment.put("a.png", png(2))
    assert run(function, first) == DONE
    assert (ended(deployment)[0], deployment.outputs()) == ("superseded", {})
    assert run(function, second, first) == DONE
    assert deployment.outputs() == {"processed_a.png": png(2)}
    assert len(deployment.messages()) == 1


def test_object_larger_than_the_limit_is_rejected_unread(
    function: Function, deployment: Deployment, between: Proxy
) -> None:
    """What could not be held in memory is not fetched."""
    upload = deployment.put("a.png", png(7) + bytes(2_000_000))
    assert run(function, upload) == DONE
    assert ended(deployment) == ("rejected", "too_large")
    assert not [each for each in between.requests if each.startswith("GET")]


def test_object_larger_than_its_event_says_is_rejected(function: Function, deployment: Deployment) -> None:
    """An event is a claim of its sender; what the store gives is what counts."""
    upload = deployment.put("a.png", png(7) + bytes(2_000_000))
    upload["detail"]["object"]["size"] = 10
    assert run(function, upload) == DONE
    assert ended(deployment) == ("rejected", "too_large")


def test_foreign_and_malformed_messages_come_again_and_poison_no_batch(
    function: Function, deployment: Deployment
) -> None:
    """Whatever others send, the uploads beside it are developed; the queue puts aside what nobody can read."""
    foreign: list[object] = [
        {},
        [],
        None,
        "text",
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {}},
        {"safelight": 2, "upload": {}},
        {"safelight": 1, "upload": {"bucket": "b", "key": 1}},
        {"Type": "Notification", "Message": "no JSON"},
    ]
    answer = run(function, *foreign, deployment.put("a.png", png(7)), receives=5)
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == [f"m{n}" for n in range(len(foreign))]
    assert deployment.outputs() == {"processed_a.png": png(7)}


def test_message_of_ours_that_sqs_takes_in_base64_only_is_read(function: Function, deployment: Deployment) -> None:
    """A key may hold characters that no message may: the queue sends such a body in base64, and says so."""
    key = "a\uffff.png"
    deployment.put(key, png(7))
    found = deployment.server.client("s3").head_object(Bucket=deployment.input, Key=key)
    upload = Upload(
        bucket=deployment.input,
        key=key,
        version=found["VersionId"],
        etag=found["ETag"].strip('"'),
        size=found["ContentLength"],
        arrived_at="2026-01-02T03:04:05.678Z",
    )
    batch = sqs_event({})
    batch["Records"][0]["body"] = b64encode(event.message(upload)).decode()
    batch["Records"][0]["messageAttributes"] = {"encoding": {"stringValue": "base64", "dataType": "String"}}
    assert function.handle(batch, Context()) == DONE
    assert deployment.outputs() == {f"processed_{key}": png(7)}


def test_items_of_message_that_lies_about_its_encoding_is_taken_as_it_is() -> None:
    """A sender's mistake is this message's, never that of the batch."""
    batch = sqs_event({"a": 1})
    batch["Records"][0]["messageAttributes"] = {"encoding": {"stringValue": "base64", "dataType": "String"}}
    assert [each.text for each in items_of(batch)] == ['{"a": 1}']


@pytest.mark.parametrize("made_by", ["newer", "older"])
def test_package_whose_settings_do_not_fit_the_code_says_so_at_its_start(tmp_path: Path, made_by: str) -> None:
    """Messages wait in their queue until a package is deployed that fits; nothing is developed by half a recipe."""
    write_settings(tmp_path, Settings(recipes=(DEFAULT_RECIPE,)))
    file = tmp_path / packed.FOLDER / packed.FILE
    settings = json.loads(file.read_bytes())
    if made_by == "newer":
        settings["recipes"][0]["sharpen_by_magic"] = True
    else:
        settings["recipes"][0] = {"name": "photos", "outputs": []}
    file.write_text(json.dumps(settings))
    with pytest.raises(InvalidRecipe, match="does not fit this version") as caught:
        packed.load(file.parent)
    assert "safelight package" in caught.value.remedy
