"""What is special to the SQLite file: durability, versions, damage, locks, and what the service asks of it."""

import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from safelight.errors import Busy, Denied, NewerProject, Unavailable
from safelight.job import Job, Status, Upload, outcome_of
from safelight.local import ledger as ledger_module
from safelight.local.database import Database
from safelight.local.ledger import SqliteLedger
from safelight.local.queue import SqliteQueue
from safelight.recipe.model import DEFAULT_RECIPE


def _job(key: str) -> Job:
    upload = Upload(bucket="in", key=key, version="1", etag="e", size=1, arrived_at="t")
    return Job(id="job_" + key, upload=upload, recipe=DEFAULT_RECIPE, recipe_digest="d")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "safelight.db"


def test_database_waits_for_the_disk_at_every_commit(path: Path) -> None:
    """A commit survives a power cut: write-ahead log, and synchronous=FULL (2), not NORMAL."""
    with closing(Database(path)) as database:
        assert database.read("PRAGMA journal_mode") == [("wal",)]
        assert database.read("PRAGMA synchronous") == [(2,)]
        assert database.read("PRAGMA foreign_keys") == [(1,)]


def test_database_opened_by_many_at_once_is_made_once(path: Path) -> None:
    """Processes that start together on a new project do not disturb each other."""

    def open_and_count(_: int) -> int:
        with closing(Database(path)) as database:
            return len(database.read("SELECT name FROM sqlite_master WHERE name = 'jobs'"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(open_and_count, range(8))) == [1] * 8


def test_database_of_a_newer_safelight_is_refused_untouched(path: Path) -> None:
    """Records of an unknown shape are neither read nor changed."""
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")

    with pytest.raises(NewerProject, match="999"):
        Database(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)


def test_file_that_is_no_database_is_unavailable_with_a_remedy(path: Path) -> None:
    """A damaged file is named as such, and what to do is said."""
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(Unavailable, match="damaged") as refused:
        Database(path)
    assert "move" in refused.value.remedy


def test_database_in_a_missing_folder_is_denied(tmp_path: Path) -> None:
    """Where no file can be made, the message says where to look."""
    with pytest.raises(Denied):
        Database(tmp_path / "missing" / "safelight.db")


def test_write_that_raises_changes_nothing(path: Path) -> None:
    """A transaction is whole or not at all, and its fault does not block the next one."""
    with closing(Database(path)) as database:
        with suppress(ValueError), database.write() as rows:
            rows.execute("INSERT INTO dead VALUES ('a', x'00', 'r', 0)")
            raise ValueError("stop")
        with database.write() as rows:
            rows.execute("INSERT INTO dead VALUES ('b', x'00', 'r', 0)")
        assert database.read("SELECT id FROM dead") == [("b",)]


def test_database_that_another_writer_keeps_locked_is_unavailable(path: Path) -> None:
    """Waiting has an end, and the caller may try again."""
    with closing(Database(path)) as one, closing(Database(path, busy_timeout_s=0.05)) as other:
        with one.write(), pytest.raises(Unavailable, match="SQLITE_BUSY"), other.write():
            pass
        with other.write():
            pass


def test_ledger_and_queue_in_memory_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`safelight run` leaves nothing behind, and its threads share one ledger."""
    monkeypatch.chdir(tmp_path)
    with closing(SqliteLedger(":memory:", lambda: 1.0)) as ledger, closing(SqliteQueue(":memory:", lambda: 1.0)) as q:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: ledger.claim(_job(str(number)), lease_s=9), range(8)))
        with pytest.raises(Busy):
            ledger.claim(_job("3"), lease_s=9)
        q.send(b"x", id="1")
        assert q.waiting() == 1
    assert list(tmp_path.iterdir()) == []


def test_release_all_frees_the_keys_of_a_dead_service(path: Path) -> None:
    """After a restart nobody waits for the leases of workers that are gone."""
    with closing(SqliteLedger(path, lambda: 1.0)) as ledger:
        claims = [ledger.claim(_job(key), lease_s=900) for key in "ab"]

        ledger.release_all()

        assert [ledger.claim(_job(key), lease_s=900).token > claims[0].token for key in "ab"] == [True, True]


def test_counts_tells_how_many_jobs_have_each_status(path: Path) -> None:
    """A listing can say how much there is without reading it."""
    with closing(SqliteLedger(path, lambda: 1.0)) as ledger:
        for key, status in zip("abc", (Status.FAILED, Status.SUCCEEDED, Status.FAILED), strict=True):
            job = _job(key)
            ledger.finish(ledger.claim(job, lease_s=9), outcome_of(job, status))

        assert ledger.counts() == {Status.FAILED: 2, Status.SUCCEEDED: 1}


def test_queue_tells_how_long_to_sleep(path: Path) -> None:
    """The service sleeps until the next message may come, and knows when there is none."""
    time = [100.0]
    with closing(SqliteQueue(path, lambda: time[0])) as queue:
        assert (queue.next_visible_s(), queue.waiting()) == (None, 0)
        queue.send(b"x", id="later", delay_s=50)
        queue.send(b"x", id="sooner", delay_s=7)
        assert (queue.next_visible_s(), queue.waiting()) == (7.0, 2)
        time[0] = 120.0
        assert queue.next_visible_s() == 0.0


def test_owed_notices_are_found_by_their_index(path: Path) -> None:
    """Looking for owed notices does not read every job that ever was."""
    with closing(SqliteLedger(path, lambda: 1.0)), closing(sqlite3.connect(path)) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN " + ledger_module._UNNOTIFIED, (1,)).fetchall()
    assert [row[3] for row in plan] == ["SCAN jobs USING INDEX jobs_owed"]


def test_busy_keeps_its_time_on_the_way_out_of_a_worker_process() -> None:
    """An error that crosses a process tells the same there."""
    busy = pickle.loads(pickle.dumps(Busy("m", retry_after_s=2.5)))  # noqa: S301 - our own bytes

    assert (busy.message, busy.retry_after_s, busy.code) == ("m", 2.5, "busy")
