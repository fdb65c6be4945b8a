"""The workflow of `safelight init --ci github`: where it goes, what is kept, what it runs and what it may."""

import re
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from safelight import __version__
from safelight.deploy import workflow
from safelight.entry.cli import cli
from safelight.settings import Settings
from tests.commands import refusal

DEPLOYS = ("dev", "staging", "prod")


def init(*words: str) -> Result:
    return CliRunner().invoke(cli, ["init", *words], standalone_mode=False)


@pytest.fixture
def jobs() -> dict[str, Any]:
    """The jobs of a workflow as GitHub reads them."""
    text = workflow.workflow(Settings(name="holiday", region="eu-west-1"), PurePosixPath())
    return yaml.safe_load(text)["jobs"]


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_init_ci_writes_the_workflow_and_what_it_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new project has both files beside its safelight.yaml, and is told what to set up."""
    monkeypatch.chdir(tmp_path)
    done = init("--ci", "github")
    assert Path("safelight.yaml").exists()
    text = Path(".github/workflows/safelight.yml").read_text()
    assert yaml.safe_load(text)["defaults"]["run"]["working-directory"] == "."
    assert "@" not in re.sub(r"uses: \S+@\w+", "", text), "a placeholder is left"
    assert f"\nsafelight=={__version__}\n" in Path("safelight-requirements.txt").read_text()
    assert "Wrote .github/workflows/safelight.yml." in done.output
    assert "Repository=OWNER/REPO Environment=dev Suffix=-dev MakeProvider=true" in done.output


def test_init_ci_again_changes_nothing(tmp_path: Path) -> None:
    """What is there already is the owner's: each file is named as kept, and only the one that is missing is written."""
    folder = tmp_path / "site"
    init(str(folder), "--ci", "github")
    wanted = {folder / "safelight.yaml": "name: mine\n", folder / workflow.FILE: "name: own\n"}
    for path, text in wanted.items():
        path.write_text(text)
    (folder / workflow.REQUIREMENTS).unlink()
    done = init(str(folder), "--ci", "github")
    assert f"Kept {folder / workflow.FILE}: it is there already." in done.output
    assert f"Wrote {folder / workflow.REQUIREMENTS}." in done.output
    assert {path: path.read_text() for path in wanted} == wanted


def test_init_ci_in_a_sub_folder_writes_at_the_root_of_the_repository(tmp_path: Path) -> None:
    """GitHub reads workflows at the root only: the file goes there, and its commands run where the project is."""
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    folder = tmp_path / "sites" / "o'hare: 1"
    init(str(folder), "--ci", "github")
    read = yaml.safe_load((tmp_path / workflow.FILE).read_text())
    assert read["defaults"]["run"]["working-directory"] == "sites/o'hare: 1"
    assert read["jobs"]["check"]["steps"][-1]["if"] == "hashFiles('sites/o''hare: 1/samples/**') != ''"
    assert (folder / workflow.REQUIREMENTS).exists()


def test_init_ci_with_a_wrong_recipe_writes_nothing(tmp_path: Path) -> None:
    """The name of the project goes into the workflow, so its file must be right first."""
    (tmp_path / "safelight.yaml").write_text("nmae: x\n")
    assert init(str(tmp_path), "--ci", "github").exception is not None
    assert [path.name for path in tmp_path.iterdir()] == ["safelight.yaml"]


def test_workflow_runs_nothing_but_safelight_and_its_installation(jobs: dict[str, Any]) -> None:
    """Each step that is no action is a plain command of ours, which exists with those options."""
    written = [command for job in jobs.values() for command in commands(job)]
    assert written.count("python -m pip install --requirement safelight-requirements.txt") == len(jobs)
    ours = [command for command in written if not command.startswith("python -m pip")]
    assert [refusal(shlex.split(command)) for command in ours] == [None] * len(ours)
    assert len(ours) == 9


def test_workflow_deploys_one_environment_after_the_other(jobs: dict[str, Any]) -> None:
    """Each environment is deployed and tried before the next; the first after the recipes were checked."""
    assert commands(jobs["check"])[1:] == ["safelight lint", 'safelight run samples --out "$RUNNER_TEMP/developed"']
    for name, before in zip(DEPLOYS, ("check", "dev", "staging"), strict=True):
        assert (jobs[name]["needs"], jobs[name]["environment"]) == (before, name)
        assert commands(jobs[name])[1:] == [f"safelight deploy {name} --yes", f"safelight smoke {name}"]


def test_workflow_deploys_main_only_and_never_twice_at_once(jobs: dict[str, Any]) -> None:
    """A pull request's ref is never main's; a deploy that has begun is not stopped by the next."""
    for name in DEPLOYS:
        assert jobs[name]["if"].startswith("github.ref == 'refs/heads/main'")
        assert jobs[name]["concurrency"] == {"group": f"safelight-holiday-{name}", "cancel-in-progress": False}


def test_workflow_asks_for_a_token_only_where_it_deploys_or_plans(jobs: dict[str, Any]) -> None:
    """The check, which runs for forks too, has no way to AWS; the others take a role and hold no key."""
    assert "permissions" not in jobs["check"]
    assert "head.repo.full_name == github.repository" in jobs["plan"]["if"]
    assert commands(jobs["plan"])[1:] == ["safelight deploy prod --dry-run"]
    for name in ("plan", *DEPLOYS):
        assert jobs[name]["permissions"] == {"contents": "read", "id-token": "write"}
        [login] = [step["with"] for step in jobs[name]["steps"] if "credentials" in step.get("uses", "")]
        assert login["role-to-assume"] == f"arn:aws:iam::${{{{ vars.AWS_ACCOUNT_ID }}}}:role/holiday-github-{name}"
    assert "secrets." not in workflow.TEMPLATE.read_text()


def test_workflow_pins_every_action_to_a_commit(jobs: dict[str, Any]) -> None:
    """A tag can be moved to other code, a commit cannot; the version stands beside it."""
    used = re.findall(r"uses: (\S+)@(\S+) # v(\d+\.\d+\.\d+)\n", workflow.TEMPLATE.read_text())
    assert len(used) == sum("uses" in step for job in jobs.values() for step in job["steps"])
    assert [commit for _, commit, _ in used if not re.fullmatch("[0-9a-f]{40}", commit)] == []
