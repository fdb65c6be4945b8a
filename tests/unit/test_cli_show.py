"""Outcomes as the terminal shows them."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from safelight.entry.cli import show
from safelight.entry.cli.up import line
from safelight.job import Outcome, Output, Problem, Source, Status, Upload


def outcome(status: Status = Status.SUCCEEDED, key: str = "a.jpg", **changes: Any) -> Outcome:
    upload = Upload(bucket="in", key=key, version="1", etag="e", size=1_000_000, arrived_at="2026-01-02T03:04:05Z")
    return Outcome(id="job_1", status=status, recipe="r", recipe_digest="d", upload=upload, **changes)


def output(size: int = 10_000, key: str = "a-320.webp") -> Output:
    return Output(key=key, format="webp", width=320, height=240, size=size, quality=80)


PROBLEM = Problem(code="truncated", message="it ends early", remedy="Upload it again.")


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_print_table_on_any_terminal_cuts_nothing_off(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures and names are shown in full, without padding that would wrap into empty lines."""
    long = "folder/" * 20 + "name.jpg"
    rows = [outcome(key=long, renditions=(output(),), duration_ms=212.4), outcome(Status.REJECTED, error=PROBLEM)]
    show.print_table(Console(width=columns), show.table(rows))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(text in lines[1] for text in ("job_1", "succeeded", "1.0 MB", "10 kB", "-99%", "0.2 s", long))
    assert all(text in lines[2] for text in ("rejected truncated", "1.0 MB"))
    assert all(line == line.rstrip() for line in lines)


def test_table_of_more_than_it_shows_shows_the_bad_ones_first() -> None:
    """Of a long list nobody may miss a failure."""
    good = [outcome(key=f"{number}.jpg") for number in range(10)]
    made = show.table([*good, outcome(Status.FAILED, error=PROBLEM)], most=3, ids=False)
    assert made.row_count == 3
    console = Console(width=200)
    with console.capture() as captured:
        console.print(made)
    assert "failed truncated" in captured.get()


@pytest.mark.parametrize(
    ("size", "shown"),
    [(10_000, "-99%"), (500_000, "-50%"), (1_000_000, "+0%"), (1_500_000, "+50%"), (3_000, "-99.7%"), (1, "-99.9%")],
)
def test_percent_text_is_never_all_of_it(size: int, shown: str) -> None:
    """A picture is never 100 % smaller."""
    assert show.percent_text(outcome(renditions=(output(size),))) == shown


def test_percent_text_of_several_outputs_is_their_average() -> None:
    """More outputs do not make a picture look larger."""
    assert show.percent_text(outcome(renditions=(output(400_000), output(600_000)))) == "-50%"


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "a\rb", "\x07", "\u202egpj.exe"])
def test_printable_text_cannot_move_the_cursor(name: str) -> None:
    """A file's name is data: it changes neither colours nor lines nor the direction of writing."""
    assert show.printable(name).isprintable()


def test_line_of_a_job_says_how_it_ended() -> None:
    """One line, escaped, with figures for a success and the code for anything else."""
    good = outcome(renditions=(output(), output()), duration_ms=212.4)
    assert line(good).plain == "succeeded  a.jpg  2 outputs, 1.0 MB in, 20 kB out (99 % smaller each), 0.2 s"
    bad = outcome(Status.REJECTED, key="a\x1b.jpg", error=PROBLEM)
    assert line(bad).plain == r"rejected   a\x1b.jpg  truncated: it ends early"


def test_reasons_tell_code_message_and_remedy_of_what_was_not_made() -> None:
    """Superseded jobs are nobody's concern."""
    told = show.reasons([outcome(), outcome(Status.SUPERSEDED, error=PROBLEM), outcome(Status.FAILED, error=PROBLEM)])
    assert told.plain == "a.jpg: truncated: it ends early\n  Upload it again.\n"


def test_totals_count_each_status_and_the_bytes_of_successes() -> None:
    """Bytes of what failed would make the saving look better than it is."""
    every = [outcome(renditions=(output(250_000),)), outcome(Status.REJECTED, error=PROBLEM)]
    assert show.totals(every) == "1 succeeded, 1 rejected; 1.0 MB in, 250 kB out (75 % smaller)"
    assert show.totals([]) == "nothing to do"


def test_details_hold_every_fact(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that the ledger knows is kept from who asks for one job."""
    full = outcome(
        attempts=2,
        warnings=("only the first frame",),
        finished_at="2026-01-02T03:04:06Z",
        duration_ms=212.4,
        peak_mb=96,
        source=Source(format="jpeg", width=40, height=30, orientation=6, frames=3),
        renditions=(output(key="[bold]x.webp"),),
        error=PROBLEM,
    )
    show.print_table(Console(width=80), show.details(full))
    said = capsys.readouterr().out
    for fact in ("job_1", "succeeded", "jpeg, 40 x 30, 3 frames, orientation 6", "r (d)", "2026-01-02T03:04:06Z"):
        assert fact in said
    for fact in ("0.2 s, 96 MB", "only the first frame", "truncated: it ends early", "Upload it again.", "320 x 240"):
        assert fact in said
    assert "[bold]x.webp" in said


@pytest.mark.parametrize(("count", "words"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs")])
def test_counted_things_have_their_plural(count: int, words: str) -> None:
    """One job, two jobs."""
    assert show.counted(count, "job") == words
