"""What a line of a function's log means: our own JSON, Lambda's reports (JSON or text), metrics, anything else."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

Kind = Literal["job", "note", "report", "platform", "metrics"]
PLATFORM = "platform."
REPORTED = "platform.report"
_TEXT = re.compile(r"(START|END|INIT_START|INIT_REPORT|REPORT|EXTENSION|XRAY) ")
_FACT = re.compile(r"([A-Z][A-Za-z ]+): ([^\t]+)")
_MEASURE = re.compile(r"(\d+(?:\.\d+)?) (?:ms|MB)")
_GOOD = frozenset(("success", ""))


class Line(Struct, frozen=True, kw_only=True):
    """One line of a log.

    `fields` holds what it says as JSON, empty where it is none. A `job` tells how far a job is, a `note` anything else
    that a person may want to read, a `report` what an invocation took; `platform` and `metrics` are for machines.
    """

    kind: Kind
    fields: dict[str, Any] = {}
    text: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """What Lambda reports of an invocation. Milliseconds and MB; `failure` is empty where it went well."""

    duration_ms: float = 0.0
    billed_ms: float = 0.0
    init_ms: float | None = None
    memory_mb: int = 0
    size_mb: int = 0
    failure: str = ""


class _Metrics(Struct, frozen=True):
    duration_ms: float = field(name="durationMs", default=0.0)
    billed_ms: float = field(name="billedDurationMs", default=0.0)
    init_ms: float | None = field(name="initDurationMs", default=None)
    memory_mb: float = field(name="maxMemoryUsedMB", default=0)
    size_mb: float = field(name="memorySizeMB", default=0)


class _Record(Struct, frozen=True):
    metrics: _Metrics = _Metrics()
    status: str = ""
    error_type: str = field(name="errorType", default="")


class _Platform(Struct):
    record: _Record = _Record()


def line(message: str) -> Line:
    """Return what a message means."""
    fields = _fields(message)
    if not fields:
        found = _TEXT.match(message)
        if found is None:
            return Line(kind="note", text=message)
        return Line(kind="report" if found[1] == "REPORT" else "platform", text=message)
    if "_aws" in fields:
        return Line(kind="metrics", fields=fields)
    type_ = str(fields.get("type", ""))
    if type_.startswith(PLATFORM):
        return Line(kind="report" if type_ == REPORTED else "platform", fields=fields)
    kind: Kind = "job" if "status" in fields or fields.get("message") == "start" else "note"
    # Lambda's runtime tells of an exception under names of its own.
    return Line(kind=kind, fields=fields, text=str(fields.get("message") or fields.get("errorMessage", "")))


def report(found: Line) -> Report:
    """Return what a line of kind `report` tells.

    Source: AWS Lambda developer guide, "Understanding logs" (text) and "Telemetry API, platform.report" (JSON).
    """
    if not found.fields:
        return _of_text(found.text)
    try:
        return _of_json(msgspec.convert(found.fields, _Platform).record)
    except msgspec.ValidationError:
        return Report()


def _fields(message: str) -> dict[str, Any]:
    if not message.startswith("{"):
        return {}
    try:
        return msgspec.json.decode(message, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _of_json(record: _Record) -> Report:
    figures = record.metrics
    return Report(
        duration_ms=figures.duration_ms,
        billed_ms=figures.billed_ms,
        init_ms=figures.init_ms,
        memory_mb=int(figures.memory_mb),
        size_mb=int(figures.size_mb),
        failure="" if record.status in _GOOD else record.error_type or record.status,
    )


def _of_text(text: str) -> Report:
    facts = dict(_FACT.findall(text))
    number = {name: float(found[1]) for name, value in facts.items() if (found := _MEASURE.match(value))}
    status = facts.get("Status", "").strip()
    return Report(
        duration_ms=number.get("Duration", 0.0),
        billed_ms=number.get("Billed Duration", 0.0),
        init_ms=number.get("Init Duration"),
        memory_mb=int(number.get("Max Memory Used", 0)),
        size_mb=int(number.get("Memory Size", 0)),
        failure="" if status in _GOOD else facts.get("Error Type", status).strip(),
    )
