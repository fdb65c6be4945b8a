"""How lines of a log look on a terminal."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from safelight.entry.cli.log_lines import about, as_json, shown
from safelight.operate.logs import LogEvent

AT_MS = 1_795_640_489_401  # 2026-11-25T21:01:29.401Z


def event(message: str | dict[str, Any]) -> LogEvent:
    return LogEvent(id="1", at_ms=AT_MS, message=message if isinstance(message, str) else json.dumps(message))


def plain(message: str | dict[str, Any], *, date: bool = False) -> list[str]:
    return [click.unstyle(each) for each in shown(event(message), date=date)]


REPORT = (
    "REPORT RequestId: 8f-1\tDuration: 103.45 ms\tBilled Duration: 104 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 93 MB\tInit Duration: 301.20 ms\t"
)
ENDED = {
    "level": "INFO",
    "message": "end",
    "job_id": "job_0a1b",
    "file": "holiday/beach 1.jpg",
    "size": 264831,
    "status": "succeeded",
    "duration_ms": 450.3,
    "peak_mb": 62,
    "bytes_out": 274215,
    "renditions": 2,
    "cold_start": True,
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            ENDED,
            "21:01:29.401  info   succeeded    holiday/beach 1.jpg  0.5 s, 62 MB of memory, 2 outputs, 274 kB",
        ),
        (
            {"level": "INFO", "message": "start", "file": "a.jpg", "size": 264831, "cold_start": True},
            "21:01:29.401  info   started      a.jpg  265 kB, cold start",
        ),
        (
            {
                "level": "INFO",
                "message": "end",
                "status": "rejected",
                "file": "a.jpg",
                "error": {"code": "truncated", "message": "the file ends early"},
            },
            "21:01:29.401  info   rejected     a.jpg  truncated: the file ends early",
        ),
        (
            {"level": "WARNING", "message": "handed back: no time", "error": {"code": "timeout"}},
            "21:01:29.401  warn   handed back: no time  (timeout)",
        ),
        ("a print of somebody", "21:01:29.401  info   a print of somebody"),
        (
            REPORT,
            "21:01:29.401  info   invoked      0.1 s, billed 0.1 s, start 0.3 s, 93 of 512 MB",
        ),
        (
            {
                "type": "platform.report",
                "record": {"status": "timeout", "metrics": {"durationMs": 60000, "memorySizeMB": 512}},
            },
            "21:01:29.401  error  the function was ended: timeout, after 60.0 s, 0 of 512 MB",
        ),
    ],
)
def test_line_for_people_has_time_level_status_file_and_figures(message: str | dict[str, Any], expected: str) -> None:
    """One line each, in the same places."""
    assert plain(message) == [expected]


@pytest.mark.parametrize(
    "message", [{"_aws": {}, "Processed": 1}, "START RequestId: 8f-1 Version: $LATEST", {"type": "platform.start"}]
)
def test_line_for_machines_is_not_shown(message: str | dict[str, Any]) -> None:
    """Metrics and Lambda's notes are folded away."""
    assert plain(message) == []


def test_line_of_an_error_has_its_stack_below() -> None:
    """Indented, so that the next line is found."""
    said = plain({"level": "ERROR", "message": "unexpected", "stack": "Traceback:\n  File x\nValueError: y"})
    assert said[0] == "21:01:29.401  error  unexpected"
    assert [each.strip() for each in said[1:]] == ["Traceback:", "File x", "ValueError: y"]
    of_lambda = plain({"level": "ERROR", "errorMessage": "boom", "stackTrace": ["  File x\n"]})
    assert of_lambda == ["21:01:29.401  error  boom", "                File x"]


def test_line_that_is_no_terminals_has_the_whole_date() -> None:
    """A file that is read tomorrow needs it."""
    assert plain(ENDED, date=True)[0].startswith("2026-11-25T21:01:29.401Z  info ")


@pytest.mark.parametrize("name", ["file", "message", "status"])
def test_line_with_control_characters_cannot_move_the_cursor(name: str) -> None:
    """Keys are given by whoever uploads."""
    fields = {**ENDED, name: "x\x1b[2Jy\r"}
    assert all("\x1b[2J" not in each and "\r" not in each for each in shown(event(fields), date=False))


@pytest.mark.parametrize("value", [None, "text", [], {}, True])
def test_line_with_anything_in_its_fields_is_shown(value: object) -> None:
    """Whatever somebody else's code logs under our names."""
    for name in (*ENDED, "error", "stack", "stackTrace", "type", "level"):
        list(shown(event({**ENDED, name: value}), date=False))


def test_json_of_a_line_is_the_line_or_an_object_that_holds_it() -> None:
    """A program gets one object a line."""
    assert json.loads(as_json(event(ENDED))) == ENDED
    assert json.loads(as_json(event("plain"))) == {"timestamp": "2026-11-25T21:01:29.401Z", "message": "plain"}


@pytest.mark.parametrize(("job", "found"), [("job_0a1b", True), ("0a", True), ("job_0", True), ("1b", False)])
def test_about_a_job_goes_by_the_beginning_of_its_id(job: str, *, found: bool) -> None:
    """As `status` does."""
    assert about(event(ENDED), job) is found
    assert not about(event("plain"), job)
