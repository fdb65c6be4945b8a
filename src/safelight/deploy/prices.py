"""What AWS asks for each unit: the file that is shipped, and what a user's own file says over it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.units import Units
from safelight.deploy.arch import Arch
from safelight.deploy.errors import PricesUnreadable

SHIPPED = Path(__file__).with_name("prices.toml")
NAME = "prices.toml"
"""A file of this name beside safelight.yaml is read without being named."""
HOT = ("lambda_request", "lambda_gb_s", "s3_put", "s3_get", "event", "sqs_request", "dynamodb_write", "dynamodb_read",
       "sns_publish", "log_gb")  # fmt: skip
"""The units that a job counts by itself."""


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The price of `per` units. `free` of them cost nothing, each month and for ever."""

    service: str
    what: str
    usd: float
    per: float = 1
    free: float = 0
    usage_type: str = ""
    scope: str = ""
    source: str = ""
    verified: bool = False

    @property
    def rate(self) -> float:
        """Return dollars for one unit."""
        return self.usd / self.per

    def holds_in(self, region: str) -> bool:
        """Return whether its source says so."""
        return region in self.scope or "all regions" in self.scope or "most regions" in self.scope


class Prices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. `region` is where its prices hold, as far as their `scope` says so."""

    dated: date
    region: str
    price: dict[str, Price]

    @property
    def unverified(self) -> list[str]:
        """Name the prices that nobody compared with their source."""
        return [name for name, each in self.price.items() if not each.verified]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user's file: whole prices, or only what differs of them."""

    dated: date | None = None
    region: str | None = None
    price: dict[str, dict[str, str | float | bool]] = {}


def shipped() -> Prices:
    """Return the prices that came with Safelight."""
    return msgspec.convert(tomllib.loads(SHIPPED.read_text(encoding="utf-8")), Prices)


def prices(folder: Path, file: Path | None = None) -> Prices:
    """Return the prices for a project.

    Args:
        folder: where safelight.yaml is; a prices.toml in it counts over what was shipped.
        file: one that counts in its place.

    Raises:
        PricesUnreadable
    """
    own = file or folder / NAME
    return merged(shipped(), own) if file or own.exists() else shipped()


def merged(known: Prices, file: Path) -> Prices:
    """Return prices with what a file says over them.

    Raises:
        PricesUnreadable
    """
    try:
        change = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Change)
        plain = {name: msgspec.to_builtins(each) for name, each in known.price.items()}
        for name, fields in change.price.items():
            plain[name] = {**plain.get(name, {}), **fields}
        price = msgspec.convert(plain, dict[str, Price])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as err:
        raise PricesUnreadable(f"{file}: {_reason(err)}") from err
    wrong = [name for name, each in price.items() if not (each.usd >= 0 and each.per > 0 and each.free >= 0)]
    if wrong:
        raise PricesUnreadable(f"{file}: price.{wrong[0]}: usd and free must be 0 or more, per above 0")
    return replace(known, dated=change.dated or known.dated, region=change.region or known.region, price=price)


def _reason(err: Exception) -> str:
    return f"cannot be read: {err.strerror}" if isinstance(err, OSError) else str(err)


def gb_s_name(arch: Arch) -> str:
    """Return which price a GB-second has on a processor."""
    return "lambda_gb_s_arm" if arch == "arm64" else "lambda_gb_s"


def hot_rates(known: Prices, arch: Arch) -> Units:
    """Return dollars for each unit that a job counts, as a package carries them."""
    priced = {name: known.price[name].rate for name in HOT}
    return {**priced, "lambda_gb_s": known.price[gb_s_name(arch)].rate}


def text(known: Prices, names: Iterable[str], head: str) -> str:
    """Return prices as such a file, under a comment."""
    lines = [f"# {head}", "", f"dated = {known.dated.isoformat()}", f"region = {json.dumps(known.region)}"]
    for name in names:
        fields: Mapping[str, object] = msgspec.to_builtins(known.price[name])
        lines += ["", f"[price.{name}]", *(f"{field} = {_toml(value)}" for field, value in fields.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".") if value < 1 else repr(value)
    return json.dumps(value, ensure_ascii=False)
