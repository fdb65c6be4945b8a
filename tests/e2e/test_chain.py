"""The whole way on a stand-in of AWS: an object is put, and Lambda runs the package because of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from safelight.recipe.model import DEFAULT_RECIPE
from safelight.settings import Settings
from tests.e2e.soak import jobs, waiting
from tests.servers.aws import Server
from tests.servers.chain import connect, logged, until, zipped
from tests.servers.deployment import Deployment, deploy
from tests.unit.fakes import png

pytestmark = pytest.mark.xdist_group("package")
KEYS = ["plain.png", "a b/c+d.png", "Größe/日本.png", "100%/50%2B.png", "x=y&z.png"]
REMOVING = replace(DEFAULT_RECIPE, on_delete="remove")


@pytest.fixture(scope="module")
def package(task: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as it is deployed, with a recipe that takes outputs along."""
    return zipped(task, Settings(recipes=(REMOVING,)), tmp_path_factory.mktemp("chain") / "package.zip")


def processed(key: str) -> str:
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}processed_{name}"


def test_chain_upload_becomes_output_job_notice_and_log(package: Path, ministack: Server) -> None:
    """The brief's promise, with nothing between the bucket and the output but AWS's services and the package."""
    deployment = deploy(ministack)
    name = connect(deployment, package)
    s3 = ministack.client("s3")
    pictures = {key: png(number) for number, key in enumerate(KEYS)}
    for key, body in pictures.items():
        s3.put_object(Bucket=deployment.input, Key=key, Body=body)
    s3.put_object(Bucket=deployment.input, Key="bad.png", Body=b"no picture")
    until(lambda: sum(job.status.ended for job in jobs(deployment)) == len(KEYS) + 1, "an outcome of each")

    assert deployment.outputs() == {processed(key): body for key, body in pictures.items()}
    ended = {job.upload.key: job for job in jobs(deployment)}
    assert {key: job.status.value for key, job in ended.items()} == {
        **dict.fromkeys(KEYS, "succeeded"),
        "bad.png": "rejected",
    }
    assert {job.attempts for job in ended.values()} == {1}
    _check_object(deployment, "a b/processed_c+d.png", ended["a b/c+d.png"].id)
    until(lambda: not waiting(deployment), "an empty queue")
    notices = {each["MessageAttributes"]["status"]["Value"] for each in deployment.messages()}
    assert notices == {"succeeded", "rejected"}
    _check_logs([json.loads(line) for line in logged(deployment, name) if line.startswith("{")])


def _check_logs(lines: list[dict[str, Any]]) -> None:
    metrics = [line for line in lines if "_aws" in line]
    assert [(line["Processed"], line["Rejected"]) for line in metrics].count((1, 0)) == len(KEYS)
    assert sum(line["Rejected"] for line in metrics) == 1
    assert any(line["ColdStart"] for line in metrics)
    ended = {line["file"]: line["status"] for line in lines if line.get("message") == "end"}
    assert ended == {**dict.fromkeys(KEYS, "succeeded"), "bad.png": "rejected"}


def _check_object(deployment: Deployment, key: str, job: str) -> None:
    s3 = deployment.server.client("s3")
    head = s3.head_object(Bucket=deployment.output, Key=key)
    tags = s3.get_object_tagging(Bucket=deployment.output, Key=key)["TagSet"]
    assert {"job-id": job, "status": "succeeded", "original-filename": "c+d.png"}.items() <= head["Metadata"].items()
    assert {"Key": "environment", "Value": "test"} in tags


def test_chain_poison_message_becomes_a_dead_letter_and_harms_nobody(package: Path, ministack: Server) -> None:
    """What nobody can read is tried and kept; an upload beside it goes its way."""
    deployment = deploy(ministack, max_receives=2)  # five would take a minute and a half
    connect(deployment, package)
    poison: list[object] = [{"what": "ever"}, "text"]
    for each in poison:
        ministack.client("sqs").send_message(QueueUrl=deployment.queue, MessageBody=json.dumps(each))
    ministack.client("s3").put_object(Bucket=deployment.input, Key="a.png", Body=png(7))
    dead: list[object] = []
    until(lambda: dead.extend(deployment.messages(deployment.dead)) or len(dead) == len(poison), "the dead letters")
    assert all(each in dead for each in poison)
    assert deployment.outputs() == {"processed_a.png": png(7)}
    assert waiting(deployment) == 0


def test_chain_deleted_original_takes_its_output_along(package: Path, ministack: Server) -> None:
    """In a bucket with versions a delete is a marker, and the recipe's `on_delete: remove` goes by it."""
    deployment = deploy(ministack)
    connect(deployment, package)
    s3 = ministack.client("s3")
    s3.put_object(Bucket=deployment.input, Key="a b+.png", Body=png(7))
    until(lambda: deployment.keys() and jobs(deployment)[0].status.ended, "the output")
    assert s3.delete_object(Bucket=deployment.input, Key="a b+.png")["DeleteMarker"]
    until(lambda: not deployment.keys(), "the removal")


def test_chain_bucket_may_call_the_function_itself(package: Path, ministack: Server) -> None:
    """S3's own notifications write keys as forms do; the outputs' keys are the plain ones."""
    deployment = deploy(ministack)
    connect(deployment, package, direct=True)
    keys = ["ä b/c+d.png", "100%/50%2B.png"]
    for number, key in enumerate(keys):
        ministack.client("s3").put_object(Bucket=deployment.input, Key=key, Body=png(number))
    expected = {processed(key): png(number) for number, key in enumerate(keys)}
    until(lambda: deployment.outputs() == expected, "an output of each")
