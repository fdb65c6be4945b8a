"""`safelight doctor`, as a user runs it, and its checks on machines and projects that are not well."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from safelight.config import Loaded
from safelight.entry import machine_checks as machine
from safelight.entry import project_checks as project
from safelight.entry.checkup import Check, Site, Verdict, examine, site
from safelight.entry.cli.doctor import CHECKS
from safelight.entry.lock import locked
from safelight.recipe.model import Limits
from safelight.settings import Notify, Settings, Smtp

SRC = Path(__file__).parents[2] / "src"
RECIPE = "recipes:\n  - {name: web, renditions: [{key: '{dir}{filename}-{width}.webp', resize: {width: 80}}]}\n"


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from safelight.entry.cli import main; main()", "doctor", *arguments]
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def verdicts(ended: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {line["check"]: line for line in map(json.loads, ended.stdout.splitlines())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "safelight.yaml").write_text(RECIPE)
    for name in ("input", "output", ".safelight"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_doctor_of_a_sound_project_finds_nothing_and_changes_nothing(folder: Path) -> None:
    """Exit code 0, one object a line for every check, and a folder as it was."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    ended = doctor(folder, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = verdicts(ended)
    assert list(found) == [name for name, _ in CHECKS]
    assert all(list(each) == ["check", "status", "detail", "remedy"] for each in found.values())
    assert "fail" not in {each["status"] for each in found.values()}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_doctor_of_a_wrong_configuration_goes_on_and_fails(folder: Path) -> None:
    """Every error has its line and remedy, the other checks are made all the same, and the exit code is 1."""
    (folder / "safelight.yaml").write_text("recipes:\n  - {name: web, renditions: []}\n  - {nam: x}\n")
    ended = doctor(folder)
    assert ended.returncode == 1
    assert "fail  configuration" in ended.stdout
    assert "safelight.yaml:3" in ended.stdout
    assert "`safelight lint` checks the file" in ended.stdout
    assert "ok    worker" in ended.stdout
    assert ended.stderr == ""


def test_doctor_of_a_missing_folder_fails_in_words(tmp_path: Path) -> None:
    """A configuration in a folder that is not there gives verdicts, no traceback."""
    ended = doctor(tmp_path, "--json", "-c", "nowhere/safelight.yaml")
    assert ended.returncode == 1
    found = verdicts(ended)
    assert found["configuration"]["status"] == found["writable"]["status"] == "fail"
    assert found["writable"]["detail"] == "the project's folder is not there"
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[name for name, _ in CHECKS])
def test_check_that_meets_a_surprise_gives_a_verdict(name: str, check: Check, tmp_path: Path) -> None:
    """No check raises, not even where the project's folder is a file."""
    (tmp_path / "file").write_text("")
    verdict = examine(check, Site(folder=tmp_path / "file"))
    assert verdict.detail
    assert verdict.status == "ok" or verdict.remedy


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ZeroDivisionError("zero"), "ZeroDivisionError: zero"),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: /x"),
        (OSError(), "OSError"),
    ],
)
def test_check_that_raises_fails_with_its_error(error: Exception, detail: str, tmp_path: Path) -> None:
    """An error that nobody thought of is a verdict with something to do."""

    def check(_: Site) -> Verdict:
        raise error

    verdict = examine(check, Site(folder=tmp_path))
    assert (verdict.status, verdict.detail) == ("fail", detail)
    assert verdict.remedy


def test_site_of_warnings_is_to_know(folder: Path) -> None:
    """What lint only warns of does not fail."""
    (folder / "safelight.yaml").write_text("notify: {email: [owner@example.com]}\n" + RECIPE)
    verdict = project.configuration(site(folder / "safelight.yaml", {}))
    assert verdict.status == "warn"
    assert "notify.smtp" in verdict.detail


def test_worker_under_too_small_a_limit_names_it(tmp_path: Path) -> None:
    """The small picture is developed under the project's own limits."""
    place = Site(folder=tmp_path, loaded=Loaded(settings=Settings(limits=Limits(pixels=100)), folder=tmp_path))
    verdict = machine.worker(place)
    assert verdict.status == "fail"
    assert verdict.detail.startswith("too_many_pixels: 64 x 64")
    assert "limits.pixels" in verdict.remedy


class Server:
    """A mail server that counts the mails it is given."""

    def __init__(self) -> None:
        self.mails = 0
        self.greeted = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's words
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's word
        self.mails += 1
        return "250 kept"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    memory = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    controller = Controller(memory, hostname="127.0.0.1", port=port)
    controller.start()
    yield memory, port
    controller.stop()


def mailing(folder: Path, **smtp: Any) -> Site:
    notify = Notify(email=("owner@example.com",), smtp=Smtp(host="127.0.0.1", **smtp))
    return Site(folder=folder, loaded=Loaded(settings=Settings(notify=notify), folder=folder))


def test_mail_server_that_answers_is_greeted_and_sent_nothing(server: tuple[Server, int], tmp_path: Path) -> None:
    """The check speaks to the server as for a mail, without one."""
    memory, port = server
    verdict = project.mail(mailing(tmp_path, port=port, security="none"))
    assert (verdict.status, verdict.detail) == ("ok", f"127.0.0.1:{port} answers; nothing was sent")
    assert (memory.greeted, memory.mails) == (1, 0)


def test_mail_server_without_the_wanted_encryption_fails(server: tuple[Server, int], tmp_path: Path) -> None:
    """A server that does not offer STARTTLS is named now, not with the first notice."""
    verdict = project.mail(mailing(tmp_path, port=server[1], security="starttls"))
    assert verdict.status == "fail"
    assert "STARTTLS" in verdict.detail
    assert "notify.smtp" in verdict.remedy


def test_mail_server_whose_password_is_missing_names_the_variable(server: tuple[Server, int], tmp_path: Path) -> None:
    """A login is tried with the password of the environment; without one the variable is named."""
    verdict = project.mail(mailing(tmp_path, port=server[1], security="none", username="u"))
    assert verdict.status == "fail"
    assert "SAFELIGHT_SMTP_PASSWORD" in verdict.detail


def test_mail_server_that_is_down_fails(tmp_path: Path) -> None:
    """A refused connection fails with the address."""
    verdict = project.mail(mailing(tmp_path, port=1, security="none"))
    assert verdict.status == "fail"
    assert verdict.detail.startswith("127.0.0.1:1: ")


def test_service_that_holds_the_lock_is_named(folder: Path) -> None:
    """The process is named while it runs and no longer, and looking does not disturb the lock."""
    place = Site(folder=folder)
    assert project.service(place).detail.startswith("none runs")
    with locked(folder / ".safelight" / "lock"):
        assert project.service(place).detail == f"runs now, as process {os.getpid()}"
    assert project.service(place).detail.startswith("none runs")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/data/in", "ext4"), ("/data/photos of mine/x", "nfs4"), ("/elsewhere", "overlay"), ("/database", "overlay")],
)
def test_file_system_is_that_of_the_innermost_mount(path: str, kind: str) -> None:
    """Mount points may hold spaces, and one may lie in another."""
    mounts = project.mounts(
        "22 1 0:20 / / rw - overlay overlay rw\n"
        "23 22 8:1 / /data rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "24 23 0:40 / /data/photos\\040of\\040mine rw - nfs4 host:/x rw\n"
    )
    assert project.kind_of(Path(path), mounts) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone"])
def test_file_system_of_other_machines_is_known(kind: str) -> None:
    """Network file systems are told from local ones."""
    assert project.REMOTE.fullmatch(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "apfs", "fuseblk"])
def test_file_system_of_this_machine_is_local(kind: str) -> None:
    """What only this machine mounts is no reason to warn."""
    assert not project.REMOTE.fullmatch(kind)


def test_clock_behind_the_project_is_to_know(folder: Path) -> None:
    """A database from the future says that the clock went back."""
    assert project.clock(Site(folder=folder)).status == "ok"
    kept = folder / ".safelight" / "safelight.db"
    kept.touch()
    os.utime(kept, (time.time() + 3600, time.time() + 3600))
    verdict = project.clock(Site(folder=folder))
    assert verdict.status == "warn"
    assert "in the future" in verdict.detail


def test_writable_where_a_folder_is_taken_by_a_file_fails(tmp_path: Path) -> None:
    """The project's own folder must be one."""
    (tmp_path / "file").write_text("")
    assert project.writable(Site(folder=tmp_path / "file")).status == "fail"
