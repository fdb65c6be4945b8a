"""The digest that is in the making: which endings it tells of, so that a crash repeats the same mail or none.

It is the one item `digest` of the ledger's table, and there is at most one: a function that finds what another left
behind ends that first. Only GetItem and UpdateItem are called.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from safelight.aws import table
from safelight.aws.client import Client
from safelight.aws.table import Number, Text, Values, values
from safelight.errors import Busy

PK = "digest"
LEASE_S = 45.0
"""How long after its last sign of life a function is taken to work on the digest; Lambda tries again after a minute."""

_MAKE = "SET #parcel = :parcel, #record = :record, #holder = :holder, #until = :until REMOVE #sent"
_FREE = "attribute_not_exists(#parcel) OR #parcel = :parcel"
_TAKE = "SET #holder = :holder, #until = :until"
_LEFT = "#parcel = :parcel AND (#until <= :now OR #holder = :holder)"
_SENT = "SET #sent = :parcel, #until = :until"
_CLOSE = "REMOVE #parcel, #record, #holder, #until, #sent"
_SAME = "#parcel = :parcel"


class Parcel(Struct, frozen=True, kw_only=True):
    """One digest: its id, and the endings that it tells of, each as a job's id and the token of its ending."""

    id: str
    endings: tuple[tuple[str, int], ...]
    sent: bool = False


class _Item(Struct):
    parcel: Text | None = None
    record: Text = Text("[]")
    until: Number = Number("0")
    sent: Text | None = None


class _Answer(Struct):
    Item: _Item | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode


class Parcels:
    """The digests of one deployment.

    Args:
        client: how DynamoDB is reached.
        name: the ledger's table.
        now: seconds since 1970.
        unique: gives a text that no other call was ever given.
    """

    def __init__(self, client: Client, name: str, *, now: Callable[[], float], unique: Callable[[], str]) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._unique = unique

    def left(self) -> Parcel | None:
        """Take over the digest that an earlier function did not end; None when there is none.

        Raises:
            Busy: another function works on it now.
        """
        found = self._client.json("dynamodb", "GetItem", table.reading(self._name, PK), _Answer).Item
        if found is None or found.parcel is None:
            return None
        given = self._leased() | values(parcel=found.parcel.S, now=self._now())
        self._update(_TAKE, given, _LEFT)
        return Parcel(id=found.parcel.S, endings=_decode(found.record.S), sent=found.sent is not None)

    def make(self, endings: tuple[tuple[str, int], ...]) -> Parcel:
        """Begin a digest; it is durable when this returns.

        Raises:
            Busy: another function has begun one.
        """
        parcel = Parcel(id=f"digest-{self._unique()}", endings=endings)
        self._update(_MAKE, self._leased() | values(parcel=parcel.id, record=_encode(endings).decode()), _FREE)
        return parcel

    def sent(self, parcel: Parcel) -> None:
        """Record that the mail was handed over.

        Raises:
            Busy: another function has taken the digest over.
        """
        until = values(until=self._now() + LEASE_S)
        self._update(_SENT, until | values(parcel=parcel.id), _SAME)

    def close(self, parcel: Parcel) -> None:
        """Forget a digest of which all is done; doing so again is no error."""
        self._update(_CLOSE, values(parcel=parcel.id), f"attribute_not_exists(#parcel) OR {_SAME}")

    def _leased(self) -> Values:
        return values(holder=self._unique(), until=self._now() + LEASE_S)

    def _update(self, expression: str, given: Values, condition: str) -> None:
        if not table.updated(self._client, table.updating(self._name, PK, expression, given, condition)):
            raise Busy("another function makes the digest now", retry_after_s=LEASE_S)
