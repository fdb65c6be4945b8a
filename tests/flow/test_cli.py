"""`jobs`, `status`, `replay`, `init` and `lint` on a real project folder, right and wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from safelight import pipeline
from safelight.config import load
from safelight.errors import Timeout
from safelight.job import Job, jobs_for
from safelight.local.ports import Local, project
from tests.flow.running import RECIPE, Project, command, environment

Picture = Callable[..., bytes]
Cli = Callable[..., str]


class Played:
    """A project in which a picture succeeded, one was rejected, and one failed, as a service leaves it."""

    def __init__(self, project_: Project, picture: Picture) -> None:
        self.project = project_
        self.jobs: dict[str, Job] = {}
        settings = load(project_.config).settings
        with closing(Local(project(project_.folder, settings))) as local:
            for key, body in {"good.png": picture(1), "bad.png": b"text", "slow.png": picture(2)}.items():
                project_.drop(key, body)
                upload = local.inputs["input"].upload_at(key)
                assert upload is not None
                (self.jobs[key],) = jobs_for(upload, settings.recipes)
                ports = local.ports("input")
                if key == "slow.png":
                    pipeline.fail(self.jobs[key], Timeout("too slow"), ports)
                else:
                    pipeline.process(self.jobs[key], ports, settings.limits)


@pytest.fixture
def played(project: Project, picture: Picture) -> Iterator[Played]:
    return Played(project, picture)


def test_jobs_lists_the_latest_first_and_counts_all(played: Played) -> None:
    """A person sees what became of each file, with its code; the last line counts."""
    said = played.project.ask("jobs")
    lines = said.splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["slow.png", "bad.png", "good.png"]
    assert "failed timeout" in lines[1]
    assert lines[4] == "1 failed, 1 rejected, 1 succeeded"


def test_jobs_as_json_is_filtered_and_paged(played: Played) -> None:
    """One job a line; the id of the last one leads on to the next page, to the end."""
    cli = played.project.ask
    every = [json.loads(line)["id"] for line in cli("jobs", "--json").splitlines()]
    paged: list[str] = []
    while page := cli("jobs", "--json", "--limit", "2", *(["--after", paged[-1]] if paged else [])).splitlines():
        paged += [json.loads(line)["id"] for line in page]
    assert paged == every
    assert len(every) == 3
    (failed,) = cli("jobs", "--json", "--status", "failed").splitlines()
    assert json.loads(failed)["error"]["code"] == "timeout"
    assert cli("jobs", "--json", "--status", "quarantined") == ""


def test_status_tells_one_job_and_ends_with_1_where_it_went_wrong(played: Played) -> None:
    """The exit code lets a script ask; JSON is the same object as in the list."""
    cli, jobs = played.project.ask, played.jobs
    assert "good.png-16.png" in cli("status", jobs["good.png"].id)
    said = cli("status", jobs["bad.png"].id, code=1)
    assert "unknown_format" in said
    assert "Upload a JPEG" in said
    shown = json.loads(cli("status", jobs["slow.png"].id, "--json", code=1))
    assert shown in [json.loads(line) for line in cli("jobs", "--json").splitlines()]
    assert "error[not_found]: there is no job nope" in cli("status", "nope", code=2)


def test_job_is_found_by_the_beginning_of_its_id(played: Played) -> None:
    """With or without job_, as long as no other id begins so; `replay` and `--after` take it, too."""
    cli, good = played.project.ask, played.jobs["good.png"].id
    others = [job.id for job in played.jobs.values() if job.id != good]
    length = next(n for n in range(5, 28) if not any(each.startswith(good[:n]) for each in others))
    for start in (good[:length], good[4:length], good):
        assert json.loads(cli("status", start, "--json"))["id"] == good
    assert "job_ begins more than one ID: job_" in cli("status", "job_", code=2)
    assert "there is no job zz" in cli("status", "zz", code=2)
    assert "1 job queued again" in cli("replay", good[:length])


def test_replay_of_failed_jobs_is_taken_up_by_the_service(played: Played) -> None:
    """By status or by id; the running service, or the next one, develops them again."""
    assert "1 job queued again" in played.project.ask("replay", "--status", "failed")
    assert "1 job queued again" in played.project.ask("replay", played.jobs["bad.png"].id)
    assert played.project.counts() == {"queued": 2, "succeeded": 1}
    with played.project.serving() as service:
        slow, bad = service.wait_for("slow.png", "bad.png")
        assert (slow.status.value, slow.attempts) == ("succeeded", 2)
        assert (bad.status.value, bad.attempts) == ("rejected", 2)
    assert played.project.counts() == {"succeeded": 2, "rejected": 1}


def test_replay_after_the_recipe_changed_makes_a_new_job(played: Played) -> None:
    """The old job stays as it ended, rather than wait for ever; the upload is developed by the new recipe."""
    played.project.config.write_text(RECIPE.replace("width: 16", "width: 24"))
    assert "the recipe has changed since" in played.project.ask("replay", "--status", "failed")
    with played.project.serving() as service:
        (slow,) = service.wait_for("slow.png")
        assert slow.id != played.jobs["slow.png"].id
        assert slow.status.value == "succeeded"
    assert played.project.counts() == {"succeeded": 2, "rejected": 1, "failed": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay",), "name job IDs, or give --status failed"),
        (("replay", "job_1", "--status", "failed"), "name job IDs, or give --status failed"),
        (("replay", "nope"), "there is no job nope"),
        (("replay", "--status", "succeeded"), "is not one of"),
        (("jobs", "--status", "done"), "is not one of"),
        (("jobs", "--limit", "0"), "0 is not in the range"),
        (("status",), "Missing argument 'ID'"),
    ],
)
def test_commands_that_cannot_be_meant_so_are_refused(played: Played, words: tuple[str, ...], said: str) -> None:
    """Exit code 2 and a sentence; nothing is queued."""
    assert said in played.project.ask(*words, code=2)
    assert played.project.waiting() == 0


@pytest.mark.parametrize("words", [("jobs",), ("status", "x"), ("replay", "--status", "failed")])
def test_commands_before_any_service_ran_say_how_to_start(project: Project, words: tuple[str, ...]) -> None:
    """Asking changes nothing: no folder of records is made."""
    said = project.ask(*words, code=2)
    assert "no service has run in this folder yet" in said
    assert "safelight up" in said
    assert not (project.folder / ".safelight").exists()


def _in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=folder, env=environment(), capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("preset", ["web", "thumbs", "privacy"])
def test_init_scaffolds_a_project_that_lint_takes(tmp_path: Path, preset: str) -> None:
    """Every preset is sound; a second `init` changes nothing and says so."""
    assert _in(tmp_path, "init", "new/site", "--preset", preset).returncode == 0
    folder = tmp_path / "new" / "site"
    assert {"input", "output", "safelight.yaml"} <= {path.name for path in folder.iterdir()}
    linted = _in(folder, "lint")
    assert (linted.returncode, linted.stdout.startswith("ok: safelight.yaml, 1 recipe, ")) == (0, True)
    (folder / "safelight.yaml").write_text("name: mine\n")
    again = _in(tmp_path, "init", "new/site", "--preset", preset)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert (folder / "safelight.yaml").read_text() == "name: mine\n"


def test_lint_tells_all_errors_at_once_with_their_lines(tmp_path: Path) -> None:
    """Each error has its line and what is allowed; the exit code is 2."""
    (tmp_path / "safelight.yaml").write_text(
        "recipes:\n  - name: a\n    renditions:\n      - {key: x, resize: {wdith: 3}, quality: 900}\nlimit: {}\n"
    )
    done = _in(tmp_path, "lint")
    assert done.returncode == 2
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert all("safelight.yaml:" in error for error in errors)
    assert any("did you mean 'width'?" in error for error in errors)


def test_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    """Usage errors are 2."""
    done = _in(tmp_path, "frobnicate")
    assert (done.returncode, "No such command 'frobnicate'" in done.stderr) == (2, True)
    assert _in(tmp_path, "--version").returncode == 0
