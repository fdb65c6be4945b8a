"""One mail to one SMTP server: written as RFC 5322 wants it, sent, and the answers sorted into what to do next."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

from msgspec import Struct

from safelight.errors import Denied, SafelightError
from safelight.mail import Mail
from safelight.settings import Smtp


class SmtpServer(Struct, frozen=True, kw_only=True):
    """A mail server and how to talk to it. Without a `context` the system's certificate authorities are trusted."""

    smtp: Smtp
    password: str | None = None
    context: ssl.SSLContext | None = None
    timeout_s: float = 10


class Receipt(Struct, frozen=True, kw_only=True):
    """What the server did with a mail.

    Attributes:
        accepted: recipients that it took the mail for.
        refused: recipients that it will never take it for.
        problem: what went wrong, for the log; empty when nothing did.
        lasting: whether the problem stays until somebody mends something.
        of_contents: whether it lies in this mail alone, so that others may pass.
    """

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    problem: str = ""
    lasting: bool = False
    of_contents: bool = False


def message_of(mail: Mail, *, id: str, at: float, sender: str, recipients: Sequence[str]) -> EmailMessage:  # noqa: A002
    """Write the mail; the same arguments give the same message, its Message-ID included.

    Source: RFC 3834 (Auto-Submitted), RFC 2045 (quoted-printable for what is not ASCII or has long lines).
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = mail.subject
    message["Date"] = datetime.fromtimestamp(at, UTC)
    message["Message-ID"] = f"<{id}@safelight.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    for job in mail.jobs:
        message["X-Safelight-Job"] = job
    plain = mail.body.isascii() and max(map(len, mail.body.split("\n"))) < 78
    message.set_content(mail.body, cte="7bit" if plain else "quoted-printable")
    return message


def send(server: SmtpServer, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Receipt:
    """Send a message to each of `recipients`; whatever the server does comes back as a receipt."""
    try:
        with _connected(server) as connection:
            answers = connection.send_message(message, sender, recipients)
    except smtplib.SMTPRecipientsRefused as err:
        answers = err.recipients
    except (OSError, UnicodeError, SafelightError) as err:  # every error of smtplib and ssl is an OSError
        lasts = _lasts(err)
        return Receipt(problem=_text(err), lasting=lasts, of_contents=lasts and isinstance(err, smtplib.SMTPDataError))
    return _sorted(recipients, answers)


def reach(server: SmtpServer) -> str:
    """Connect and log in as for a mail, but send nothing; return what went wrong, or nothing."""
    try:
        with _connected(server) as connection:
            connection.ehlo_or_helo_if_needed()
    except (OSError, UnicodeError, SafelightError) as err:
        return _text(err)
    return ""


def _sorted(recipients: Sequence[str], answers: dict[str, tuple[int, bytes]]) -> Receipt:
    refused = tuple(address for address, (code, _) in answers.items() if code >= 500)
    return Receipt(
        accepted=tuple(address for address in recipients if address not in answers),
        refused=refused,
        problem="; ".join(f"{address}: {code} {_line(text)}" for address, (code, text) in answers.items()),
        lasting=bool(answers) and len(refused) == len(answers),
    )


@contextlib.contextmanager
def _connected(server: SmtpServer) -> Iterator[smtplib.SMTP]:
    connection = _connect(server)
    try:
        _log_in(connection, server)
        yield connection
        # The mail is the server's now: how the farewell goes must not count as a failure, or it would be sent twice.
        with contextlib.suppress(OSError):
            connection.quit()
    finally:
        connection.close()


def _connect(server: SmtpServer) -> smtplib.SMTP:
    smtp, name, timeout = server.smtp, _own_name(), server.timeout_s
    context = None if smtp.security == "none" else server.context or ssl.create_default_context()
    if smtp.security == "tls":
        return smtplib.SMTP_SSL(smtp.host, smtp.port, name, timeout=timeout, context=context)
    connection = smtplib.SMTP(smtp.host, smtp.port, name, timeout=timeout)
    if smtp.security == "starttls":
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection


def _log_in(connection: smtplib.SMTP, server: SmtpServer) -> None:
    smtp = server.smtp
    if smtp.username is None:
        return
    if server.password is None:
        raise Denied(f"no password for {smtp.username} at {smtp.host}", remedy=f"Set {smtp.password_env}.")
    connection.login(smtp.username, server.password)


def _own_name() -> str:
    # smtplib would ask the DNS for it, which takes seconds when there is no network.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _lasts(err: Exception) -> bool:
    if isinstance(err, smtplib.SMTPResponseException):
        return err.smtp_code >= 500
    return isinstance(err, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError | UnicodeError | SafelightError)


def _text(err: Exception) -> str:
    if isinstance(err, smtplib.SMTPResponseException):
        return f"{err.smtp_code} {_line(err.smtp_error)}"
    remedy = f" {err.remedy}" if isinstance(err, SafelightError) else ""
    return f"{err or type(err).__name__}{remedy}"


def _line(text: bytes | str) -> str:
    line = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(line.split())
