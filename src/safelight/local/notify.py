"""The notifier of one machine: e-mail by SMTP; a burst makes one mail, and nothing is lost while the server is away."""

import logging
from collections.abc import Callable, Sequence

from safelight.errors import SafelightError
from safelight.job import Outcome
from safelight.local.outbox import Kinds, Outbox, Parcel, Waiting
from safelight.local.smtp import Receipt, SmtpServer, message_of, send
from safelight.mail import Sender, compose, kind_of
from safelight.recipe.units import seconds
from safelight.settings import Notify

LOG = logging.getLogger("safelight.notify")

QUIET_S = 2  # a mail goes when no notice came for so long,
COLLECT_S = 30  # or when its first has waited so long
FIRST_GAP_S = {"failure": 60, "success": 10}  # from one mail to the next; doubles while notices keep coming
MAX_GAP_S = 900
FIRST_BACKOFF_S = 5
MAX_BACKOFF_S = 300


class SmtpNotifier:
    """Tells people by e-mail. `notify` only writes into the outbox; `deliver` sends, and is called by the service.

    Without a server or recipients nothing is told and nothing is kept.
    """

    def __init__(
        self, outbox: Outbox, server: SmtpServer | None, settings: Notify, project: str, now: Callable[[], float]
    ) -> None:
        self._outbox = outbox
        self._server = server if settings.email else None
        self._settings = settings
        self._project = project
        self._now = now

    def notify(self, outcome: Outcome, *, message_id: str) -> bool:
        """Keep a notice for `deliver` if `notify.on` asks for it; it is durable when this returns."""
        kind = kind_of(outcome.status)
        if self._server is not None and kind is not None and kind in self._settings.on:
            self._outbox.add(message_id, kind, outcome, self._now())
        return False

    def deliver(self, now: float, *, flush: bool = False) -> float | None:
        """Send the mails that are due, and return the time at which to call again: None when nothing waits.

        Never raises because of a server or the database; it may take the server's timeouts: give it a thread.

        Args:
            now: seconds, by the notifier's clock.
            flush: do not wait for more notices, as the service stops; a server that just failed is still left alone.
        """
        if self._server is None:
            return None
        try:
            for subject, kinds in self._subjects():
                self._make(subject, kinds, now, flush=flush)
            for parcel in self._outbox.due(now):
                self._try(self._server, parcel, now)
            return self._next()
        except SafelightError as err:
            LOG.error("mail waits: %s; next try in %d s", err, MAX_BACKOFF_S)  # noqa: TRY400 - the message says it all
            return now + MAX_BACKOFF_S

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()

    def _subjects(self) -> list[tuple[str, Kinds]]:
        if self._settings.digest:
            return [("digest", ("failure", "success"))]
        return [("failure", ("failure", "failure")), ("success", ("success", "success"))]

    def _make(self, subject: str, kinds: Kinds, now: float, *, flush: bool) -> None:
        """Make the mail of all that waits, if it is time."""
        waiting = self._outbox.waiting(subject, kinds)
        if waiting is None or waiting.blocked:
            return
        if flush or now >= ready_at(waiting, self._settings.digest):
            self._outbox.make(subject, kinds, now, gap_after(waiting, subject))

    def _next(self) -> float | None:
        found = [self._outbox.waiting(subject, kinds) for subject, kinds in self._subjects()]
        times = [ready_at(waiting, self._settings.digest) for waiting in found if waiting and not waiting.blocked]
        return min((at for at in (*times, self._outbox.next_try_at()) if at is not None), default=None)

    def _try(self, server: SmtpServer, parcel: Parcel, now: float) -> None:
        wait_s = min(FIRST_BACKOFF_S * 2 ** min(parcel.tries, 10), MAX_BACKOFF_S)
        self._outbox.begin_try(parcel, now + wait_s)
        left = [address for address in self._settings.email if address not in parcel.settled]
        receipt = self._send(server, parcel, left) if left else Receipt()
        settled = {*parcel.settled, *receipt.accepted}
        # One wrong address among good ones is given up; while nobody was reached the mail is kept for better days.
        settled |= set(receipt.refused) if settled else set()
        if settled.issuperset(left):
            self._outbox.sent(parcel, now, sorted(settled))
            LOG.info("mail sent to %d of %d", len(receipt.accepted), len(left))
        else:
            wait_s = MAX_BACKOFF_S if receipt.lasting else wait_s
            self._outbox.postpone(parcel, now + wait_s, sorted(settled), refused=receipt.of_contents)
        if receipt.problem:
            then = f"given up: {', '.join(receipt.refused)}" if settled.issuperset(left) else f"next try in {wait_s} s"
            LOG.warning("mail not sent: %s; %s", receipt.problem, then)

    def _send(self, server: SmtpServer, parcel: Parcel, left: Sequence[str]) -> Receipt:
        mail = compose(Sender(project=self._project), self._outbox.outcomes(parcel))
        everybody = self._settings.email
        sender = server.smtp.sender or everybody[0]
        message = message_of(mail, id=parcel.id, at=parcel.made_at, sender=sender, recipients=everybody)
        return send(server, message, sender, left)


def ready_at(waiting: Waiting, digest: str | None) -> float:
    """Return when the waiting notices become a mail."""
    if digest:
        return waiting.first_at + seconds(digest)
    return max(_burst_ends_at(waiting), waiting.gap_ends_at)


def gap_after(waiting: Waiting, subject: str) -> float:
    """Return how long after this mail the next about `subject` may come: the longer, the longer the flood lasts."""
    flood = _burst_ends_at(waiting) < waiting.gap_ends_at
    return min(2 * waiting.gap_s, MAX_GAP_S) if flood else FIRST_GAP_S.get(subject, 0)


def _burst_ends_at(waiting: Waiting) -> float:
    return min(waiting.last_at + QUIET_S, waiting.first_at + COLLECT_S)
