"""`safelight up` in a terminal, in a pipe, and told to stop."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from safelight.job import Outcome
from tests.flow.running import MARK, Project, command, environment, living, until

Picture = Callable[..., bytes]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Give a function that starts `up` and waits until it watches; what a test leaves running is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, **streams: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command("up", "-c", project.config, *words),
            env=environment(**{MARK: str(project.folder)}),
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )
        started.append(process)
        until(lambda: process.poll() is not None or project.starts(), "the service's start")
        return process

    yield begin
    for process in started:
        with process:
            process.kill()


def end(process: subprocess.Popen[bytes], project: Project, number: int = signal.SIGTERM) -> tuple[str, str]:
    """Stop it, see that all of it is gone and that it ended well, and return what it printed."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    until(lambda: not living(str(project.folder)), "the end of all processes", patience_s=5)
    return (out or b"").decode(), (err or b"").decode()


def test_up_prints_where_it_watches_and_a_line_a_picture(start: Start, project: Project, picture: Picture) -> None:
    """What a person needs: folders, what became of each file and why, and that it stopped."""
    process = start("--workers", "1")
    project.drop("a\x1b[31m.png", picture(1))
    project.drop("good.png", picture(2))
    until(lambda: project.counts() == {"succeeded": 1, "rejected": 1}, "two endings")
    out, err = end(process, project, signal.SIGINT)
    lines = out.splitlines()
    assert lines[0] == f"Watching {project.input} with 1 worker; outputs go to {project.output}."
    assert lines[1] == "Ctrl-C stops."
    told = sorted(lines[2:-1])
    assert told[0].startswith(r"rejected   a\x1b[31m.png  invalid_key: ")
    assert told[1].startswith("succeeded  good.png  1 output, ")
    assert lines[-1] == "Stopped."
    assert (err, "\x1b" in out) == ("", False)


def test_up_as_json_prints_jobs_and_nothing_else(start: Start, project: Project, picture: Picture) -> None:
    """Each line of standard output is one job in the one shape."""
    process = start("--json")
    project.drop("a.png", picture(1))
    until(lambda: project.counts() == {"succeeded": 1}, "the ending")
    out, _ = end(process, project)
    (line,) = out.splitlines()
    (job,) = project.jobs()
    assert msgspec.json.decode(line, type=Outcome) == job
    assert json.loads(line)["status"] == "succeeded"


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_up_without_a_reader_goes_on(start: Start, project: Project, picture: Picture, words: tuple[str, ...]) -> None:
    """`safelight up | head -1` ends the reading, not the service."""
    reader, writer = os.pipe()
    process = start(*words, stdout=writer)
    os.close(writer)
    os.close(reader)
    for number in range(3):
        project.drop(f"{number}.png", picture(number))
        until(lambda count=number + 1: project.counts() == {"succeeded": count}, "the endings")
    _, err = end(process, project)
    assert err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_whose_whole_group_is_told_to_stop_finishes(
    start: Start, project: Project, picture: Picture, number: int
) -> None:
    """A terminal's Ctrl-C and systemd's stop reach the workers too; what has begun is finished all the same."""
    terminal, end_of_child = pty.openpty()
    process = start(stdin=end_of_child, stdout=end_of_child, stderr=end_of_child, start_new_session=True)
    project.drop("a.png", picture(1, side=1500))
    until(lambda: any(line["message"] == "start" for line in project.logged()), "the start")
    os.killpg(process.pid, number)
    assert process.wait(30) == 0
    assert [(job.status.value, job.attempts) for job in project.jobs()] == [("succeeded", 1)]
    os.close(end_of_child)
    os.close(terminal)


def test_up_told_twice_to_stop_does_not_wait(start: Start, project: Project, picture: Picture) -> None:
    """A second Ctrl-C drops what has begun; the next start makes it good, and nothing half is left."""
    project.config.write_text('recipes: [{name: slow, renditions: [{key: "{filename}.avif", effort: 9}]}]\n')
    process = start()
    project.drop("a.png", picture(1, side=900))
    until(lambda: any(line["message"] == "start" for line in project.logged()), "the start")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert project.counts() == {"running": 1}
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.communicate()
    until(lambda: not living(str(project.folder)), "the end of all processes", patience_s=5)
    assert project.outputs() == set()
    assert project.waiting() == 1


def test_up_without_a_configuration_serves_the_default_recipe(tmp_path: Path, picture: Picture) -> None:
    """In any folder: input/ and output/ are made, the very bytes come out under processed_<filename>."""
    process = subprocess.Popen(command("up"), env=environment(), cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        until((tmp_path / "input").is_dir, "the folders")
        (tmp_path / "input" / "a.png").write_bytes(picture(1))
        until((tmp_path / "output" / "processed_a.png").exists, "the output")
        assert (tmp_path / "output" / "processed_a.png").read_bytes() == picture(1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_up_with_a_wrong_configuration_says_every_error_and_starts_nothing(project: Project) -> None:
    """Exit code 2, a line for each error, no folder of records."""
    project.config.write_text("recipes:\n  - name: A B\n    renditions: [{kee: x}]\n")
    said = project.cli("up", code=2)
    assert said.count("safelight.yaml:") >= 2
    assert "error[invalid_recipe]" in said
    assert not (project.folder / ".safelight").exists()


@pytest.mark.skipif(os.getuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="nothing can hold root back")  # noqa: PTH110
def test_up_in_a_folder_that_may_not_be_written_says_so(project: Project) -> None:
    """A coded error and what to do, no stack."""
    project.folder.chmod(0o555)
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    words = [*prefix, *command("up", "-c", project.config)]
    ran = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    project.folder.chmod(0o755)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error[denied]: ")
    assert "Traceback" not in ran.stderr
