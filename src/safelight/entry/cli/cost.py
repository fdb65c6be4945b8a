"""`safelight cost`: what a month on AWS costs, and how much the stack can take."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from safelight.config import Loaded, load
from safelight.deploy import scale
from safelight.deploy.arch import ARCHES, Arch
from safelight.deploy.archive import write_text
from safelight.deploy.cost import bill
from safelight.deploy.durations import measured
from safelight.deploy.forecast import Forecast, Machine
from safelight.deploy.prices import NAME, Prices, prices, text
from safelight.deploy.trial_run import tried
from safelight.deploy.usage import Load, Usage, usage
from safelight.entry.cli.bill import print_bill, print_outlook, say
from safelight.entry.cli.options import config_option, json_option
from safelight.figures import digits
from safelight.recipe import assets

KINDS = ("jpeg", "png", "webp", "avif")


class Asked(Struct, frozen=True, kw_only=True):
    """The options of the command."""

    images: int
    mb: float
    kind: str
    key: str
    arch: Arch | None
    memory: int | None
    kept: float
    prices: Path | None
    refresh: bool
    measure: Path | None
    rate: str | None
    quota: int


@click.command()
@config_option
@click.option("--env", "environment", metavar="ENV", default="prod", show_default=True, help="As deployed there.")
@click.option("--images", type=click.IntRange(0), default=10_000, show_default=True, help="Uploads a month.")
@click.option("--mb", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True, help="MB of an upload.")
@click.option("--format", "kind", type=click.Choice(KINDS), default="jpeg", show_default=True, help="Their format.")
@click.option(
    "--key", default="", help="Key of a typical one, which decides on recipes; by itself as the first takes it."
)
@click.option("--arch", type=click.Choice(ARCHES), help="Processor, in place of aws.arch.")
@click.option("--memory", type=click.IntRange(128, 10_240), help="Memory in MiB, in place of aws.memory.")
@click.option("--kept", type=click.FloatRange(0), default=1.0, show_default=True, help="Months that all is kept.")
@click.option("--prices", type=click.Path(path_type=Path), help="Prices that count over those that are shipped.")
@click.option("--refresh", is_flag=True, help="Ask AWS's price list, and write the prices beside safelight.yaml.")
@click.option(
    "--measure",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PICTURE",
    help="Develop this picture here and now, and reckon with its size, CPU and outputs.",
)
@click.option(
    "--rate", metavar="N/s", help="What bounds such a rate, what waits, what it costs: 1000/s, 5/min, 1e6/month."
)
@click.option(
    "--quota",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Functions that the account may run at once; new ones 10.",
)
@json_option
def cost(config: Path | None, environment: str, *, as_json: bool, **options: Any) -> None:
    """Reckon what a month on AWS costs, for your recipes, with the free tier and without.

    Requests are counted as a job makes them, time is from measurements of each stage, and prices are from a dated file
    that says of each where it is from. Nothing is asked of AWS but by --refresh.
    """
    asked = Asked(**options)
    given = click.get_current_context().get_parameter_source("images")
    if asked.rate and given is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("give either --rate or --images: a rate says how many come")
    found = load(config, environment=environment)
    file = asked.prices
    if asked.refresh:
        file = _refreshed(found, prices(found.folder, file), file or found.folder / NAME)
    known = prices(found.folder, file)
    if asked.rate:
        _rate(asked, found, known, as_json=as_json)
    else:
        _month(asked, found, known, as_json=as_json)


def _load(asked: Asked, found: Loaded) -> Load:
    aws = found.settings.aws
    load = Load(
        images=asked.images,
        mb=asked.measure.stat().st_size / 1e6 if asked.measure else asked.mb,
        settings=found.settings,
        machine=Machine(memory=asked.memory or aws.memory, arch=asked.arch or aws.arch),
        kind=asked.kind,
        key=asked.key,
        kept_months=asked.kept,
    )
    if not load.recipes:
        raise click.UsageError(f"--key {asked.key!r}: no recipe takes an upload of this key")
    return load


def _month(asked: Asked, found: Loaded, known: Prices, *, as_json: bool) -> None:
    wanted, durations = _load(asked, found), measured()
    jobs: tuple[Forecast, ...] = ()
    if asked.measure:
        logos = assets.read(wanted.recipes, found.folder)
        jobs = tried(asked.measure, wanted.recipes, logos, wanted.machine, durations)
    used = usage(wanted, durations, jobs)
    made = bill(wanted, used, known)
    if as_json:
        sums = {"fixed_usd": made.fixed_usd, "usd": made.usd, "after_free_usd": made.after_free_usd}
        dated = {"prices_dated": known.dated, "prices_region": known.region, "cold_share": used.cold_share}
        plain = {**msgspec.to_builtins(made), **sums, **dated, "jobs": msgspec.to_builtins(used.jobs)}
        click.echo(msgspec.json.encode(plain))
        return
    say(_title(wanted, found))
    click.echo()
    print_bill(made, used)
    _print_notes(wanted, known, used)


def _rate(asked: Asked, found: Loaded, known: Prices, *, as_json: bool) -> None:
    quotas = scale.Quotas(concurrency=asked.quota)
    seen = scale.outlook(scale.rate_of(asked.rate or ""), _load(asked, found), measured(), known, quotas)
    if as_json:
        click.echo(msgspec.json.encode(seen))
    else:
        print_outlook(seen)


def _title(wanted: Load, found: Loaded) -> str:
    function = f"{wanted.machine.arch}, {wanted.machine.memory} MiB, {found.settings.region}"
    file = found.path.name if found.path else "the default recipe"
    return f"{wanted.images:,} images of {wanted.mb:.3g} MB a month; {file}, {function}"


def _print_notes(wanted: Load, known: Prices, used: Usage) -> None:
    region, months = wanted.settings.region, wanted.kept_months
    foreign = sum(not each.holds_in(region) for each in known.price.values())
    others = f", {foreign} of {len(known.price)} for other regions" if foreign else ""
    click.echo()
    say(f"List prices of {known.dated} without tax{others}; * not verified. --refresh asks AWS.", dim=True)
    say(
        f"Uploads and outputs are kept for {months:g} month{'' if months == 1 else 's'}. {used.cold_share:.0%} of the "
        f"jobs find no warm function, whose start is billed. Queues are polled also when nothing comes: "
        f"{used.fixed['sqs_request']:,.0f} requests. Left out: downloads, replaced versions, volume discounts.",
        dim=True,
    )


def _refreshed(found: Loaded, known: Prices, file: Path) -> Path:
    """Ask for the prices of the project's region, write them, and tell what became of each."""
    from safelight.deploy.account import open_account  # noqa: PLC0415 -- boto3 costs half a second
    from safelight.deploy.refresh import ENDPOINT_REGION, refresh  # noqa: PLC0415

    region = found.settings.region
    client = open_account(ENDPOINT_REGION, os.environ).client("pricing")
    fresh = refresh(known, region, client, datetime.now(UTC).date())
    head = f"Written by safelight cost --refresh for {region}."
    write_text(text(fresh.prices, fresh.prices.price, head), file)
    for name in fresh.changed:
        old, new = known.price[name].rate, fresh.prices.price[name].rate
        click.echo(f"{name}: ${digits(old)} is now ${digits(new)} a unit", err=True)
    for name, why in fresh.kept.items():
        click.secho(f"{name}: kept as it was: {why}", fg="yellow", err=True)
    click.echo(f"Wrote {file}.", err=True)
    return file
