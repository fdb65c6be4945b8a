"""What several commands share: where the configuration is, and the project folder beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from safelight.config import Loaded, load
from safelight.entry import trial
from safelight.entry.cli.quick import Quick, quick_recipe
from safelight.entry.stores import open_local
from safelight.errors import NotFound
from safelight.local.ports import Local, project
from safelight.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Add `-c FILE`."""
    option = click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        help="The configuration; without it ./safelight.yaml, and without that the default recipe.",
    )
    return option(command)


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")(command)


def workers_option(command: F) -> F:
    """Add `--workers`."""
    option = click.option(
        "--workers",
        type=click.IntRange(1, 64),
        default=lambda: os.cpu_count() or 1,
        show_default="one a processor",
        help="Worker processes that develop pictures.",
    )
    return option(command)


def chosen(config: Path | None, quick: Quick) -> Loaded:
    """Return what the options ask for, or else the configuration.

    Raises:
        click.UsageError: both were given.
        InvalidRecipe
    """
    if not quick.given:
        return loaded(config)
    if config:
        raise click.UsageError("give either a recipe file (-c) or --width, --format and so on, not both")
    return Loaded(settings=Settings(recipes=(quick_recipe(quick),)), folder=Path())


def loaded(config: Path | None, environment: str | None = None) -> Loaded:
    """Read the configuration for developing pictures, here or in an environment on AWS, and show its warnings.

    Raises:
        InvalidRecipe
    """
    found = load(config, trial=trial.faults, environment=environment)
    for warning in (*found.warnings, *(found.on_aws if environment else ())):
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    return found


@contextmanager
def known_local(config: Path | None) -> Iterator[Local]:
    """Open the world of a project that has run before.

    Raises:
        NotFound: it has not.
    """
    found = load(config)
    folder = found.folder.resolve()
    if not (folder / ".safelight" / "safelight.db").exists():
        raise NotFound(
            "no service has run in this folder yet", remedy="Start one with `safelight up`, or name its file with -c."
        )
    world = project(folder, found.settings, found.smtp_password, found.storage_secrets)
    with closing(open_local(world)) as local:
        yield local
