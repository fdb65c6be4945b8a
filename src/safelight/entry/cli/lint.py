"""`safelight lint`: is the configuration right?"""

from __future__ import annotations

from pathlib import Path

import click

from safelight.config import load
from safelight.entry import trial
from safelight.entry.cli import show
from safelight.entry.cli.options import config_option
from safelight.errors import InvalidRecipe
from safelight.recipe.schema import SHIPPED


@click.command()
@config_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of safelight.yaml for your editor, and end.")
def lint(config: Path | None, *, schema: bool) -> None:
    """Check safelight.yaml.

    Every error is told at once, with its line, the allowed values and what to do.
    """
    if schema:
        click.echo(SHIPPED.read_text(encoding="utf-8"), nl=False)
        return
    try:
        found = load(config, trial=trial.faults)
    except InvalidRecipe as err:
        lines = err.message.splitlines()
        for line in lines:
            click.secho(f"error: {line}", fg="red")
        click.echo(f"{len(lines)} error{'s' if len(lines) != 1 else ''}. {err.remedy}")
        raise SystemExit(2) from err
    for warning in found.warnings:
        click.secho(f"warning: {warning}", fg="yellow")
    name = found.path.name if found.path else "no safelight.yaml here: the default recipe"
    outputs = sum(len(recipe.renditions) + bool(recipe.manifest) for recipe in found.settings.recipes)
    recipes = show.counted(len(found.settings.recipes), "recipe")
    click.echo(f"ok: {name}, {recipes}, {show.counted(outputs, 'output')} an upload")
