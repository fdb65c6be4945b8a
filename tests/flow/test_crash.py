"""SIGKILL at every step and at any time: nothing is lost, nothing half-written is seen, nobody is told twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import pyvips

from safelight.job import job_id
from safelight.ports import Store
from tests.flow.conftest import Post
from tests.flow.running import Buckets, Project, environment, living, until

Picture = Callable[..., bytes]

TWO_OUTPUTS = """\
name: crash
limits: {seconds: 20}
recipes:
  - name: two
    renditions:
      - key: "{dir}{filename}-16.png"
        resize: {width: 16}
      - key: "{dir}{filename}-32.webp"
        resize: {width: 32}
"""

CALLS = [
    "ledger.claim:1",
    "input.head:1",
    "ledger.start:1",
    "input.fetch:1",
    "output.put:1",
    "output.put:2",
    "ledger.finish:1",
    "notifier.notify:1",
    "ledger.mark_notified:1",
]
STEPS = [f"{when} {call}" for call in CALLS for when in ("before", "after")]
WITHIN_PUTS = ["audit os.link:1", "audit os.remove:1", "audit os.link:2", "audit os.remove:2"]


@pytest.fixture
def mailing(tmp_path: Path, post: Post, place: Buckets | None) -> Project:
    post.open()
    return Project(tmp_path / "project", TWO_OUTPUTS + post.config, place)


def test_crash_at_each_step_is_made_good_by_the_next_service(mailing: Project, post: Post, picture: Picture) -> None:
    """A worker killed before or after any call, or within a put: the job ends whole, with its metadata, told once."""
    steps = STEPS if mailing.buckets else STEPS + WITHIN_PUTS  # a bucket's puts are not ours to break
    names = {f"{number:02}.png": step for number, step in enumerate(steps)}
    for number, (name, step) in enumerate(names.items()):
        mailing.drop(name, picture(number))
        ran = subprocess.run(
            [sys.executable, "-m", "tests.flow.dying", mailing.folder, name, step, str(int(signal.SIGKILL))],
            env=environment(**mailing.variables),
            check=False,
            timeout=60,
        )
        assert ran.returncode == -signal.SIGKILL, f"{step} was never reached"
        assert_whole(mailing)
    with mailing.serving():
        until(lambda: mailing.waiting() == 0, "an empty queue", patience_s=20)
    jobs = {job.upload.key: job for job in mailing.jobs()}
    assert {name: jobs[name].status.value for name in names} == dict.fromkeys(names, "succeeded")
    assert mailing.outputs() == {f"{name}-{ending}" for name in names for ending in ("16.png", "32.webp")}
    assert assert_whole(mailing) == 2 * len(names)
    assert mailing.temporary() == []
    assert_metadata(mailing)
    assert post.told() == {jobs[name].id: 1 for name in names}


def assert_whole(project: Project) -> int:
    """Decode every file that can be seen in the output folder."""
    for key in (found := project.outputs()):
        body = project.read(key)
        assert pyvips.Image.new_from_buffer(body, "", fail_on="warning").width == int(Path(key).stem[-2:])
        assert pyvips.Image.new_from_buffer(body, "", fail_on="warning").avg() > 0
    return len(found)


def assert_metadata(project: Project) -> None:
    """See that each output carries its own job's id and source version."""
    with closing(project.open()) as local:
        _assert_metadata(project, local.output)


def _assert_metadata(project: Project, store: Store) -> None:
    jobs = {job.upload.key: job for job in project.jobs()}
    for key in project.outputs():
        job, head = jobs[key[: key.rindex("-")]], store.head(key)
        assert head is not None
        assert head.metadata["job-id"] == job.id == job_id(job.upload, job.recipe_digest)
        assert head.metadata["source-version"] == job.upload.version
        assert head.metadata["status"] == "succeeded"
        assert head.tags.get("status") == (None if project.buckets else "succeeded")
        assert head.etag == next(output.etag for output in job.renditions if output.key == key)


def test_crash_of_service_and_workers_at_any_time_loses_nothing(mailing: Project, post: Post, picture: Picture) -> None:
    """Killed again and again while thirty files come: each job ends, no half file is ever seen, no worker stays."""
    chance = random.Random(5)
    names = [f"{number:02}.png" for number in range(30)]
    with watched(mailing):
        for batch in (names[at : at + 6] for at in range(0, 30, 6)):
            running = mailing.start()
            for name in batch:
                mailing.drop(name, picture(int(name[:2]), side=400))
            running.wait_until_ended(chance.randrange(3))
            time.sleep(chance.uniform(0, 0.15))
            if chance.random() < 0.6:
                _kill(chance.choice(running.workers()))
                time.sleep(chance.uniform(0, 0.15))
            assert running.process.poll() is None, running.errors
            running.process.kill()
            running.process.wait(10)
            until(lambda mark=running.mark: not living(mark), "the death of its workers", patience_s=30)
        with mailing.serving():
            until(lambda: mailing.waiting() == 0, "an empty queue")
            failed = [job for job in mailing.jobs() if job.status.value == "failed"]
            assert {job.error.code for job in failed if job.error} <= {"worker_crashed"}
            if failed:  # by two deaths, which is a failure by design: a replay ends them
                mailing.ask("replay", "--status", "failed")
            until(lambda: mailing.counts() == {"succeeded": 30}, "thirty successes")
            until(lambda: mailing.mails_on_their_way() == 0, "the mails that a crash held up")
    assert mailing.outputs() == {f"{name}-{ending}" for name in names for ending in ("16.png", "32.webp")}
    assert_metadata(mailing)
    assert mailing.temporary() == []
    told = {job.id: 1 for job in mailing.jobs()} | {job.id: 2 for job in failed}
    assert post.told() == told


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def watched(project: Project) -> Iterator[None]:
    """Look at the output folder all the time; a file that can be seen and is not whole fails the test."""
    ended, faults, looks = threading.Event(), list[BaseException](), list[int]()

    def look() -> None:
        while not ended.is_set():
            try:
                looks.append(assert_whole(project))
            except BaseException as err:  # noqa: BLE001 -- it is raised below
                faults.append(err)
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not faults, faults
    assert len(looks) > 20
