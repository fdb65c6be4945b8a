"""The service on the buckets of a server of one's own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from msgspec.structs import replace

from safelight.aws.store import S3Store
from safelight.errors import SafelightError
from safelight.ports import Attributes
from tests.contract.conftest import access_of
from tests.flow.conftest import Post
from tests.flow.running import RECIPE, Buckets, Project, command, environment, until
from tests.servers.aws import Server, seaweedfs
from tests.servers.faults import SLOW_DOWN, proxy
from tests.servers.process import free_ports, installed, running

Picture = Callable[..., bytes]
ROOT = Path(__file__).parents[2]
WORD = "a word for the webhook"


@pytest.fixture
def project(tmp_path: Path, buckets: Buckets) -> Project:
    return Project(tmp_path / "project", RECIPE, buckets)


def test_bucket_objects_are_developed_by_webhook_and_by_scan(project: Project, picture: Picture) -> None:
    """What was there before the start is found by a scan, what comes later is told of at once; metadata is whole."""
    project.drop("before.png", picture(1))
    with project.serving() as service:
        service.wait_for("before.png")
        began = time.monotonic()
        project.drop("a b/later+é.png", picture(2))
        (outcome,) = service.wait_for("a b/later+é.png")
        assert time.monotonic() - began < 30, "a scan would have come first"
    assert project.outputs() == {"before.png-16.png", "a b/later+é.png-16.png"}
    server, output = project.buckets.server, project.buckets.output
    head = server.client("s3").head_object(Bucket=output, Key="a b/later+é.png-16.png")
    assert head["ContentType"] == "image/png"
    assert (head["Metadata"]["job-id"], head["Metadata"]["status"]) == (outcome.id, "succeeded")
    tags = server.client("s3").get_object_tagging(Bucket=output, Key="a b/later+é.png-16.png")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags}["recipe"] == "small"
    assert outcome.upload.bucket == project.buckets.input


def test_bucket_outputs_equal_those_of_a_folder(project: Project, tmp_path: Path, picture: Picture) -> None:
    """The same picture by the same recipe gives the same bytes, wherever it lies."""
    folder = Project(tmp_path / "folder")
    for each in (project, folder):
        each.drop("a.png", picture(1, side=300))
        with each.serving() as service:
            service.wait_for("a.png")
    assert project.read("a.png-16.png") == folder.read("a.png-16.png")


def test_bucket_with_versions_develops_each_upload_once(
    tmp_path: Path, telling: Buckets, post: Post, picture: Picture
) -> None:
    """In a bucket with versions a new version is a new upload, also of the same bytes; nothing is done twice."""
    post.open()
    server = telling.server
    pair = replace(telling, input=server.bucket(versioned=True), output=server.bucket(versioned=True))
    project = Project(tmp_path / "project", RECIPE + post.config, pair)
    with project.serving() as service:
        for count, seed in enumerate((1, 2, 2), start=1):
            project.drop("a.png", picture(seed))
            service.wait_until_ended(count)
        statuses = [outcome.status.value for outcome in service.outcomes]
        assert statuses.count("succeeded") == 3
        assert len({outcome.upload.version for outcome in service.outcomes}) == 3
    with project.serving():
        time.sleep(2)  # a scan has been through the bucket
        assert len(project.jobs()) == 3
    assert set(post.told().values()) == {1}


def test_bucket_bad_uploads_are_rejected_as_in_a_folder(
    tmp_path: Path, buckets: Buckets, post: Post, picture: Picture
) -> None:
    """Bad bytes are rejected by their code and told once; the rest is developed."""
    post.open()
    project = Project(tmp_path / "project", RECIPE + post.config, buckets)
    with project.serving() as service:
        project.drop("text.jpg", b"Only text.\n")
        project.drop("empty.png", b"")
        project.drop("good.png", picture(1))
        outcomes = {outcome.upload.key: outcome for outcome in service.wait_for("text.jpg", "empty.png", "good.png")}
    codes = {key: outcome.error.code if outcome.error else None for key, outcome in outcomes.items()}
    assert codes == {"text.jpg": "unknown_format", "empty.png": "empty", "good.png": None}
    assert post.told() == {outcome.id: 1 for outcome in outcomes.values()}


@pytest.mark.long  # a minute of waiting on purpose; tests/contract has the short ones
def test_bucket_that_is_throttled_for_a_while_loses_nothing(tmp_path: Path, picture: Picture) -> None:
    """Dropped connections and a throttled bucket delay a picture and lose none."""
    [hook] = free_ports(1)
    folder = tmp_path / "weed"
    folder.mkdir()
    webhook = (f"http://127.0.0.1:{hook}/hook", WORD)
    with seaweedfs(folder, webhook=webhook) as server, proxy(server.endpoint) as front:
        fixed = replace(server, endpoint=front.endpoint)
        pair = Buckets(server=fixed, input=server.bucket(), output=server.bucket(), port=hook, token=WORD)
        project = Project(tmp_path / "project", RECIPE, pair)
        with project.serving() as service:
            project.drop("a.png", picture(1))
            service.wait_for("a.png")
            front.faults = ["drop", SLOW_DOWN] * 20
            server.client("s3").put_object(Bucket=pair.input, Key="b.png", Body=picture(2))
            service.wait_for("b.png", patience_s=120)
    assert project.counts()["succeeded"] == 2


def test_up_without_credentials_or_with_wrong_ones_says_so(project: Project) -> None:
    """The service does not start where it could never read: exit code 2, the code and what to do."""
    said = subprocess.run(
        command("up", "-c", project.config), env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 2
    assert "denied" in said.stderr
    assert "AWS_ACCESS_KEY_ID" in said.stderr
    wrong = {**project.variables, "AWS_SECRET_ACCESS_KEY": "wrong"}
    said = subprocess.run(
        command("up", "-c", project.config),
        env=environment(**wrong),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 2
    assert "denied" in said.stderr
    assert project.variables["AWS_SECRET_ACCESS_KEY"] not in said.stderr


def test_up_on_a_server_that_ignores_conditions_is_refused(tmp_path: Path, ministack: Server) -> None:
    """A server that overwrites what it is told to keep would lose outputs unseen, so the service does not start."""
    [port] = free_ports(1)
    with proxy(ministack.endpoint) as careless:
        careless.without = {"if-none-match"}
        server = replace(ministack, endpoint=careless.endpoint)
        pair = Buckets(server=server, input=ministack.bucket(), output=ministack.bucket(), port=port, token=WORD)
        said = Project(tmp_path / "project", RECIPE, pair).cli("up", code=2)
    assert "If-None-Match" in said


def test_bucket_server_killed_while_it_is_written_to_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """SIGKILL under four writers: after the next start every object whose put was answered is there and whole."""
    acknowledged: dict[str, bytes] = {}
    plain = Attributes(content_type="image/webp")

    def write(number: int, store: S3Store) -> None:
        with suppress(SafelightError):
            for count in range(1000):
                key, body = f"{number}/{count}", bytes([number]) * (count * 101 + 1)
                store.put(key, body, plain, expect=None)
                acknowledged[key] = body

    with ThreadPoolExecutor(4) as pool, seaweedfs(tmp_path) as server:
        bucket = server.bucket()
        for number in range(4):
            pool.submit(write, number, S3Store(bucket, access_of(server), tmp_path, patience_s=0.1))
        until(lambda: len(acknowledged) > 100, "a hundred objects")
    assert len(acknowledged) < 4000, "the writers were still at it"
    with seaweedfs(tmp_path) as server:
        store = S3Store(bucket, access_of(server), tmp_path)
        found = {upload.key: upload for upload in store.walk()}
        assert acknowledged.keys() - found.keys() == set()
        for key, body in acknowledged.items():
            with store.fetch(found[key]) as kept:
                assert kept == body


def test_doctor_tries_the_buckets(project: Project, tmp_path: Path) -> None:
    """The check-up says that the buckets can be used, or why not and what to do; it leaves nothing behind."""
    said = project.cli("doctor", code=0)
    assert f"lists {project.buckets.input} and keeps what is in {project.buckets.output}" in " ".join(said.split())
    s3 = project.buckets.server.client("s3")
    assert s3.list_objects_v2(Bucket=project.buckets.output)["KeyCount"] == 0
    away = replace(project.buckets, server=replace(project.buckets.server, endpoint="http://127.0.0.1:9"))
    said = Project(tmp_path / "away", RECIPE, away).cli("doctor", code=1)
    assert "the bucket did not answer" in " ".join(said.split())


def test_howto_as_it_is_written_develops_a_picture(tmp_path: Path, picture: Picture) -> None:
    """The files and commands of the how-to, with other ports and nothing else changed, lead to what it promises."""
    text = (ROOT / "docs" / "howto" / "self-hosted-bucket.md").read_text()
    ports = dict(zip(("8333", "8334"), map(str, free_ports(2)), strict=True))
    text = re.sub("8333|8334", lambda found: ports[found[0]], text)
    files = dict(re.findall(r"`([\w.]+)`[^\n]*:\n```\w+\n(.*?)```", text, re.DOTALL))
    assert set(files) == {"s3.json", "notification.toml", "safelight.yaml"}
    for name, body in files.items():
        (tmp_path / name).write_text(body)
    commands = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    [weed] = re.findall(r"^weed .*?[^\\]\n", commands, re.MULTILINE | re.DOTALL)
    variables = dict(re.findall(r"^export (\w+)=(\S+)$", commands, re.MULTILINE))
    assert "safelight up" in commands
    words = shlex.split(weed.replace("\\\n", " "))
    others = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "admin") for kind in ("", ".grpc")]
    apart = [f"-{name}={port}" for name, port in zip(["s3.port.grpc", *others], free_ports(9), strict=True)]
    server = Server(
        name="seaweedfs",
        endpoint=f"http://127.0.0.1:{ports['8333']}",
        folder=tmp_path,
        region="us-east-1",
        access_key=variables["AWS_ACCESS_KEY_ID"],
        secret_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    program = installed("seaweedfs") / "bin" / words[0]
    with running([program, *words[1:], *apart], tmp_path, lambda: _takes(server, "photos"), dict(os.environ)):
        token = variables["SAFELIGHT_WEBHOOK_TOKEN"]
        pair = Buckets(server=server, input="photos", output="developed", port=int(ports["8334"]), token=token)
        project = Project(tmp_path / "project", files["safelight.yaml"], replace(pair, named=True))
        with project.serving() as service:
            project.drop("2026/beach.jpg", picture(1, side=400, ending=".jpg"))
            service.wait_for("2026/beach.jpg", patience_s=30)
        assert project.outputs() == {"2026/beach.jpg-320.webp"}
    server.client("s3").close()


def _takes(server: Server, bucket: str) -> bool:
    try:
        server.client("s3").put_object(Bucket=bucket, Key="ready.txt", Body=b"", Tagging="a=b")
        server.client("s3").delete_object(Bucket=bucket, Key="ready.txt")
    except (ClientError, BotoCoreError):
        return False
    return True
