"""`safelight lint`: is the configuration right?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from safelight.config import Loaded, load
from safelight.entry import trial
from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option
from safelight.errors import InvalidRecipe
from safelight.naming import Environment, named
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.schema import SHIPPED

ACCOUNT = "ACCOUNT"
"""Stands for the account's number, which lint does not know."""


@click.command()
@config_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of safelight.yaml for your editor, and end.")
@json_option
def lint(config: Path | None, *, schema: bool, as_json: bool) -> None:
    """Check safelight.yaml, by itself and in each of its environments.

    Every error is told at once, with its line, the allowed values and what to do. Then each environment is listed with
    what `safelight deploy` would call it; nothing is asked of AWS.
    """
    if schema:
        click.echo(SHIPPED.read_text(encoding="utf-8"), nl=False)
        return
    try:
        found = load(config, trial=trial.faults)
    except InvalidRecipe as err:
        _refuse(err, as_json=as_json)
        raise SystemExit(2) from err
    environments = [named(settings, name, ACCOUNT) for name, settings in found.environments.items()]
    if as_json:
        _print_json("warning", (*found.warnings, *found.on_aws))
        for each in environments:
            click.echo(msgspec.json.encode(each))
    else:
        _print(found, environments)


def _refuse(err: InvalidRecipe, *, as_json: bool) -> None:
    lines = err.message.splitlines()
    if as_json:
        findings = err.errors if isinstance(err, InvalidFile) else [Finding(file="", message=each) for each in lines]
        _print_json("error", findings)
        return
    for line in lines:
        click.secho(f"error: {line}", fg="red")
    click.echo(f"{show.counted(len(lines), 'error')}. {err.remedy}")


def _print_json(level: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        click.echo(msgspec.json.encode({"level": level, **msgspec.to_builtins(finding)}))


def _print(found: Loaded, environments: list[Environment]) -> None:
    for warning in found.warnings:
        click.secho(f"warning: {warning}", fg="yellow")
    for warning in found.on_aws:
        click.secho(f"warning: on AWS: {warning}", fg="yellow")
    name = found.path.name if found.path else "no safelight.yaml here: the default recipe"
    outputs = sum(len(recipe.renditions) + bool(recipe.manifest) for recipe in found.settings.recipes)
    recipes = show.counted(len(found.settings.recipes), "recipe")
    click.echo(f"ok: {name}, {recipes}, {show.counted(outputs, 'output')} an upload")
    width = max(len(each.environment) for each in environments)
    region_width = max(len(each.region) for each in environments)
    for each in environments:
        way = f"{each.input_bucket} > {each.function} > {each.output_bucket}"
        click.echo(f"  {each.environment:<{width}}  {each.region:<{region_width}}  {way}")
