"""The five ports: what the pipeline needs of the world. The docstrings are the contract; tests/contract checks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from safelight.job import Job, Outcome, Status, Upload

Body = bytes | Path
"""The bytes of an object: in memory, or in a file that stays as it is."""


class Head(Struct, frozen=True, kw_only=True):
    """What a store tells of an object without its bytes.

    A store may leave `tags` out: S3 tells of them in another call only, and whoever writes here knows them.
    """

    version: str
    etag: str
    size: int
    metadata: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    content_type: str = "application/octet-stream"


class Attributes(Struct, frozen=True, kw_only=True):
    """What is kept beside an object's bytes. Metadata is ASCII; names are small letters and hyphens."""

    content_type: str
    metadata: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}


class Store(Protocol):
    """One bucket. Every method raises `InvalidKey`, `Denied`, `DiskFull` or `Unavailable` where it applies."""

    name: str

    def head(self, key: str) -> Head | None:
        """Return what is at `key` now, or None when nothing is."""

    def fetch(self, upload: Upload) -> AbstractContextManager[Body]:
        """Give the bytes of exactly that version while the context lasts.

        A bucket with versions gives one that was replaced or deleted as long as it keeps it.

        Raises:
            NotFound: nothing is at the key any more.
            Superseded: another version is there, or the object changed while it was read.
        """

    def put(self, key: str, body: Body, attributes: Attributes, *, expect: str | None) -> str:
        """Write an object, whole or not at all, and return its etag. Bytes and attributes change together.

        The etag tells of the bytes. Each put makes another version; in a bucket without versions only other bytes do.
        `expect` is the etag that must be there now; None: nothing may be there.

        Raises:
            Conflict: something else is there. Nothing was written.
            KeyConflict: no object can ever be there: a folder has the key, or a part of the key is a file.
            TooLarge: the store takes no object of this size at once.
        """

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""

    def walk(self, prefix: str = "") -> Iterator[Upload]:
        """List the current version of every object whose key starts with `prefix`, in no promised order.

        What cannot be listed (a folder without permission, a name that is no text) is logged and left out.
        """


class KeyHead(Struct, frozen=True, kw_only=True):
    """The newest version of a key that a worker has begun."""

    version: str
    sequencer: str | None = None


class Claim(Struct, frozen=True, kw_only=True):
    """The right to work on one key until the lease ends.

    `token` grows with every claim of the key, also over a ledger that was lost (it is at least the clock's
    milliseconds). `head`, `known`, the token of its last start or ending, and whether that ending was told are what
    the ledger knew when the claim was made.
    """

    job_id: str
    bucket: str
    key: str
    token: int
    head: KeyHead | None = None
    known: Outcome | None = None
    known_token: int | None = None
    notified: bool = False


class Ledger(Protocol):
    """The jobs. All methods are atomic and durable when they return; `Unavailable` when they cannot be."""

    def claim(self, job: Job, *, lease_s: float) -> Claim:
        """Lease the job's key.

        Raises:
            Busy: another claim's lease on this key has not ended.
        """

    def start(self, claim: Claim, outcome: Outcome, head: KeyHead) -> None:
        """Record that the job runs, count the attempt, and make its version the key's head.

        The count is the ledger's own: whatever `outcome.attempts` says, the job has one more than before.

        Raises:
            LostLease: a later claim was made on this key.
        """

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Record how the job ended, and owe a notice for it. The lease ends where none is owed, else with `release`.

        A repeat with the same claim changes nothing.

        A job may end without a start; where it was started, `attempts` stays as the ledger counted it.

        Raises:
            LostLease: a later claim was made on this key.
        """

    def release(self, claim: Claim) -> None:
        """End the lease early; the job stays as it is. A claim that is no longer held is no error."""

    def abandon(self, job_id: str) -> None:
        """End the lease that this job's worker held, since that worker is known to be dead."""

    def reopen(self, job_id: str) -> Outcome | None:
        """Put an ended job back to `queued`, so that its next message develops it again; None when it is unknown."""

    def mark_notified(self, job_id: str, token: int) -> None:
        """Record that the notice of the ending that `token` made was handed over.

        When the job has begun again or ended anew since, this changes nothing.
        """

    def unnotified(self, *, limit: int = 100) -> list[tuple[Outcome, int]]:
        """List the endings whose notice is still owed, the oldest first, each with the token for `mark_notified`.

        Superseded jobs are not among them: nobody is told of those.
        """

    def get(self, job_id: str) -> Outcome | None:
        """Return the job, or None."""

    def head(self, bucket: str, key: str) -> KeyHead | None:
        """Return the key's head, or None when no worker ever began it."""

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        """List jobs, the one that changed last first; `after` is the id of the last one already seen.

        After an id that is unknown there is nothing.
        """


class Message(Struct, frozen=True, kw_only=True):
    """One delivery of a queue message. `receives` counts this one."""

    id: str
    body: bytes
    receives: int
    receipt: str


class Buried(Struct, frozen=True, kw_only=True):
    """A message that is kept but no longer delivered. `reason` is the code of the error that it ended with."""

    id: str
    body: bytes
    reason: str


class Queue(Protocol):
    """Messages that stay until they are deleted. Delivery is at least once, in no promised order."""

    def send(self, body: bytes, *, id: str, delay_s: float = 0) -> None:  # noqa: A002 - the field's word
        """Add a message; one with the same id that is still there is left as it is."""

    def receive(self, limit: int, *, visible_again_s: float) -> list[Message]:
        """Take up to `limit` messages and hide them for a while."""

    def delete(self, message: Message) -> None:
        """Acknowledge. Only the newest delivery of a message can; an older one's call changes nothing."""

    def release(self, message: Message, *, delay_s: float) -> None:
        """Hand back: visible again after `delay_s`. Only the newest delivery can."""

    def bury(self, message: Message, *, reason: str) -> None:
        """Deliver no more, but keep the message for a replay, one of each id. Only the newest delivery can."""

    def buried(self, *, limit: int = 100) -> list[Buried]:
        """List the messages that are kept, in no promised order."""

    def exhume(self, message_id: str) -> bool:
        """Deliver a kept message again as if it were new; False when none is kept under that id."""


class Notifier(Protocol):
    """Tells people how jobs ended."""

    def notify(self, outcome: Outcome, *, message_id: str) -> bool:
        """Hand over one notice. A repeat with the same `message_id` must not look like a second event.

        Returns:
            Whether it stays owed, since somebody else collects what is owed into a digest.

        Raises:
            Unavailable: it could not be handed over; the caller tries again.
        """


class Meter(Protocol):
    """Prices one job after the other."""

    def begin(self) -> None:
        """Start a job's account."""

    def cost_usd(self, outcome: Outcome) -> float:
        """Return what the job cost that ends with this outcome."""


class Ports(Struct, frozen=True, kw_only=True):
    """The world as one job sees it."""

    input: Store
    output: Store
    ledger: Ledger
    notifier: Notifier
    now: Callable[[], float]
    environment: str = "local"
    assets: Mapping[str, bytes] = {}
    """Logos and fonts by the names that recipes have for them."""
    replace_foreign: bool = False
    """Whether an output may replace a file that Safelight did not make (`safelight run`)."""
    meter: Meter | None = None
    """Where jobs cost money."""
