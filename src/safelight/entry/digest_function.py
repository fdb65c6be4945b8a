"""The function that a schedule calls, to tell in one mail of all that ended since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from msgspec.structs import asdict

from safelight.aws.digest import SnsDigest
from safelight.aws.parcels import Parcels
from safelight.entry.collect import Collector
from safelight.entry.function import Context, facts_of, logging_to, unique, world_from
from safelight.log import JsonFormatter


class DigestFunction:
    """One environment of the function."""

    def __init__(self, environ: Mapping[str, str], out: TextIO) -> None:
        self._environ = environ
        self._logs = logging_to(out)
        self._world = world = world_from(environ)
        self._collector = Collector(
            world.ledger,
            Parcels(world.client, world.names.table, now=world.now, unique=unique),
            SnsDigest(world.client, world.names.topic, world.sender),
            world.notifier.wants,
        )

    def handle(self, _event: Any, context: Context) -> dict[str, int]:
        """Tell of what is owed; whatever the event says.

        Raises:
            SafelightError: not all could be told; Lambda tries again, and its alarm sees it.
        """
        self._logs.setFormatter(JsonFormatter(facts_of(self._environ, context)))
        return asdict(self._collector.run(lambda: context.get_remaining_time_in_millis() / 1000))

    def close(self) -> None:
        """Close the connections; Lambda just stops the process."""
        self._world.close()
