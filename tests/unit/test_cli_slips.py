"""Slips of the pen at the terminal, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from safelight.config import load
from safelight.entry.cli import cli
from safelight.entry.cli.jobs import _queue_again, _queued
from safelight.entry.cli.logs import _check
from safelight.errors import InvalidRecipe, NotFound
from safelight.job import Upload, jobs_for
from safelight.recipe.model import Match, Recipe, Rendition


@pytest.mark.parametrize(
    ("written", "meant"),
    [("EU-WEST-1", "eu-west-1"), ("eu-west1", "eu-west-1"), ("eu_north_1", "eu-north-1"), ("US-East1", "us-east-1")],
)
def test_region_that_is_misspelt_is_never_taken_for_another_continent(tmp_path: Path, written: str, meant: str) -> None:
    """Pictures of Europe do not end in America by a hint of ours."""
    file = tmp_path / "safelight.yaml"
    file.write_text(f"region: {written}\n")
    with pytest.raises(InvalidRecipe, match=f"did you mean '{meant}'"):
        load(file, {})


def test_rate_and_images_exclude_each_other() -> None:
    """One of them would be ignored without a word."""
    found = CliRunner().invoke(cli, ["cost", "--rate", "1/s", "--images", "5"])
    assert (found.exit_code, "either --rate or --images" in found.output) == (2, True)


def test_rate_says_that_its_sum_is_without_the_free_tier() -> None:
    """The bill of a month shows both."""
    assert "without the free tier" in " ".join(CliRunner().invoke(cli, ["cost", "--rate", "1/s"]).output.split())


def test_replay_leaves_what_no_recipe_takes_any_more() -> None:
    """It makes no job, so it is not counted as one, and nothing is sent."""
    sent: list[str] = []
    renditions = (Rendition(key="{dir}{filename}.webp"),)
    upload = Upload(bucket="in", key="a.jpg", version="v", etag="e", size=1, arrived_at="2026-01-02T03:04:05.000Z")
    (job,) = jobs_for(upload, (Recipe(name="small", renditions=renditions),))
    other = Recipe(name="small", renditions=renditions, match=Match(prefix="else/"))
    backend: Any = SimpleNamespace(recipes=(other,), send=lambda _body, name: sent.append(name))
    outcome: Any = SimpleNamespace(upload=upload, id=job.id)
    done = [_queue_again(backend, outcome)]
    assert sent == []
    assert _queued(done, 0).startswith("0 jobs queued again; of 1 no recipe takes the key any more")


def test_logs_of_a_job_that_is_not_there_are_refused() -> None:
    """The beginning of an id is enough; for any other nothing would ever come."""
    known = ["job_0a1b"]
    backend: Any = SimpleNamespace(
        words=" --env dev",
        ledger=SimpleNamespace(get=lambda id_: id_ if id_ in known else None),
        like=lambda start: [each for each in known if each.startswith(start)],
    )
    for job in (None, "job_0a1b", "0a1"):
        _check(backend, job)
    with pytest.raises(NotFound, match="there is no job nosuchjob"):
        _check(backend, "nosuchjob")
