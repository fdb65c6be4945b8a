"""`safelight jobs`, `status` and `replay`: what became of uploads, and another try for those that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click
import msgspec
from rich.console import Console

from safelight import event
from safelight.entry.cli import show
from safelight.entry.cli.backend import Backend, env_option, open_backend
from safelight.entry.cli.costs import costs
from safelight.entry.cli.options import config_option, json_option
from safelight.errors import NotFound
from safelight.job import Outcome, Status, jobs_for
from safelight.remove import removals

STATUSES = click.Choice([status.value for status in Status])
ID_START = "job_"
Again = Literal["same", "renewed", "untaken"]


@click.command()
@env_option
@config_option
@json_option
@click.option("--status", type=STATUSES, help="Only jobs with this status.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--after", metavar="ID", help="Go on after this job of the list before.")
@click.option("--cost", "add_up", is_flag=True, help="Add up what all jobs cost, in place of a list.")
def jobs(environment: str | None, config: Path | None, *, as_json: bool, add_up: bool, **wanted: Any) -> None:
    """List jobs, the latest first: of the project folder, or with --env of a deployment on AWS."""
    status = Status(wanted["status"]) if wanted["status"] else None
    with open_backend(config, environment) as backend:
        if add_up:
            spent = costs(backend.ledger, status)
            click.echo(msgspec.json.encode(spent) if as_json else spent.words)
            return
        after = _job(backend, wanted["after"]).id if wanted["after"] else None
        found = backend.ledger.jobs(status=status, limit=wanted["limit"], after=after)
        if as_json:
            for outcome in found:
                show.print_json(outcome)
            return
        _print(backend, found, more=len(found) == wanted["limit"])


def _print(backend: Backend, found: list[Outcome], *, more: bool) -> None:
    console = Console()
    if found:
        show.print_table(console, show.table(found))
    console.print(backend.totals(found), highlight=False)
    if more:
        console.print(f"More: safelight jobs{backend.words} --after {found[-1].id}", style="dim", soft_wrap=True)


@click.command()
@click.argument("job_id", metavar="ID")
@env_option
@config_option
@json_option
def status(job_id: str, environment: str | None, config: Path | None, *, as_json: bool) -> None:
    """Tell everything about one job. The exit code is 1 when it was rejected or failed.

    The beginning of an ID is enough where no other job's begins so; on AWS this finds the latest jobs only.
    """
    with open_backend(config, environment) as backend:
        outcome = _job(backend, job_id)
    if as_json:
        show.print_json(outcome)
    else:
        show.print_table(Console(), show.details(outcome))
    raise SystemExit(1 if outcome.status in (Status.REJECTED, Status.FAILED) else 0)


@click.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@click.option("--status", type=click.Choice(["failed", "rejected"]), help="All jobs with this status.")
@env_option
@config_option
def replay(job_ids: tuple[str, ...], status: str | None, environment: str | None, config: Path | None) -> None:
    """Develop jobs again, by ID or status.

    The running service takes them up, or the next one; on AWS the function does. There --status failed also brings
    back the messages that ended as dead letters before any job began; one of them goes by the ID in the mail about it.
    """
    if bool(job_ids) == bool(status):
        raise click.UsageError("name job IDs, or give --status failed")
    with open_backend(config, environment) as backend:
        letters = {each for each in job_ids if backend.deliver(each)}
        wanted = [each for each in job_ids if each not in letters]
        found = _all(backend, Status(status)) if status else [_job(backend, each) for each in wanted]
        done = [_queue_again(backend, outcome) for outcome in found]
        kept = backend.send_kept() if status == Status.FAILED.value else len(letters)
    click.echo(_queued(done, kept))


def _queued(done: list[Again], kept: int) -> str:
    """Say what was queued again, and of what was not, why."""
    renewed, untaken = done.count("renewed"), done.count("untaken")
    changed = f"; of {renewed} the recipe has changed since, which makes new jobs" if renewed else ""
    changed += f"; of {untaken} no recipe takes the key any more, and they were left as they are" if untaken else ""
    queued = len(done) - untaken
    parts = [show.counted(queued, "job")] if queued or not kept else []
    parts += [show.counted(kept, "dead letter")] if kept else []
    return f"{' and '.join(parts)} queued again{changed}"


def _queue_again(backend: Backend, outcome: Outcome) -> Again:
    """Queue a job's upload, or its deletion, unless no recipe takes it any more; one that changed makes a new job."""
    upload, recipes = outcome.upload, backend.recipes
    if upload.deleted:
        deletion = event.Deletion(bucket=upload.bucket, key=upload.key, deleted_at=upload.arrived_at)
        jobs, body, name = removals(deletion, recipes), event.departure(deletion), event.departure_id(deletion)
    else:
        jobs, body, name = jobs_for(upload, recipes), event.message(upload), event.message_id(upload)
    if not jobs:
        return "untaken"
    same = outcome.id in (job.id for job in jobs)
    if same:
        backend.ledger.reopen(outcome.id)
    backend.send(body, name)
    return "same" if same else "renewed"


def _job(backend: Backend, job_id: str) -> Outcome:
    """Return the job with this id, or the one whose id begins so."""
    outcome = backend.ledger.get(job_id)
    if outcome is not None:
        return outcome
    found = backend.like(job_id if job_id.startswith(ID_START) else ID_START + job_id)
    if len(found) > 1:
        raise click.UsageError(f"{job_id} begins more than one ID: {', '.join(each.id for each in found[:3])}")
    if not found:
        raise NotFound(f"there is no job {job_id}", remedy=f"`safelight jobs{backend.words}` lists them.")
    return found[0]


def _all(backend: Backend, status: Status) -> list[Outcome]:
    found: list[Outcome] = []
    while page := backend.ledger.jobs(status=status, after=found[-1].id if found else None):
        found += page
    return found
