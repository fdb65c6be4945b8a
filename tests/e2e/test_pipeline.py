"""What the workflow of `safelight init --ci github` runs, run here in its order on a stand-in of AWS."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from safelight.deploy import fetch, wheelhouse
from safelight.deploy.arch import Arch
from safelight.deploy.workflow import FILE
from tests.e2e.test_deploy import server
from tests.flow.running import command, environment
from tests.servers.aws import Server
from tests.unit.fakes import png

__all__ = ["server"]
pytestmark = [pytest.mark.xdist_group("package"), pytest.mark.long]


@pytest.fixture
def environ(server: Server, wheels: dict[Arch, list[Path]], tmp_path: Path) -> dict[str, str]:
    """What a job's commands find around them; wheels are cached, so that they need not be fetched three times."""
    copied, root = tmp_path / "copied", tmp_path / "cache" / "safelight" / "wheels"
    for folder in (copied, root):
        folder.mkdir(parents=True)
    for wheel in wheels["x86_64"]:
        shutil.copy(wheel, copied)
    kept = wheelhouse.name_of("x86_64", fetch.LOCK.read_text(encoding="utf-8"))
    wheelhouse.keep(sorted(copied.glob("*.whl")), root / kept)
    around = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path / "runner")}
    return environment(**server.environment, **around, AWS_EC2_METADATA_DISABLED="true")


def run(line: str, folder: Path, environ: dict[str, str]) -> str:
    """Run a command of the workflow as its shell would, with this Safelight."""
    program = " ".join(command())
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", line.replace("safelight", program, 1)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_each_command_of_the_workflow_runs_without_a_terminal(tmp_path: Path, environ: dict[str, str]) -> None:
    """From a new project to prod, each environment tried with a picture; then a pull request's plan changes nothing."""
    folder = tmp_path / "project"
    run(f"safelight init {folder} --ci github", tmp_path, environ)
    (folder / "safelight.yaml").write_text(
        "name: pictures\nregion: eu-west-1\naws: {arch: x86_64}\n"  # the stand-in runs functions on this very machine
        'recipes: [{name: small, renditions: [{key: "{dir}{filename}-64.webp", resize: {width: 64}}]}]\n'
    )
    (folder / "samples").mkdir()
    (folder / "samples" / "a.png").write_bytes(png(1, 200))
    jobs: dict[str, Any] = yaml.safe_load((folder / FILE).read_text())["jobs"]
    said = {}
    for job in ("check", "dev", "staging", "prod", "plan"):
        for step in jobs[job]["steps"]:
            if step.get("run", "").startswith("safelight"):
                said[step["run"]] = run(step["run"], folder, environ)
    assert len(said) == 9
    assert (tmp_path / "runner" / "developed" / "a.png-64.webp").exists()
    for name in ("dev", "staging", "prod"):
        assert f"pictures-{name} is CREATE_COMPLETE" in said[f"safelight deploy {name} --yes"]
        assert f"{name} works: 1 output" in said[f"safelight smoke {name}"]
    assert "nothing to change" in said["safelight deploy prod --dry-run"]
