"""The world on AWS: which bucket, table, topic and queue a deployment has, and its ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.access import Access
from safelight.aws.client import Client, Timing
from safelight.aws.ledger import DynamoLedger
from safelight.aws.meter import Meter
from safelight.aws.notify import SnsNotifier
from safelight.aws.queue import SqsQueue
from safelight.aws.store import S3Store
from safelight.aws.units import MESSAGE, Units
from safelight.errors import InvalidRecipe
from safelight.job import Outcome
from safelight.mail import Sender
from safelight.placement import MB_PER_MIB, PROGRAM_MB
from safelight.ports import Ports, Queue
from safelight.recipe import assets
from safelight.recipe.model import Limits
from safelight.settings import Settings

LEAST_MB = 128
MAX_RECEIVES = 5
"""How often the queue delivers a message before it becomes a dead letter."""


class Names(Struct, frozen=True, kw_only=True):
    """What a deployment is made of. Without a topic nobody is told; without a queue nothing is sent anew.

    `alarm_topic` hears of what is no job, or `topic` does. With `digest_minutes` a function collects the notices.
    `memory_mb` is the function's size in MB (10^6 bytes), where that is known.
    """

    output_bucket: str
    table: str
    topic: str | None = None
    alarm_topic: str | None = None
    digest_minutes: int = 0
    queue_url: str | None = None
    dead_queue_url: str | None = None
    environment: str = "prod"
    encryption: str | None = None
    max_receives: int = MAX_RECEIVES
    memory_mb: int | None = None


def names_from(environ: Mapping[str, str]) -> Names:
    """Return the names that a deployment's environment variables give.

    Raises:
        InvalidRecipe: one that is needed is missing, or is no number where it must be one.
    """

    def needed(name: str) -> str:
        if not environ.get(name):
            raise InvalidRecipe(f"the environment variable {name} is not set", remedy="Deploy the stack again.")
        return environ[name]

    size_mib = _number(environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0)
    return Names(
        output_bucket=needed("SAFELIGHT_OUTPUT_BUCKET"),
        table=needed("SAFELIGHT_TABLE"),
        topic=environ.get("SAFELIGHT_TOPIC") or None,
        alarm_topic=environ.get("SAFELIGHT_ALARM_TOPIC") or environ.get("SAFELIGHT_TOPIC") or None,
        digest_minutes=_number(environ, "SAFELIGHT_DIGEST_MINUTES", 0),
        queue_url=environ.get("SAFELIGHT_QUEUE_URL") or None,
        dead_queue_url=environ.get("SAFELIGHT_DEAD_QUEUE_URL") or None,
        environment=environ.get("SAFELIGHT_ENVIRONMENT") or "prod",
        encryption=environ.get("SAFELIGHT_ENCRYPTION") or None,
        max_receives=_number(environ, "SAFELIGHT_MAX_RECEIVES", MAX_RECEIVES),
        memory_mb=int(size_mib * MB_PER_MIB) if size_mib else None,
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRecipe(f"the environment variable {name}={text!r} is no whole number")
    return int(text)


class Deployment(Struct, frozen=True, kw_only=True):
    """What a project says and where it runs; `folder` holds the logos and fonts that its recipes name.

    `rates` are dollars for each unit that a job uses; without them jobs tell no cost.
    """

    settings: Settings
    folder: Path
    names: Names
    access: Access
    rates: Mapping[str, float] = {}


class Aws:
    """The ports of a deployment, made once for a process."""

    def __init__(self, deployment: Deployment, timing: Timing, unique: Callable[[], str], scratch: Path) -> None:
        settings, names = deployment.settings, deployment.names
        self.client = client = Client(deployment.access, timing)
        self.settings = settings
        self.names = names
        self.recipes = settings.recipes
        self.limits = limits_of(settings.limits, names.memory_mb)
        self.environment = names.environment
        self.max_receives = names.max_receives
        self.assets = assets.read(settings.recipes, deployment.folder)
        self.ledger = DynamoLedger(client, names.table, now=timing.now, unique=unique)
        self.sender = Sender(project=settings.name, environment=names.environment)
        self.notifier = SnsNotifier(
            client, names.topic, settings.notify.on, self.sender, collected=names.digest_minutes > 0
        )
        self.queue: Queue | None = (
            SqsQueue(client, names.queue_url, names.dead_queue_url or "") if names.queue_url else None
        )
        self.now = timing.now
        self._deployment = deployment
        self._scratch = scratch
        self._stores: dict[str, S3Store] = {}
        self._meter = self._metered(names.memory_mb)
        self.output = self._store(names.output_bucket)

    def ports(self, bucket: str) -> Ports:
        """Return the ports for uploads of one bucket; whether we may read it, its store tells."""
        return Ports(
            input=self._store(bucket),
            output=self.output,
            ledger=self.ledger,
            notifier=self.notifier,
            now=self.now,
            environment=self.environment,
            assets=self.assets,
            meter=self._meter,
        )

    def is_output(self, bucket: str, key: str) -> bool:
        """Return whether the pipeline itself wrote what is at a key."""
        if bucket != self.output.name:
            return False
        head = self.output.head(key)
        return head is not None and "source-id" in head.metadata

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _store(self, bucket: str) -> S3Store:
        if bucket not in self._stores:
            access, encryption = self._deployment.access, self._deployment.names.encryption
            made = self._stores[bucket] = S3Store(bucket, access, self._scratch, encryption=encryption)
            made.calls = self.client.calls  # one count of everything
        return self._stores[bucket]

    def _metered(self, memory_mb: int | None) -> Meter | None:
        rates = self._deployment.rates
        if memory_mb is None or not rates:
            return None
        gib = ceil(memory_mb / MB_PER_MIB) / 1024
        return Meter(rates, gib, self.client.calls, self._beside, self.now)

    def _beside(self, outcome: Outcome) -> Units:
        """Return the units of a job's share in its upload's message, and of its notice; who reads that is not known."""
        sharing = sum(recipe.match.takes(outcome.upload.key) for recipe in self.recipes) or 1
        units = {name: count / sharing for name, count in MESSAGE.items()}
        if self.notifier.wants(outcome) and not self.names.digest_minutes:
            units["sns_publish"] = 1
        return units


def limits_of(limits: Limits, memory_mb: int | None) -> Limits:
    """Return the limits, the memory no more than a function of this size has for pictures."""
    if memory_mb is None:
        return limits
    return replace(limits, memory=min(limits.memory, max(memory_mb - PROGRAM_MB, LEAST_MB)))
