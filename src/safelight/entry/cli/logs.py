"""`safelight logs`: what the functions of a deployment logged."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from safelight.entry.cli.options import config_option, json_option
from safelight.errors import NotFound
from safelight.recipe.units import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safelight.entry.cli.cloud import AwsBackend
    from safelight.operate.logs import LogEvent

OUTPUTS = {
    "processor": "FunctionName",
    "dead-letters": "DeadLetterFunctionName",
    "digest": "DigestFunctionName",
}
"""Which output of the stack names each function."""
SINCE = re.compile(r"[1-9][0-9]{0,5}[smhd]")
WHOLE_ID = re.compile(r"job_[0-9a-f]{24}")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which lines are wanted, and how."""

    since_s: int
    job: str | None
    follow: bool
    as_json: bool


def _seconds(_context: click.Context, _option: click.Parameter, text: str) -> int:
    if not SINCE.fullmatch(text):
        raise click.BadParameter("must be a whole number and s, m, h or d, such as 15m or 2d")
    return seconds(text)


@click.command()
@click.argument("environment", metavar="ENV")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--since", "since_s", callback=_seconds, default="1h", show_default=True, help="How far back, such as 15m or 2d."
)
@click.option("--job", metavar="ID", help="Only lines about this job; the beginning of its ID is enough.")
@click.option(
    "--function", type=click.Choice(list(OUTPUTS)), default="processor", show_default=True, help="Whose lines."
)
@config_option
@json_option
def logs(environment: str, function: str, config: Path | None, **wanted: object) -> None:
    """Show what a function of a deployment logged: when, what became of which picture, and what it took.

    Times are UTC. Lines for machines (metrics, Lambda's own notes) are shown with --json only.
    """
    from safelight.entry.cli.cloud import open_deployed  # noqa: PLC0415 -- help is shown without the SDK

    asked = msgspec.convert(wanted, Wanted)
    with open_deployed(config, environment) as backend:
        _check(backend, asked.job)
        group = backend.deployed.log_group(_function(backend.deployed.outputs, function), _term(asked.job))
        start_ms = int((time.time() - asked.since_s) * 1000)
        found = group.follow(start_ms, time.sleep) if asked.follow else group.since(start_ms)
        with suppress(KeyboardInterrupt):
            if not _print(found, asked) and not asked.as_json:
                click.echo("Nothing was logged in that time. Look further back with --since 7d.", err=True)


def _function(outputs: Mapping[str, str], function: str) -> str:
    """Return the name of a function of this deployment."""
    if OUTPUTS[function] not in outputs:
        hint = "; it has one with notify.digest in safelight.yaml" if function == "digest" else ""
        raise click.UsageError(f"this deployment has no function for {function}{hint}")
    return outputs[OUTPUTS[function]]


def _check(backend: AwsBackend, job: str | None) -> None:
    """See that the ledger knows a job: for a slip of the pen nothing would ever be logged."""
    if job and not (backend.ledger.get(job) or backend.like(_whole(job))):
        remedy = f"`safelight jobs{backend.words}` lists them; one that is not among the latest takes its whole ID."
        raise NotFound(f"there is no job {job}", remedy=remedy)


def _whole(job: str) -> str:
    """Return how the id of a job begins."""
    return job if job.startswith("job_") else f"job_{job}"


def _term(job: str | None) -> str:
    """Return what CloudWatch can look for itself, which is a whole word."""
    return job if job and WHOLE_ID.fullmatch(job) else ""


def _print(found: Iterator[LogEvent], asked: Wanted) -> int:
    """Print lines as they come, and return how many events they were."""
    from safelight.entry.cli import log_lines  # noqa: PLC0415 -- as above

    count, day, is_terminal = 0, "", sys.stdout.isatty()
    for event in found:
        if asked.job and not log_lines.about(event, asked.job):
            continue
        if asked.as_json:
            lines = [log_lines.as_json(event)]
        else:
            lines = list(log_lines.shown(event, date=not is_terminal))
            if lines and is_terminal and log_lines.day_of(event) != day:
                day = log_lines.day_of(event)
                lines.insert(0, log_lines.colored(f"{day} (UTC)", "dim"))
        count += bool(lines)
        for each in lines:
            click.echo(each)
    return count
