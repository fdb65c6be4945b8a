"""The local world: which folders and files a project lives in, and its ports."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from msgspec import Struct

from safelight.config import Settings
from safelight.errors import InvalidMessage
from safelight.local.ledger import SqliteLedger
from safelight.local.notify import SmtpNotifier
from safelight.local.outbox import Outbox
from safelight.local.queue import SqliteQueue
from safelight.local.smtp import SmtpServer
from safelight.local.store import FolderStore
from safelight.ports import Ports

INPUT, OUTPUT = "input", "output"


class World(Struct, frozen=True, kw_only=True):
    """Where everything of one machine is; it can be handed to another process.

    `inputs` names each bucket and its folder: one for a service, one for each argument of `run`.
    """

    settings: Settings
    state: Path
    inputs: tuple[tuple[str, Path], ...]
    output: Path
    environment: str = "local"
    replace_foreign: bool = False
    smtp_password: str | None = None

    @property
    def database(self) -> Path:
        return self.state / "safelight.db"

    @property
    def scratch(self) -> Path:
        return self.state / "scratch"

    @property
    def log(self) -> Path:
        return self.state / "safelight.log"


def project(folder: Path, settings: Settings, smtp_password: str | None = None) -> World:
    """Return the world of a project folder, whose folders are made when they are missing."""
    world = World(
        settings=settings,
        state=folder / ".safelight",
        inputs=((INPUT, folder / INPUT),),
        output=folder / OUTPUT,
        smtp_password=smtp_password,
    )
    return prepared(world)


def prepared(world: World) -> World:
    """Make the folders of a world that are missing."""
    for each in (world.state, world.scratch, world.output):
        each.mkdir(parents=True, exist_ok=True)
    return world


@cache
def ports(world: World, bucket: str) -> Ports:
    """Return this process's ports for the uploads of one bucket.

    Raises:
        InvalidMessage: the world has no such bucket.
    """
    return Ports(
        input=input_store(world, bucket),
        output=output_store(world),
        ledger=ledger(world),
        notifier=notifier(world),
        now=time.time,
        environment=world.environment,
        replace_foreign=world.replace_foreign,
    )


@cache
def input_store(world: World, bucket: str) -> FolderStore:
    """Return the store of one bucket.

    Raises:
        InvalidMessage: the world has no such bucket.
    """
    root = dict(world.inputs).get(bucket)
    if root is None:
        raise InvalidMessage(f"the message is about bucket {bucket!r}, which is not ours")
    return FolderStore(bucket, root, world.database, time.time, world.scratch)


@cache
def output_store(world: World) -> FolderStore:
    """Return the store of the outputs."""
    return FolderStore(OUTPUT, world.output, world.database, time.time, world.scratch)


@cache
def ledger(world: World) -> SqliteLedger:
    """Return the ledger."""
    return SqliteLedger(world.database, time.time)


@cache
def queue(world: World) -> SqliteQueue:
    """Return the queue."""
    return SqliteQueue(world.database, time.time)


@cache
def notifier(world: World) -> SmtpNotifier:
    """Return the notifier."""
    settings = world.settings.notify
    server = SmtpServer(smtp=settings.smtp, password=world.smtp_password) if settings.smtp else None
    return SmtpNotifier(Outbox(world.database), server, settings, world.settings.name, time.time)
