"""`jobs`, `status`, `replay`, `logs` and `smoke` on a deployment: a real function behind a stand-in of AWS."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.kept import Kept, KeptMessage
from safelight.entry.function import TIMING
from safelight.job import Status
from tests.e2e.operated import ENVIRONMENT, Operated
from tests.flow.running import environment
from tests.servers.aws import Server
from tests.servers.chain import until
from tests.unit.fakes import png

pytestmark = pytest.mark.xdist_group("package")
ENV = ("--env", ENVIRONMENT)


@pytest.fixture(scope="module")
def operated(task: Path, ministack: Server, tmp_path_factory: pytest.TempPathFactory) -> Operated:
    """A deployment with a picture that succeeded and one that was rejected."""
    made = Operated(ministack, tmp_path_factory.mktemp("operated"), task)
    made.drop("pictures/good.png", png(7, 300))
    made.drop("pictures/bad.png", b"no picture")
    made.wait_for("pictures/good.png", "pictures/bad.png")
    return made


def test_jobs_lists_those_of_a_deployment_in_the_shape_of_every_list(operated: Operated) -> None:
    """The same table and the same JSON as of a project folder; the last line tells what waits."""
    said = operated.ask("jobs", *ENV)
    assert re.search(r"rejected unknown_format .*pictures/bad\.png", said)
    assert re.search(r"succeeded .*pictures/good\.png", said)
    jobs = [json.loads(line) for line in operated.ask("jobs", *ENV, "--json", "--status", "rejected").splitlines()]
    assert [job["upload"]["key"] for job in jobs] == ["pictures/bad.png"]
    first = operated.ask("jobs", *ENV, "--limit", "1")
    (more,) = re.findall(r"^More: safelight jobs --env test --after (job_\w+)$", first, re.MULTILINE)
    rest = operated.ask("jobs", *ENV, "--after", more)
    assert sorted(re.findall(r"pictures/\w+\.png", first + rest)) == ["pictures/bad.png", "pictures/good.png"]


def test_status_takes_the_beginning_of_an_id(operated: Operated) -> None:
    """A whole id or so much of it that it is the only one; the exit code is that of the job."""
    jobs = operated.wait_for("pictures/good.png")
    good, bad = jobs["pictures/good.png"]["id"], jobs["pictures/bad.png"]["id"]
    assert json.loads(operated.ask("status", str(good), *ENV, "--json")) == jobs["pictures/good.png"]
    assert "pictures/good.png" in operated.ask("status", str(good)[4:14], *ENV)
    assert "unknown_format" in operated.ask("status", str(bad), *ENV, code=1)
    assert "begins more than one ID" in operated.ask("status", "job_", *ENV, code=2)
    assert "there is no job zz" in operated.ask("status", "zz", *ENV, code=2)


def test_logs_are_lines_for_people_or_json_for_programs(operated: Operated) -> None:
    """What became of which picture; metrics and Lambda's notes are for programs."""
    said = operated.ask("logs", ENVIRONMENT)
    assert re.search(r"^\S+Z  info   succeeded    pictures/good\.png  .*1 output, ", said, re.MULTILINE)
    assert re.search(r"rejected     pictures/bad\.png .*unknown_format: ", said)
    assert "_aws" not in said
    every = [json.loads(line) for line in operated.ask("logs", ENVIRONMENT, "--json").splitlines()]
    assert any("_aws" in each for each in every)
    job = operated.wait_for("pictures/good.png")["pictures/good.png"]["id"]
    lines = [json.loads(line) for line in operated.ask("logs", ENVIRONMENT, "--job", str(job), "--json").splitlines()]
    assert {line["job_id"] for line in lines} == {job}
    assert [line["message"] for line in lines] == ["start", "end"]


def test_logs_of_a_function_that_never_ran_say_so(operated: Operated) -> None:
    """No log group is no stack trace."""
    assert "error[no_logs]" in operated.ask("logs", ENVIRONMENT, "--function", "dead-letters", code=2)
    assert "no function for digest" in operated.ask("logs", ENVIRONMENT, "--function", "digest", code=2)


def test_logs_follow_shows_what_comes_once_and_ends_quietly(operated: Operated) -> None:
    """Each line once, those from before too; Ctrl-C is no error."""
    with subprocess.Popen(
        operated.words("logs", ENVIRONMENT, "--follow", "--json"),
        env=environment(**operated.deployment.server.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout
        assert following.stderr
        seen = [following.stdout.readline()]
        operated.drop("pictures/late.png", png(9, 300))
        while '"status": "succeeded"' not in seen[-1] or "late.png" not in seen[-1]:
            seen.append(following.stdout.readline())
        time.sleep(5)  # two polls more, which find nothing new
        following.send_signal(signal.SIGINT)
        seen += following.stdout.readlines()
        assert following.wait(20) == 0
        assert following.stderr.read() == ""
    lines = [line for line in seen if '"job_id"' in line]
    assert len(lines) == len(set(lines))
    assert sum("late.png" in line and "end" in line for line in lines) == 1


def test_replay_develops_again_what_failed_on_aws(operated: Operated) -> None:
    """A job is reopened and its upload queued; the function does the rest."""
    job = str(operated.wait_for("pictures/bad.png")["pictures/bad.png"]["id"])
    assert "1 job queued again\n" in operated.ask("replay", job, *ENV)
    until(lambda: operated.wait_for()["pictures/bad.png"]["attempts"] == 2, "the second try")


def test_replay_by_a_recipe_that_is_not_deployed_goes_by_the_one_that_is(operated: Operated, tmp_path: Path) -> None:
    """What the file says is not what the function does before the next deploy."""
    changed = tmp_path / "safelight.yaml"
    changed.write_text(operated.config.read_text().replace("width: 160", "width: 161"))
    job = str(operated.wait_for("pictures/bad.png")["pictures/bad.png"]["id"])
    said = subprocess.run(
        [*operated.words("replay", job, *ENV), "-c", str(changed)],
        env=environment(**operated.deployment.server.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "1 job queued again\n"


def test_smoke_of_a_deployment_that_works_leaves_nothing(operated: Operated) -> None:
    """Uploaded, developed, checked, and taken away with all versions."""
    before = _objects(operated)
    said = operated.ask("smoke", ENVIRONMENT)
    assert re.search(r"test works: 1 output \S+ s after the upload", said)
    assert "metadata and tags as promised" in said
    assert _objects(operated) == before
    report = json.loads(operated.ask("smoke", ENVIRONMENT, "--json"))
    assert report["ok"] is True
    assert [job["status"] for job in report["jobs"]] == [Status.SUCCEEDED.value]
    assert report["key"].startswith("pictures/safelight-smoke-")
    assert _objects(operated) == before


def _objects(operated: Operated) -> list[tuple[str, str]]:
    s3 = operated.deployment.server.client("s3")
    found = []
    for bucket in (operated.deployment.input, operated.deployment.output):
        page = s3.list_object_versions(Bucket=bucket)
        found += [(each["Key"], each["VersionId"]) for each in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    return sorted(found)


def test_smoke_with_a_file_that_is_rejected_says_why(operated: Operated, tmp_path: Path) -> None:
    """The job's own code and remedy, and exit code 1."""
    (tmp_path / "broken.png").write_bytes(png(3, 300)[:200])
    said = operated.ask("smoke", ENVIRONMENT, "--file", str(tmp_path / "broken.png"), code=1)
    assert re.search(r"small: rejected .*truncated: ", said)
    assert "Upload the whole file again" in said


def test_smoke_with_a_file_that_no_recipe_takes_uploads_nothing(operated: Operated, tmp_path: Path) -> None:
    """By its name one can tell before."""
    (tmp_path / "notes.txt").write_text("text")
    before = _objects(operated)
    said = operated.ask("smoke", ENVIRONMENT, "--file", str(tmp_path / "notes.txt"), code=1)
    assert "no recipe takes notes.txt: their names end with .jpg, .png" in said
    assert _objects(operated) == before


def test_commands_on_an_environment_that_is_not_deployed_say_so(operated: Operated) -> None:
    """A coded error, before anything else is asked."""
    for words in (("jobs", "--env", "dev"), ("logs", "dev"), ("smoke", "dev")):
        assert "error[not_deployed]" in operated.ask(*words, code=2)


@pytest.fixture
def hindered(operated: Operated) -> Iterator[Callable[..., None]]:
    """Take the way of pictures apart, and put it together again."""
    server, bucket = operated.deployment.server, operated.deployment.input
    s3, functions = server.client("s3"), server.client("lambda")
    (source,) = functions.list_event_source_mappings(FunctionName=operated.function)["EventSourceMappings"]

    def hinder(*, events: bool, source_on: bool) -> None:
        told = {"EventBridgeConfiguration": {}} if events else {}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=source_on)

    yield hinder
    hinder(events=True, source_on=True)


def test_smoke_without_events_says_that_the_bucket_tells_nobody(
    operated: Operated, hindered: Callable[..., None]
) -> None:
    """Where it is stuck is looked up, from the bucket on; the upload is removed all the same."""
    hindered(events=False, source_on=True)
    before = _objects(operated)
    said = operated.ask("smoke", ENVIRONMENT, "--timeout", "2", code=1)
    assert "1 of 1 jobs not ended after 2 s" in said
    assert "it has not begun this upload" in said
    assert f"{operated.deployment.input} does not tell EventBridge of uploads" in said
    assert "not fed from the queue" not in said
    assert _objects(operated) == before


def test_smoke_without_an_event_source_says_that_messages_wait(
    operated: Operated, hindered: Callable[..., None]
) -> None:
    """The queue holds the message, and nobody takes it; with --json all of it is one object."""
    hindered(events=True, source_on=False)
    report = json.loads(operated.ask("smoke", ENVIRONMENT, "--timeout", "3", "--json", code=1))
    found = {step["name"]: step for step in report["steps"]}
    assert found["event source"]["detail"].startswith("the function is not fed from the queue: disabled")
    assert found["queue"]["detail"].startswith("1 waiting")
    assert "events" not in found
    assert not {"jobs", "left", "outcome_ms"} & set(report), "what is not there is left out"


def test_replay_of_failed_jobs_brings_back_dead_letters_too(operated: Operated, hindered: Callable[..., None]) -> None:
    """A message that ended before any job began is delivered again as it was."""
    server = operated.deployment.server
    hindered(events=False, source_on=True)
    body = json.dumps(operated.deployment.put("pictures/letter.png", png(11, 300))).encode()
    letter = KeptMessage(
        id="msg_1",
        name="m1",
        reason="invalid_message",
        kept_at="2026-01-02T03:04:05.678Z",
        size=len(body),
        start="",
        problem="it could not be read",
    )
    with closing(Client(access_from(server.environment), TIMING)) as client:
        Kept(client, operated.deployment.table, now=time.time).keep(letter, body, sent="once")
    assert "1 dead letter" in operated.ask("jobs", *ENV)
    assert "1 dead letter queued again\n" in operated.ask("replay", "--status", "failed", *ENV)
    assert operated.wait_for("pictures/letter.png")["pictures/letter.png"]["status"] == "succeeded"
    assert "0 jobs queued again\n" in operated.ask("replay", "--status", "failed", *ENV)
    assert "1 dead letter queued again\n" in operated.ask("replay", "msg_1", *ENV), "it stays kept, for another time"
    assert "there is no job msg_2" in operated.ask("replay", "msg_2", *ENV, code=2)


def test_doctor_with_smoke_tries_a_picture_too(operated: Operated) -> None:
    """After the checks, each step in the form of a check; this stack lacks most of what is looked at before."""
    said = operated.ask("doctor", "--aws", ENVIRONMENT, "--smoke", code=1)
    assert re.search(r"^ok +smoke +upload: pictures/safelight-smoke-", said, re.MULTILINE)
    assert re.search(r"^ok +smoke +clean up: removed", said, re.MULTILINE)
    assert "--smoke goes with --aws" in operated.ask("doctor", "--smoke", code=2)
