"""`safelight run`: develop files now, and exit."""

from __future__ import annotations

import json
import logging
import signal
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
from safelight.entry.cli.plan import planned, print_plan
from safelight.entry.cli.quick import Quick, quick_options
from safelight.errors import SafelightError
from safelight.job import Outcome, Status, Upload
from safelight.local.ports import Local, World

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
    logging.basicConfig(format="warning: %(message)s", level=logging.WARNING)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that all is cleared away
    paths = tuple(path.resolve() if path.is_symlink() else path for path in paths)
    roots = dict.fromkeys(batch.place(path)[0] for path in paths)
    _refuse_overlap(roots, out)
    inputs = [(root, Path(root).resolve()) for root in roots]
    with batch.passing_local(found.settings, inputs, out.resolve(), found.folder) as local:
        uploads, skipped = _choose(local.world, batch.gather(local, paths), choices)
        _refuse_originals(local.world, uploads)
        if choices.dry_run:
            print_plan(planned(local.world, uploads), as_json=choices.as_json)
            return
        if uploads:
            _make(out)
        outcomes = _develop(local, uploads, choices)
        _print_stacks(local.world.log, outcomes)
    if not choices.as_json:
        _print_table(outcomes, skipped, out)
    raise SystemExit(1 if any(each.status in (Status.REJECTED, Status.FAILED) for each in outcomes) else 0)


def _refuse_overlap(roots: dict[str, None], out: Path) -> None:
    for root in roots:
        if Path(root).resolve() == out.resolve():
            raise click.UsageError(
                f"--out {out} is the folder of what is developed: outputs would mix with originals, and a second run "
                "would develop them; choose another folder"
            )


def _refuse_originals(world: World, uploads: list[Upload]) -> None:
    """Refuse to replace an original, which an output can hit where --out is above the folder that is developed."""
    roots = dict(world.inputs)
    originals = {roots[upload.bucket] / upload.key for upload in uploads}
    for each in planned(world, uploads):
        for key in each.keys:
            if world.output / key in originals:
                raise click.UsageError(
                    f"an output of {show.printable(each.job.upload.key)!r} would replace the original "
                    f"{show.printable(str(world.output / key))!r}; choose another --out"
                )


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise click.UsageError(f"--out {out} cannot be made: {err.strerror}; choose another") from err


def _choose(world: World, found: list[Upload], choices: Choices) -> tuple[list[Upload], int]:
    """Return what is to be developed, and how many files were left out as done."""
    wanted = [upload for upload in found if any(recipe.match.takes(upload.key) for recipe in world.settings.recipes)]
    if not choices.skip_existing:
        return wanted, 0
    missing = {
        each.job.upload
        for each in planned(world, wanted)
        if each.error or not all((world.output / key).exists() for key in each.keys)
    }
    return [upload for upload in wanted if upload in missing], len(wanted) - len(missing)


def _develop(local: Local, uploads: list[Upload], choices: Choices) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        with _progress(len(uploads)) as advance:

            def told(ended: list[Outcome]) -> None:
                outcomes.extend(ended)
                advance()
                if choices.as_json:
                    for outcome in ended:
                        show.print_json(outcome)

            batch.develop_all(local, uploads, choices.workers, told)
    except KeyboardInterrupt:
        done = len({outcome.upload for outcome in outcomes})
        click.echo(f"Interrupted: {done} of {len(uploads)} files are done, and their outputs whole.", err=True)
        raise SystemExit(128 + signal.SIGINT) from None
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
        made = show.table(sorted(outcomes, key=lambda each: each.upload.key), most=MOST_ROWS, ids=False)
        show.print_table(console, made)
    if len(outcomes) > MOST_ROWS:
        console.print(f"... and {len(outcomes) - MOST_ROWS} more, all succeeded", style="dim")
    why = show.reasons(outcomes)
    if why:
        console.print()
        console.print(why, end="", soft_wrap=True)
    if not outcomes and not skipped:
        console.print("No files to develop were found; nothing was written.")
        return
    left_out = f"; {skipped} left out, their outputs are there" if skipped else ""
    console.print(f"\n{show.totals(outcomes)}{left_out}; outputs in {out}", soft_wrap=True)


def _print_stacks(log: Path, outcomes: list[Outcome]) -> None:
    """Print what is unexpected: the log that has it is about to be forgotten."""
    if any(each.error and each.error.code == SafelightError.code for each in outcomes):
        for line in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
            if "stack" in line:
                click.echo(f"{line.get('file', '')}: {line['stack']}", err=True)
