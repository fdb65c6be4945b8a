"""What a function logged, out of CloudWatch Logs: once, or on and on without gaps or repeats.

Source: Amazon CloudWatch Logs API reference, FilterLogEvents; user guide, "Filter pattern syntax".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.deploy.account import Account, code_of, explained
from safelight.deploy.errors import NoLogs

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import FilteredLogEventTypeDef, FilterLogEventsResponseTypeDef

LATE_MS = 60_000
"""CloudWatch takes a while to show a line, and lines of several environments come in no order: what is followed is
asked for again as long as this after it happened."""
POLL_S = 2.0
"""An account has five of these calls a second."""
_MISSING = "ResourceNotFoundException"


class LogEvent(Struct, frozen=True, kw_only=True):
    """One line, or several where a program logged them as one. `at_ms` is since 1970."""

    id: str
    at_ms: int
    message: str


class LogGroup:
    """The log of one function.

    Args:
        account: where it is.
        name: the log group.
        term: only lines that hold this text.
    """

    def __init__(self, account: Account, name: str, term: str = "") -> None:
        self._account = account
        self._client: CloudWatchLogsClient = account.client("logs")
        self._name = name
        self._term = term

    def since(self, start_ms: int) -> Iterator[LogEvent]:
        """Yield what was logged since then, in the order of time.

        Raises:
            NoLogs: there is no such group.
            DeployError: it may not be read, or AWS cannot be asked.
        """
        asked: dict[str, Any] = {"logGroupName": self._name, "startTime": max(start_ms, 0)}
        if self._term:
            asked["filterPattern"] = f'"{self._term}"'
        # A page may be empty and yet not the last one; the paginator goes on.
        pages = iter(self._client.get_paginator("filter_log_events").paginate(**asked))
        while page := self._next(pages):
            for each in page["events"]:
                yield _event(each)

    def _next(self, pages: Iterator[FilterLogEventsResponseTypeDef]) -> FilterLogEventsResponseTypeDef | None:
        with explained(self._account):
            try:
                return next(pages, None)
            except ClientError as err:
                if code_of(err) != _MISSING:
                    raise
                raise NoLogs(f"there is no log group {self._name}: the function has not run yet, or is gone") from err

    def follow(self, start_ms: int, sleep: Callable[[float], None]) -> Iterator[LogEvent]:
        """Yield what was logged since then and whatever comes, each line once; it never ends.

        Raises:
            SafelightError: as `since`.
        """
        seen: dict[str, int] = {}
        while True:
            for each in self.since(start_ms):
                if each.id not in seen:
                    seen[each.id] = each.at_ms
                    yield each
            start_ms = max(start_ms, max(seen.values(), default=0) - LATE_MS)
            seen = {id_: at_ms for id_, at_ms in seen.items() if at_ms >= start_ms}
            sleep(POLL_S)


def _event(found: FilteredLogEventTypeDef) -> LogEvent:
    """Return an event. Stand-ins give no id; there what is the same, where and when it is, is taken for one event."""
    at_ms, message = found["timestamp"], found["message"]
    id_ = found.get("eventId") or f"{found.get('logStreamName')}/{at_ms}/{message}"
    return LogEvent(id=id_, at_ms=at_ms, message=message.rstrip("\n"))
