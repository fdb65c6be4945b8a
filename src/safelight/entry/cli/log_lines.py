"""Lines of a function's log for people: when, how bad, what became of which picture, and what it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from safelight.entry.cli.show import COLORS, counted, printable
from safelight.figures import size_text, time_text
from safelight.job import Status
from safelight.operate.lines import Line, Report, line, report
from safelight.operate.logs import LogEvent
from safelight.times import timestamp

LEVELS = {"WARNING": "warn", "ERROR": "error", "CRITICAL": "error", "DEBUG": "debug"}
LEVEL_COLORS = {"warn": "yellow", "error": "red"}
STATUS_COLORS = {status.value: color for status, color in COLORS.items()}
STARTED = "started"
WIDTH = max(len(status.value) for status in Status) + 2
INDENT = " " * 14


def shown(event: LogEvent, *, date: bool) -> Iterator[str]:
    """Yield the lines that a person reads of an event; none where it is for machines.

    Args:
        event: what was logged.
        date: whether each line has the date, as files and programs want it, or the time of day alone.
    """
    found = line(event.message)
    at = timestamp(event.at_ms / 1000)
    time = colored(at if date else at[11:23], "dim")
    if found.kind == "job":
        yield f"{time}  {_level(found)}  {_job(found.fields)}"
    elif found.kind == "report":
        yield f"{time}  {_report(report(found))}"
    elif found.kind == "note":
        first, *rest = _note(found)
        yield f"{time}  {_level(found)}  {first}"
        yield from (INDENT + colored(each, "dim") for each in rest)


def colored(text: str, color: str) -> str:
    """Return text in a colour, or dimmed."""
    return click.style(text, dim=True) if color == "dim" else click.style(text, fg=color or None)


def _level(found: Line) -> str:
    name = LEVELS.get(str(found.fields.get("level", "")), "info")
    return colored(f"{name:<5}", LEVEL_COLORS.get(name, "dim"))


def _job(fields: dict[str, Any]) -> str:
    status = str(fields.get("status", STARTED))
    what = colored(f"{printable(status):<{WIDTH}}", STATUS_COLORS.get(status, "dim"))
    parts = (printable(str(fields.get("file", ""))), ", ".join(_figures(fields)), _reason(fields))
    return what + "  ".join(filter(None, parts))


def _figures(fields: dict[str, Any]) -> Iterator[str]:
    """Yield what a job took; a line that is not ours may hold anything under these names."""
    found = {name: value for name, value in fields.items() if isinstance(value, int | float)}
    if "status" not in fields and "size" in found:
        yield size_text(int(found["size"]))
    if "duration_ms" in found:
        yield time_text(found["duration_ms"])
    if "peak_mb" in found:
        yield f"{found['peak_mb']} MB of memory"
    if "renditions" in found:
        yield f"{counted(int(found['renditions']), 'output')}, {size_text(int(found.get('bytes_out', 0)))}"
    if fields.get("cold_start") is True and "status" not in fields:
        yield "cold start"


def _reason(fields: dict[str, Any]) -> str:
    """Return why, where a line tells: the code of an error and, with an ending, its message."""
    error = fields.get("error")
    if not isinstance(error, dict):
        return ""
    return printable(": ".join(str(error[name]) for name in ("code", "message") if name in error))


def _note(found: Line) -> list[str]:
    """Return a line that is about no job's progress, and what stands below it: the stack of an error."""
    reason = _reason(found.fields)
    file = str(found.fields.get("file", ""))
    first, *rest = found.text.splitlines() or [""]
    text = "  ".join(filter(None, (file, first, f"({reason})" if reason else "")))
    stack = found.fields.get("stack") or found.fields.get("stackTrace") or ""
    below = stack.splitlines() if isinstance(stack, str) else [str(each).rstrip() for each in stack]
    return [printable(each) for each in (text, *rest, *below)]


def _report(found: Report) -> str:
    if found.failure:
        took = f"after {time_text(found.duration_ms)}, {found.memory_mb} of {found.size_mb} MB"
        return colored(f"error  the function was ended: {printable(found.failure)}, {took}", "red")
    start = f", start {time_text(found.init_ms)}" if found.init_ms is not None else ""
    times = f"{time_text(found.duration_ms)}, billed {time_text(found.billed_ms)}{start}"
    return colored(f"info   {'invoked':<{WIDTH}}{times}, {found.memory_mb} of {found.size_mb} MB", "dim")


def as_json(event: LogEvent) -> str:
    """Return an event as one line of JSON: what was logged, or where that is none, an object that holds it."""
    fields = line(event.message).fields
    if fields:
        return event.message
    return msgspec.json.encode({"timestamp": timestamp(event.at_ms / 1000), "message": event.message}).decode()


def about(event: LogEvent, job: str) -> bool:
    """Return whether an event is about a job, of which the beginning of the id is known."""
    id_ = str(line(event.message).fields.get("job_id", ""))
    return id_.startswith((job, f"job_{job}"))


def day_of(event: LogEvent) -> str:
    """Return the day of an event (UTC)."""
    return timestamp(event.at_ms / 1000)[:10]
