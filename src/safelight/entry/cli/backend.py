"""Where jobs are kept and queued, so that one command serves a project folder and a deployment on AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from safelight.entry.cli.options import known_local
from safelight.job import Outcome
from safelight.local.ports import Local
from safelight.ports import Ledger
from safelight.recipe.model import Recipe

F = TypeVar("F", bound=Callable[..., Any])


class Backend(Protocol):
    """What the commands about jobs need of either world."""

    @property
    def ledger(self) -> Ledger:
        """Return the jobs."""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Return the recipes that uploads are developed by there."""

    @property
    def words(self) -> str:
        """Return the options that lead another command to the same jobs; empty, or with a space before."""

    def like(self, start: str) -> list[Outcome]:
        """List jobs whose id begins so. At least two where there are several; on AWS of the latest jobs only."""

    def totals(self, listed: list[Outcome]) -> str:
        """Return the line below a list: what there is, and what waits."""

    def send(self, body: bytes, name: str) -> None:
        """Queue a message again, also one that was given up under this name."""

    def send_kept(self) -> int:
        """Queue again the messages that were given up and belong to no job, and count them."""

    def deliver(self, message_id: str) -> bool:
        """Queue again the message that was given up and is kept under this id; False when none is."""


def env_option(command: F) -> F:
    """Add `--env ENV`."""
    option = click.option("--env", "environment", metavar="ENV", help="Of this deployment on AWS, such as prod.")
    return option(command)


@contextmanager
def open_backend(config: Path | None, environment: str | None) -> Iterator[Backend]:
    """Open a deployment, or without an environment the project folder.

    Raises:
        SafelightError: there is none.
    """
    if environment is None:
        with known_local(config) as local:
            yield LocalBackend(local)
        return
    from safelight.entry.cli.cloud import open_deployed  # noqa: PLC0415 -- whoever asks this machine needs no SDK

    with open_deployed(config, environment) as backend:
        yield backend


class LocalBackend:
    """A project folder."""

    words = ""

    def __init__(self, local: Local) -> None:
        self._local = local
        self.ledger = local.ledger
        self.recipes = local.world.settings.recipes

    def like(self, start: str) -> list[Outcome]:
        """List two jobs at most whose id begins so."""
        return self.ledger.like(start)

    def totals(self, listed: list[Outcome]) -> str:  # noqa: ARG002 -- here everything can be counted
        """Count all jobs by status, and what waits in the queue."""
        counts = ", ".join(f"{count} {status.value}" for status, count in sorted(self.ledger.counts().items()))
        waiting = self._local.queue.waiting()
        return f"{counts or 'no jobs yet'}" + (f"; {waiting} waiting" if waiting else "")

    def send(self, body: bytes, name: str) -> None:
        """Queue the message that is kept under this name, or else this one."""
        if not self._local.queue.exhume(name):
            self._local.queue.send(body, id=name)

    def send_kept(self) -> int:
        """Queue nothing: what was given up here without a job is a message that nobody can read."""
        return 0

    def deliver(self, message_id: str) -> bool:  # noqa: ARG002 -- as above
        """Queue nothing: nobody is told of such ids here."""
        return False
