"""The same event many times and at the same time: one output set, one notice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from safelight import event
from tests.flow.conftest import Post
from tests.flow.running import Project, environment, until

Picture = Callable[..., bytes]


def test_duplicates_in_several_processes_make_one_output_and_one_notice(
    mailing: Project, post: Post, picture: Picture
) -> None:
    """Four processes develop the same upload again and again: it runs once, the rest wait or find it done."""
    mailing.drop("a.png", picture(1, side=300))
    words = [sys.executable, "-m", "tests.flow.repeating", str(mailing.folder), "a.png", "10"]
    racers = [subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert {word for words in said for word in words} <= {"succeeded", "busy"}
    assert all("succeeded" in words for words in said)
    (job,) = mailing.jobs()
    assert job.attempts == 1
    assert mailing.outputs() == {"a.png-16.png"}
    assert (mailing.output / "a.png-16.png").stat().st_nlink == 1
    with mailing.serving():
        pass
    assert post.told() == {job.id: 1}
    assert len(post.mails) == 1


def test_duplicates_sent_to_the_service_by_many_at_once_are_one_job(
    mailing: Project, post: Post, picture: Picture
) -> None:
    """Closes without a change, messages under other ids, and repeats from many threads do nothing more."""
    path = mailing.drop("a.png", picture(1, side=200))
    with mailing.serving() as service:
        (outcome,) = service.wait_for("a.png")
        made = (mailing.output / "a.png-16.png").stat()
        body = event.message(outcome.upload)

        def repeat(number: int) -> None:
            path.open("ab").close()
            with mailing.queue() as queue:
                queue.send(body, id=f"repeat-{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(repeat, range(40)))
        until(lambda: mailing.waiting() == 0, "an empty queue")
        assert mailing.jobs() == [outcome]
        after = (mailing.output / "a.png-16.png").stat()
        assert (after.st_ino, after.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert post.told() == {outcome.id: 1}
    assert len(post.mails) == 1
