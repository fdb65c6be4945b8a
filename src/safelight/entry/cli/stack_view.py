"""Plans, progress and outputs of stacks for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from safelight.deploy.environment import Environment
from safelight.deploy.plan import Row
from safelight.deploy.progress import is_stack
from safelight.entry.cli import show

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef as Event

COLORS = {"add": "green", "take back": "cyan", "change": "yellow", "leave": "yellow"}
DANGER = "bold red"
SIGNS = {"add": "+", "take back": "<", "change": "~", "leave": "-", "replace": "!", "may replace": "!", "delete": "-"}


def print_plan(rows: Sequence[Row], parameters: Sequence[tuple[str, str, str]]) -> None:
    """Print what will be done, what of it is dangerous in red, and which settings bring it about."""
    console = Console()
    print_rows(rows)
    for name, old, new in parameters:
        console.print(f"  {name}: {old or '(none)'} -> {new or '(none)'}", style="dim", markup=False, highlight=False)
    for row in (row for row in rows if row.warning):
        console.print(f"{row.name}: {row.warning}.", style=DANGER, markup=False, highlight=False)
    counts = Counter(row.verb for row in rows)
    told = (f"{count} {'may be replaced' if verb == 'may replace' else f'to {verb}'}" for verb, count in counts.items())
    console.print(f"{', '.join(told)}.", highlight=False)


def print_rows(rows: Sequence[Row]) -> None:
    """Print what will be done alone, a line each."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(4):
        table.add_column(no_wrap=True)
    for row in rows:
        color = DANGER if row.is_danger else COLORS[row.verb]
        verb = Text(f"{SIGNS[row.verb]} {row.verb}", style=color)
        table.add_row(verb, row.name, Text(row.kind, style="dim"), escape("; ".join(row.details) or row.physical))
    show.print_table(Console(), table)


def watch(title: str, events: Iterator[Event]) -> list[Event]:
    """Print what becomes of each resource, with the seconds it took; on a terminal also what is being done."""
    console, begun = Console(highlight=False), dict[str, float]()
    seen: list[Event] = []
    click.echo(f"{title} ...")
    with console.status("asking AWS") as status:
        for event in events:
            seen.append(event)
            name, at = event.get("LogicalResourceId", ""), event["Timestamp"].timestamp()
            if event["ResourceStatus"].endswith("_IN_PROGRESS"):
                begun.setdefault(name, at)
            elif not is_stack(event):
                console.print(_ended(event, at - begun.pop(name, at)), soft_wrap=True)
            busy = [each for each in begun if each != event["StackName"]]
            status.update(escape(f"{', '.join(busy[:3]) or 'AWS'}{' and others' if busy[3:] else ''} ..."))
    took = (seen[-1]["Timestamp"] - seen[0]["Timestamp"]).total_seconds()
    click.echo(f"{seen[-1]['StackName']} is {seen[-1]['ResourceStatus']} after {took:.0f} s.")
    return seen


def _ended(event: Event, seconds: float) -> Text:
    state = event["ResourceStatus"]
    text = Text().append(f"{seconds:6.1f} s  ", style="dim")
    text.append(f"{state.replace('_', ' ').lower():<18}", style="red" if state.endswith("FAILED") else "green")
    text.append(f" {event.get('LogicalResourceId')}", style="default")
    text.append(f"  {_short(event.get('PhysicalResourceId', ''))}", style="dim")
    if state.endswith("FAILED"):
        text.append(f"\n          {event.get('ResourceStatusReason', 'no reason given')}", style="red")
    return text


def _short(physical: str) -> str:
    """Return what tells one from another in an ARN or a URL."""
    if physical.startswith("arn:"):
        return physical.split(":", 5)[5]
    return physical.rpartition("/")[2] if physical.startswith("http") else physical


def print_outputs(outputs: Mapping[str, str]) -> None:
    """Print names and addresses, one a line."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in outputs.items():
        table.add_row(Text(name, style="dim"), escape(value))
    show.print_table(Console(), table)


def print_next(environment: Environment, outputs: Mapping[str, str]) -> None:
    """Say what one does with a stack that is there."""
    source, target = outputs.get("InputBucket", ""), outputs.get("OutputBucket", "")
    steps = [
        ("try", f"safelight smoke {environment.environment}"),
        ("upload", f"aws s3 cp picture.jpg s3://{source}/ --region {environment.region}"),
        ("outputs", f"aws s3 ls --recursive s3://{target}/ --region {environment.region}"),
        ("logs", f"safelight logs {environment.environment} --follow"),
        ("dashboard", outputs.get("Dashboard", "")),
    ]
    click.echo("\nNext:")
    for name, value in steps:
        if value:
            click.echo(f"  {name:<10} {value}")
    addresses = list(dict.fromkeys((*environment.emails, *environment.alarm_emails)))
    if addresses:
        click.echo(f"  mail       {', '.join(addresses)}: confirm what AWS sends each new address, else nobody is told")
