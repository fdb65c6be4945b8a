"""Outcomes for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from safelight.figures import change_text, digits, size_text, time_text
from safelight.job import Outcome, Status

WIDE = 2000
COLORS = {
    Status.QUEUED: "dim",
    Status.RUNNING: "cyan",
    Status.SUCCEEDED: "green",
    Status.REJECTED: "yellow",
    Status.FAILED: "red",
    Status.SUPERSEDED: "dim",
    Status.QUARANTINED: "magenta",
}


def table(outcomes: Sequence[Outcome], *, most: int = 10_000, ids: bool = True) -> Table:
    """Return a table with a row for each outcome; of more than `most`, the good ones are left out first."""
    rows = outcomes
    if len(outcomes) > most:
        bad = [each for each in outcomes if each.status is not Status.SUCCEEDED]
        rows = [*bad, *(each for each in outcomes if each.status is Status.SUCCEEDED)][:most]
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    if ids:
        made.add_column("job", no_wrap=True, style="dim")
    made.add_column("status", no_wrap=True)
    for name in ("outputs", "in", "out", "each", "time"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("picture", no_wrap=True, overflow="ignore")  # last, as in ls -l: it may be of any length
    for each in rows:
        made.add_row(*([each.id] if ids else []), *_row(each))
    return made


def print_table(console: Console, made: RenderableType) -> None:
    """Print tables in full: on a narrow terminal long names run over, and nothing is cut off."""
    wide = Console(width=max(console.width, WIDE))  # rich cuts columns down to the width of its console
    with wide.capture() as captured:
        wide.print(made)
    lines = captured.get().splitlines()
    click.echo("".join(f"{line.rstrip()}\n" for line in lines), nl=False)  # the padding would wrap into empty lines


def _row(outcome: Outcome) -> tuple[RenderableType, ...]:
    written = bytes_out(outcome)
    status = Text(outcome.status.value, style=COLORS[outcome.status])
    if outcome.error:
        status.append(f" {outcome.error.code}", style="default")
    return (
        status,
        str(len(outcome.renditions) or ""),
        "" if outcome.upload.deleted else size_text(outcome.upload.size),
        size_text(written) if outcome.renditions else "",
        percent_text(outcome) if outcome.renditions else "",
        time_text(outcome.duration_ms) if outcome.duration_ms is not None else "",
        escape(printable(outcome.upload.key)),
    )


def reasons(outcomes: Iterable[Outcome]) -> Text:
    """Return why pictures were not developed and what to do, two lines each."""
    text = Text()
    for each in outcomes:
        if each.error and each.status is not Status.SUPERSEDED:
            text.append(f"{printable(each.upload.key)}: ", style="bold")
            text.append(f"{each.error.code}: {each.error.message}\n", style=COLORS[each.status])
            text.append(f"  {each.error.remedy}\n", style="dim")
    return text


def totals(outcomes: Iterable[Outcome]) -> str:
    """Return one line: how many, and how much smaller they became."""
    every = list(outcomes)
    good = [each for each in every if each.status is Status.SUCCEEDED]
    size, written = sum(each.upload.size for each in good), sum(bytes_out(each) for each in good)
    counts = {status: sum(each.status is status for each in every) for status in Status}
    words = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    return f"{words or 'nothing to do'}" + (
        f"; {size_text(size)} in, {size_text(written)} out ({each_text(good)})" if good else ""
    )


def percent_text(outcome: Outcome) -> str:
    """Return what an output has more or less of bytes than its source, on average."""
    before = outcome.upload.size * len(outcome.renditions)
    if not before:
        return ""
    change = max((bytes_out(outcome) - before) / before, -0.999)  # never all of it
    return f"{change:+.1%}" if change < -0.99 else f"{change:+.0%}"


def each_text(outcomes: Iterable[Outcome]) -> str:
    """Return how much smaller an output is than its source: several together say nothing about any."""
    every = list(outcomes)
    before = sum(each.upload.size * len(each.renditions) for each in every)
    many = any(len(each.renditions) > 1 for each in every)
    return change_text(before, sum(bytes_out(each) for each in every)) + (" each" if many and len(every) > 1 else "")


def details(outcome: Outcome) -> RenderableType:
    """Return everything that is known about one job."""
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(outcome):
        facts.add_row(name, value)
    parts: list[RenderableType] = [facts]
    if outcome.renditions:
        parts += [Text(), renditions(outcome)]
    return Group(*parts)


def _facts(outcome: Outcome) -> Iterable[tuple[str, RenderableType]]:
    upload = outcome.upload
    yield "job", outcome.id
    yield "status", Text(outcome.status.value, style=COLORS[outcome.status])
    yield "picture", escape(printable(upload.key))
    if not upload.deleted:
        yield "size", size_text(upload.size)
    if source := outcome.source:
        turned = f", orientation {source.orientation}" if source.orientation > 1 else ""
        frames = f", {source.frames} frames" if source.frames > 1 else ""
        yield "source", f"{source.format}, {source.width} x {source.height}{frames}{turned}"
    yield "recipe", f"{outcome.recipe} ({outcome.recipe_digest})"
    yield ("deleted" if upload.deleted else "arrived"), upload.arrived_at
    if outcome.finished_at:
        yield "ended", outcome.finished_at
    if outcome.duration_ms is not None:
        yield "took", f"{time_text(outcome.duration_ms)}, {outcome.peak_mb or '?'} MB of memory at the peak"
    if outcome.cost_usd is not None:
        yield "cost", f"${digits(outcome.cost_usd)}"
    yield "attempts", str(outcome.attempts)
    for warning in outcome.warnings:
        yield "warning", Text(warning, style="yellow")
    if outcome.error:
        yield "error", Text(f"{outcome.error.code}: {outcome.error.message}", style="red")
        yield "remedy", escape(outcome.error.remedy)


def renditions(outcome: Outcome) -> Table:
    """Return a table of what was written."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    made.add_column("format")
    scored = any(each.score is not None for each in outcome.renditions)
    for name in ("pixels", "size", "change", "quality", *(["score"] if scored else [])):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("output", no_wrap=True, overflow="ignore")
    for each in outcome.renditions:
        made.add_row(
            each.format,
            f"{each.width} x {each.height}" if each.width else "",
            size_text(each.size),
            change_text(outcome.upload.size, each.size) if each.width else "",
            str(each.quality or ""),
            *([score_text(each.score)] if scored else []),
            escape(printable(each.key)),
        )
    return made


def score_text(score: float | None) -> str:
    """Return how alike an output looks, where it was measured."""
    return "" if score is None else f"{score:.3f}"


def print_json(outcome: Outcome) -> None:
    """Print a job as one line of JSON on standard output."""
    click.echo(msgspec.json.encode(outcome))


def counted(count: int, name: str) -> str:
    """Return a number of things, with the plural where there is not one."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def bytes_out(outcome: Outcome) -> int:
    """Return the bytes of all outputs."""
    return sum(each.size for each in outcome.renditions)


def printable(text: str) -> str:
    """Return text that cannot move the terminal's cursor or change its colours."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
