"""What a person reads about jobs that ended."""

from collections.abc import Callable

import pytest

from safelight.figures import change_text, size_text
from safelight.job import Outcome, Output, Problem, Source, Status, Upload
from safelight.mail import Mail, Sender, compose, kind_of


def upload(key: str, size: int = 2_569_681) -> Upload:
    return Upload(bucket="secret-bucket", key=key, version="1", etag="e", size=size, arrived_at="2026-03-01T09:59:59Z")


def developed(key: str = "2024/beach.jpg", number: int = 1, **changes: object) -> Outcome:
    outputs = (
        Output(key=f"{key}-320.webp", format="webp", width=320, height=240, size=18_233),
        Output(key=f"{key}-1600.jpg", format="jpeg", width=1600, height=1200, size=411_000, note="kept the source"),
    )
    fields: dict[str, object] = {
        "id": f"job_{number:024x}",
        "status": Status.SUCCEEDED,
        "recipe": "photos",
        "recipe_digest": "d",
        "upload": upload(key),
        "source": Source(format="jpeg", width=4032, height=3024),
        "renditions": outputs,
        "duration_ms": 212.4,
        "finished_at": f"2026-03-01T10:00:{number % 60:02}Z",
    }
    return Outcome(**(fields | changes))


def broken(key: str = "in/broken.jpg", number: int = 1, status: Status = Status.REJECTED, **changes: object) -> Outcome:
    problem = Problem(code="truncated", message="the file ends in its scan data", remedy="Upload the whole file again.")
    fields: dict[str, object] = {"status": status, "error": problem, "renditions": (), "source": None}
    return developed(key, number, **(fields | changes))


def test_compose_one_success_tells_what_a_person_wants_to_know() -> None:
    """A picture's mail names it, its sizes before and after, the saving, the time and where to look further."""
    mail = compose(Sender(project="image-processor"), [developed()])
    assert mail.subject == "[image-processor] 1 picture developed: beach.jpg"
    for part in (
        "beach.jpg is developed.",
        "JPEG, 4032 x 3024, 2.6 MB",
        "photos",
        "0.2 s",
        "  2024/beach.jpg-320.webp\n    WebP, 320 x 240, 18 kB (99.3 % smaller)",
        "    JPEG, 1600 x 1200, 411 kB (84 % smaller)\n    kept the source",
        "safelight status job_000000000000000000000001",
    ):
        assert part in mail.body
    assert mail.jobs == ("job_000000000000000000000001",)


def test_compose_one_rejection_tells_code_message_and_remedy() -> None:
    """A rejection's subject holds its code; its body the message, the remedy and the job."""
    mail = compose(Sender(project="image-processor"), [broken()])
    assert mail.subject == "[image-processor] rejected: broken.jpg (truncated)"
    for part in (
        "The original is untouched.",
        "truncated: the file ends in its scan data",
        "Upload the whole file again.",
        "in/broken.jpg",
        "safelight status job_000000000000000000000001",
    ):
        assert part in " ".join(mail.body.split())
    assert "safelight replay" not in mail.body


def test_compose_one_failure_tells_attempts_and_how_to_try_again() -> None:
    """A failure is ours, so its mail says how often it was tried and how to try again."""
    mail = compose(Sender(project="image-processor"), [broken(status=Status.FAILED, attempts=3)])
    assert mail.subject == "[image-processor] failed: broken.jpg (truncated)"
    assert "in 3 attempts" in mail.body
    assert "safelight replay job_000000000000000000000001" in mail.body


def test_compose_many_failures_lists_fifty_and_counts_the_rest() -> None:
    """A long list is cut at 50, and the mail says how many more there are and how to see them."""
    mail = compose(Sender(project="image-processor"), [broken(f"{n}.jpg", n, Status.FAILED) for n in range(62)])
    assert mail.subject == "[image-processor] 62 pictures could not be developed"
    assert " 50. 49.jpg" in mail.body
    assert "50.jpg" not in mail.body
    assert "and 12 more: safelight jobs --status failed\n" in mail.body
    assert len(mail.jobs) == 50


def test_compose_many_mixed_puts_failures_first_and_adds_up() -> None:
    """A digest counts each status, totals the bytes of developed pictures, and lists failures before successes."""
    outcomes = [
        developed("a.jpg", 1),
        broken("b.jpg", 2),
        developed("c.jpg", 3),
        broken("d.jpg", 4, Status.QUARANTINED),
    ]
    mail = compose(Sender(project="image-processor"), iter(outcomes))
    assert mail.subject == "[image-processor] 2 pictures could not be developed, 2 developed"
    rows = dict(line.split(None, 1) for line in mail.body.split("\n\n")[1].splitlines())
    assert rows == {
        "Developed": "2",
        "Rejected": "1",
        "Quarantined": "1",
        "Originals": "5.1 MB",
        "Outputs": "858 kB  (83 % smaller)",
        "Saved": "4.3 MB",
        "Ended": "2026-03-01T10:00:01Z to 2026-03-01T10:00:04Z",
    }
    assert mail.body.index("b.jpg") < mail.body.index("d.jpg") < mail.body.index("a.jpg") < mail.body.index("c.jpg")


def test_compose_many_larger_outputs_says_added() -> None:
    """Outputs may be larger than originals; the mail does not call that a saving."""
    mail = compose(Sender(project="p1"), [developed(f"{n}.jpg", n, upload=upload("k", 1000)) for n in range(2)])
    assert "Added" in mail.body
    assert "Saved" not in mail.body


@pytest.mark.parametrize("make", [developed, broken])
@pytest.mark.parametrize(
    "key",
    [
        "x" * 900 + ".jpg",
        "a\r\nBcc: all@example.com\r\n\r\nhello.jpg",
        "Straße/Grüße aus Köln.jpg",
        "富士山.jpg",
        "name\udcff\u202egpj.exe",
        "trailing/",
    ],
)
def test_compose_any_key_gives_short_ascii_subject(make: Callable[[str], Outcome], key: str) -> None:
    """Whatever a key holds, the subject is one line of printable ASCII under 100 characters and the body is UTF-8."""
    mail = compose(Sender(project="a" * 41), [make(key)])
    assert len(mail.subject) < 100
    assert all(" " <= letter <= "~" for letter in mail.subject)
    assert not mail.subject.rstrip().endswith(":")
    assert mail.body.encode()
    assert "\nBcc" not in mail.body


def test_compose_long_name_keeps_its_end_and_the_code() -> None:
    """A shortened name keeps its number and ending, and the code of a rejection stays whole."""
    subject = compose(Sender(project="image-processor"), [broken("IMG" + "_" * 200 + "0042.jpg")]).subject
    assert subject.startswith("[image-processor] rejected: IMG_")
    assert subject.endswith("0042.jpg (truncated)")


def test_compose_foreign_name_is_readable_in_the_body() -> None:
    """A name that is not ASCII stays as it is in the body, and accents alone are dropped in the subject."""
    mail = compose(Sender(project="p1"), [developed("Grüße/Köln.jpg")])
    assert mail.subject == "[p1] 1 picture developed: Koln.jpg"
    assert "Grüße/Köln.jpg" in mail.body


def test_compose_unspeakable_name_is_left_out_of_the_subject() -> None:
    """Where ASCII holds nothing of a name, the subject does without it."""
    assert compose(Sender(project="p1"), [developed("富士山.jpg")]).subject == "[p1] 1 picture developed"
    assert compose(Sender(project="p1"), [broken("富士山.jpg")]).subject == "[p1] rejected (truncated)"


def test_compose_prose_keeps_to_76_columns() -> None:
    """Long messages, remedies and warnings are wrapped."""
    long = Problem(code="too_large", message="word " * 60, remedy="other " * 60)
    for mail in (
        compose(Sender(project="p1"), [broken(error=long, warnings=("warn " * 60,))]),
        compose(Sender(project="p1"), [broken(error=long), developed(warnings=("warn " * 60,))]),
    ):
        assert max(map(len, mail.body.splitlines())) <= 76


def test_compose_never_shows_the_bucket() -> None:
    """Mail goes to people outside: it carries no bucket."""
    assert "secret-bucket" not in compose(Sender(project="p1"), [developed(), broken()]).body


def test_compose_same_outcomes_give_the_same_mail() -> None:
    """A mail is a function of its outcomes, so that a repeat is the very same mail."""
    outcomes = [developed(), broken()]
    first: Mail = compose(Sender(project="p1"), outcomes)
    assert first == compose(Sender(project="p1"), list(outcomes))


def test_compose_many_renditions_is_cut() -> None:
    """A recipe of many renditions does not make an endless mail."""
    output = Output(key="o.webp", format="webp", width=1, height=1, size=1)
    assert "  and 150 more\n" in compose(Sender(project="p1"), [developed(renditions=(output,) * 200)]).body


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.SUCCEEDED, "success"),
        (Status.REJECTED, "failure"),
        (Status.FAILED, "failure"),
        (Status.QUARANTINED, "failure"),
        (Status.SUPERSEDED, None),
        (Status.QUEUED, None),
        (Status.RUNNING, None),
    ],
)
def test_kind_of_status_follows_notify_on(status: Status, kind: str | None) -> None:
    """`on: success` is success alone, `on: failure` the other endings; superseded jobs are never told."""
    assert kind_of(status) == kind


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9_960, "10 kB"), (999_499, "999 kB"), (999_500, "1.0 MB")],
)
def test_size_text_any_size_has_few_digits(size: int, text: str) -> None:
    """Sizes are decimal, as `limits.megabytes` is, and rounding never gives 1000 of a unit."""
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1000, 1000, "the same size"),
        (1000, 999, "under 1 % smaller"),
        (1000, 1500, "50 % larger"),
        (1_000_000, 1, "99.9 % smaller"),
    ],
)
def test_change_text_any_change_is_honest(before: int, after: int, text: str) -> None:
    """The saving never claims 100 %, nor 0 % where there was one."""
    assert change_text(before, after) == text


def test_mail_of_an_environment_says_which_one_and_how_its_commands_are_called() -> None:
    """Whoever reads it at night has dev, staging and prod; a command without --env would ask this machine."""
    mail = compose(Sender(project="shop", environment="dev"), [broken(status=Status.FAILED, attempts=3)])
    assert mail.subject.startswith("[shop-dev] failed")
    assert f"safelight replay {mail.jobs[0]} --env dev" in mail.body
    many = compose(Sender(project="shop", environment="prod"), [broken(), broken("b.jpg", 2)])
    assert many.subject.startswith("[shop] 2 pictures")
    assert many.body.count("--env prod") == 2
