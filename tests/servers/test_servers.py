"""The servers that tests start: they answer, are apart from each other, and never outlive the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.aws import Server
from tests.servers.process import NotReadyError, running
from tests.servers.rie import function

ROOT = Path(__file__).parents[2]

HANDLER = """\
import os, sys, time
COUNT = 0
def handle(event, context):
    global COUNT
    COUNT += 1
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError("on purpose")
    return {"count": COUNT, "version": list(sys.version_info[:2]), "own": os.environ["OWN"]}
"""


@pytest.fixture(params=["ministack", "moto", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("versioned", [False, True])
def test_server_keeps_an_object_and_its_versions(server: Server, *, versioned: bool) -> None:
    """What is put comes back, with a version where the bucket has those; buckets of tests are apart."""
    bucket, other = server.bucket(versioned=versioned), server.bucket()
    s3 = server.client("s3")
    put = s3.put_object(Bucket=bucket, Key="a b+c", Body=b"bytes", Metadata={"job-id": "1"})
    got = s3.get_object(Bucket=bucket, Key="a b+c")
    assert (got["Body"].read(), got["Metadata"]) == (b"bytes", {"job-id": "1"})
    assert (put.get("VersionId", "null") != "null") is versioned
    assert s3.list_objects_v2(Bucket=other)["KeyCount"] == 0


def test_ministack_has_queues_tables_and_topics(ministack: Server) -> None:
    """The services that the AWS world is made of answer."""
    sqs = ministack.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=url)["Messages"]] == ["hello"]
    assert ministack.client("sns").create_topic(Name="t")["TopicArn"].endswith(":t")
    assert "TableNames" in ministack.client("dynamodb").list_tables()


def test_function_answers_fails_and_times_out_as_on_lambda(tmp_path: Path) -> None:
    """The emulator keeps state between invocations, gives errors their type, and ends what takes too long."""
    (tmp_path / "zip").mkdir()
    (tmp_path / "zip" / "handling.py").write_text(HANDLER)
    with function("handling.handle", tmp_path / "zip", tmp_path, {"OWN": "x"}, timeout_s=1) as run:
        first = run.invoke({})
        assert (first["count"], first["own"]) == (1, "x")
        assert run.invoke({})["count"] == 2
        assert run.invoke({"fail": True})["errorType"] == "ValueError"
        assert "timed out after 1.00 seconds" in str(run.invoke({"sleep": 5}))
        assert run.invoke({})["count"] == 1, "a new environment"


def test_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    """A server that cannot start fails the test with what it printed, at once."""
    with pytest.raises(NotReadyError, match="no such option"), running(
        ["sh", "-c", "echo no such option; exit 3"], tmp_path, lambda: False, {}
    ):  # fmt: skip
        pass


def test_server_of_killed_tests_ends_with_its_children(tmp_path: Path) -> None:
    """SIGKILL for those who started a server leaves neither it nor what it started."""
    source = f"""
from pathlib import Path
import time
from tests.servers.process import running
place = Path({str(tmp_path)!r})
words = ["sh", "-c", "sleep 300 & echo $! > child; echo $$ > own; mv own pid; wait"]
with running(words, place, (place / "pid").exists, {{}}):
    print("ready", flush=True)
    time.sleep(300)
"""
    tests = subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE)
    assert tests.stdout is not None
    with tests.stdout as said:
        assert said.readline() == b"ready\n"
    pids = [int((tmp_path / name).read_text()) for name in ("pid", "child")]
    assert all(_lives(pid) for pid in pids)
    tests.send_signal(signal.SIGKILL)
    tests.wait(10)
    ends = time.monotonic() + 20
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < ends, "the server outlived the tests"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False
