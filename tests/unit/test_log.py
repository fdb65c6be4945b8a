"""The log: JSON lines with what a job was, from several processes into one file."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from safelight import log
from safelight.errors import Denied
from safelight.job import Output, Status, Upload, outcome_of, problem_of
from tests.unit.fakes import job_for

UPLOAD = Upload(bucket="in", key="a/b\n.jpg", version="3-17", etag="e", size=3, arrived_at="")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield tmp_path / "safelight.log"
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_log_of_a_job_says_start_end_name_size_status_and_error(path: Path) -> None:
    """Every line is one JSON object that says when, how bad and about what."""
    log.configure(path)
    job = job_for(UPLOAD)
    logger = logging.getLogger("safelight")
    logger.info("start", extra={"job": job})
    outcome = outcome_of(
        job,
        Status.REJECTED,
        attempts=1,
        started_at="2026-01-02T03:04:05.000Z",
        finished_at="2026-01-02T03:04:06.000Z",
        duration_ms=1000.0,
        error=problem_of(Denied("no permission")),
    )
    logger.info("end", extra={"outcome": outcome})
    start, end = lines(path)
    assert (start["level"], start["message"], start["service"]) == ("INFO", "start", "safelight")
    assert str(start["timestamp"]).endswith("Z")
    about = {"job_id": job.id, "recipe": "default", "file": "a/b\n.jpg", "size": 3, "version": "3-17"}
    assert about.items() <= start.items()
    assert about.items() <= end.items()
    assert end["error"] == {"code": "denied", "message": "no permission"}
    assert (end["status"], end["attempts"], end["duration_ms"]) == ("rejected", 1, 1000.0)
    assert (end["start"], end["end"]) == (outcome.started_at, outcome.finished_at)


def test_log_of_a_success_counts_what_was_written(path: Path) -> None:
    """The bytes of all outputs are summed; what is not known is left out."""
    log.configure(path)
    outputs = tuple(Output(key=str(n), format="jpeg", width=1, height=1, size=100) for n in range(3))
    outcome = outcome_of(job_for(UPLOAD), Status.SUCCEEDED, renditions=outputs)
    logging.getLogger("safelight").info("end", extra={"outcome": outcome})
    (end,) = lines(path)
    assert (end["bytes_out"], end["renditions"]) == (300, 3)
    assert "error" not in end
    assert "peak_mb" not in end


def test_log_of_an_error_by_name_has_its_code(path: Path) -> None:
    """A line about an error carries the stable code, which is what one searches for."""
    log.configure(path)
    logging.getLogger("safelight").warning("the scan failed: %s", "why", extra={"code": Denied.code})
    (line,) = lines(path)
    assert (line["message"], line["error"]) == ("the scan failed: why", {"code": "denied"})


def test_log_of_an_exception_has_its_stack_on_the_same_line(path: Path) -> None:
    """What is unexpected can be traced without a second file."""
    log.configure(path)
    try:
        raise ValueError("\udcff odd bytes")  # noqa: TRY301 -- the stack is what is tested
    except ValueError:
        logging.getLogger("safelight").exception("unexpected")
    (line,) = lines(path)
    assert line["level"] == "ERROR"
    assert "ValueError" in str(line["stack"])


def test_log_that_cannot_be_written_stops_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full or vanished disk never stops the work, and writes nothing over the user's terminal."""
    log.configure(path.parent / "gone" / "safelight.log")
    logging.getLogger("safelight").error("anything")
    assert capsys.readouterr().err == ""
    assert not path.exists()


WRITER = """
import logging, sys
from pathlib import Path
from safelight import log
log.configure(Path(sys.argv[1]))
for number in range(200):
    logging.getLogger("safelight").info("%s %d %s", sys.argv[2], number, "x" * 500)
"""


def test_log_of_several_processes_has_whole_lines(path: Path) -> None:
    """Service and workers share one file; no line is torn, none is lost."""
    environment = {**os.environ, "PYTHONPATH": str(Path(log.__file__).parents[1])}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], env=environment) for name in ("a", "b")
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0]
    messages = [str(line["message"]).split()[:2] for line in lines(path)]
    assert sorted(messages) == sorted([name, str(number)] for name in ("a", "b") for number in range(200))


@pytest.mark.parametrize(("size", "renamed"), [(log.MAX_BYTES + 1, True), (log.MAX_BYTES, False)])
def test_log_grown_large_is_renamed_and_begun_anew(path: Path, size: int, renamed: bool) -> None:  # noqa: FBT001
    """The log never fills the disk: one file and the one before it are kept; writing goes on."""
    log.configure(path)
    with path.open("wb") as file:
        file.truncate(size)
    log.rotate(path)
    logging.getLogger("safelight").info("after")
    assert path.with_name("safelight.log.1").exists() is renamed
    assert (path.stat().st_size < 1000) is renamed


def test_log_rotated_before_there_is_one_is_no_error(path: Path) -> None:
    """A new project has no log yet."""
    log.rotate(path)
    assert not path.exists()
