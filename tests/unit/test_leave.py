"""What a scan takes for a deletion, and what it does not. The service is not needed for that."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from safelight.entry import intake, leave
from safelight.entry.stores import open_local
from safelight.event import parse
from safelight.job import Outcome, Status, jobs_for, outcome_of
from safelight.local.ports import Local, project
from safelight.ports import KeyHead
from safelight.recipe.model import DEFAULT_RECIPE, Match
from safelight.settings import Settings

TAKING = replace(DEFAULT_RECIPE, on_delete="remove")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    (tmp_path / "input").mkdir()
    with closing(open_local(project(tmp_path, Settings(recipes=(TAKING,))))) as local:
        yield local


def develop(local: Local, key: str) -> Outcome:
    """Drop a file, and let the ledger think that it was developed."""
    path = local.world.folder / "input" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    upload = local.inputs["input"].upload_at(key)
    assert upload
    (job,) = jobs_for(upload, (TAKING,))
    claim = local.ledger.claim(job, lease_s=60)
    local.ledger.start(claim, outcome_of(job, Status.RUNNING), KeyHead(version=upload.version))
    outcome = outcome_of(job, Status.SUCCEEDED)
    local.ledger.finish(claim, outcome)
    return outcome


def scan(local: Local) -> set[str]:
    """Scan, and return the keys of all deletions that are queued; with them nothing else is."""
    intake.scan(local, "input", lambda: None, threading.Event())
    with local.queue._database.write() as rows:
        bodies = [body for (body,) in rows.execute("SELECT body FROM queue")]
    return {deletion.key for body in bodies for deletion in parse(body).deletions}


def test_scan_missing_original_that_was_seen_is_deleted(local: Local) -> None:
    """At an earlier scan, or when it was developed."""
    for key in ("scanned", "stays"):
        develop(local, key)
    assert scan(local) == set()
    leave.remember(local, develop(local, "developed"))
    for key in ("scanned", "developed"):
        (local.world.folder / "input" / key).unlink()
    assert scan(local) == scan(local) == {"scanned", "developed"}
    assert local.queue.waiting() == 2


def test_scan_missing_original_that_was_never_seen_is_not_deleted(local: Local) -> None:
    """Who sets the option later may have deleted originals on purpose, for their outputs to stay."""
    develop(local, "old")
    (local.world.folder / "input" / "old").unlink()
    assert scan(local) == set()


def test_scan_other_folder_in_the_same_place_deletes_nothing(local: Local) -> None:
    """A disk that is not mounted leaves a folder without the mark, or with another, however much is in it."""
    root = local.world.folder / "input"
    develop(local, "a")
    assert scan(local) == set()
    root.rename(local.world.folder / "disk")
    root.mkdir()
    assert scan(local) == set()
    leave.remember(local, develop(local, "new"))
    assert scan(local) == scan(local) == set()
    (root / "new").unlink()
    assert scan(local) == {"new"}


def test_scan_while_the_folder_goes_deletes_nothing(local: Local) -> None:
    """What was listed of the one folder says nothing about the other."""
    develop(local, "a")
    assert scan(local) == set()
    rollcall = leave.RollCall(local, "input")
    (local.world.folder / "input").rename(local.world.folder / "disk")
    assert rollcall.end() == 0
    (local.world.folder / "input").mkdir()
    assert rollcall.end() == 0
    assert local.queue.waiting() == 0


def test_scan_that_was_ended_early_deletes_nothing(local: Local) -> None:
    """A service that stops has not seen everything."""
    develop(local, "a")
    assert scan(local) == set()
    (local.world.folder / "input" / "a").unlink()
    develop(local, "b")
    ended = threading.Event()
    ended.set()
    intake.scan(local, "input", lambda: None, ended)
    assert local.queue.waiting() == 0


@pytest.mark.skipif(not os.getuid(), reason="root may look everywhere")
def test_scan_folder_without_permission_is_not_deleted(local: Local) -> None:
    """What cannot be listed is not gone."""
    develop(local, "in/a")
    assert scan(local) == set()
    (local.world.folder / "input" / "in").chmod(0)
    try:
        assert scan(local) == set()
    finally:
        (local.world.folder / "input" / "in").chmod(0o700)


def test_scan_folder_that_became_a_link_is_not_deleted(local: Local) -> None:
    """Links are not followed, so nobody knows what is behind one."""
    develop(local, "in/a")
    assert scan(local) == set()
    (local.world.folder / "input" / "in").rename(local.world.folder / "elsewhere")
    (local.world.folder / "input" / "in").symlink_to(local.world.folder / "elsewhere")
    assert scan(local) == set()


def test_scan_without_a_mark_deletes_nothing(local: Local) -> None:
    """An input folder that takes no mark, for example one that cannot be written, cannot be told from another."""
    (local.world.folder / "input" / leave.MARK).mkdir()
    leave.remember(local, develop(local, "a"))
    assert scan(local) == set()
    (local.world.folder / "input" / "a").unlink()
    assert scan(local) == set()


@pytest.mark.parametrize("text", ["", "ab", "x" * 32, "0" * 33])
def test_place_mark_that_is_none_is_written_anew(local: Local, text: str) -> None:
    """A crash may leave half of one; half is no mark."""
    mark = local.world.folder / "input" / leave.MARK
    mark.write_text(text)
    place = leave.place_of(local.world, "input")
    assert place
    assert place == leave.place_of(local.world, "input") == mark.read_text().strip()
    assert [path.name for path in mark.parent.iterdir()] == [mark.name]


def test_take_folder_means_what_was_in_it_and_is_gone(local: Local) -> None:
    """A folder that is moved away takes all in it along, and nothing that only has a name like it."""
    for key in ("in/a", "in/deep/b", "in/stays", "in", "in.c", "inn/d", "in/é"):
        if key != "in":
            develop(local, key)
    for key in ("in/a", "in/deep/b", "in/é"):
        (local.world.folder / "input" / key).unlink()
    leave.take(local, "input", "in")
    assert scan(local) == {"in/a", "in/deep/b", "in/é"}


def test_take_what_no_recipe_removes_is_left_alone(tmp_path: Path) -> None:
    """Nothing is queued, and no mark is made, where nothing would be done."""
    (tmp_path / "input").mkdir()
    other = replace(TAKING, name="other", match=Match(suffix=(".never",)))
    with closing(open_local(project(tmp_path, Settings(recipes=(DEFAULT_RECIPE, other))))) as local:
        leave.remember(local, develop(local, "a"))
        assert scan(local) == set()
        (tmp_path / "input" / "a").unlink()
        leave.take(local, "input", "a")
        assert scan(local) == set()
    with closing(open_local(project(tmp_path, Settings(recipes=(DEFAULT_RECIPE,))))) as local:
        (tmp_path / "input" / leave.MARK).unlink()
        assert scan(local) == set()
    assert list((tmp_path / "input").iterdir()) == []
