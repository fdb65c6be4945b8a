"""Bills and outlooks for the terminal, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.console import Console
from rich.table import Table

from safelight.deploy.cost import Bill
from safelight.deploy.scale import Outlook
from safelight.deploy.usage import Usage
from safelight.entry.cli.show import counted
from safelight.figures import digits, time_text


def print_bill(bill: Bill, used: Usage) -> None:
    """Print the lines, their sums, what one image costs, and what its job does."""
    table = _table(("", "units", "fixed $", "images $", "free tier $", "total $"))
    for line in bill.lines:
        mark = "" if line.verified else " *"
        table.add_row(
            f"{line.service} {line.what}{mark}",
            count_text(line.fixed + line.images),
            usd_text(line.fixed_usd),
            usd_text(line.images_usd),
            usd_text(-line.free_usd),
            usd_text(line.after_free_usd),
        )
    table.add_section()
    off = bill.after_free_usd - bill.usd
    sums = (bill.fixed_usd, bill.usd - bill.fixed_usd, off, bill.after_free_usd)
    table.add_row("in all", "", *(f"{each:.2f}" for each in sums), style="bold")
    _print(table)
    click.echo(
        f"\nWithout the free tier ${bill.usd:.2f}. One image: ${digits(bill.image_usd)}, without the fixed part."
    )
    for job in used.jobs:
        say(
            f"Recipe {job.recipe}: a job takes {time_text(job.work_ms + job.after_ms)} of Lambda, {job.cpu_ms:.0f} ms "
            f"of a whole CPU; {counted(job.outputs, 'output')}, {job.out_mb:.2g} MB."
        )


def print_outlook(outlook: Outlook) -> None:
    """Print what bounds a rate, what waits, and what it costs."""
    click.echo(f"{count_text(outlook.rate)} images a second: {outlook.concurrency:,.1f} functions at once, ", nl=False)
    click.echo(f"each busy for {time_text(outlook.service_s * 1000)}.\n")
    table = _table(("limit", "of AWS", "images/s"))
    for bound in outlook.bounds:
        row = (bound.name, bound.limit, count_text(bound.images_per_s))
        table.add_row(*row, style="bold yellow" if bound.images_per_s <= outlook.rate else None)
    _print(table)
    click.echo()
    for line in outlook_lines(outlook):
        say(line)


def outlook_lines(outlook: Outlook) -> Iterator[str]:
    """Yield in sentences what becomes of a rate."""
    reached = [bound for bound in outlook.bounds if bound.images_per_s <= outlook.rate]
    first = reached[0] if reached else outlook.first
    word = "First reached" if reached else f"Nothing is reached; the first would be, at {first.images_per_s:,.0f}/s"
    yield f"{word}: {first.name}. {first.remedy[0].upper()}{first.remedy[1:]}."
    if outlook.wait_s is None or outlook.late_s is None:
        yield "All month at this rate the queue grows without end: more comes than the limits above let through."
    else:
        late, mean = long_text(outlook.late_s), long_text(outlook.wait_s)
        waits = f"waits {mean} on average, one of a hundred more than {late}"
        yield f"All month at this rate an upload {waits if outlook.late_s else 'finds a free function'}."
    burst = outlook.burst
    end = "no end in two days" if burst.after_s is None else f"done {long_text(burst.after_s)} after it"
    yield (
        f"Ten minutes of it after a quiet time: at most {burst.backlog:,.0f} wait, "
        f"the longest {long_text(burst.longest_s)}; {end}."
    )
    bill = outlook.bill
    yield (
        f"A month of it: {bill.images:,.0f} images, ${bill.usd:,.0f} (${digits(bill.image_usd)} an image), "
        "without the free tier."
    )


def _table(names: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(names[0], no_wrap=True)
    for name in names[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    wide = Console(width=max(Console().width, 200))
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def long_text(seconds: float) -> str:
    """Write a time that may be hours."""
    if seconds < 120:
        return time_text(seconds * 1000)
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def say(text: str, *, dim: bool = False) -> None:
    """Print a sentence in lines of 80 columns."""
    click.secho(click.wrap_text(text, width=80), dim=dim)


def count_text(count: float) -> str:
    """Return a number of units: whole ones with their thousands, small ones by their first digits."""
    return f"{count:,.0f}" if count >= 100 else digits(count)


def usd_text(usd: float) -> str:
    """Return dollars in cents; what is less than half a cent is told as such, and nothing as a blank."""
    if not usd:
        return ""
    return f"{usd:.2f}" if abs(usd) >= 0.005 else ("-" if usd < 0 else "") + "<0.01"
