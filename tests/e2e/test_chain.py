"""The whole way on a stand-in of AWS: an object is put, and Lambda runs the package because of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.kept import Kept, KeptMessage
from safelight.entry.function import TIMING
from safelight.recipe.model import DEFAULT_RECIPE
from safelight.settings import Settings
from tests.e2e.soak import jobs, waiting
from tests.servers.aws import Server
from tests.servers.chain import DIGEST, connect, connect_dead_letters, function, invoke, logged, until, zipped
from tests.servers.deployment import Deployment, deploy
from tests.unit.fakes import png

pytestmark = pytest.mark.xdist_group("package")
KEYS = ["plain.png", "a b/c+d.png", "Größe/日本.png", "100%/50%2B.png", "x=y&z.png"]
REMOVING = replace(DEFAULT_RECIPE, on_delete="remove")
DYING = """
import os
from safelight.entry.lambda_handler import Function
from safelight.aws.store import S3Store

def fetch(self, upload):
    os._exit(137)  # as the system ends what takes too much memory

S3Store.fetch = fetch
from safelight.entry.lambda_handler import handle
"""
"""A processor that is killed with each picture that it has begun."""


@pytest.fixture(scope="module")
def package(task: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as it is deployed, with a recipe that takes outputs along."""
    out = tmp_path_factory.mktemp("chain") / "package.zip"
    return zipped(task, Settings(recipes=(REMOVING,)), out, dying=DYING)


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


def test_chain_dead_letter_is_kept_and_told(package: Path, ministack: Server) -> None:
    """The function behind the dead-letter queue empties it: the owner hears of the message, and finds it whole."""
    deployment = deploy(ministack, max_receives=2)
    connect(deployment, package)
    connect_dead_letters(deployment, package)
    poison = {"what": "ever", "text": "写真"}
    ministack.client("sqs").send_message(QueueUrl=deployment.queue, MessageBody=json.dumps(poison))
    told: list[Any] = []
    until(lambda: told.extend(deployment.messages()) or told, "the alarm")
    (alarm,) = told
    message = msgspec.json.decode(alarm["Message"], type=KeptMessage)
    assert alarm["TopicArn"] == deployment.alarms
    with closing(Client(access_from(deployment.environment), TIMING)) as client:
        kept = Kept(client, deployment.table, now=TIMING.now)
        assert kept.unreadable() == [message]
        assert json.loads(kept.body(message.id)) == poison
    until(lambda: not waiting(deployment, deployment.dead), "an empty dead-letter queue")


@pytest.mark.long
def test_chain_function_that_is_killed_each_time_leaves_a_failed_job(package: Path, ministack: Server) -> None:
    """Nobody acknowledges such a message: it becomes a dead letter, its job has failed, and that is told once."""
    deployment = deploy(ministack, max_receives=2)
    hidden = {"VisibilityTimeout": "12"}  # longer than the lease of a function of 6 s; six minutes on AWS
    ministack.client("sqs").set_queue_attributes(QueueUrl=deployment.queue, Attributes=hidden)
    ministack.client("sqs").set_queue_attributes(QueueUrl=deployment.dead, Attributes=hidden)
    connect(deployment, package, handler="dying.handle", timeout_s=6)
    connect_dead_letters(deployment, package)
    ministack.client("s3").put_object(Bucket=deployment.input, Key="a.png", Body=png(7))
    until(lambda: jobs(deployment), "the job that was begun")
    until(lambda: jobs(deployment)[0].status.ended, "its end")
    (job,) = jobs(deployment)
    assert (job.status.value, job.error.code) == ("failed", "dead_letter")
    assert job.attempts >= 1
    until(lambda: not waiting(deployment) and not waiting(deployment, deployment.dead), "empty queues")
    assert [each["Subject"] for each in deployment.messages()] == ["[image-processor-test] failed: a.png (dead_letter)"]


def test_chain_digest_is_one_mail_of_what_ended(package: Path, ministack: Server) -> None:
    """Three endings wait in the table; the scheduled function tells them at once, and then there is nothing left."""
    deployment = deploy(ministack)
    connect(deployment, package, SAFELIGHT_DIGEST_MINUTES="15")
    digest = function(deployment, package, DIGEST, SAFELIGHT_DIGEST_MINUTES="15")
    for key, body in {"a.png": png(1), "b.png": png(2), "bad.png": b"no picture"}.items():
        ministack.client("s3").put_object(Bucket=deployment.input, Key=key, Body=body)
    until(lambda: sum(job.status.ended for job in jobs(deployment)) == 3, "an outcome of each")
    until(lambda: not waiting(deployment), "an empty queue")
    assert deployment.messages() == []
    assert invoke(deployment, digest, {"source": "aws.events"}) == {"mails": 1, "endings": 3}
    assert invoke(deployment, digest, {"source": "aws.events"}) == {"mails": 0, "endings": 0}
    (mail,) = deployment.messages()
    assert mail["Subject"] == "[image-processor-test] 1 picture could not be developed, 2 developed"


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
