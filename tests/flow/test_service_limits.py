"""A picture that takes too long, too much memory, or kills its worker: tried again alone, told, kept for a replay."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pyvips

from tests.flow.conftest import Post
from tests.flow.running import Project, until

Picture = Callable[..., bytes]

SMALL = """\
  - name: small
    match: {prefix: "good"}
    renditions: [{key: "{dir}{filename}-16.png", resize: {width: 16}}]
"""


def write(project: Project, limits: str, rendition: str, post: Post) -> None:
    """Write a configuration in which pictures whose name begins with `hard` are hard to make."""
    hard = f'  - name: hard\n    match: {{prefix: "hard"}}\n    renditions: [{rendition}]\n'
    project.config.write_text(f"name: limits\n{post.config}limits: {limits}\nrecipes:\n{SMALL}{hard}")


def test_service_picture_over_the_time_limit_fails_and_is_made_by_a_replay(
    mailing: Project, post: Post, picture: Picture
) -> None:
    """`timeout` after two tries; neighbours are unharmed; with a higher limit a replay makes the picture."""
    slow = '{key: "{dir}{filename}.avif", effort: 9, quality: 95}'
    write(mailing, "{seconds: 1}", slow, post)
    with mailing.serving() as service:
        mailing.drop("hard.png", picture(1, side=200))
        for number in range(4):
            mailing.drop(f"good{number}.png", picture(number))
        outcomes = service.wait_for("hard.png", *(f"good{number}.png" for number in range(4)))
        workers = service.workers()
    hard = outcomes[0]
    assert (hard.status.value, hard.error and hard.error.code, hard.attempts) == ("failed", "timeout", 2)
    assert {outcome.status.value for outcome in outcomes[1:]} == {"succeeded"}
    assert "hard.png.avif" not in mailing.outputs()
    assert len(workers) == 2
    assert post.told() == {outcome.id: 1 for outcome in outcomes}
    with mailing.queue() as queue:
        assert [buried.reason for buried in queue.buried()] == ["timeout"]

    assert "timeout" in mailing.ask("status", hard.id, code=1)
    write(mailing, "{seconds: 50}", slow, post)
    assert "1 job queued again" in mailing.ask("replay", "--status", "failed")
    with mailing.serving() as service:
        (again,) = service.wait_for("hard.png")
        assert (again.id, again.status.value, again.attempts) == (hard.id, "succeeded", 3)
    with mailing.queue() as queue:
        assert queue.buried() == []


def test_service_picture_over_the_memory_limit_fails_alone(mailing: Project, post: Post, picture: Picture) -> None:
    """`out_of_memory` after a second try with the machine to itself; the neighbours are made."""
    write(
        mailing,
        "{memory: 160, seconds: 20}",
        '{key: "{dir}{filename}.webp", resize: {width: 9000, enlarge: true}}',
        post,
    )
    with mailing.serving() as service:
        mailing.drop("hard.png", picture(1, side=2000))
        for number in range(4):
            mailing.drop(f"good{number}.png", picture(number))
        outcomes = service.wait_for("hard.png", *(f"good{number}.png" for number in range(4)))
    hard = outcomes[0]
    assert (hard.status.value, hard.error and hard.error.code, hard.attempts) == ("failed", "out_of_memory", 2)
    assert {outcome.status.value for outcome in outcomes[1:]} == {"succeeded"}
    assert post.told() == {outcome.id: 1 for outcome in outcomes}
    assert mailing.temporary() == []


def test_service_picture_that_kills_its_worker_fails_and_is_kept(
    mailing: Project, post: Post, picture: Picture
) -> None:
    """`worker_crashed` after two deaths; idle workers that are killed are replaced, and cost no picture anything."""
    write(mailing, "{seconds: 20}", '{key: "{dir}{filename}.avif", effort: 9}', post)
    with mailing.serving() as service:
        until(lambda: len(service.workers()) == 2, "two workers")
        mailing.drop("good.png", picture(1))
        service.wait_for("good.png")
        for worker in service.workers():
            os.kill(worker, signal.SIGKILL)  # idle: nothing is lost
        mailing.drop("good2.png", picture(2))
        (good,) = service.wait_for("good2.png")
        assert (good.status.value, good.attempts) == ("succeeded", 1)

        mailing.drop("hard.png", picture(3, side=200))
        for tries in (1, 2):
            until(lambda tries=tries: _starts(mailing) == tries, f"try {tries}")
            for worker in service.workers():
                os.kill(worker, signal.SIGKILL)
        (hard,) = service.wait_for("hard.png")
        assert (hard.status.value, hard.error and hard.error.code) == ("failed", "worker_crashed")
        mailing.ask("replay", hard.id)
        until(lambda: service.statuses("hard.png")["hard.png"] == "succeeded", "the replay")
    assert pyvips.Image.new_from_file(str(mailing.output / "hard.png.avif"), fail_on="warning").width == 200
    assert post.told() == {job.id: 2 if job.id == hard.id else 1 for job in mailing.jobs()}


def _starts(project: Project) -> int:
    return sum(line["message"] == "start" and line.get("file") == "hard.png" for line in project.logged())
