"""Reading CloudWatch Logs: page by page, and on and on without gaps or repeats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from safelight.deploy.errors import NoLogs, NotPermitted
from safelight.operate.logs import LATE_MS, LogGroup
from tests.unit.deploy.answering import USER, cloud

START_MS = 1_800_000_000_000


def event(id_: str, at_ms: int) -> dict[str, Any]:
    return {"eventId": id_, "timestamp": at_ms, "message": f"line {id_}\n", "logStreamName": "s"}


class FakeLogs:
    """CloudWatch Logs with one group. `asked` is what each call named; a page holds two events and may be empty."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, _name: str) -> FakeLogs:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        if asked["logGroupName"] != "/aws/lambda/f":
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "FilterLogEvents")
        found = sorted(
            (each for each in self.events if each["timestamp"] >= asked["startTime"]),
            key=lambda each: each["timestamp"],
        )
        yield {"events": []}
        for at in range(0, len(found), 2):
            yield {"events": found[at : at + 2]}


def group(logs: FakeLogs, name: str = "/aws/lambda/f", term: str = "") -> LogGroup:
    account: Any = SimpleNamespace(client=lambda _service: logs, principal="me")
    return LogGroup(account, name, term)


def test_since_reads_every_page_also_after_an_empty_one() -> None:
    """CloudWatch gives pages without events; the last one is the one without a token."""
    logs = FakeLogs([event(str(n), START_MS + n) for n in range(5)])
    assert [each.message for each in group(logs).since(START_MS + 1)] == ["line 1", "line 2", "line 3", "line 4"]


def test_since_with_a_term_lets_cloudwatch_look_for_it() -> None:
    """Quoted, since an id holds characters that are none of a word."""
    logs = FakeLogs([])
    list(group(logs, term="job_0a").since(0))
    assert logs.asked[0]["filterPattern"] == '"job_0a"'


def test_since_of_a_group_that_is_not_there_is_no_logs() -> None:
    """A coded error that says what to do."""
    with pytest.raises(NoLogs, match="no log group /aws/lambda/g"):
        list(group(FakeLogs([]), "/aws/lambda/g").since(0))


def test_since_without_the_right_names_who_may_not_do_what() -> None:
    """Also in `follow`, which asks by `since`: no trace of Python, but what to have allowed."""
    account = cloud(logs=[("filter_log_events", "AccessDeniedException")]).account
    with pytest.raises(NotPermitted, match=f"{USER} may not .*FilterLogEvents"):
        list(LogGroup(account, "/aws/lambda/f").since(0))


def test_follow_shows_each_line_once_also_one_that_comes_late() -> None:
    """A line may appear after others that happened later; each is shown when it appears, and once."""
    logs = FakeLogs([event("a", START_MS)])
    arriving = iter(
        [
            [event("c", START_MS + 50_000)],
            [event("b", START_MS + 1)],  # happened long before c
            [],
            [event("d", START_MS + 200_000)],
            [event("e", START_MS + 200_000)],  # the same millisecond as d
        ]
    )
    group_ = group(logs).follow(START_MS, lambda _seconds: logs.events.extend(next(arriving)))
    assert [each.id for each in islice(group_, 5)] == ["a", "c", "b", "d", "e"]
    assert logs.asked[-1]["startTime"] == START_MS + 200_000 - LATE_MS, "what is old is not read again for ever"


def test_events_without_an_id_are_told_apart_by_what_they_say() -> None:
    """Stand-ins of AWS give none."""
    events = [{**event("x", START_MS), "message": text} for text in ("one", "two")]
    for each in events:
        del each["eventId"]
    events[1]["timestamp"] += 1
    last = event("z", START_MS + 2)
    polls = iter([[], [last]])
    logs = FakeLogs(events)
    found = group(logs).follow(START_MS, lambda _seconds: logs.events.extend(next(polls)))
    assert [each.message for each in islice(found, 3)] == ["one", "two", "line z"]
