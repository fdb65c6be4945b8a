"""`safelight jobs`, `status` and `replay`: what became of uploads, and another try for those that failed."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from safelight import event
from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option, known_local
from safelight.errors import NotFound
from safelight.job import Outcome, Status, jobs_for
from safelight.local.ports import Local
from safelight.remove import removals

STATUSES = click.Choice([status.value for status in Status])


@click.command()
@config_option
@json_option
@click.option("--status", type=STATUSES, help="Only jobs with this status.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--after", metavar="ID", help="Go on after this job of the list before.")
def jobs(config: Path | None, *, as_json: bool, status: str | None, limit: int, after: str | None) -> None:
    """List jobs, the latest first."""
    with known_local(config) as local:
        _list(local, Status(status) if status else None, limit, after, as_json=as_json)


def _list(local: Local, status: Status | None, limit: int, after: str | None, *, as_json: bool) -> None:
    ledger = local.ledger
    found = ledger.jobs(status=status, limit=limit, after=after)
    if as_json:
        for outcome in found:
            click.echo(msgspec.json.encode(outcome))
        return
    console = Console()
    if found:
        show.print_table(console, show.table(found))
    counts = ", ".join(f"{count} {status.value}" for status, count in sorted(ledger.counts().items()))
    waiting = local.queue.waiting()
    console.print(f"{counts or 'no jobs yet'}" + (f"; {waiting} waiting" if waiting else ""))
    if len(found) == limit:
        console.print(f"More: safelight jobs --after {found[-1].id}", style="dim")


@click.command()
@click.argument("job_id", metavar="ID")
@config_option
@json_option
def status(job_id: str, config: Path | None, *, as_json: bool) -> None:
    """Tell everything about one job. The exit code is 1 when it was rejected or failed."""
    with known_local(config) as local:
        outcome = _job(local, job_id)
    if as_json:
        click.echo(msgspec.json.encode(outcome))
    else:
        show.print_table(Console(), show.details(outcome))
    raise SystemExit(1 if outcome.status in (Status.REJECTED, Status.FAILED) else 0)


@click.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@click.option("--status", type=click.Choice(["failed", "rejected"]), help="All jobs with this status.")
@config_option
def replay(job_ids: tuple[str, ...], status: str | None, config: Path | None) -> None:
    """Develop jobs again, by ID or status.

    The running service takes them up, or the next one.
    """
    if bool(job_ids) == bool(status):
        raise click.UsageError("name job IDs, or give --status failed")
    with known_local(config) as local:
        found = [_job(local, each) for each in job_ids] if job_ids else _all(local, Status(status))
        renewed = sum(_queue_again(local, outcome) for outcome in found)
    changed = f"; of {renewed} the recipe has changed since, which makes new jobs" if renewed else ""
    click.echo(f"{show.counted(len(found), 'job')} queued again{changed}")


def _queue_again(local: Local, outcome: Outcome) -> bool:
    """Queue a job's upload, or its deletion, and return whether that makes a new job, by a recipe that has changed."""
    upload, recipes = outcome.upload, local.world.settings.recipes
    if upload.deleted:
        deletion = event.Deletion(bucket=upload.bucket, key=upload.key, deleted_at=upload.arrived_at)
        jobs, body, name = removals(deletion, recipes), event.departure(deletion), event.departure_id(deletion)
    else:
        jobs, body, name = jobs_for(upload, recipes), event.message(upload), event.message_id(upload)
    same = outcome.id in (job.id for job in jobs)
    if same:
        local.ledger.reopen(outcome.id)
    if not local.queue.exhume(name):
        local.queue.send(body, id=name)
    return not same


def _job(local: Local, job_id: str) -> Outcome:
    outcome = local.ledger.get(job_id)
    if outcome is None:
        raise NotFound(f"there is no job {job_id}", remedy="`safelight jobs` lists them.")
    return outcome


def _all(local: Local, status: Status) -> list[Outcome]:
    found: list[Outcome] = []
    while page := local.ledger.jobs(status=status, after=found[-1].id if found else None):
        found += page
    return found
