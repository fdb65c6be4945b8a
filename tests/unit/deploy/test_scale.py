"""Queues against their theory, and what bounds a rate."""

from __future__ import annotations

import random
from math import factorial
from statistics import fmean

import pytest
from msgspec.structs import replace

from safelight.deploy.durations import measured
from safelight.deploy.errors import NoRate
from safelight.deploy.forecast import Machine
from safelight.deploy.prices import shipped
from safelight.deploy.scale import Quotas, at_once, outlook, rate_of
from safelight.deploy.usage import Load
from safelight.deploy.waiting import Ramp, burst, erlang_c, mean_wait_s, simulated_waits
from safelight.placement import Aws
from safelight.settings import Notify, Settings

PLAIN = Load(images=0, mb=3, settings=Settings(), machine=Machine())


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.9), (4, 3.0), (10, 9.5), (50, 45.0)])
def test_erlang_c_is_the_sum_of_its_definition(servers: int, load: float) -> None:
    """The recursion, which serves a thousand servers, is the textbook's quotient."""
    last = load**servers / factorial(servers) * servers / (servers - load)
    assert erlang_c(servers, load) == pytest.approx(
        last / (sum(load**count / factorial(count) for count in range(servers)) + last)
    )


def test_erlang_c_of_many_servers_does_not_overflow() -> None:
    """All functions of an account, nearly all busy."""
    assert 0 < erlang_c(1000, 990) < 1
    assert erlang_c(1000, 500) < 1e-9


def test_mean_wait_of_one_server_is_pollaczek_and_khinchine() -> None:
    """M/M/1: rho/(mu-lambda); M/D/1: half of it."""
    assert mean_wait_s(1, 0.8, 1.0, steady=False) == pytest.approx(0.8 / 0.2)
    assert mean_wait_s(1, 0.8, 1.0) == pytest.approx(0.8 / 0.2 / 2)


@pytest.mark.parametrize(("servers", "rate"), [(1, 0.7), (3, 2.4), (20, 16.0)])
@pytest.mark.parametrize("steady", [True, False])
def test_simulated_waits_are_those_of_theory(servers: int, rate: float, *, steady: bool) -> None:
    """M/D/c and M/M/c, 400,000 arrivals of a fixed seed, within 7 % of the closed forms: three standard errors."""
    chance = random.Random(7)
    count = 400_000
    services = (1.0 if steady else chance.expovariate(1.0) for _ in range(count))
    waits = list(simulated_waits(servers, rate, services, chance.random))
    assert fmean(waits[count // 20 :]) == pytest.approx(mean_wait_s(servers, rate, 1.0, steady=steady), rel=0.07)


def test_burst_that_is_served_at_once_leaves_nothing() -> None:
    """As many servers as are needed from the start."""
    found = burst(10, 60, 0.5, Ramp(start=5, per_s=0, most=5))
    assert (found.backlog, found.longest_s, found.after_s) == (0, 0, 0)


def test_burst_beyond_the_servers_drains_by_what_they_can() -> None:
    """Ten more a second than are served, for a minute: 600 wait, and are done at 10 a second after it."""
    found = burst(20, 60, 0.5, Ramp(start=5, per_s=0, most=5))
    assert (found.backlog, found.longest_s, found.after_s) == (600, 60, pytest.approx(60, abs=1))


def test_burst_waits_for_servers_to_come() -> None:
    """From 1 server to 100 by one a second: the backlog is the triangle of what was lacking."""
    found = burst(100, 600, 1.0, Ramp(start=1, per_s=1, most=200))
    assert found.backlog == pytest.approx(100 * 100 / 2, rel=0.03)
    assert found.after_s == 0


def test_burst_without_an_end_is_told() -> None:
    """Servers that do not suffice for what waits within two days."""
    assert burst(100, 86_400, 1.0, Ramp(start=1, per_s=0, most=1)).after_s is None


@pytest.mark.parametrize(
    ("text", "per_s"), [("1000/s", 1000), ("5/min", 5 / 60), ("1e6/month", 1e6 / 2_592_000), (" 2.5 / h", 2.5 / 3600)]
)
def test_rate_is_a_number_for_a_time(text: str, per_s: float) -> None:
    """As people write it."""
    assert rate_of(text) == pytest.approx(per_s)


@pytest.mark.parametrize("text", ["", "1000", "fast", "-1/s", "0/s", "1/year", "1/s/s"])
def test_rate_that_is_none_is_refused(text: str) -> None:
    """With how it is written."""
    with pytest.raises(NoRate, match="must be a number"):
        rate_of(text)


def test_outlook_first_bound_is_the_lowest() -> None:
    """A new account's ten functions are reached before everything else, and by less than twenty images a second."""
    seen = outlook(rate_of("100/s"), PLAIN, measured(), shipped(), Quotas(concurrency=10))
    assert seen.first.name == "functions at once"
    assert seen.first.images_per_s == pytest.approx(10 / seen.service_s)
    assert seen.wait_s is None
    assert seen.burst.backlog > 40_000


def test_outlook_of_a_small_rate_waits_for_nothing() -> None:
    """One a second is nothing to any limit."""
    seen = outlook(1.0, PLAIN, measured(), shipped(), Quotas())
    assert all(bound.images_per_s > 1 for bound in seen.bounds)
    assert seen.wait_s == pytest.approx(0, abs=1e-6)
    assert seen.late_s == 0
    assert seen.concurrency == pytest.approx(seen.service_s)  # Little's law
    assert seen.bill.images == pytest.approx(2_592_000)


def test_outlook_shards_bound_the_ledger() -> None:
    """Four shards of 1,000 writes a second, each of which a job's entry takes two of: 2,000 jobs a second."""
    bounds = {bound.name: bound for bound in outlook(1.0, PLAIN, measured(), shipped(), Quotas()).bounds}
    assert bounds["job index, 4 shards"].images_per_s == 2000


def test_outlook_mails_bound_unless_collected() -> None:
    """SNS sends ten mails a second; a digest needs none of them, and late mails delay no picture."""
    mailed = replace(PLAIN, settings=Settings(notify=Notify(email=("a@b.c",))))
    digest = replace(PLAIN, settings=Settings(notify=Notify(email=("a@b.c",), digest="15m")))
    assert outlook(50, mailed, measured(), shipped(), Quotas()).first.name == "mails to one address"
    assert outlook(50, mailed, measured(), shipped(), Quotas()).wait_s is not None
    names = {bound.name for bound in outlook(50, digest, measured(), shipped(), Quotas()).bounds}
    assert "mails to one address" not in names


def test_at_once_is_the_least_of_three() -> None:
    """The project's bound, the queue's, the account's."""
    own = replace(PLAIN, settings=Settings(aws=Aws(concurrency=7)))
    assert [at_once(load, Quotas(concurrency=quota)) for load, quota in ((own, 1000), (PLAIN, 10), (PLAIN, 9999))] == [
        7,
        10,
        1000,
    ]
