"""Prices: what is shipped, a user's own over it, and anew from AWS's price list."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from safelight.deploy.errors import NotPermitted, PricesUnreadable
from safelight.deploy.prices import HOT, Prices, hot_rates, merged, prices, shipped, text
from safelight.deploy.refresh import Refreshed, refresh

TODAY = date(2027, 1, 2)
BRIEF = {
    "lambda_request": (0.20, 1_000_000, 1_000_000),
    "lambda_gb_s": (0.0000166667, 1, 400_000),
    "s3_gb_month": (0.023, 1, 0),
    "s3_put": (0.005, 1000, 0),
    "sns_mail": (2.00, 100_000, 1000),
}
"""The brief's own figures, "Cost Analysis": dollars, for so many, and how many are free each month."""


def test_shipped_prices_are_those_of_the_brief() -> None:
    """Where the brief names a price, it is ours, and counts as verified."""
    known = shipped().price
    for name, (usd, per, free) in BRIEF.items():
        price = known[name]
        assert (price.usd, price.per, price.free, price.verified) == (usd, per, free, True), name


def test_shipped_prices_say_where_they_are_from() -> None:
    """Each has a source, a region and a service; what was not compared with its source is marked."""
    known = shipped()
    for name, price in known.price.items():
        assert all((price.source, price.scope, price.service, price.what)), name
        assert ("memory" in price.source) <= (not price.verified), name
    assert set(HOT) <= set(known.price)
    assert "dynamodb_write" in known.unverified


def test_prices_of_a_file_count_over_those_shipped(tmp_path: Path) -> None:
    """A file names only what differs; a prices.toml beside the project is found by itself, another by its name."""
    own = tmp_path / "prices.toml"
    own.write_text("dated = 2027-01-02\nregion = 'us-east-1'\n[price.s3_put]\nusd = 0.01\n")
    found = prices(tmp_path)
    assert (found.price["s3_put"].usd, found.price["s3_put"].per) == (0.01, 1000)
    assert (found.dated, found.region) == (TODAY, "us-east-1")
    assert found.price["s3_get"] == shipped().price["s3_get"]
    other = tmp_path / "other.toml"
    other.write_text("[price.s3_put]\nusd = 0.02\n")
    assert prices(tmp_path, other).price["s3_put"].usd == 0.02
    assert prices(tmp_path / "elsewhere") == shipped()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("[price.s3_put]\nusd = 'much'\n", "usd"),
        ("[price.s3_put]\neuro = 1\n", "euro"),
        ("[price.s3_put]\nusd = -1\n", "must be 0 or more"),
        ("[price.s3_put]\nper = 0\n", "above 0"),
        ("[price.s3_put]\nusd = nan\n", "must be 0 or more"),
        ("[price.unknown]\nusd = 1\n", "service"),
        ("no toml", "line 1"),
    ],
)
def test_prices_of_a_wrong_file_are_refused(tmp_path: Path, said: str, message: str) -> None:
    """What cannot be is told with the file's name, and never reckoned with."""
    file = tmp_path / "own.toml"
    file.write_text(said)
    with pytest.raises(PricesUnreadable, match=message) as caught:
        merged(shipped(), file)
    assert str(file) in caught.value.message


def test_prices_of_a_missing_file_are_refused(tmp_path: Path) -> None:
    """Who names a file means it."""
    with pytest.raises(PricesUnreadable, match="cannot be read"):
        prices(tmp_path, tmp_path / "missing.toml")


def test_prices_written_are_read_back_the_same(tmp_path: Path) -> None:
    """A file of ours has the shape of the shipped one."""
    known = shipped()
    file = tmp_path / "prices.toml"
    file.write_text(text(known, known.price, "Written by a test."), "utf-8")
    assert merged(known, file) == known


def test_hot_rates_are_those_of_the_processor() -> None:
    """A package for arm64 prices its seconds as arm64's."""
    known = shipped()
    assert hot_rates(known, "arm64")["lambda_gb_s"] == known.price["lambda_gb_s_arm"].rate
    assert hot_rates(known, "x86_64")["lambda_gb_s"] == known.price["lambda_gb_s"].rate


def product(usage_type: str, *tiers: tuple[str, str]) -> str:
    """Return a product as the price list has it, with tiers of where they begin and their price."""
    dimensions = {
        str(number): {"beginRange": begin, "unit": "Requests", "pricePerUnit": {"USD": usd}}
        for number, (begin, usd) in enumerate(tiers)
    }
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage_type, "regionCode": "eu-north-1"}},
            "terms": {"OnDemand": {"term": {"priceDimensions": dimensions}}},
        }
    )


def pricing() -> Any:
    """Return a client that nothing is asked of but what a Stubber answers."""
    return boto3.Session("test", "test", region_name="eu-central-1").client("pricing")


def refreshed(answers: dict[str, list[str]], known: Prices) -> Refreshed:
    """Ask a price list that answers so for each service, in the order in which services are asked, page by page."""
    client = pricing()
    services = dict.fromkeys(each.usage_type.partition(":")[0] for each in known.price.values() if each.usage_type)
    with Stubber(client) as stub:
        for service in services:
            asked: dict[str, Any] = {
                "ServiceCode": service,
                "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-north-1"}],
                "FormatVersion": "aws_v1",
            }
            pages = answers.get(service, [])
            for number, page in enumerate(pages):
                more = {"NextToken": f"{number}"} if number + 1 < len(pages) else {}
                token = {"NextToken": f"{number - 1}"} if number else {}
                stub.add_response("get_products", {"PriceList": [page], **more}, {**asked, **token})
            if not pages:
                stub.add_response("get_products", {"PriceList": []}, asked)
        found = refresh(known, "eu-north-1", client, TODAY)
        stub.assert_no_pending_responses()
    client.close()
    return found


def test_refresh_takes_the_first_tier_that_costs_on_any_page() -> None:
    """Prices of the region, by their usage types, on whatever page; a free tier is our file's affair."""
    answers = {
        "AWSLambda": [
            product("EUN1-Lambda-GB-Second", ("0", "0.00002"), ("6000000000", "0.00001")),
            product("EUN1-Request", ("0", "0.0000000000"), ("1000000", "0.0000002500")),
        ],
        "AmazonS3": [product("Requests-Tier1", ("0", "0.000006"))],
    }
    known = shipped()
    found = refreshed(answers, known)
    fresh = found.prices.price
    assert fresh["lambda_gb_s"].usd == 0.00002
    assert (fresh["lambda_request"].usd, fresh["lambda_request"].per) == (0.25, 1_000_000)
    assert (fresh["s3_put"].usd, fresh["s3_put"].verified, fresh["s3_put"].scope) == (0.006, True, "eu-north-1")
    assert found.changed == ("lambda_request", "lambda_gb_s", "s3_put")
    assert fresh["sqs_request"] == known.price["sqs_request"]
    assert found.kept["sqs_request"] == "not in the price list under this name"
    assert found.prices.dated == TODAY


def test_refresh_of_a_price_far_off_keeps_the_old_one() -> None:
    """Ten times as much is most likely another unit; it is told and not taken."""
    found = refreshed({"AmazonS3": [product("EUN1-TagStorage-TagHrs", ("0", "0.01"))]}, shipped())
    assert found.prices.price["s3_tag_month"] == shipped().price["s3_tag_month"]
    assert "times as much" in found.kept["s3_tag_month"]


def test_refresh_without_permission_is_explained() -> None:
    """The account may not ask; nothing is written then."""
    client = pricing()
    with Stubber(client) as stub:
        stub.add_client_error("get_products", "AccessDeniedException", "no", 403)
        with pytest.raises(NotPermitted):
            refresh(shipped(), "eu-north-1", client, TODAY)
    client.close()
