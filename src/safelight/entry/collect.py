"""The digest: what is owed is told in one mail, and then no longer owed.

Who is ended between any two steps leaves a parcel behind, which the next one ends: the same mail again, under the same
id, if it was not known to be handed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from safelight.aws.parcels import Parcel
from safelight.job import Outcome
from safelight.ports import Ledger

BATCH = 1000
"""How many endings one mail tells of; those beyond go into another."""
LEAST_S = 30.0
"""Another mail is not begun with less time than this, which handing it over may take on a bad day."""
_log = logging.getLogger("safelight")


class Mail(Protocol):
    """How people are told."""

    def publish(self, outcomes: Sequence[Outcome], *, message_id: str) -> None:
        """Hand over one mail."""


class Store(Protocol):
    """Where the mail in the making is recorded."""

    def left(self) -> Parcel | None:
        """Take over what an earlier function did not end."""

    def make(self, endings: tuple[tuple[str, int], ...]) -> Parcel:
        """Begin a digest."""

    def sent(self, parcel: Parcel) -> None:
        """Record that the mail was handed over."""

    def close(self, parcel: Parcel) -> None:
        """Forget a digest of which all is done."""


class Told(Struct, frozen=True, kw_only=True):
    """What one run did."""

    mails: int = 0
    endings: int = 0


class Collector:
    """Tells of everything that is owed.

    Args:
        ledger: what is owed.
        parcels: the mail in the making.
        mail: how it is told.
        wants: whether anybody is told of an ending; it may be owed since a time at which somebody wanted it.
    """

    def __init__(self, ledger: Ledger, parcels: Store, mail: Mail, wants: Callable[[Outcome], bool]) -> None:
        self._ledger = ledger
        self._parcels = parcels
        self._mail = mail
        self._wants = wants

    def run(self, left_s: Callable[[], float]) -> Told:
        """Tell of what is owed, in as few mails as that takes.

        Args:
            left_s: how much time is left; what it does not allow waits for the next run.

        Raises:
            SafelightError: not all could be told; `Busy` where another one tells it now.
        """
        # The index follows the table within a second or so: what was just told may be found there once more.
        done: set[tuple[str, int]] = set()
        mails = 0
        if left := self._parcels.left():
            mails += self._end(left, self._outcomes(left))
            done.update(left.endings)
        while left_s() >= LEAST_S or not done:
            owed = [each for each in self._ledger.unnotified(limit=BATCH) if (each[0].id, each[1]) not in done]
            if not owed:
                return Told(mails=mails, endings=len(done))
            mails += self._tell(owed)
            done.update((outcome.id, token) for outcome, token in owed)
        _log.warning("no time is left for the rest of the digest; it waits for the next one")
        return Told(mails=mails, endings=len(done))

    def _tell(self, owed: Sequence[tuple[Outcome, int]]) -> int:
        """Tell of endings, those apart that nobody wants to hear of; return how many mails that took."""
        wanted = [each for each in owed if self._wants(each[0])]
        for outcome, token in owed:
            if not self._wants(outcome):
                self._ledger.mark_notified(outcome.id, token)
        if not wanted:
            return 0
        parcel = self._parcels.make(tuple((outcome.id, token) for outcome, token in wanted))
        return self._end(parcel, [outcome for outcome, _ in wanted])

    def _end(self, parcel: Parcel, outcomes: Sequence[Outcome]) -> int:
        mails = 0
        if outcomes and not parcel.sent:
            self._mail.publish(outcomes, message_id=parcel.id)
            _log.info("digest %s tells of %d jobs", parcel.id, len(outcomes))
            self._parcels.sent(parcel)
            mails = 1
        for job_id, token in parcel.endings:
            self._ledger.mark_notified(job_id, token)
        self._parcels.close(parcel)
        return mails

    def _outcomes(self, parcel: Parcel) -> list[Outcome]:
        """Return the endings of a parcel that is to be handed over again; jobs that were begun anew are left out."""
        if parcel.sent:
            return []
        found = (self._ledger.get(job_id) for job_id, _ in parcel.endings)
        return [each for each in found if each is not None and each.owes_notice and self._wants(each)]
