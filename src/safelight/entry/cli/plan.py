"""What `safelight run` would do: which files, which outputs, and which of them cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import click
import msgspec
from msgspec import Struct

from safelight.entry.cli import show
from safelight.errors import InvalidKey, KeyConflict, SafelightError
from safelight.job import Job, Status, Upload, jobs_for, outcome_of, problem_of
from safelight.local.ports import World
from safelight.recipe.keys import keys_of


class Planned(Struct, frozen=True, kw_only=True):
    """A job and the keys of its outputs, or why there would be none."""

    job: Job
    keys: tuple[str, ...] = ()
    error: SafelightError | None = None


def planned(world: World, uploads: Iterable[Upload]) -> Iterator[Planned]:
    """Yield the jobs of the uploads in their order."""
    owners: dict[str, Upload] = {}
    for upload in uploads:
        for job in jobs_for(upload, world.settings.recipes):
            yield _planned(job, owners)


def _planned(job: Job, owners: dict[str, Upload]) -> Planned:
    try:
        keys = tuple(keys_of(job.recipe, job.upload.key))
    except InvalidKey as err:
        return Planned(job=job, error=err)
    for key in keys:
        owner = owners.setdefault(key, job.upload)
        if owner != job.upload:
            return Planned(job=job, error=KeyConflict(f"{key} would be the output of {owner.key}"))
    return Planned(job=job, keys=keys)


def print_plan(plan: Iterable[Planned], *, as_json: bool) -> None:
    """Print what would be done: a line for each output, or JSON, one job a line."""
    files = set()
    for each in plan:
        if as_json:
            click.echo(_json(each))
        else:
            files.add(each.job.upload)
            _print(each)
    if not as_json:
        click.echo(f"Would develop {show.counted(len(files), 'file')}; nothing was written")


def _print(each: Planned) -> None:
    name = show.printable(each.job.upload.key)
    for key in each.keys:
        click.echo(f"Would write {show.printable(key)} from {name}")
    if each.error:
        click.secho(f"Would reject {name}: {each.error.code}: {show.printable(each.error.message)}", fg="yellow")


def _json(each: Planned) -> str:
    problem = problem_of(each.error) if each.error else None
    outcome = outcome_of(each.job, Status.REJECTED if problem else Status.QUEUED, error=problem)
    return json.dumps(msgspec.to_builtins(outcome) | ({"would_write": each.keys} if each.keys else {}))
