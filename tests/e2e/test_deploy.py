"""`safelight deploy` and `destroy` as one types them, on a stand-in of AWS with the real template and package."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from safelight.deploy import fetch, wheelhouse
from safelight.deploy.arch import Arch
from tests.flow.running import command, environment
from tests.servers import aws
from tests.servers.aws import Server

pytestmark = pytest.mark.xdist_group("package")
STACK, INPUT, OUTPUT = "image-processor-dev", "myimage-processor-input-dev", "myimage-processor-output-dev"
ARTIFACTS = f"safelight-artifacts-000000000000-{aws.REGION}"
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def cache(wheels: dict[Arch, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of wheels, so that each command of these tests need not fetch them."""
    folder = tmp_path_factory.mktemp("cache")
    copied = folder / "copied"
    shutil.copytree(wheels["arm64"][0].parent, copied)
    root = folder / "safelight/wheels"
    root.mkdir(parents=True)
    name = wheelhouse.name_of("arm64", fetch.LOCK.read_text(encoding="utf-8"))
    wheelhouse.keep(sorted(copied.glob("*.whl")), root / name)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An account in which nothing is yet."""
    (tmp_path / "server").mkdir()
    with aws.ministack(tmp_path / "server") as server:
        yield server


class Project:
    """A folder with a safelight.yaml, from which commands are run against the server."""

    def __init__(self, folder: Path, server: Server, cache: Path) -> None:
        self.folder, self.server = folder, server
        kept = {"XDG_CACHE_HOME": str(cache), "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
        self.environ = environment(**server.environment, **kept)
        self.write("")

    def write(self, more: str, region: str = aws.REGION) -> None:
        recipes = 'recipes: [{name: photos, renditions: [{key: "{dir}processed_{filename}"}]}]\n'
        (self.folder / "safelight.yaml").write_text(
            f"region: {region}\nnotify: {{email: [a@example.com]}}\n{more}\n{recipes}"
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words), cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )

    def done(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def asked(self, *words: str, question: bytes) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Run a command on a terminal until it asks something."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command(*words),
            cwd=self.folder,
            env=self.environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            read_until(ours, question)
            yield process, ours
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    @property
    def stacks(self) -> dict[str, str]:
        found = self.server.client("cloudformation").list_stacks()["StackSummaries"]
        return {each["StackName"]: each["StackStatus"] for each in found if each["StackStatus"] != "DELETE_COMPLETE"}

    @property
    def buckets(self) -> set[str]:
        return {each["Name"] for each in self.server.client("s3").list_buckets()["Buckets"]}


@pytest.fixture
def project(tmp_path: Path, server: Server, cache: Path) -> Project:
    return Project(tmp_path, server, cache)


def read_until(terminal: int, wanted: bytes) -> bytes:
    ends, found = time.monotonic() + PATIENCE_S, b""
    while wanted not in found:
        assert time.monotonic() < ends, found.decode(errors="replace")
        try:
            found += os.read(terminal, 4096)
        except OSError:  # a terminal of which the other side is closed
            raise AssertionError(found.decode(errors="replace")) from None
    return found


def test_deploy_again_changed_destroyed_and_taken_back(project: Project) -> None:
    """The life of an environment: nothing is made twice, and pictures outlive the stack until it is said twice."""
    shown = project.done("deploy", "dev", "--yes")
    assert "+ add" in shown
    assert f"{STACK} is CREATE_COMPLETE" in shown
    assert f"s3://{INPUT}/" in shown
    assert "confirm what AWS sends" in shown
    assert project.buckets == {INPUT, OUTPUT, ARTIFACTS}
    [package] = project.server.client("s3").list_objects_v2(Bucket=ARTIFACTS)["Contents"]

    assert "up to date: nothing to change" in project.done("deploy", "dev", "--yes")
    told: dict[str, Any] = json.loads(project.done("outputs", "dev", "--json"))
    assert (told["InputBucket"], told["Version"]) == (INPUT, package["Key"])

    project.write("aws: {memory: 1024}")
    changed = project.done("deploy", "dev", "--yes")
    assert "MemorySize: 512 -> 1024" in changed
    assert f"{STACK} is UPDATE_COMPLETE" in changed
    [same] = project.server.client("s3").list_objects_v2(Bucket=ARTIFACTS)["Contents"]
    assert same["Key"] == package["Key"]  # how a stack is built is no part of the package
    function = project.server.client("lambda").get_function_configuration(FunctionName="image-processor-function-dev")
    assert function["MemorySize"] == 1024

    _check_taken_back(project)


def _check_taken_back(project: Project) -> None:
    s3 = project.server.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=INPUT, Key="a.jpg", Body=body)
    left = project.done("destroy", "dev", "--yes", STACK)
    assert f"bucket {INPUT}: with objects" in left
    assert f"bucket {OUTPUT}: empty" in left
    assert "table image-processor-jobs-dev" in left
    assert project.stacks == {}

    plan = project.done("deploy", "dev", "--dry-run")
    assert "3 to take back." in plan
    assert project.stacks == {}
    back = project.done("deploy", "dev", "--yes")
    assert f"{STACK} is IMPORT_COMPLETE" in back
    assert f"{STACK} is UPDATE_COMPLETE" in back
    assert s3.get_object(Bucket=INPUT, Key="a.jpg")["Body"].read() == b"2"
    resources = project.server.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    assert {INPUT, OUTPUT, "image-processor-jobs-dev"} <= {each["PhysicalResourceId"] for each in resources}
    assert "up to date" in project.done("deploy", "dev", "--yes")

    refused = project.run("destroy", "dev", "--with-data", "--yes", STACK)
    assert (refused.returncode, project.stacks) == (2, {STACK: "UPDATE_COMPLETE"})
    gone = project.done("destroy", "dev", "--with-data", "--yes", STACK, "--yes-data", STACK)
    assert f"{INPUT}: 2 versions deleted" in gone
    assert (project.buckets, project.stacks) == ({ARTIFACTS}, {})
    assert project.server.client("dynamodb").list_tables()["TableNames"] == []
    assert "There is no stack" in project.done("destroy", "dev", "--with-data")


def test_deploy_that_only_looks_leaves_nothing(project: Project) -> None:
    """No bucket, no stack that waits for a review; and without a terminal nobody can say yes."""
    assert "Nothing was changed." in project.done("deploy", "dev", "--dry-run")
    assert (project.stacks, project.buckets) == ({}, set())
    done = project.run("deploy", "dev")
    assert (done.returncode, project.stacks) == (2, {})
    assert "add --yes" in done.stderr
    done = project.run("outputs", "dev")
    assert (done.returncode, done.stderr.splitlines()[0][:21]) == (2, "error[not_deployed]: ")


@pytest.mark.parametrize("answer", ["n", "Ctrl-C"])
def test_deploy_that_is_not_agreed_to_leaves_nothing(project: Project, answer: str) -> None:
    """At the question the change set is there; afterwards it is not, and that is said."""
    with project.asked("deploy", "dev", question=b"Do this? [y/N]") as (process, terminal):
        assert project.stacks == {STACK: "REVIEW_IN_PROGRESS"}
        if answer == "n":
            os.write(terminal, b"n\n")
        else:
            os.killpg(process.pid, signal.SIGINT)
        read_until(terminal, b"Nothing was changed" if answer == "n" else b"nothing of image-processor-dev was changed")
        assert process.wait(PATIENCE_S) == (1 if answer == "n" else 130)
    assert (project.stacks, project.buckets) == ({}, set())


def test_deploy_with_a_bucket_of_the_users_leaves_it_as_it_is(project: Project) -> None:
    """It sends its events to EventBridge as well; what it told others it still tells them, and it is never deleted."""
    s3, mine = project.server.client("s3"), project.server.bucket()
    queue = project.server.client("sqs").create_queue(QueueName="others")["QueueUrl"]
    arn = f"arn:aws:sqs:{project.server.region}:000000000000:{queue.rpartition('/')[2]}"
    others = [{"Id": "others", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(Bucket=mine, NotificationConfiguration={"QueueConfigurations": others})
    project.write(f"environments: {{dev: {{aws: {{input: {mine}}}}}}}")
    assert "its other notifications are as before" in project.done("deploy", "dev", "--yes")
    found = s3.get_bucket_notification_configuration(Bucket=mine)
    assert [each["QueueArn"] for each in found["QueueConfigurations"]] == [arn]
    assert "EventBridgeConfiguration" in found
    assert INPUT not in project.buckets
    gone = project.done("destroy", "dev", "--with-data", "--yes", STACK, "--yes-data", STACK)
    assert f"{mine} is as it was" in gone
    assert project.buckets == {mine, ARTIFACTS}


def test_deploy_with_a_bucket_in_another_region_says_so(project: Project) -> None:
    """Before anything is made."""
    name = project.server.bucket()
    project.write(f"environments: {{dev: {{aws: {{input: {name}}}}}}}", region="eu-north-1")
    done = project.run("deploy", "dev", "--yes")
    assert done.returncode == 2
    assert f"error[bucket_unusable]: the bucket {name} is in {aws.REGION}" in done.stderr
    assert (project.stacks, project.buckets) == ({}, {name})


def test_deploy_with_a_replica_makes_it_first_and_replicates_into_it(project: Project) -> None:
    """Its outputs are the stack's parameters; `destroy` takes both stacks and knows the buckets of both."""
    project.write("aws: {replica: eu-central-1}")
    shown = project.done("deploy", "dev", "--yes")
    assert shown.index(f"{STACK}-replica is CREATE_COMPLETE") < shown.index(f"{STACK} is CREATE_COMPLETE")
    [stack] = project.server.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    values = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    # The rules themselves this stand-in drops; the template's tests have them.
    assert values["ReplicaInputBucketArn"] == f"arn:aws:s3:::{INPUT}-replica"
    assert values["ReplicaOutputBucketArn"] == f"arn:aws:s3:::{OUTPUT}-replica"
    gone = project.done("destroy", "dev", "--with-data", "--yes", STACK, "--yes-data", STACK)
    assert f"{STACK}-replica is DELETE_COMPLETE" in gone
    assert project.buckets == {ARTIFACTS}
