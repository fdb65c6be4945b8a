"""`safelight doctor`: is this machine and this project fit, and what to do where not."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from safelight.entry import machine_checks as machine
from safelight.entry import project_checks as project
from safelight.entry.checkup import Check, Verdict, examine, fail, ok, site
from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option
from safelight.entry.cli.smoke import DEFAULT_TIMEOUT_S, tried
from safelight.errors import SafelightError
from safelight.naming import PRODUCTION

if TYPE_CHECKING:
    from safelight.operate.step import Step

CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", machine.python),
    ("libvips", machine.vips),
    ("jpeg", machine.jpeg),
    ("png", machine.png),
    ("webp", machine.webp),
    ("avif", machine.avif),
    ("gif", machine.gif),
    ("tiff", machine.tiff),
    ("heic", machine.heic),
    ("sqlite", machine.sqlite),
    ("open files", machine.open_files),
    ("worker", machine.worker),
    ("configuration", project.configuration),
    ("file system", project.file_system),
    ("writable", project.writable),
    ("free space", project.disk),
    ("database", project.database),
    ("store", project.store),
    ("watches", project.watches),
    ("mail", project.mail),
    ("service", project.service),
    ("clock", project.clock),
)
"""What is looked at, in this order."""

SMOKE = "smoke"
COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}
NAME_WIDTH = max(len(name) for name, _ in CHECKS)
INDENT = " " * (4 + 2 + NAME_WIDTH + 2)


@click.command()
@click.option(
    "--aws",
    "environment",
    is_flag=False,
    flag_value=PRODUCTION,
    metavar="[ENV]",
    help="Check the AWS account and what is deployed of an environment instead.  [default: prod]",
)
@click.option("--smoke", is_flag=True, help="With --aws: upload a picture too, as `safelight smoke` does.")
@config_option
@json_option
def doctor(config: Path | None, environment: str | None, *, smoke: bool, as_json: bool) -> None:
    """Check the machine and the project, and say what to do. Without --smoke nothing is changed and no mail is sent.

    With --aws: credentials, region, clock, quotas, names of buckets, permissions, the stack and its functions, whether
    uploads reach them, who has confirmed mail, alarms that ring, and dead letters. It only looks.

    The exit code is 1 when a check failed; warnings do not count.
    """
    if smoke and not environment:
        raise click.UsageError("--smoke goes with --aws")
    counts: Counter[str] = Counter()
    for name, verdict in _aws(config, environment, smoke=smoke) if environment else _machine(config):
        counts[verdict.status] += 1
        click.echo(_json(name, verdict) if as_json else _lines(name, verdict))
    if not as_json:
        click.echo(f"\n{counts['ok']} ok, {counts['warn']} to know, {counts['fail']} failed")
    raise SystemExit(1 if counts["fail"] else 0)


def _machine(config: Path | None) -> Iterator[tuple[str, Verdict]]:
    place = site(config, os.environ)
    return ((name, examine(check, place)) for name, check in CHECKS)


def _aws(config: Path | None, environment: str, *, smoke: bool) -> Iterator[tuple[str, Verdict]]:
    from safelight.entry.cli import aws_doctor  # noqa: PLC0415 -- the SDK takes a while, and only this needs it

    yield from aws_doctor.verdicts(config, environment, os.environ, time.time)
    if smoke:
        yield from _tried(config, environment)


def _tried(config: Path | None, environment: str) -> Iterator[tuple[str, Verdict]]:
    """Yield what a smoke test found, or why there was none."""
    steps: list[Step] = []
    try:
        tried(config, environment, steps.append, timeout_s=DEFAULT_TIMEOUT_S)
    except SafelightError as err:
        yield SMOKE, fail(err.message, err.remedy)
    for step in steps:
        detail = f"{step.name}: {step.detail}"
        yield SMOKE, ok(detail) if step.ok else fail(detail, step.remedy)


def _json(name: str, verdict: Verdict) -> str:
    return msgspec.json.encode({"check": name, **msgspec.to_builtins(verdict)}).decode()


def _lines(name: str, verdict: Verdict) -> str:
    status = click.style(f"{verdict.status:<4}", fg=COLORS[verdict.status])
    detail = [show.printable(line) for line in verdict.detail.splitlines()]
    lines = [f"{status}  {name:<{NAME_WIDTH}}  {detail[0] if detail else ''}", *(INDENT + line for line in detail[1:])]
    if verdict.remedy:
        lines.append(INDENT + click.style(show.printable(verdict.remedy), dim=True))
    return "\n".join(lines)
