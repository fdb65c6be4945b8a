"""`safelight up`: the local service."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.text import Text

from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option, loaded, workers_option
from safelight.entry.service import Service
from safelight.figures import size_text, time_text
from safelight.job import Outcome, Status
from safelight.local.ports import World, project


@click.command()
@config_option
@workers_option
@json_option
def up(config: Path | None, workers: int, *, as_json: bool) -> None:
    """Develop what lands in input/, or in the bucket that `store:` names.

    Ctrl-C stops: what has begun is finished, unless Ctrl-C comes again.
    """
    found = loaded(config)
    folder = found.folder.resolve()
    world = project(folder, found.settings, found.smtp_password, found.storage_secrets)
    if not world.storage:
        for _, root in world.inputs:
            root.mkdir(exist_ok=True)
    say = _speech(as_json=as_json)
    service = Service(world, workers, lambda outcome: say(outcome, line(outcome)))

    def stop(_number: int, _frame: FrameType | None) -> None:
        # The main thread, which we interrupt, may hold the lock of an event that `stop` sets.
        threading.Thread(target=service.stop).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def ready() -> None:
        say(None, Text(_places(world, show.counted(workers, "worker"))))
        say(None, Text("Ctrl-C stops.", style="dim"))

    service.run(ready)
    say(None, Text("Stopped."))


def _places(world: World, workers: str) -> str:
    """Say where uploads come from and outputs go to."""
    if world.storage is None:
        return f"Watching {world.folder / 'input'} with {workers}; outputs go to {world.folder / 'output'}."
    told = "by webhook and scans" if world.storage.webhook else "by scans each minute"
    return (
        f"Watching bucket {world.storage.input} at {world.storage.endpoint} {told} with {workers}; outputs go to "
        f"bucket {world.storage.output}."
    )


def _speech(*, as_json: bool) -> Callable[[Outcome | None, Text], None]:
    """Return what prints outcomes (and, without JSON, other lines) as long as somebody reads.

    The service goes on when nobody does; its log has everything.
    """
    console, reading = Console(highlight=False), True

    def say(outcome: Outcome | None, text: Text) -> None:
        nonlocal reading
        try:
            if reading and not as_json:
                console.print(text, soft_wrap=True)
            elif reading and outcome:
                show.print_json(outcome)
        except (OSError, SystemExit):  # rich makes a SystemExit of a broken pipe
            reading = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end

    return say


def line(outcome: Outcome) -> Text:
    """Return one line about how a job ended."""
    status = outcome.status
    text = Text(f"{status.value:<11}", style=show.COLORS[status])
    text.append(show.printable(outcome.upload.key), style="default")
    if status is Status.SUCCEEDED:
        count, written = len(outcome.renditions), show.bytes_out(outcome)
        text.append(
            f"  {show.counted(count, 'output')}, {size_text(outcome.upload.size)} in, {size_text(written)} out "
            f"({show.each_text([outcome])}{' each' if count > 1 else ''}), {time_text(outcome.duration_ms or 0)}",
            style="dim",
        )
    elif outcome.error:
        text.append(f"  {outcome.error.code}: {outcome.error.message}", style="dim")
    return text
