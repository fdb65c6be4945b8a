"""The local world: which folders and files a project lives in, and its ports."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from msgspec import Struct

from safelight.errors import InvalidMessage
from safelight.job import Upload
from safelight.local.ledger import SqliteLedger
from safelight.local.notify import SmtpNotifier
from safelight.local.outbox import Outbox
from safelight.local.queue import SqliteQueue
from safelight.local.smtp import SmtpServer
from safelight.local.store import FolderStore
from safelight.ports import Ports, Store
from safelight.recipe import assets
from safelight.recipe.overlap import check_overlap
from safelight.settings import Settings
from safelight.storage import Storage, StorageSecrets

INPUT, OUTPUT = "input", "output"


class World(Struct, frozen=True, kw_only=True):
    """Where everything of one machine is; it can be handed to another process. `folder` is the configuration's.

    `inputs` names each bucket and its folder: one for a service, one for each argument of `run`. With a `storage` the
    buckets are those of its server, and their folders are not used.
    """

    settings: Settings
    state: Path
    inputs: tuple[tuple[str, Path], ...]
    output: Path
    output_name: str = OUTPUT
    storage: Storage | None = None
    secrets: StorageSecrets = StorageSecrets()
    folder: Path = Path()
    environment: str = "local"
    replace_foreign: bool = False
    smtp_password: str | None = None

    @property
    def database(self) -> Path:
        """The SQLite file of ledger, queue, notices and metadata."""
        return self.state / "safelight.db"

    @property
    def scratch(self) -> Path:
        """Where copies of large uploads are while they are developed."""
        return self.state / "scratch"

    @property
    def log(self) -> Path:
        """The file of JSON lines."""
        return self.state / "safelight.log"


class KeptStore(Store, Protocol):
    """A store that a service keeps open."""

    def upload_at(self, key: str) -> Upload | None:
        """Return the current version at `key` as `walk` lists it, or None."""

    def sweep(self) -> int:
        """Remove what killed writers left behind, and return how many files that were."""

    def close(self) -> None:
        """Give back what the store holds."""


def project(
    folder: Path, settings: Settings, smtp_password: str | None = None, secrets: StorageSecrets | None = None
) -> World:
    """Return the world of a project folder, whose folders are made when they are missing.

    Raises:
        InvalidRecipe: an output would be an upload again (a link may lead one folder into the other).
    """
    storage = settings.store
    if storage:
        check_overlap(settings.recipes, input=storage.input, output=storage.output)
    else:
        check_overlap(settings.recipes, input=str(folder / INPUT), output=str(folder / OUTPUT))
    world = World(
        settings=settings,
        state=folder / ".safelight",
        inputs=((storage.input if storage else INPUT, folder / INPUT),),
        output=folder / OUTPUT,
        output_name=storage.output if storage else OUTPUT,
        storage=storage,
        secrets=secrets or StorageSecrets(),
        folder=folder,
        smtp_password=smtp_password,
    )
    return prepared(world)


def prepared(world: World) -> World:
    """Make the folders of a world that are missing."""
    for each in (world.state, world.scratch, *([] if world.storage else [world.output])):
        each.mkdir(parents=True, exist_ok=True)
    return world


OpenStore: TypeAlias = Callable[[World, str, Path], KeptStore]
"""Opens the store of a name, which is the folder where the world has folders."""


def open_folder(world: World, name: str, root: Path) -> FolderStore:
    """Open a folder of this machine."""
    return FolderStore(name, root, world.database, time.time, world.scratch)


class Local:
    """The opened ports of a world, for one process. Close it at the end.

    Args:
        world: which.
        open_store: opens each of its stores.
    """

    def __init__(self, world: World, open_store: OpenStore = open_folder) -> None:
        settings = world.settings.notify
        server = SmtpServer(smtp=settings.smtp, password=world.smtp_password) if settings.smtp else None
        self.world = world
        self.assets = assets.read(world.settings.recipes, world.folder)
        self.ledger = SqliteLedger(world.database, time.time)
        self.queue = SqliteQueue(world.database, time.time)
        self.notifier = SmtpNotifier(Outbox(world.database), server, settings, world.settings.name, time.time)
        self.output = open_store(world, world.output_name, world.output)
        self.inputs = {bucket: open_store(world, bucket, root) for bucket, root in world.inputs}

    def ports(self, bucket: str) -> Ports:
        """Return the ports for uploads of one bucket.

        Raises:
            InvalidMessage: the world has no such bucket.
        """
        if bucket not in self.inputs:
            raise InvalidMessage(f"the message is about bucket {bucket!r}, which is not ours")
        return Ports(
            input=self.inputs[bucket],
            output=self.output,
            ledger=self.ledger,
            notifier=self.notifier,
            now=time.time,
            environment=self.world.environment,
            assets=self.assets,
            replace_foreign=self.world.replace_foreign,
        )

    def close(self) -> None:
        """Close the databases."""
        for store in (self.output, *self.inputs.values()):
            store.close()
        self.notifier.close()
        self.queue.close()
        self.ledger.close()
