"""Prices anew from AWS's price list, which any account may ask.

Source: AWS Billing user guide, "Using the AWS Price List Query API"; it has no endpoint in eu-north-1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from safelight.deploy.account import explained
from safelight.deploy.prices import Price, Prices

if TYPE_CHECKING:
    from types_boto3_pricing import PricingClient

ENDPOINT_REGION = "eu-central-1"
MOST_CHANGE = 10
"""A price that differs by more is most likely of another unit or product; it is told and not taken."""
_REGION = re.compile(r"^[A-Z]{2,4}[0-9]{0,2}-")
"""What a usage type begins with outside of us-east-1, such as EUN1-."""


class Refreshed(Struct, frozen=True, kw_only=True):
    """The prices as they are now; `kept` says of each that was not taken why."""

    prices: Prices
    changed: tuple[str, ...]
    kept: dict[str, str]


def refresh(known: Prices, region: str, client: PricingClient, today: date) -> Refreshed:
    """Ask for every price that has a usage type.

    Raises:
        DeployError: AWS could not be asked.
    """
    wanted: dict[str, dict[str, str]] = {}
    for name, each in known.price.items():
        service, _, usage_types = each.usage_type.partition(":")
        for usage_type in filter(None, usage_types.split("|")):
            wanted.setdefault(service, {})[usage_type] = name
    found: dict[str, float] = {}
    for service, names in wanted.items():
        found |= {name: usd for name, usd in _rates(client, service, region, names) if name not in found}
    return _settled(known, region, found, today)


def _settled(known: Prices, region: str, found: Mapping[str, float], today: date) -> Refreshed:
    fresh, changed, kept = dict(known.price), [], {}
    for name, price in known.price.items():
        if name not in found:
            kept[name] = "not in the price list under this name" if price.usage_type else "not asked for"
            continue
        ratio = found[name] / price.rate if price.rate else 1
        if not 1 / MOST_CHANGE <= ratio <= MOST_CHANGE:
            kept[name] = f"the list says {found[name]:g} a unit, {ratio:.3g} times as much"
            continue
        fresh[name] = _taken(price, found[name], region, today)
        if abs(ratio - 1) > 1e-6:
            changed.append(name)
    return Refreshed(prices=replace(known, dated=today, region=region, price=fresh), changed=tuple(changed), kept=kept)


def _taken(price: Price, rate: float, region: str, today: date) -> Price:
    usd = float(f"{rate * price.per:.10g}")
    return replace(price, usd=usd, scope=region, source=f"AWS Price List Query API, {today}", verified=True)


def _rates(
    client: PricingClient, service: str, region: str, usage_types: Mapping[str, str]
) -> Iterator[tuple[str, float]]:
    """Yield the name and the price of each product that is wanted, in dollars for one unit."""
    for product in _products(client, service, region):
        usage_type = _REGION.sub("", str(product["product"]["attributes"].get("usagetype", "")))
        if usage_type in usage_types and (rate := _rate(product)) is not None:
            yield usage_types[usage_type], rate


def _products(client: PricingClient, service: str, region: str) -> Iterable[dict[str, Any]]:
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=service,
        Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        FormatVersion="aws_v1",
    )
    with explained():
        for page in pages:
            yield from map(json.loads, page["PriceList"])


def _rate(product: Mapping[str, Any]) -> float | None:
    """Return the first tier that costs anything: what is free, our file says itself."""
    terms = product.get("terms", {}).get("OnDemand", {}).values()
    tiers = [tier for term in terms for tier in term["priceDimensions"].values()]
    rates = [
        (float(tier.get("beginRange") or 0), float(usd))
        for tier in tiers
        if (usd := tier["pricePerUnit"].get("USD")) is not None and float(usd) > 0
    ]
    return min(rates)[1] if rates else None
