"""Builds every adapter by name. A new adapter joins a port's suite with one entry in that port's table."""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from safelight.aws import table
from safelight.aws.access import Access
from safelight.aws.client import Client, Timing
from safelight.aws.ledger import DynamoLedger
from safelight.aws.queue import SqsQueue
from safelight.aws.sigv4 import Credentials
from safelight.aws.store import S3Store
from safelight.job import Job, Upload, job_id
from safelight.local.ledger import SqliteLedger
from safelight.local.queue import SqliteQueue
from safelight.local.store import FolderStore
from safelight.ports import Ledger, Queue, Store
from safelight.recipe.model import DEFAULT_RECIPE
from tests.servers import aws
from tests.servers.aws import Server
from tests.unit.aws.shapes import CheckedClient
from tests.unit.fakes import MemoryLedger


class Clock:
    """Time that passes when it is told to; `followers` are told of it, such as the clock of a server."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0
        self.followers: list[Callable[[float], None]] = []

    def now(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        for follower in self.followers:
            follower(seconds)


class StoreWorld(Struct, frozen=True, kw_only=True):
    """One bucket. `connect` gives one more adapter on it; `drop` puts a file there as an outsider does.

    `tags` reads an object's tags as an outsider does. `keeps` tells whether a version that was replaced can still be
    read, `counts` whether a put of the same bytes makes another version, and `refuses` what can never be put: a file
    where a folder is, or a file below one that is there. `races` tells whether the server itself can be trusted with
    two writers at once.
    """

    connect: Callable[[], Store]
    drop: Callable[[str, bytes], None]
    tags: Callable[[str], dict[str, str]]
    keeps: bool = False
    counts: bool = True
    refuses: frozenset[str] = frozenset()
    races: bool = True


class Site(Struct, frozen=True):
    """Where an adapter of a test keeps its state, and until when."""

    folder: Path
    clock: Clock
    stack: ExitStack
    fixture: Callable[[str], Any]


def _folder_store(site: Site) -> StoreWorld:
    root, scratch = site.folder / "root", site.folder / "scratch"
    root.mkdir()
    scratch.mkdir()

    def connect() -> FolderStore:
        store = FolderStore("bucket", root, site.folder / "safelight.db", site.clock.now, scratch)
        return site.stack.enter_context(closing(store))

    def drop(key: str, body: bytes) -> None:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(body)

    return StoreWorld(
        connect=connect,
        drop=drop,
        tags=lambda key: dict(connect().head(key).tags),
        refuses=frozenset({"file", "below"}),
    )


def _s3_store(name: str, *, versioned: bool) -> Callable[[Site], StoreWorld]:
    def build(site: Site) -> StoreWorld:
        server = site.fixture(name)
        bucket, access = server.bucket(versioned=versioned), access_of(server)
        s3 = server.client("s3")

        def tags(key: str) -> dict[str, str]:
            return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}

        return StoreWorld(
            connect=lambda: S3Store(bucket, access, site.folder),
            drop=lambda key, body: s3.put_object(Bucket=bucket, Key=key, Body=body),
            tags=tags,
            keeps=versioned,
            counts=versioned,
            races=name != "moto",  # it gives an object its metadata after the object can be seen
            refuses=frozenset({"file"} if name == "seaweedfs" else ()),
        )

    return build


def access_of(server: Server) -> Access:
    """Return how our own adapters reach a server."""
    credentials = Credentials(key_id=server.access_key, secret=server.secret_key)
    return Access(region=server.region, credentials=credentials, endpoint=server.endpoint)


def aws_client(site: Site, server: Server) -> Client:
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=time.sleep, random=random.random)
    # Patience for a machine that does much else; a real answer takes milliseconds.
    return site.stack.enter_context(closing(CheckedClient(access_of(server), timing, timeout_s=60)))


def _dynamo_ledger(name: str) -> Callable[[Site], Callable[[], Ledger]]:
    def build(site: Site) -> Callable[[], Ledger]:
        server = site.fixture(name)
        made = f"ledger-{secrets.token_hex(8)}"
        server.client("dynamodb").create_table(TableName=made, **table.DEFINITION)
        return lambda: DynamoLedger(
            aws_client(site, server), made, now=site.clock.now, unique=lambda: secrets.token_hex(16)
        )

    return build


def _sqlite_ledger(site: Site) -> Callable[[], Ledger]:
    return lambda: site.stack.enter_context(closing(SqliteLedger(site.folder / "safelight.db", site.clock.now)))


def _memory_ledger(site: Site) -> Callable[[], Ledger]:
    ledger = MemoryLedger(site.clock.now)  # the fake that the spine's tests lean on
    return lambda: ledger


def _sqlite_queue(site: Site) -> Callable[[], Queue]:
    return lambda: site.stack.enter_context(closing(SqliteQueue(site.folder / "safelight.db", site.clock.now)))


# Python runs this at its start: the time of the server is what the file says, so that hours pass in no time.
CLOCK = """\
import os, time
def now():
    with open(os.environ["SAFELIGHT_TEST_CLOCK"]) as file:
        return float(file.read())
time.time = now
"""


class ClockedServer(Struct, frozen=True):
    """A server whose clock stands still until it is set."""

    server: Server
    file: Path

    def advance(self, seconds: float) -> None:
        later = self.file.with_suffix(".new")
        later.write_text(repr(float(self.file.read_text()) + seconds))
        later.replace(self.file)


@pytest.fixture(scope="session")
def clocked_ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClockedServer]:
    folder = tmp_path_factory.mktemp("clocked")
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(CLOCK)
    file = folder / "clock"
    file.write_text(repr(time.time()))
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYTHONPATH", str(folder / "python"))
            environment.setenv("SAFELIGHT_TEST_CLOCK", str(file))
            server = stack.enter_context(aws.ministack(folder))
        yield ClockedServer(server, file)


def _sqs_queue(site: Site) -> Callable[[], Queue]:
    clocked = site.fixture("clocked_ministack")
    site.clock.followers.append(clocked.advance)
    sqs = clocked.server.client("sqs")
    live, dead = (sqs.create_queue(QueueName=f"q-{secrets.token_hex(8)}")["QueueUrl"] for _ in range(2))
    return lambda: SqsQueue(aws_client(site, clocked.server), live, dead, wait_s=0)


STORES = {
    "folder": _folder_store,
    **{f"s3-{name}": _s3_store(name, versioned=False) for name in ("ministack", "moto", "seaweedfs")},
    **{f"s3-{name}-versioned": _s3_store(name, versioned=True) for name in ("ministack", "moto", "seaweedfs")},
}
LEDGERS = {
    "sqlite": _sqlite_ledger,
    "memory": _memory_ledger,
    **{f"dynamo-{name}": _dynamo_ledger(name) for name in ("ministack", "moto")},
}
QUEUES = {"sqlite": _sqlite_queue, "sqs": _sqs_queue}

DIFFERENCES = {
    "dynamo-moto": {"test_racing_claims_have_one_winner": "moto's threads check a condition, then write, unlocked"},
    "sqs": {"test_message_of_known_id_is_left_as_it_is": "SQS knows no ids; the ledger makes both the same job"},
}
"""What an adapter cannot promise, as its docstring and test_aws_queue.py say, or what its server does not do."""


def _skip_what_differs(request: pytest.FixtureRequest) -> None:
    if reason := DIFFERENCES.get(request.param, {}).get(request.node.originalname):
        pytest.skip(reason)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def now(clock: Clock) -> Callable[[], float]:
    return clock.now


@pytest.fixture
def advance(clock: Clock) -> Callable[[float], None]:
    return clock.advance


@pytest.fixture
def site(tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(folder=tmp_path, clock=clock, stack=stack, fixture=request.getfixturevalue)


@pytest.fixture(params=STORES)
def store_world(request: pytest.FixtureRequest, site: Site) -> StoreWorld:
    return STORES[request.param](site)


@pytest.fixture
def connect_store(store_world: StoreWorld) -> Callable[[], Store]:
    return store_world.connect


@pytest.fixture
def drop(store_world: StoreWorld) -> Callable[[str, bytes], None]:
    return store_world.drop


@pytest.fixture
def racing_stores(store_world: StoreWorld) -> Callable[[], Store]:
    """Give what `connect_store` gives, where a race says something about the adapter."""
    if not store_world.races:
        pytest.skip("the stand-in is not atomic itself; SeaweedFS and ministack are")
    return store_world.connect


@pytest.fixture
def store(connect_store: Callable[[], Store]) -> Store:
    return connect_store()


@pytest.fixture(params=LEDGERS)
def connect_ledger(request: pytest.FixtureRequest, site: Site) -> Callable[[], Ledger]:
    _skip_what_differs(request)
    return LEDGERS[request.param](site)


@pytest.fixture
def ledger(connect_ledger: Callable[[], Ledger]) -> Ledger:
    return connect_ledger()


@pytest.fixture(params=QUEUES)
def connect_queue(request: pytest.FixtureRequest, site: Site) -> Callable[[], Queue]:
    _skip_what_differs(request)
    return QUEUES[request.param](site)


@pytest.fixture
def queue(connect_queue: Callable[[], Queue]) -> Queue:
    return connect_queue()


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(key: str = "a/b.jpg", version: str = "v1", digest: str = "d1") -> Job:
        upload = Upload(
            bucket="in", key=key, version=version, etag=version, size=3, arrived_at="2026-01-02T03:04:05.678Z"
        )
        return Job(id=job_id(upload, digest), upload=upload, recipe=DEFAULT_RECIPE, recipe_digest=digest)

    return make
