"""A worker that sleeps past its lease wakes up to find a newer version made: that one stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from safelight import pipeline
from safelight.config import load
from safelight.job import Job, Status, jobs_for
from safelight.local.ledger import SqliteLedger
from safelight.local.ports import Local, project
from safelight.ports import Ports
from tests.flow.running import RECIPE, Project, environment, until

Picture = Callable[..., bytes]

SLEEPS = [
    "before ledger.start:1",
    "before input.fetch:1",
    "after input.fetch:1",
    "before output.put:1",
    "after output.head:1",  # between the look at what is there and the decision to replace it
    "before ledger.finish:1",
]


class Later:
    """The project's ports for a worker for whom every lease of now has ended."""

    def __init__(self, folder: Path) -> None:
        self.settings = load(folder / "safelight.yaml").settings
        self.local = Local(project(folder, self.settings))
        self.ledger = SqliteLedger(folder / ".safelight" / "safelight.db", lambda: time.time() + 1000)

    def job(self, key: str) -> Job:
        upload = self.local.inputs["input"].upload_at(key)
        assert upload is not None
        (job,) = jobs_for(upload, self.settings.recipes)
        return job

    def run(self, job: Job) -> Status:
        ports: Ports = replace(self.local.ports("input"), ledger=self.ledger)
        return pipeline.process(job, ports, self.settings.limits).status

    def close(self) -> None:
        self.ledger.close()
        self.local.close()


@pytest.mark.parametrize(
    ("step", "again"),
    [*((step, again) for again in (False, True) for step in SLEEPS), ("before output.put:2", False)],
    ids=lambda value: {False: "newer", True: "a-b-a"}.get(value, value),
)
def test_stalled_worker_leaves_the_newer_output(
    project: Project,
    picture: Picture,
    step: str,
    again: bool,  # noqa: FBT001 -- a parameter of a test
) -> None:
    """Stopped by SIGSTOP at any step while another makes a newer version (or makes A anew while B sleeps)."""
    path = project.drop("a.png", picture(1))
    with closing(Later(project.folder)) as later:
        first = later.job("a.png")
        assert later.run(first) is Status.SUCCEEDED
        stat = path.stat()
        newest = picture(1) if again else picture(3)

        project.drop("a.png", picture(2))
        sleeper_job = later.job("a.png")
        sleeper = _start_sleeper(project, step)

        project.drop("a.png", newest)
        if again:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        job = later.job("a.png")
        assert (job.id == first.id) is again
        later.ledger.release_all()  # stands for the lease's end, as a later clock of this process does
        assert later.run(job) is Status.SUCCEEDED
        made = (project.output / "a.png-16.png").read_bytes()

        sleeper.send_signal(signal.SIGCONT)
        said, _ = sleeper.communicate(timeout=30)
        assert said.split() in (["lost_lease"], ["superseded"])
        assert (project.output / "a.png-16.png").read_bytes() == made
        assert made == _reference(project, newest)
        known = later.ledger.get(sleeper_job.id)
        assert known is None or known.status in (Status.RUNNING, Status.SUPERSEDED)
        assert later.ledger.get(job.id).status is Status.SUCCEEDED
        assert later.run(sleeper_job) is Status.SUPERSEDED
        assert (project.output / "a.png-16.png").read_bytes() == made
    assert project.temporary() == []


def _start_sleeper(project: Project, step: str) -> subprocess.Popen[str]:
    """Start a worker on a.png and wait until it has stopped itself at the step."""
    words = [sys.executable, "-m", "tests.flow.dying", str(project.folder), "a.png", step, str(int(signal.SIGSTOP))]
    sleeper = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)
    state = Path(f"/proc/{sleeper.pid}/stat")
    until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the worker's sleep", patience_s=20)
    return sleeper


def _reference(project: Project, body: bytes) -> bytes:
    """Return the output of a picture that is developed alone."""
    alone = Project(project.folder / "alone")
    alone.drop("a.png", body)
    with closing(Later(alone.folder)) as later:
        later.run(later.job("a.png"))
    return (alone.output / "a.png-16.png").read_bytes()


def test_stalled_worker_of_a_service_is_killed_and_its_picture_made(project: Project, picture: Picture) -> None:
    """A worker that is stopped in the middle neither blocks the service nor loses the picture."""
    project.config.write_text(RECIPE.replace("seconds: 20", "seconds: 1"))
    with project.serving() as service:
        for number in range(30):
            project.drop(f"{number}.png", picture(number, side=300))
        service.wait_until_ended(2)
        stopped = service.workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        assert len(service.outcomes) < 30
        until(
            lambda: stopped not in service.workers() or len(service.outcomes) == 30,
            "its death, or the other worker to make everything",
            patience_s=60,
        )
        with suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGCONT)
        service.wait_until_ended(30)
    assert project.counts() == {"succeeded": 30}
    assert max(job.attempts for job in project.jobs()) <= 2
