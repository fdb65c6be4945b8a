"""Logs as JSON lines, under the keys of the field: level, message, timestamp, service, and what the job was."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safelight.job import Job, Outcome, Upload
from safelight.times import timestamp

SERVICE = "safelight"
NO_FACTS: Mapping[str, Any] = MappingProxyType({})
MAX_BYTES = 10_000_000
"""A log file of this size is renamed to `.1`, which replaces the one before."""


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record; `job`, `outcome`, `file` and an error's `code` in `extra` are spelled out.

    `facts` stand on every line, such as which request it belongs to.
    """

    def __init__(self, facts: Mapping[str, Any] = NO_FACTS) -> None:
        super().__init__()
        self._facts = facts

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": timestamp(record.created),
            "service": SERVICE,
            **self._facts,
        }
        if file := getattr(record, "file", None):
            line["file"] = file
        job, outcome, code = (getattr(record, name, None) for name in ("job", "outcome", "code"))
        if isinstance(job, Job):
            line |= {"job_id": job.id, "recipe": job.recipe.name, **_file(job.upload)}
        if isinstance(outcome, Outcome):
            line |= _ending(outcome)
        if code:
            line["error"] = {"code": code}
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _file(upload: Upload) -> dict[str, Any]:
    return {"file": upload.key, "size": upload.size, "version": upload.version}


def _ending(outcome: Outcome) -> dict[str, Any]:
    line = {
        "job_id": outcome.id,
        "recipe": outcome.recipe,
        **_file(outcome.upload),
        "status": outcome.status.value,
        "attempts": outcome.attempts,
        "start": outcome.started_at,
        "end": outcome.finished_at,
        "duration_ms": outcome.duration_ms,
        "peak_mb": outcome.peak_mb,
        "bytes_out": sum(each.size for each in outcome.renditions) or None,
        "renditions": len(outcome.renditions) or None,
        "cost_usd": outcome.cost_usd,
    }
    if outcome.error:
        line["error"] = {"code": outcome.error.code, "message": outcome.error.message}
    return {key: value for key, value in line.items() if value is not None}


class AppendHandler(logging.Handler):
    """Append each record to a file by one write, so that several processes can share it and any may rename it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; a log that cannot be written never stops the work."""
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            try:
                os.write(file, line)
            finally:
                os.close(file)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's word
        """Say nothing: the terminal is the user's, and the disk is most likely full."""


def configure(path: Path) -> None:
    """Send this process's logs to `path`."""
    handler = AppendHandler(path)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("pyvips", "watchdog"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def rotate(path: Path) -> None:
    """Rename a log that has grown large."""
    try:
        if path.stat().st_size > MAX_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    except OSError:
        return
