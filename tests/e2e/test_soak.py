"""Several functions at once in processes of their own: repeated and late events, and SIGKILL at random moments."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.e2e.soak import BRIEF, check, finish, kill, send, upload, working
from tests.servers.aws import Server
from tests.servers.deployment import deploy

PATIENCE_S = 240.0


def test_functions_at_once_end_each_version_once_and_leave_the_newest(ministack: Server, tmp_path: Path) -> None:
    """A third of the events repeated, a third late: one outcome and one notice each. `make soak` does 10,000."""
    deployment = deploy(ministack)
    plan = upload(deployment, 200, random.Random(1))
    send(deployment, plan)
    with working(deployment, tmp_path, 4) as workers:
        finish(deployment, workers, patience_s=PATIENCE_S)
    ended = check(deployment, plan)
    assert ended["superseded"] > 0, "the events did come in the wrong order"


@pytest.mark.long
def test_functions_killed_at_random_moments_lose_nothing(ministack: Server, tmp_path: Path) -> None:
    """What a killed function held comes again; no half output, one outcome each, no notice under two ids."""
    deployment = deploy(ministack)
    chance = random.Random(2)
    plan = upload(deployment, 200, chance)
    send(deployment, plan)
    with working(deployment, tmp_path, 3, **BRIEF) as workers:
        killed = kill(deployment, workers, 6, chance)
        finish(deployment, workers, patience_s=PATIENCE_S)
    check(deployment, plan, repeats=True)
    assert killed >= 3
