"""`safelight preview`: one page that shows a picture beside everything that the recipes make of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from msgspec.structs import replace
from rich.console import Console

from safelight.entry import batch
from safelight.entry.cli import show
from safelight.entry.cli.options import chosen, config_option
from safelight.entry.cli.quick import Quick, quick_options
from safelight.entry.sheet import MARKER, Picture, sheet_parts
from safelight.entry.sheet_views import pictured
from safelight.errors import NotFound, SafelightError
from safelight.figures import size_text
from safelight.job import Outcome, Problem, Status, Upload, problem_of
from safelight.local.ports import INPUT, Local
from safelight.settings import Settings

MARKED_BYTES = 200
"""The marker is found this near to a sheet's start."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@quick_options
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The page; else FILE's name-preview.html.")
@click.option("--open/--no-open", "opens", default=False, show_default=True, help="Open the page in the browser.")
def preview(file: Path, config: Path | None, quick: Quick, out: Path | None, *, opens: bool) -> None:
    """Show FILE beside every rendition.

    The page is one HTML file that loads nothing.

    Nothing but the page is written. The exit code is 1 when the file was rejected or failed; then there is no page,
    unless another recipe made something.
    """
    found = chosen(config, quick)
    root = _root(file, found.folder)
    page = out or Path(f"{file.stem}-preview.html")
    _refuse_foreign(page)
    with (
        tempfile.TemporaryDirectory(prefix="safelight-preview-") as folder,
        batch.passing_local(_scored(found.settings), [(str(root), root)], Path(folder), found.folder) as local,
    ):
        outcomes = _develop(local, file.resolve().relative_to(root).as_posix())
        _tell(outcomes)
        if any(each.renditions for each in outcomes):
            with pictured(local.world, outcomes) as pictures:
                _write(page, pictures)
            click.echo(f"Wrote {show.printable(str(page))} ({size_text(page.stat().st_size)})")
            if opens:
                click.launch(str(page.resolve()))
    raise SystemExit(0 if all(each.status is Status.SUCCEEDED for each in outcomes) else 1)


def _scored(settings: Settings) -> Settings:
    """Have outputs of a fixed quality measured too: a page that compares shows how alike each of them is."""
    recipes = (
        replace(recipe, renditions=tuple(replace(each, score=True) for each in recipe.renditions))
        for recipe in settings.recipes
    )
    return replace(settings, recipes=tuple(recipes))


def _root(file: Path, folder: Path) -> Path:
    """Return the folder that keys begin in: the project's input for what lies there."""
    place = (folder / INPUT).resolve()
    real = file.resolve()
    return place if real.is_relative_to(place) else real.parent


def _refuse_foreign(page: Path) -> None:
    """Refuse to replace what is no sheet, and a folder that is not there, before any work is done."""
    if not page.parent.is_dir():
        raise click.UsageError(
            f"the folder of {show.printable(str(page))} is not there; make it, or give another --out"
        )
    if not page.exists():
        return
    with suppress(OSError), page.open("rb") as file:
        if MARKER.encode() in file.read(MARKED_BYTES):
            return
    raise click.UsageError(
        f"{show.printable(str(page))} is there and is no sheet of Safelight's; move it, or give another --out"
    )


def _develop(local: Local, key: str) -> list[Outcome]:
    """Develop one upload in a worker process, by every recipe that takes it."""
    upload = _upload(local, key)
    recipes = local.world.settings.recipes
    if not any(recipe.match.takes(upload.key) for recipe in recipes):
        names = ", ".join(repr(recipe.name) for recipe in recipes)
        raise click.UsageError(
            f"no recipe takes {show.printable(key)!r} ({names}); change its match, or say what to make with --width, "
            "--format and so on"
        )
    outcomes: list[Outcome] = []
    batch.develop_all(local, [upload], 1, outcomes.extend)
    return outcomes


def _upload(local: Local, key: str) -> Upload:
    [store] = local.inputs.values()
    try:
        upload = store.upload_at(key)
        if upload is None:
            raise NotFound("the file is gone")
    except SafelightError as err:
        _say(problem_of(err))
        raise SystemExit(1) from err
    return upload


def _tell(outcomes: Sequence[Outcome]) -> None:
    console = Console()
    for each in outcomes:
        if each.renditions:
            console.print(show.renditions(each))
        for warning in each.warnings:
            click.secho(f"warning: {show.printable(warning)}", fg="yellow", err=True)
        if each.error:
            _say(each.error)


def _say(problem: Problem) -> None:
    click.secho(f"error[{problem.code}]: {show.printable(problem.message)}", fg="red", err=True)
    click.echo(f"  {show.printable(problem.remedy)}", err=True)


def _write(page: Path, pictures: Sequence[Picture]) -> None:
    """Write the page whole or not at all."""
    unfinished = page.with_name(f".safelight-tmp-{os.getpid()}.html")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.writelines(sheet_parts(pictures))
        unfinished.replace(page)
    except OSError as err:
        raise click.UsageError(f"cannot write {show.printable(str(page))}: {err.strerror}; give another --out") from err
    finally:
        unfinished.unlink(missing_ok=True)
