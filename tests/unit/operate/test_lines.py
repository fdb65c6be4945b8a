"""What lines of a function's log mean, as Lambda and our own code write them."""

from __future__ import annotations

import json

import pytest

from safelight.operate.lines import Report, line, report

TEXT = (
    "REPORT RequestId: 8f50-1\tDuration: 103.45 ms\tBilled Duration: 104 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 93 MB\tInit Duration: 301.20 ms\t"
)
JSON = {
    "time": "2026-11-25T21:01:29.823Z",
    "type": "platform.report",
    "record": {
        "requestId": "8f50-1",
        "metrics": {
            "durationMs": 103.45,
            "billedDurationMs": 104,
            "memorySizeMB": 512,
            "maxMemoryUsedMB": 93,
            "initDurationMs": 301.2,
        },
        "status": "success",
    },
}
EXPECTED = Report(duration_ms=103.45, billed_ms=104.0, init_ms=301.2, memory_mb=93, size_mb=512)


@pytest.mark.parametrize("message", [TEXT, json.dumps(JSON)])
def test_report_as_text_and_as_json_tells_the_same(message: str) -> None:
    """Which of the two Lambda writes is a setting of the function."""
    found = line(message)
    assert found.kind == "report"
    assert report(found) == EXPECTED


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (TEXT + "Status: timeout", "timeout"),
        (TEXT + "Status: error\tError Type: Runtime.ExitError", "Runtime.ExitError"),
        (json.dumps({"type": "platform.report", "record": {"status": "timeout"}}), "timeout"),
        (
            json.dumps({"type": "platform.report", "record": {"status": "error", "errorType": "Runtime.OutOfMemory"}}),
            "Runtime.OutOfMemory",
        ),
    ],
)
def test_report_of_an_invocation_that_was_ended_names_why(message: str, failure: str) -> None:
    """A time limit or a dead process is no success, whatever it took."""
    assert report(line(message)).failure == failure


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("START RequestId: 8f50-1 Version: $LATEST", "platform"),
        ("INIT_START Runtime Version: python:3.14.v3", "platform"),
        (json.dumps({"type": "platform.start", "record": {"requestId": "8f50-1"}}), "platform"),
        (json.dumps({"_aws": {"Timestamp": 1}, "Processed": 1}), "metrics"),
        (json.dumps({"level": "INFO", "message": "start", "file": "a.png"}), "job"),
        (json.dumps({"level": "INFO", "message": "end", "status": "succeeded"}), "job"),
        (json.dumps({"level": "WARNING", "message": "handed back: no time"}), "note"),
        ("STARTLED by a print of somebody", "note"),
        ("2026-11-25T21:01:29Z 8f50-1 Task timed out after 3.00 seconds", "note"),
        ("{no json", "note"),
        ('["a list"]', "note"),
        ("{}", "note"),
        ("", "note"),
    ],
)
def test_line_of_each_sort_is_told_apart(message: str, kind: str) -> None:
    """What is for people is not lost among what is for machines, and the other way round."""
    assert line(message).kind == kind


@pytest.mark.parametrize("record", ["text", {"metrics": []}, {"metrics": {"durationMs": "long"}}, None])
def test_report_of_an_unknown_shape_is_blank(record: object) -> None:
    """Anything can print such a line; it breaks nothing."""
    assert report(line(json.dumps({"type": "platform.report", "record": record}))) == Report()
