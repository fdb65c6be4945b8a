"""`safelight doctor --aws`, as a user runs it: on a stand-in of AWS, and where there is no way into an account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from safelight import packed
from safelight.config import load
from tests.servers import stack
from tests.servers.aws import Server
from tests.unit.deploy.refusing import refusing

SRC = Path(__file__).parents[2] / "src"
ACCOUNT = [
    "configuration",
    "credentials",
    "region",
    "clock",
    "concurrency",
    "buckets",
    "bucket names",
    "permissions",
    "stack",
]
DEPLOYED = ["options", "recipes", "functions", "uploads", "mail", "alarms", "dead letters"]


def doctor(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    command = [sys.executable, "-c", "from safelight.entry.cli import main; main()", "doctor", *arguments, "--json"]
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**plain, **nobody, **environ, "PYTHONPATH": str(SRC)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert not ended.stderr, ended.stderr
    return ended.returncode, {line["check"]: line for line in map(json.loads, ended.stdout.splitlines())}


def project(folder: Path, region: str, more: str = "") -> None:
    text = f"name: doctored\nregion: {region}\nnotify: {{email: [ann@example.com, bob@example.com]}}\n{more}"
    (folder / "safelight.yaml").write_text(text)


def package(folder: Path) -> bytes:
    """Return a package with the project of a folder, whose handler does nothing."""
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("safelight/entry/lambda_handler.py", stack.IDLE)
        archive.writestr(f"{packed.FOLDER}/{packed.FILE}", packed.dump(load(folder / "safelight.yaml", {}).settings))
    return out.getvalue()


def test_doctor_looks_at_the_account_before_and_after_a_deployment(ministack: Server, tmp_path: Path) -> None:
    """Before, the names are free; after, each part of the deployment is looked at, and what differs is told."""
    project(tmp_path, ministack.region)
    code, before = doctor(tmp_path, ministack.environment, "--aws", "dev")
    assert (code, list(before)) == (0, ACCOUNT)
    assert before["bucket names"]["detail"] == "mydoctored-input-dev is free\nmydoctored-output-dev is free"
    names = {"Name": "doctored", "Suffix": "-dev", "Environment": "dev", "TopicName": "doctored-notifications-dev"}
    buckets = {"InputBucketName": "mydoctored-input-dev", "OutputBucketName": "mydoctored-output-dev"}
    mails = {"Email1": "ann@example.com", "AlarmEmail1": "ann@example.com", "AlarmEmail2": "bob@example.com"}
    made = stack.create(ministack, "doctored-dev", **names, **buckets, **mails, Email2="bob@example.com")
    function = made.outputs["FunctionName"]
    ministack.client("lambda").update_function_code(FunctionName=function, ZipFile=package(tmp_path))
    code, after = doctor(tmp_path, ministack.environment, "--aws", "dev")
    assert (code, list(after)) == (0, [*ACCOUNT, *DEPLOYED])
    assert {name for name, each in after.items() if each["status"] != "ok"} == {"credentials"}, after
    assert after["bucket names"]["detail"].count("the stack's") == 2
    assert after["alarms"]["detail"].startswith("none of ")
    assert after["alarms"]["detail"] != "none of 0 rings"

    sns, topic = ministack.client("sns"), made.outputs["TopicArn"]
    [bob] = [
        each
        for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if each["Endpoint"] == "bob@example.com"
    ]
    sns.unsubscribe(SubscriptionArn=bob["SubscriptionArn"])
    ministack.client("sqs").send_message(QueueUrl=made.outputs["DeadLetterQueueUrl"], MessageBody="?")
    source = made.resources["EventSource"]
    ministack.client("lambda").update_event_source_mapping(UUID=source, Enabled=False)
    recipe = "recipes: [{name: web, renditions: [{key: '{dir}{filename}.webp'}]}]\n"
    project(tmp_path, ministack.region, "aws: {memory: 1024}\nlimits: {seconds: 50}\n" + recipe)
    code, worse = doctor(tmp_path, ministack.environment, "--aws", "dev")
    assert code == 1
    assert "bob@example.com left by a click on unsubscribe" in worse["mail"]["detail"]
    assert "MemorySize: 512 is deployed, 1024 is in the file" in worse["options"]["detail"]
    assert worse["uploads"]["status"] == "fail"
    assert worse["recipes"]["detail"].splitlines() == [
        "recipe 'web' is in the file, and not deployed",
        "recipe 'default' is deployed, and not in the file",
        "limits differ",
    ]


def test_doctor_without_credentials_says_how_to_get_some(tmp_path: Path) -> None:
    """Nothing is asked of AWS then."""
    code, found = doctor(tmp_path, {}, "--aws")
    assert (code, list(found)) == (1, ["configuration", "credentials"])
    assert "aws configure" in found["credentials"]["remedy"]


@pytest.mark.parametrize(
    ("refusal", "check", "words"),
    [
        (("ExpiredToken", "The security token is expired"), "credentials", "have expired"),
        (("InvalidClientTokenId", "The token is invalid"), "credentials", "does not know the access key"),
        (("SignatureDoesNotMatch", "Signature expired"), "credentials", "refuses the signature"),
        (("RegionDisabledException", "not enabled"), "region", "not enabled"),
    ],
)
def test_doctor_of_an_account_that_does_not_open_says_why(
    tmp_path: Path, refusal: tuple[str, str], check: str, words: str
) -> None:
    """Expired, unknown and badly signed credentials are told apart, and so is a region that is off."""
    with refusing({"GetCallerIdentity": refusal}) as environ:
        code, found = doctor(tmp_path, environ, "--aws")
    assert (code, list(found)) == (1, ["configuration", check])
    assert words in found[check]["detail"]
    assert found[check]["remedy"]


def test_doctor_of_an_account_that_does_not_answer_says_where(tmp_path: Path) -> None:
    """No network and a wrong endpoint are no matter of credentials."""
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    code, found = doctor(tmp_path, keys, "--aws")
    assert (code, list(found)) == (1, ["configuration", "region"])
    assert "does not answer" in found["region"]["detail"]


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [("aws: {seconds: 20}\n", "prod", "limits.seconds=60 is above"), ("", "prdo", "did you mean 'prod'?")],
)
def test_doctor_of_a_configuration_that_cannot_be_deployed_looks_no_further(
    tmp_path: Path, text: str, environment: str, words: str
) -> None:
    """The file comes first, and needs no account."""
    (tmp_path / "safelight.yaml").write_text(text)
    code, found = doctor(tmp_path, {}, "--aws", environment)
    assert (code, list(found)) == (1, ["configuration"])
    assert words in found["configuration"]["detail"]
