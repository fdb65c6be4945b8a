"""The contract of every notifier: what `ports.Notifier` promises, seen from the inbox of the person who is told."""

import email
import email.policy
import json
import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from aiosmtpd.controller import Controller
from msgspec import Struct

from safelight.aws.notify import SnsNotifier
from safelight.job import Outcome, Problem, Status, Upload
from safelight.local.notify import SmtpNotifier
from safelight.local.outbox import Outbox
from safelight.local.smtp import SmtpServer
from safelight.mail import Sender
from safelight.ports import Notifier
from safelight.settings import Notify, Smtp
from tests.unit.aws.serving import Server, Times, client_of

TOPIC = "arn:aws:sns:eu-north-1:123456789012:image-processing-notifications"


class World(Struct, kw_only=True):
    """A notifier and what a person gets: `inbox` lets all that was told arrive, and returns every mail so far."""

    notifier: Notifier
    inbox: Callable[[], list[EmailMessage]]


class Mailbox:
    """An SMTP server's memory."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 kept"


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[Callable[[Notify], World]]:
    """Give worlds whose notices go by SMTP to a server of this machine."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    outbox = Outbox(tmp_path / "safelight.db")

    def world(notify: Notify) -> World:
        server = SmtpServer(smtp=Smtp(host="127.0.0.1", port=port, security="none"))
        notifier = SmtpNotifier(outbox, server, notify, "project", lambda: 1000.0)

        def inbox() -> list[EmailMessage]:
            notifier.deliver(1000.0, flush=True)
            return box.mails

        return World(notifier=notifier, inbox=inbox)

    yield world
    outbox.close()
    controller.stop()


@pytest.fixture
def sns() -> Iterator[Callable[[Notify], World]]:
    """Give worlds whose notices go to a topic; its server gives every mail to the one who subscribed, as SNS does."""
    times = Times()
    with Server().running() as server:
        client = client_of(server.url, times)

        def inbox() -> list[EmailMessage]:
            return [_mail_of(dict(parse_qsl(asked.body.decode(), strict_parsing=True))) for asked in server.asked]

        def world(notify: Notify) -> World:
            return World(notifier=SnsNotifier(client, TOPIC, notify.on, Sender(project="project")), inbox=inbox)

        yield world
        client.close()


def _mail_of(form: dict[str, str]) -> EmailMessage:
    assert (form["Action"], form["TopicArn"], form["MessageStructure"]) == ("Publish", TOPIC, "json")
    mail = EmailMessage(policy=email.policy.default)
    mail["Subject"] = form["Subject"]
    mail["Message-ID"] = f"<{form['MessageAttributes.entry.3.Value.StringValue']}@sns>"
    mail.set_content(json.loads(form["Message"])["default"])
    return mail


DIFFERENCES = {
    "sns": {
        "test_notify_same_message_id_arrives_once": "SNS mails each notice; a machine tells a repeat by its message_id"
    },
}


@pytest.fixture(params=["smtp", "sns"])
def world(request: pytest.FixtureRequest) -> Callable[..., World]:
    """Give a function that makes the world of one kind of notifier, with these words of `on`."""
    if reason := DIFFERENCES.get(request.param, {}).get(request.node.originalname):
        pytest.skip(reason)
    make = request.getfixturevalue(request.param)
    return lambda *on: make(Notify(email=("owner@example.com",), on=on or ("success", "failure")))


def outcome(status: Status, key: str = "a/b.jpg") -> Outcome:
    upload = Upload(bucket="input", key=key, version="1", etag="e", size=1, arrived_at="2026-03-01T10:00:00Z")
    problem = None if status is Status.SUCCEEDED else Problem(code="corrupt", message="why", remedy="what to do")
    return Outcome(id="job_1", status=status, recipe="photos", recipe_digest="d", upload=upload, error=problem)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.REJECTED, Status.FAILED, Status.QUARANTINED])
def test_notify_ended_job_arrives_once(world: Callable[..., World], status: Status) -> None:
    """Each job that ends is told once, with its file and its id."""
    place = world()
    assert place.notifier.notify(outcome(status), message_id="m1") is False, "nothing is owed any more"
    place.inbox()
    [mail] = place.inbox()
    assert "b.jpg" in mail["Subject"]
    assert "a/b.jpg" in mail.get_content()
    assert "job_1" in mail.get_content()


def test_notify_same_message_id_arrives_once(world: Callable[..., World]) -> None:
    """A repeat is no second event, neither before the mail has gone nor after."""
    place = world()
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m1")
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m1")
    assert len(place.inbox()) == 1
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m1")
    assert len(place.inbox()) == 1


def test_notify_other_message_id_arrives_too(world: Callable[..., World]) -> None:
    """A job that was developed again is told again."""
    place = world()
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m1")
    place.inbox()
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m2")
    first, second = place.inbox()
    assert first["Message-ID"] != second["Message-ID"]


def test_notify_superseded_job_is_not_told(world: Callable[..., World]) -> None:
    """Nobody is told of a job that a newer version overtook."""
    place = world()
    place.notifier.notify(outcome(Status.SUPERSEDED), message_id="m1")
    assert place.inbox() == []


@pytest.mark.parametrize(
    ("on", "told"), [(("success",), ["developed"]), (("failure",), ["rejected"]), (("success", "failure"), None)]
)
def test_notify_on_chooses_what_is_told(
    world: Callable[..., World], on: tuple[str, ...], told: list[str] | None
) -> None:
    """`on` decides which endings are told."""
    place = world(*on)
    place.notifier.notify(outcome(Status.SUCCEEDED), message_id="m1")
    place.notifier.notify(outcome(Status.REJECTED), message_id="m2")
    subjects = [mail["Subject"] for mail in place.inbox()]
    assert len(subjects) == len(on)
    for word in told or ["developed", "rejected"]:
        assert any(word in subject for subject in subjects)


@pytest.mark.parametrize("key", ["a\r\nBcc: x@example.com\r\n\r\nb.jpg", "Köln/富士山.jpg", "n" * 1000, "a\udcff.jpg"])
def test_notify_any_key_gives_a_sound_mail(world: Callable[..., World], key: str) -> None:
    """No key can add a header, lengthen the subject or stop the mail."""
    place = world()
    place.notifier.notify(outcome(Status.REJECTED, key), message_id="m1")
    [mail] = place.inbox()
    assert len(mail["Subject"]) < 100
    assert mail["Subject"].isascii()
    assert mail["Bcc"] is None
    assert mail.defects == []
