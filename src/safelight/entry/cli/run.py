"""`safelight run`: develop files now, and exit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from safelight.entry import batch
from safelight.entry.cli import show
from safelight.entry.cli.options import chosen, config_option, json_option, workers_option
from safelight.entry.cli.quick import Quick, quick_options
from safelight.job import Outcome, Status, Upload
from safelight.local.ports import Local, World
from safelight.recipe.keys import keys_of

MOST_ROWS = 60


class Choices(Struct, frozen=True, kw_only=True):
    """What `run` was told beside the files."""

    dry_run: bool
    skip_existing: bool
    as_json: bool
    workers: int


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR...", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where outputs go.")
@config_option
@quick_options
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@click.option("--skip-existing", is_flag=True, help="Leave out files whose outputs are all there.")
@workers_option
@json_option
def run(paths: tuple[Path, ...], out: Path, config: Path | None, quick: Quick, *, workers: int, **flags: bool) -> None:
    """Develop files now, and exit.

    Folders are developed with their sub-folders, and their tree is mirrored under --out. An output that is there
    already is replaced. Without a recipe file, --width, --height, --fit, --format and
    --quality say what to make. The exit code is 1 when a file was rejected or failed.
    """
    found = chosen(config, quick)
    choices = Choices(workers=workers, **flags)
    roots = dict.fromkeys(batch.place(path)[0] for path in paths)
    _refuse_overlap(roots, out, dry_run=choices.dry_run)
    inputs = [(root, Path(root).resolve()) for root in roots]
    with batch.passing_local(found.settings, inputs, out.resolve(), found.folder) as local:
        uploads, skipped = _choose(local.world, batch.gather(local, paths), choices)
        if choices.dry_run:
            _print_plan(local.world, uploads)
            return
        outcomes = _develop(local, uploads, choices)
    if not choices.as_json:
        _print_table(outcomes, skipped, out)
    raise SystemExit(1 if any(each.status in (Status.REJECTED, Status.FAILED) for each in outcomes) else 0)


def _refuse_overlap(roots: dict[str, None], out: Path, *, dry_run: bool) -> None:
    if any(Path(root).resolve() == out.resolve() for root in roots):
        raise click.UsageError(
            f"--out {out} is a folder that is read from: a second run would develop the outputs; choose another"
        )
    if not dry_run:
        out.mkdir(parents=True, exist_ok=True)


def _choose(world: World, found: list[Upload], choices: Choices) -> tuple[list[Upload], int]:
    """Return what is to be developed, and how many files were left out as done."""
    wanted = [upload for upload in found if any(recipe.match.takes(upload.key) for recipe in world.settings.recipes)]
    if not choices.skip_existing:
        return wanted, 0
    left = [upload for upload in wanted if not all((world.output / key).exists() for key in _keys(world, upload))]
    return left, len(wanted) - len(left)


def _keys(world: World, upload: Upload) -> list[str]:
    recipes = [recipe for recipe in world.settings.recipes if recipe.match.takes(upload.key)]
    return [key for recipe in recipes for key in keys_of(recipe, upload.key)]


def _print_plan(world: World, uploads: list[Upload]) -> None:
    for upload in uploads:
        for key in _keys(world, upload):
            click.echo(f"Would write {show.printable(key)} from {show.printable(upload.key)}")
    click.echo(f"Would develop {len(uploads)} file{'s' if len(uploads) != 1 else ''}; nothing was written")


def _develop(local: Local, uploads: list[Upload], choices: Choices) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with _progress(len(uploads)) as advance:

        def told(ended: list[Outcome]) -> None:
            outcomes.extend(ended)
            advance()
            if choices.as_json:
                for outcome in ended:
                    show.print_json(outcome)

        if uploads:
            batch.develop_all(local, uploads, choices.workers, told)
    return outcomes


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show progress on standard error where that is a terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("developing"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TextColumn("[dim]left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("developing", total=total)
        yield lambda: progress.advance(task)


def _print_table(outcomes: list[Outcome], skipped: int, out: Path) -> None:
    console = Console()
    if outcomes:
        console.print(
            show.table(sorted(outcomes, key=lambda each: each.upload.key), most=MOST_ROWS, ids=False), soft_wrap=True
        )
    if len(outcomes) > MOST_ROWS:
        console.print(f"... and {len(outcomes) - MOST_ROWS} more, all succeeded", style="dim")
    why = show.reasons(outcomes)
    if why:
        console.print()
        console.print(why, end="", soft_wrap=True)
    left_out = f"; {skipped} left out, their outputs are there" if skipped else ""
    console.print(f"\n{show.totals(outcomes)}{left_out}; outputs in {out}", soft_wrap=True)
