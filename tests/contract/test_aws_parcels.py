"""What `Parcels` promises of the digest in the making: one at a time, found again, ended once."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws import table
from safelight.aws.access import Access
from safelight.aws.client import Timing
from safelight.aws.parcels import LEASE_S, Parcels
from safelight.aws.sigv4 import Credentials
from safelight.errors import Busy
from tests.servers.aws import Server
from tests.servers.faults import Proxy, proxy
from tests.unit.aws.shapes import CheckedClient

ENDINGS = (("job_1", 1_800_000_000_123), ("job_2", 7))
THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}')


class World(Struct, frozen=True):
    """One table, seen by any number of functions."""

    function: Callable[[], Parcels]
    proxy: Proxy


@pytest.fixture(params=["ministack", "moto"])
def world(request: pytest.FixtureRequest, now: Callable[[], float]) -> Iterator[World]:
    server: Server = request.getfixturevalue(request.param)
    name = f"parcels-{secrets.token_hex(8)}"
    server.client("dynamodb").create_table(TableName=name, **table.DEFINITION)
    keys = Credentials(key_id=server.access_key, secret=server.secret_key)
    timing = Timing(now=time.time, monotonic=time.monotonic, sleep=lambda _: None, random=lambda: 0.5)
    counter = itertools.count()
    with proxy(server.endpoint) as between:
        access = Access(region=server.region, credentials=keys, endpoint=between.endpoint)
        with closing(CheckedClient(access, timing, timeout_s=60)) as client:
            yield World(lambda: Parcels(client, name, now=now, unique=lambda: f"u{next(counter)}"), between)


def test_parcel_is_found_by_the_next_function_as_it_was_left(world: World, advance: Callable[[float], None]) -> None:
    """Who was ended before it was sent and after leaves it behind with what is known."""
    assert world.function().left() is None
    made = world.function().make(ENDINGS)
    assert (made.endings, made.sent) == (ENDINGS, False)
    advance(LEASE_S)
    assert world.function().left() == made
    world.function().sent(made)
    advance(LEASE_S)
    assert world.function().left() == replace(made, sent=True)
    world.function().close(made)
    assert world.function().left() is None


def test_parcel_that_another_function_works_on_is_busy(world: World, advance: Callable[[float], None]) -> None:
    """Two at once would tell the same twice; the lease ends soon after a function that is dead."""
    world.function().make(ENDINGS)
    for _ in range(2):
        with pytest.raises(Busy):
            world.function().left()
    with pytest.raises(Busy):
        world.function().make(ENDINGS)
    advance(LEASE_S)
    assert world.function().left() is not None
    with pytest.raises(Busy):
        world.function().left()


def test_parcel_that_was_taken_over_is_not_ended_twice(world: World) -> None:
    """A function that was asleep learns that another one has gone on; closing again is no error."""
    old = world.function().make(ENDINGS)
    world.function().close(old)
    world.function().close(old)
    new = world.function().make(ENDINGS[:1])
    for late in (world.function().sent, world.function().close):
        with pytest.raises(Busy):
            late(old)
    assert old.id != new.id


@pytest.mark.parametrize("fault", [THROTTLED, (503, b""), "drop", "cut", "lost"])
def test_every_call_survives_one_fault(
    world: World, advance: Callable[[float], None], fault: tuple[int, bytes] | str
) -> None:
    """Also one that was carried out without an answer: a function knows its own mark again."""
    world.proxy.faults = [fault, None] * 200

    function = world.function()
    made = function.make(ENDINGS)
    function.sent(made)
    advance(LEASE_S)
    assert world.function().left() == replace(made, sent=True)
    function.close(made)
    assert function.left() is None

    assert len(world.proxy.faults) < 400 - 10, "the faults were met"


def test_parcel_of_a_full_batch_fits_into_an_item(world: World, advance: Callable[[float], None]) -> None:
    """A thousand endings are 60 kB, of 400."""
    endings = tuple((f"job_{number:024x}", 1_800_000_000_000 + number) for number in range(1000))
    world.function().make(endings)
    advance(LEASE_S)
    assert world.function().left().endings == endings
