"""An original is deleted: what becomes of its outputs in a running service, and in one that was stopped meanwhile."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from safelight.entry import worker
from safelight.entry.leave import GRACE_S
from safelight.errors import Denied, NotFound
from safelight.event import Deletion, departure
from safelight.job import Outcome, Status
from tests.flow.running import RECIPE, Buckets, Project, command, environment, until

Picture = Callable[..., bytes]
TAKING = RECIPE.replace("  - name: small\n", "  - name: small\n    on_delete: remove\n")
LONG_S = GRACE_S + 2.0
"""Whoever wrongly thinks that an original is gone has acted by then."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", TAKING)


@pytest.fixture
def placed(tmp_path: Path, place: Buckets | None) -> Project:
    return Project(tmp_path / "project", TAKING, place)


def remove(project: Project, key: str) -> None:
    """Delete an original as an outsider does."""
    if project.buckets:
        project.buckets.server.client("s3").delete_object(Bucket=project.buckets.input, Key=key)
    else:
        (project.input / key).unlink()


def removals(project: Project) -> list[Outcome]:
    return [job for job in project.jobs() if job.upload.deleted]


def scanned(project: Project) -> None:
    """Run the service until its first scan has acted, since it looks again a few seconds after the start."""
    with project.serving():
        project.drop("probe.png", b"nothing")
        until(lambda: any(job.upload.key == "probe.png" for job in project.jobs()), "the probe")
        time.sleep(1)
        until(lambda: not project.waiting(), "an empty queue")  # a removal waits in it for its time


def test_original_deleted_while_the_service_runs_takes_its_outputs_along(placed: Project, picture: Picture) -> None:
    """Soon, and told in the list of jobs; the outputs of others stay, and what comes back is developed again."""
    with placed.serving() as service:
        for key in ("a b/é+.png", "b.png"):
            placed.drop(key, picture(1))
        service.wait_for("a b/é+.png", "b.png")
        began = time.monotonic()
        remove(placed, "a b/é+.png")
        until(lambda: placed.outputs() == {"b.png-16.png"}, "the end of the outputs")
        assert time.monotonic() - began < 30, "a scan would have come first"
        (job,) = until(lambda: [job for job in removals(placed) if job.status.ended], "the job")
        assert (job.status, job.error.code if job.error else None) == (Status.SUPERSEDED, NotFound.code)
        assert "deleted; so were its outputs, 1 of them" in placed.ask("status", job.id)
        assert "superseded not_found" in placed.ask("jobs")
        placed.drop("a b/é+.png", picture(1))
        until(lambda: "a b/é+.png-16.png" in placed.outputs(), "the outputs of what came back")


def test_original_deleted_while_the_service_was_stopped_is_found_by_a_scan(placed: Project, picture: Picture) -> None:
    """Nothing is missed, also of what no scan ever saw; it is acted upon once."""
    with placed.serving() as service:
        for key in ("a.png", "in/b.png", "c.png"):
            placed.drop(key, picture(1))
        service.wait_for("a.png", "in/b.png", "c.png")
        until(lambda: not placed.waiting(), "an empty queue")
    remove(placed, "a.png")
    remove(placed, "in/b.png")
    with placed.serving():
        until(lambda: placed.outputs() == {"c.png-16.png"}, "the end of the outputs")
    scanned(placed)
    assert sorted(job.upload.key for job in removals(placed)) == ["a.png", "in/b.png"]


def test_original_saved_by_deleting_and_renaming_keeps_its_outputs(project: Project, picture: Picture) -> None:
    """Editors save so: the outputs become those of the new file, and are never missing."""
    with project.serving() as service:
        path = project.drop("a.png", picture(1))
        service.wait_for("a.png")
        before = project.read("a.png-16.png")
        path.unlink()
        time.sleep(0.5)
        project.drop("a.png", picture(2))
        ends = time.monotonic() + LONG_S
        while time.monotonic() < ends:
            assert project.outputs() == {"a.png-16.png"}
            time.sleep(0.01)
        assert project.read("a.png-16.png") != before
        until(lambda: not project.waiting(), "an empty queue")
    assert removals(project) == []


def test_renamed_files_and_folders_take_their_outputs_along(project: Project, picture: Picture) -> None:
    """A new name is an upload, the old one a deletion; a folder that is moved away is a deletion of all in it."""
    with project.serving() as service:
        keys = ("a.png", "away/b.png", "away/deep/c.png", "stays/d.png")
        for seed, key in enumerate(keys):
            project.drop(key, picture(seed))
        service.wait_for(*keys)
        (project.input / "a.png").rename(project.input / "z.png")
        (project.input / "stays").rename(project.input / "moved")
        (project.input / "away").rename(project.folder / "elsewhere")
        wanted = {"z.png-16.png", "moved/d.png-16.png"}
        until(lambda: project.outputs() == wanted, "the outputs of the new names alone")
        assert len(removals(project)) == 4


def test_folder_that_is_not_mounted_is_not_taken_for_deletions(project: Project, picture: Picture) -> None:
    """Neither an empty folder in its place nor one with new uploads; of the true one a scan sees what went."""
    with project.serving() as service:
        for key in ("a.png", "b.png"):
            project.drop(key, picture(1))
        service.wait_for("a.png", "b.png")
    disk = project.folder / "disk"
    project.input.rename(disk)
    project.input.mkdir()
    scanned(project)
    with project.serving() as service:
        project.drop("new.png", picture(2))
        service.wait_for("new.png")
    scanned(project)
    assert {"a.png-16.png", "b.png-16.png"} < project.outputs()
    project.input.rename(project.folder / "bare")
    disk.rename(project.input)
    (project.input / "a.png").unlink()
    with project.serving():
        until(lambda: "a.png-16.png" not in project.outputs(), "the end of the outputs")
    assert project.outputs() == {"b.png-16.png", "new.png-16.png"}
    assert [job.upload.key for job in removals(project)] == ["a.png"]


def test_folder_that_vanishes_while_the_service_runs_is_not_taken_for_deletions(
    project: Project, picture: Picture
) -> None:
    """A disk that goes and comes back changes nothing."""
    with project.serving() as service:
        project.drop("a.png", picture(1))
        service.wait_for("a.png")
        project.input.rename(project.folder / "disk")
        until(lambda: "the input folder is not there" in project.log.read_text(), "the watch to see it")
        project.input.mkdir()
        time.sleep(LONG_S)
        project.input.rename(project.folder / "bare")
        (project.folder / "disk").rename(project.input)
        project.drop("b.png", picture(2))
        service.wait_for("b.png")
        time.sleep(LONG_S)
    assert project.outputs() == {"a.png-16.png", "b.png-16.png"}
    assert removals(project) == []


def test_bucket_that_is_missing_is_not_taken_for_deletions(tmp_path: Path, buckets: Buckets, picture: Picture) -> None:
    """A server without the bucket says of each key that it is not there; that is a fault, no deletion."""
    project = Project(tmp_path / "project", TAKING, buckets)
    with project.serving() as service:
        project.drop("a.png", picture(1))
        service.wait_for("a.png")
    remove(project, "a.png")
    buckets.server.client("s3").delete_bucket(Bucket=buckets.input)
    with project.serving():
        until(lambda: "the bucket is not there" in project.log.read_text(), "a scan of it")
        time.sleep(LONG_S)
        assert not project.waiting()
    assert project.outputs() == {"a.png-16.png"}


def test_bucket_with_versions_a_delete_marker_takes_the_outputs_along(
    tmp_path: Path, telling: Buckets, picture: Picture
) -> None:
    """Its versions are kept, and nothing is at the key: it is deleted; an old version that goes changes nothing."""
    pair = replace(telling, input=telling.server.bucket(versioned=True), output=telling.server.bucket())
    project = Project(tmp_path / "project", TAKING, pair)
    with project.serving() as service:
        client = telling.server.client("s3")
        old = client.put_object(Bucket=pair.input, Key="a.png", Body=picture(1))["VersionId"]
        service.wait_for("a.png")
        project.drop("a.png", picture(2))
        service.wait_until_ended(2)
        client.delete_object(Bucket=pair.input, Key="a.png", VersionId=old)
        time.sleep(LONG_S)
        assert project.outputs() == {"a.png-16.png"}
        remove(project, "a.png")
        until(lambda: not project.outputs(), "the end of the outputs", patience_s=30)


def test_recipe_that_keeps_and_one_that_is_set_later_leave_the_outputs(project: Project, picture: Picture) -> None:
    """By default outputs outlive their original, also when it was gone before the recipe said otherwise."""
    project.config.write_text(RECIPE)
    with project.serving() as service:
        for key in ("a.png", "b.png"):
            project.drop(key, picture(1))
        service.wait_for("a.png", "b.png")
        remove(project, "a.png")
        time.sleep(LONG_S)
        assert not project.waiting()
    project.config.write_text(TAKING)
    scanned(project)
    assert project.outputs() == {"a.png-16.png", "b.png-16.png"}
    with project.serving():
        remove(project, "b.png")
        until(lambda: project.outputs() == {"a.png-16.png"}, "the end of the outputs")


def test_replay_of_a_failed_removal_removes_the_outputs(project: Project, picture: Picture) -> None:
    """What went wrong was put right: the same job is done by the next service."""
    with project.serving() as service:
        project.drop("a.png", picture(1))
        service.wait_for("a.png")
    (project.input / "a.png").unlink()
    deletion = Deletion(bucket="input", key="a.png", deleted_at="2026-01-02T03:04:05.678Z")
    with closing(project.open()) as local:
        worker.give_up(local.world, departure(deletion), Denied("no"))
    assert [job.status for job in removals(project)] == [Status.FAILED]
    assert "1 job queued again" in project.ask("replay", "--status", "failed")
    with project.serving():
        until(lambda: not project.outputs(), "the end of the outputs")
        until(lambda: not project.waiting(), "an empty queue")
    assert [job.status for job in removals(project)] == [Status.SUPERSEDED]


def test_run_ignores_deletions(tmp_path: Path, picture: Picture) -> None:
    """A run develops what it is given; what it made of files that are gone since stays."""
    project = Project(tmp_path / "project", TAKING)
    for key in ("a.png", "b.png"):
        project.drop(key, picture(1))
    words = command("run", project.input, "--out", tmp_path / "out", "-c", project.config)
    for _ in range(2):
        subprocess.run(words, env=environment(), capture_output=True, timeout=60, check=True)
        (project.input / "a.png").unlink(missing_ok=True)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png")) == ["a.png-16.png", "b.png-16.png"]
