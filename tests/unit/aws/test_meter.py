"""The meter: what a job of the function cost, from calls and time."""

from __future__ import annotations

import pytest

from safelight.aws.meter import Meter
from safelight.aws.units import MESSAGE, so_far, still_to_come, total, usd, write_units
from safelight.job import Outcome, Status, Upload

UPLOAD = Upload(bucket="in", key="a.jpg", version="1", etag="e", size=3, arrived_at="2026-01-02T03:04:05Z")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def outcome(status: Status = Status.SUCCEEDED, **changes: object) -> Outcome:
    return Outcome(id="job_1", status=status, recipe="r", recipe_digest="d", upload=UPLOAD, **changes)  # type: ignore[arg-type]


def test_meter_counts_one_job_after_the_other() -> None:
    """What was called and what passed before a job began is not its own."""
    clock, calls = Clock(), {"UpdateItem": 7, "put": 3}
    meter = Meter({}, 0.5, calls, lambda _: {}, clock)
    clock.now += 100
    meter.begin()
    calls |= {"UpdateItem": 8, "TransactWriteItems": 1, "GetItem": 1, "get": 1, "put": 5}
    clock.now += 2
    units = meter.units(outcome())
    assert units["lambda_gb_s"] == 1.0
    assert (units["s3_get"], units["s3_put"], units["dynamodb_read"]) == (1, 2, 1)
    assert units["dynamodb_write"] == 1 + 5 + 3 + 4 + 2 + 1


def test_meter_prices_what_has_a_rate() -> None:
    """Dollars are units by their rates, to three digits; a unit without a rate is free."""
    clock = Clock()
    meter = Meter({"lambda_gb_s": 0.123456, "event": 1.0}, 0.5, {}, lambda _: {"event": 1, "unknown": 5}, clock)
    clock.now += 2
    assert meter.cost_usd(outcome()) == 1.12


def test_meter_clock_that_was_set_back_costs_nothing() -> None:
    """A negative time would be a credit."""
    clock = Clock()
    meter = Meter({"lambda_gb_s": 1.0}, 0.5, {}, lambda _: {}, clock)
    clock.now -= 50
    assert meter.cost_usd(outcome()) == 0


def test_units_superseded_job_owes_no_notice() -> None:
    """Its lease ends with its ending: no notice's entry, no mark, no write to end the lease."""
    told, silent = still_to_come(500, owes_notice=True), still_to_come(500, owes_notice=False)
    assert told["dynamodb_write"] - silent["dynamodb_write"] == 1 + 2 + 1


@pytest.mark.parametrize(("size", "units"), [(1, 1), (700, 1), (794, 1), (795, 2), (1818, 2), (1819, 3)])
def test_units_each_kibibyte_begun_is_one(size: int, units: int) -> None:
    """DynamoDB counts a job's item whole, with what is beside its record."""
    assert write_units(size) == units


def test_units_add_up_and_cost() -> None:
    """A unit that several parts have is their sum."""
    units = total(MESSAGE, so_far({"put": 2}), {"s3_put": 1})
    assert units["s3_put"] == 3
    assert usd(units, {"s3_put": 2, "event": 0.5}) == 6.5
