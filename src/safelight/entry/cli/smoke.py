"""`safelight smoke`: does a deployment develop a picture?"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option
from safelight.figures import time_text

if TYPE_CHECKING:
    from safelight.operate.smoke import Report
    from safelight.operate.step import Step

DEFAULT_TIMEOUT_S = 120
NAME_WIDTH = 12
INDENT = " " * (6 + NAME_WIDTH + 2)


@click.command()
@click.argument("environment", metavar="ENV")
@click.option("--file", type=click.Path(path_type=Path), help="The picture to try.  [default: one that is drawn]")
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    help="Seconds until its jobs must end.",
)
@config_option
@json_option
def smoke(environment: str, file: Path | None, timeout: int, config: Path | None, *, as_json: bool) -> None:
    """Upload a picture to a deployment, wait for its outputs, look at them, and remove everything again.

    The key begins with what the first recipe matches. The job stays in the ledger, and those who are mailed about
    pictures get a mail. The exit code is 1 when something is not as promised; where it is stuck is looked up.
    """
    report = tried(config, environment, _silent if as_json else _tell, file=file, timeout_s=float(timeout))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(_verdict(report))
    raise SystemExit(0 if report.ok else 1)


def tried(
    config: Path | None, environment: str, tell: Callable[[Step], None], *, file: Path | None = None, timeout_s: float
) -> Report:
    """Run a smoke test of the deployment of an environment, and tell each step as soon as it was done.

    Raises:
        SafelightError: the configuration is wrong, AWS cannot be asked, or there is no deployment.
    """
    from safelight.entry.cli.cloud import open_deployed  # noqa: PLC0415 -- help is shown without the SDK
    from safelight.operate.smoke import Order, Smoke  # noqa: PLC0415

    with open_deployed(config, environment) as backend:
        return Smoke(backend.deployed, Order(token=secrets.token_hex(4), file=file, timeout_s=timeout_s), tell).run()


def _silent(_step: Step) -> None:
    return


def _tell(step: Step) -> None:
    """Print a step as soon as it was done."""
    status = click.style("ok  ", fg="green") if step.ok else click.style("fail", fg="red")
    click.echo(f"{status}  {step.name:<{NAME_WIDTH}}  {show.printable(step.detail)}")
    if step.remedy:
        click.echo(INDENT + click.style(show.printable(step.remedy), dim=True))


def _verdict(report: Report) -> str:
    if not report.key:
        return click.style("\nNothing was uploaded", fg="red")
    if not report.ok:
        return click.style(f"\n{report.environment} does not work as promised", fg="red")
    outputs = show.counted(sum(len(job.renditions) for job in report.jobs), "output")
    took = time_text(report.outcome_ms or 0)
    return click.style(f"\n{report.environment} works: {outputs} {took} after the upload", fg="green")
