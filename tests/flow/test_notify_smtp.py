"""Notices by a real SMTP server: encryption, login, refusals, outages, crashes, bursts and digests."""

import datetime as dt
import email
import email.policy
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from safelight.errors import Denied
from safelight.job import Outcome, Output, Problem, Status, Upload
from safelight.local.notify import SmtpNotifier
from safelight.local.outbox import Outbox
from safelight.local.smtp import SmtpServer
from safelight.settings import Notify, Smtp

OWNER = "owner@example.com"


class Mailbox:
    """An SMTP server's memory, and the answers that it gives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answers: dict[str, str] = {}
        self.answer_to_data = "250 kept"
        self.on_data: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's word
        self, server: object, session: object, envelope: Any, address: str, options: object
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        if self.answer_to_data.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients.append(list(envelope.rcpt_tos))
            self.on_data()
        return self.answer_to_data

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
    return found


@pytest.fixture
def serve(box: Mailbox, port: int) -> Iterator[Callable[..., None]]:
    """Give a function that starts the server; it stops when the test ends."""
    controllers: list[Controller] = []

    def start(**options: object) -> None:
        controller = Controller(box, hostname="127.0.0.1", port=port, **options)
        controller.start()
        controllers.append(controller)

    yield start
    for controller in controllers:
        controller.stop()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "safelight.db")
    yield opened
    opened.close()


@pytest.fixture
def notifier(outbox: Outbox, port: int) -> Callable[..., SmtpNotifier]:
    """Give a function that makes notifiers whose notices are all written at time 0."""

    def make(*, recipients: tuple[str, ...] = (OWNER,), digest: str | None = None, **server: Any) -> SmtpNotifier:
        words = {"host": "127.0.0.1", "port": port, "security": "none"} | server.pop("smtp", {})
        smtp = SmtpServer(smtp=Smtp(**words), timeout_s=2, **server)
        return SmtpNotifier(outbox, smtp, Notify(email=recipients, digest=digest), "image-processor", lambda: 0.0)

    return make


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give the server's context, with a certificate of its own making, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=certificate.decode())


def developed(number: int = 1) -> Outcome:
    output = Output(key=f"{number}-320.webp", format="webp", width=320, height=240, size=100_000)
    return outcome(Status.SUCCEEDED, number, renditions=(output,))


def broken(number: int = 1) -> Outcome:
    problem = Problem(code="truncated", message="the file ends too early", remedy="Upload the whole file again.")
    return outcome(Status.REJECTED, number, error=problem)


def outcome(status: Status, number: int, **changes: Any) -> Outcome:
    upload = Upload(bucket="in", key=f"{number}.jpg", version="1", etag="e", size=1_000_000, arrived_at="")
    return Outcome(id=f"job_{number}", status=status, recipe="photos", recipe_digest="d", upload=upload, **changes)


def tell(notifier: SmtpNotifier, *outcomes: Outcome) -> None:
    for one in outcomes:
        notifier.notify(one, message_id=f"{one.id}:1")


AUTH_WITHOUT_STARTTLS = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def check_login(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"me", b"secret"), handled=False)


def test_deliver_mail_carries_headers_of_a_machine(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """A mail says whom it is for, that a machine wrote it, and which job it tells."""
    serve()
    one = notifier(recipients=(OWNER, "other@example.com"), smtp={"sender": "safelight@example.com"})
    tell(one, developed())
    assert one.deliver(10) is None
    [mail] = box.mails
    assert box.recipients == [[OWNER, "other@example.com"]]
    assert mail["From"] == "safelight@example.com"
    assert mail["To"] == f"{OWNER}, other@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == dt.datetime.fromtimestamp(10, dt.UTC)
    assert mail.get_all("X-Safelight-Job") == ["job_1"]
    assert mail.get_content_type() == "text/plain"


@AUTH_WITHOUT_STARTTLS
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_deliver_encrypted_with_login_arrives(
    security: str,
    box: Mailbox,
    serve: Callable[..., None],
    notifier: Callable[..., SmtpNotifier],
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Both ways of encryption work against servers that insist on them and on a login."""
    mine, theirs = contexts
    if security == "tls":
        serve(ssl_context=mine, authenticator=check_login, auth_required=True, auth_require_tls=False)
    else:
        serve(tls_context=mine, require_starttls=True, authenticator=check_login, auth_required=True)
    one = notifier(smtp={"security": security, "username": "me"}, password="secret", context=theirs)  # noqa: S106
    tell(one, developed())
    one.deliver(10)
    assert len(box.mails) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_deliver_unknown_certificate_sends_nothing(  # noqa: PLR0913, PLR0917 - fixtures
    security: str,
    box: Mailbox,
    serve: Callable[..., None],
    notifier: Callable[..., SmtpNotifier],
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A certificate that nobody vouches for stops the mail before anything is said; it is kept and the log says why."""
    serve(**({"ssl_context": contexts[0]} if security == "tls" else {"tls_context": contexts[0]}))
    one = notifier(smtp={"security": security, "username": "me"}, password="secret")  # noqa: S106
    tell(one, developed())
    assert one.deliver(10) == 310
    assert box.mails == []
    assert "certificate" in caplog.text


@AUTH_WITHOUT_STARTTLS
@pytest.mark.parametrize(("password", "said"), [("wrong", "535"), (None, "Set SAFELIGHT_SMTP_PASSWORD.")])
def test_deliver_failed_login_keeps_mail_and_says_so(  # noqa: PLR0913, PLR0917 - fixtures
    password: str | None,
    said: str,
    box: Mailbox,
    serve: Callable[..., None],
    notifier: Callable[..., SmtpNotifier],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A wrong password is not tried again soon, is never logged, and loses nothing: a mended one sends the mail."""
    serve(authenticator=check_login, auth_required=True, auth_require_tls=False)
    one = notifier(smtp={"username": "me"}, password=password)
    tell(one, developed())
    assert one.deliver(10) == 310
    assert box.mails == []
    assert said in caplog.text
    assert "wrong" not in caplog.text
    mended = notifier(smtp={"username": "me"}, password="secret")  # noqa: S106
    assert mended.deliver(310) is None
    assert len(box.mails) == 1


def test_deliver_server_down_backs_off_then_sends_everything(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier], caplog: pytest.LogCaptureFixture
) -> None:
    """While the server is away tries grow rarer, up to 5 minutes; when it is back, two mails tell all that happened."""
    one = notifier()
    tell(one, broken(1))
    now, waits = 10.0, []
    for number in range(2, 12):
        later = one.deliver(now)
        assert later is not None
        waits.append(later - now)
        now = later
        tell(one, broken(number))
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert "mail not sent" in caplog.text
    serve()
    one.deliver(now)
    assert one.deliver(now + 60) is None
    assert box.subjects == [
        "[image-processor] rejected: 1.jpg (truncated)",
        "[image-processor] 10 pictures could not be developed",
    ]


def test_deliver_after_restart_sends_what_was_kept(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier], tmp_path: Path, port: int
) -> None:
    """Notices outlive the process that took them."""
    tell(notifier(), developed())
    serve()
    again = Outbox(tmp_path / "safelight.db")
    server = SmtpServer(smtp=Smtp(host="127.0.0.1", port=port, security="none"))
    SmtpNotifier(again, server, Notify(email=(OWNER,)), "image-processor", lambda: 0.0).deliver(10)
    again.close()
    assert len(box.mails) == 1


def test_deliver_one_refused_recipient_does_not_lose_the_others(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier], caplog: pytest.LogCaptureFixture
) -> None:
    """An address that the server refuses for good is given up and named, and the others get their mail, once."""
    serve()
    box.answers = {"gone@example.com": "550 no such user"}
    one = notifier(recipients=("gone@example.com", OWNER))
    tell(one, developed())
    assert one.deliver(10) is None
    assert one.deliver(1000) is None
    assert box.recipients == [[OWNER]]
    assert "gone@example.com: 550 no such user" in caplog.text


def test_deliver_recipient_refused_for_now_gets_the_mail_later(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """Greylisting delays the mail for that address alone: nobody gets it twice, and it is the same mail."""
    serve()
    box.answers = {"grey@example.com": "451 come again"}
    one = notifier(recipients=("grey@example.com", OWNER))
    tell(one, developed())
    assert one.deliver(10) == 15
    box.answers = {}
    assert one.deliver(15) is None
    assert box.recipients == [[OWNER], ["grey@example.com"]]
    assert box.mails[0].as_bytes() == box.mails[1].as_bytes()


@pytest.mark.parametrize(("answer", "wait_s"), [("550 no such user", 300), ("451 come again", 5)])
def test_deliver_all_recipients_refused_keeps_the_mail(
    answer: str, wait_s: float, box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """While nobody can be reached the mail is kept: tried again soon if the server says so, else after 5 minutes."""
    serve()
    box.answers = {OWNER: answer}
    one = notifier()
    tell(one, developed())
    assert one.deliver(10) == 10 + wait_s
    box.answers = {}
    one.deliver(10 + wait_s)
    assert box.recipients == [[OWNER]]


def test_deliver_refused_contents_do_not_hold_up_other_mails(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """A mail that a filter refuses is tried again now and then, while later ones pass."""
    serve()
    box.answer_to_data = "554 looks like spam"
    one = notifier()
    tell(one, broken(1))
    assert one.deliver(10) == 310
    box.answer_to_data = "250 kept"
    tell(one, broken(2))
    one.deliver(70)
    assert box.subjects == ["[image-processor] rejected: 2.jpg (truncated)"]
    one.deliver(310)
    assert len(box.mails) == 2


def test_deliver_burst_of_failures_is_one_mail(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """Forty failures at once make one mail that lists them all; it goes two seconds after the last."""
    serve()
    one = notifier()
    tell(one, *(broken(n) for n in range(40)))
    assert one.deliver(1) == 2
    assert box.mails == []
    assert one.deliver(2) is None
    assert box.subjects == ["[image-processor] 40 pictures could not be developed"]
    lines = box.mails[0].get_content().splitlines()
    assert all(f"{n + 1:>3}. {n}.jpg" in lines for n in range(40))
    assert len(box.mails[0].get_all("X-Safelight-Job")) == 40


def test_deliver_successes_and_failures_are_apart(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """Good and bad news come in mails of their own, so that one can be filtered."""
    serve()
    one = notifier()
    tell(one, developed(1), broken(2), developed(3))
    one.deliver(2)
    assert box.subjects == [
        "[image-processor] rejected: 2.jpg (truncated)",
        "[image-processor] 2 pictures developed",
    ]


def test_deliver_long_flood_sends_ever_fewer_mails_and_drops_nothing(
    box: Mailbox, serve: Callable[..., None], outbox: Outbox, port: int
) -> None:
    """An hour of failures, one a second, makes few mails, never two in a minute, that together tell every one."""
    serve()
    clock = [0.0]
    server = SmtpServer(smtp=Smtp(host="127.0.0.1", port=port, security="none"))
    one = SmtpNotifier(outbox, server, Notify(email=(OWNER,)), "p1", lambda: clock[0])
    sent_at = []
    for second in range(3600):
        clock[0] = float(second)
        tell(one, broken(second))
        before = len(box.mails)
        one.deliver(clock[0])
        sent_at += [second] * (len(box.mails) - before)
    assert sent_at == [30, 90, 210, 450, 930, 1830, 2730]
    assert one.deliver(3600) == 3630
    assert one.deliver(3630) is None
    assert sum(int(subject.split()[1]) for subject in box.subjects) == 3600
    clock[0] = 5000.0
    tell(one, broken(3600))
    assert one.deliver(5000) == 5002, "after a quiet time a mail goes at once again"


def test_deliver_digest_is_one_mail_for_each_interval(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """With `digest` everything is told in one mail when the interval is over, and an empty interval makes none."""
    serve()
    one = notifier(digest="15m")
    assert one.deliver(0) is None
    tell(one, developed(1), broken(2), developed(3))
    assert one.deliver(10) == 900
    assert one.deliver(899) == 900
    assert one.deliver(900) is None
    assert one.deliver(1800) is None
    assert box.subjects == ["[image-processor] 1 picture could not be developed, 2 developed"]
    body = box.mails[0].get_content()
    assert "Originals     2.0 MB" in body
    assert "Saved         1.8 MB" in body
    assert body.index("2.jpg") < body.index("1.jpg")


def test_deliver_flush_sends_at_once(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier]
) -> None:
    """A service that stops does not keep people waiting for the end of an interval."""
    serve()
    one = notifier(digest="1d")
    tell(one, developed())
    assert one.deliver(0, flush=True) is None
    assert len(box.mails) == 1


def test_notify_without_recipients_keeps_nothing(notifier: Callable[..., SmtpNotifier], outbox: Outbox) -> None:
    """Where nobody is to be told, no notices pile up."""
    one = notifier(recipients=())
    tell(one, developed())
    assert one.deliver(10) is None
    assert outbox.waiting("success", ("success", "success")) is None


def test_deliver_database_not_writable_sends_nothing_and_goes_on(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier], outbox: Outbox
) -> None:
    """A mail whose try cannot be recorded is not sent, or it would be sent again and again; the service goes on."""
    serve()
    one = notifier()
    tell(one, developed())
    one.deliver(0)
    outbox._database._connection.execute("PRAGMA query_only = ON")
    assert one.deliver(10) == 310
    with pytest.raises(Denied):
        tell(one, developed(2))
    outbox._database._connection.execute("PRAGMA query_only = OFF")
    assert one.deliver(310) is None
    assert len(box.mails) == 1


KILLED = """
import sys
from pathlib import Path
from safelight.settings import Notify, Smtp
from safelight.local.notify import SmtpNotifier
from safelight.local.outbox import Outbox
from safelight.local.smtp import SmtpServer
server = SmtpServer(smtp=Smtp(host="127.0.0.1", port=int(sys.argv[2]), security="none"))
notify = Notify(email=("owner@example.com",))
SmtpNotifier(Outbox(Path(sys.argv[1])), server, notify, "image-processor", lambda: 0).deliver(10)
"""


def test_deliver_killed_between_sending_and_recording_repeats_the_same_mail(
    box: Mailbox, serve: Callable[..., None], notifier: Callable[..., SmtpNotifier], tmp_path: Path, port: int
) -> None:
    """A process killed when the server had taken the mail repeats that mail byte for byte, with no new notice."""
    serve()
    one = notifier()
    tell(one, broken(1), broken(2))
    sender = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "safelight.db"), str(port)])
    box.on_data = lambda: os.kill(sender.pid, signal.SIGKILL)
    assert sender.wait(30) == -signal.SIGKILL
    box.on_data = lambda: None
    tell(one, broken(3))
    assert one.deliver(10) == 15
    one.deliver(15)
    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    one.deliver(100)
    assert box.subjects[2:] == ["[image-processor] rejected: 3.jpg (truncated)"]
