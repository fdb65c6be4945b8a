"""Metrics as CloudWatch takes them from a log: one line of JSON for each job that ended.

Source: Amazon CloudWatch user guide, "Embedded metric format specification".
"""

from __future__ import annotations

import json

from safelight.job import Outcome, Status

NAMESPACE = "Safelight"
DIMENSIONS = ("project", "environment")
"""Never the key of a picture: each value of a dimension is a metric that is paid for."""
UNITS = {
    "Processed": "Count",
    "Rejected": "Count",
    "Failed": "Count",
    "Duration": "Milliseconds",
    "BytesIn": "Bytes",
    "BytesOut": "Bytes",
    "SavedBytes": "Bytes",
    "ColdStart": "Count",
}


def line(outcome: Outcome, *, project: str, environment: str, cold_start: bool, now: float) -> str:
    """Return the metrics of a job that ended, without a line's end.

    `SavedBytes` is how much less the outputs hold than as many originals would.
    """
    sizes = [each.size for each in outcome.renditions]
    values = {
        "Processed": int(outcome.status is Status.SUCCEEDED),
        "Rejected": int(outcome.status is Status.REJECTED),
        "Failed": int(outcome.status is Status.FAILED),
        "Duration": outcome.duration_ms or 0,
        "BytesIn": outcome.upload.size,
        "BytesOut": sum(sizes),
        "SavedBytes": sum(max(outcome.upload.size - size, 0) for size in sizes),
        "ColdStart": int(cold_start),
    }
    metrics = [{"Name": name, "Unit": unit} for name, unit in UNITS.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [DIMENSIONS], "Metrics": metrics}
    head = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}}
    return json.dumps({**head, "project": project, "environment": environment, **values})
