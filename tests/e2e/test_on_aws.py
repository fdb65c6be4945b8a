"""The README's section "On AWS", as a user types it at a terminal: on a stand-in that enforces IAM, over TLS."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.servers import stack
from tests.servers.aws import Server, ministack
from tests.servers.chain import until
from tests.servers.packaged import SERVERS
from tests.unit.fakes import png

ROOT = Path(__file__).parents[2]
INPUT, OUTPUT = (f"myshop-{kind}-dev-000000000000" for kind in ("input", "output"))
PROJECT = """\
name: shop
region: eu-west-1
names: {suffix: account}
notify: {email: [owner@example.com]}
recipes:
  - name: photos
    on_delete: remove
    renditions:
      - key: "{dir}processed_{filename}"
      - key: "{dir}thumbs/{filename}-4.webp"
        resize: {width: 4}
"""
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[os.uname().machine]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ministack(tmp_path_factory.mktemp("aws"), auth=True) as server:
        yield server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose function runs on this machine's processor, which is what the stand-in has."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "safelight.yaml").write_text(f"{PROJECT}aws: {{arch: {MACHINE}}}\n", encoding="utf-8")
    return folder


ANSWERS = {"deploy": "y", "destroy": "shop-dev"}


def typed(words: str, project: Path, server: Server) -> tuple[int, str]:
    """Type a command at a terminal, answer what it asks, and return its exit code and what was seen."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, **server.environment, "COLUMNS": "100", "XDG_CACHE_HOME": str(project / "cache")}
    environ["PATH"] = f"{SERVERS}:{environ['PATH']}"
    command = [sys.executable, "-m", "safelight", *words.split()[1:]]
    process = subprocess.Popen(command, cwd=project, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, f"{ANSWERS.get(words.split()[1], '')}\n".encode())  # waits in the terminal until it is asked for
    seen = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode("utf-8", "replace"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def commands() -> list[str]:
    """Return the commands of the README's section."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## On AWS")[1].split("\n## ")[0]
    return re.findall(r"^\$ (safelight .*)$", section, flags=re.MULTILINE)


def test_on_aws_commands_of_the_readme_work_in_their_order(aws: Server, project: Path) -> None:
    """From a configured machine to a picture in the output, what is seen of it, and back to an account without it."""
    seen: dict[str, str] = {}
    for command in commands():
        code, seen[command] = typed(command, project, aws)
        assert code == 0, f"{command}:\n{seen[command]}"
        if command == "safelight deploy dev":
            _check_stack(aws, seen[command])
            _check_upload(aws, project)
            _check_change(aws, project)
    jobs = next(text for command, text in seen.items() if command.startswith("safelight jobs"))
    logs = next(text for command, text in seen.items() if command.startswith("safelight logs"))
    assert "a b.png" in jobs
    assert "a b.png" in logs
    assert aws.client("s3").list_objects_v2(Bucket=OUTPUT)["KeyCount"], "destroy took the outputs along"


def _check_stack(aws: Server, seen: str) -> None:
    """What is promised of the first deploy: each resource by its name, and what to do next."""
    assert "shop-function-dev" in seen
    assert INPUT in seen.split("Next:")[1]
    found = aws.client("lambda").get_function_configuration(FunctionName="shop-function-dev")
    assert (found["Runtime"], found["MemorySize"], found["Timeout"]) == ("python3.14", 512, 60)
    assert stack.found(aws, "shop-dev").outputs["Environment"] == "dev"


def _check_upload(aws: Server, project: Path) -> None:
    """The brief's promise: output, metadata, tags, ledger, log, message."""
    mails = stack.found(aws, "shop-dev").listened()
    s3 = aws.client("s3")
    s3.put_object(Bucket=INPUT, Key="x/a b.png", Body=png(7))
    until(lambda: _keys(aws) == {"x/processed_a b.png", "x/thumbs/a b.png-4.webp"}, "the outputs")
    kept = s3.head_object(Bucket=OUTPUT, Key="x/processed_a b.png")["Metadata"]
    assert (kept["status"], kept["original-filename"]) == ("succeeded", "a b.png")
    tags = s3.get_object_tagging(Bucket=OUTPUT, Key="x/processed_a b.png")["TagSet"]
    assert {"Key": "environment", "Value": "dev"} in tags
    told: list[object] = []
    until(lambda: told.extend(mails.messages()) or told, "the notice")
    assert "a b.png" in str(told)
    code, listed = typed("safelight jobs --env dev --json", project, aws)
    (job,) = [msgspec.json.decode(line) for line in listed.splitlines() if line.startswith("{")]
    assert (code, job["status"]) == (0, "succeeded")
    assert (job["id"], job["upload"]["version"]) == (kept["job-id"], kept["source-version"])


def _check_change(aws: Server, project: Path) -> None:
    """A changed recipe is deployed by the same command, and what comes then is developed by it."""
    path = project / "safelight.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("-4.webp", "-5.webp"), encoding="utf-8")
    code, seen = typed("safelight deploy dev", project, aws)
    assert code == 0, seen
    assert "~ change" in seen.replace("  ", " "), seen
    aws.client("s3").put_object(Bucket=INPUT, Key="b.png", Body=png(8))
    until(lambda: {"processed_b.png", "thumbs/b.png-5.webp"} <= _keys(aws), "the outputs of the new recipe")


def _keys(aws: Server) -> set[str]:
    found = aws.client("s3").list_objects_v2(Bucket=OUTPUT)
    return {each["Key"] for each in found.get("Contents", [])}
