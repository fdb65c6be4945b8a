"""Lists of the ledger's table: jobs by status and time, and notices that are owed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from safelight.aws import table
from safelight.aws.client import Client
from safelight.aws.table import JobItem, Values, names_in, values
from safelight.job import Status

_NEWEST = "9"
"""Above every `changed`, which begins with 0 until the year 2286."""


class _Jobs(Struct):
    Items: tuple[JobItem, ...] = ()
    LastEvaluatedKey: dict[str, Any] | None = None


class _Days(Struct):
    Item: dict[str, Any] | None = None


class Index:
    """The lists of one table.

    Args:
        client: how DynamoDB is reached.
        name: the table's name.
        now: seconds since 1970.
        retention_s: how far back there are jobs.
    """

    def __init__(self, client: Client, name: str, now: Callable[[], float], retention_s: float) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._retention_s = retention_s
        self._noted: set[tuple[Status, str]] = set()

    def note(self, status: Status, day: str) -> None:
        """Make known that there are jobs of this status to list on this day; written once for each process."""
        if (status, day) in self._noted:
            return
        given = {":day": {"SS": [day]}, **values(expires=self._expires())}
        expression = f"ADD #{status.value} :day SET #expires = :expires"
        update = table.updating(self._name, table.days_pk(day[:7]), expression, given)
        self._client.json("dynamodb", "UpdateItem", update, object)
        self._noted.add((status, day))

    def jobs(self, statuses: Sequence[Status], before: str | None, limit: int) -> list[JobItem]:
        """List jobs that changed before, the last first, day by day until there are enough."""
        before = before or _NEWEST
        days = self._days()
        found: list[JobItem] = []
        wanted = {day for status in statuses for day in days.get(status, ())}
        for day in sorted(wanted, reverse=True):
            room = limit - len(found)
            if room <= 0:
                break
            if before != _NEWEST and day > table.day_of(before):
                continue
            parts = [
                item
                for status in statuses
                if day in days.get(status, ())
                for shard in range(table.SHARDS)
                for item in self._part(table.listed_as(status, day, str(shard)), before, room)
            ]
            found += sorted(parts, key=lambda item: item.changed.S, reverse=True)[:room]
        return found

    def owed(self, limit: int) -> list[JobItem]:
        """List the jobs whose notice is owed, the oldest first."""
        parts = [
            item
            for shard in range(table.SHARDS)
            for item in self._query(_query(table.BY_OWED, "#owed = :part", values(part=str(shard))), limit)
        ]
        return sorted(parts, key=lambda item: item.changed.S)[:limit]

    def _part(self, part: str, before: str, limit: int) -> list[JobItem]:
        query = _query(table.BY_STATUS, "#listed = :part AND #changed < :before", values(part=part, before=before))
        return self._query({**query, "ScanIndexForward": False}, limit)

    def _query(self, fields: Values, limit: int) -> list[JobItem]:
        """Return up to `limit` items of one partition, page by page."""
        found: list[JobItem] = []
        start: Values = {}
        while True:
            query = {"TableName": self._name, "Limit": max(limit, 1), **fields, **start}
            page = self._client.json("dynamodb", "Query", query, _Jobs)
            found += page.Items
            if not page.LastEvaluatedKey or len(found) >= limit:
                return found[:limit]
            start = {"ExclusiveStartKey": page.LastEvaluatedKey}

    def _days(self) -> dict[Status, set[str]]:
        """Return the days on which there are jobs of each status, as far back as jobs are kept."""
        days: dict[Status, set[str]] = {}
        for month in self._months():
            get = {"TableName": self._name, "Key": {"pk": {"S": table.days_pk(month)}}, "ConsistentRead": True}
            item = self._client.json("dynamodb", "GetItem", get, _Days).Item or {}
            for status in Status:
                days.setdefault(status, set()).update(item.get(status.value, {}).get("SS", ()))
        return days

    def _months(self) -> list[str]:
        """Return the months back to the last one in which jobs are kept, and the next, for clocks that go ahead."""
        now = datetime.fromtimestamp(self._now(), UTC)
        day, months = now + timedelta(days=1), []
        while day >= now - timedelta(seconds=self._retention_s, days=31):
            months.append(day.strftime("%Y-%m"))
            day = day.replace(day=1) - timedelta(days=1)
        return months

    def _expires(self) -> int:
        return int(self._now() + self._retention_s + 31 * 86_400)


def _query(index: str, condition: str, given: Values) -> Values:
    return {
        "IndexName": index,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names_in(condition),
        "ExpressionAttributeValues": given,
    }
