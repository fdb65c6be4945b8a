"""The ports in memory, hand-written, and a way to let a process die between any two calls of them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from safelight.errors import Busy, Conflict, LostLease, NotFound, Superseded
from safelight.job import Job, Outcome, Status, Upload, jobs_for
from safelight.ports import Attributes, Body, Claim, Head, KeyHead, Ports
from safelight.recipe.model import DEFAULT_RECIPE, Recipe


def png(shade: int = 0, side: int = 8) -> bytes:
    """Return a grey picture, made without the code under test."""
    rows = b"".join(b"\0" + bytes([shade % 256]) * side for _ in range(side))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        + _chunk(b"tEXt", b"Comment\0%d" % shade)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class Kept(Struct, frozen=True):
    """An object of a `MemoryStore`."""

    version: str
    etag: str
    body: bytes
    attributes: Attributes


class MemoryStore:
    """One bucket. `puts` are the keys written, in their order; `on` holds what an outsider does before a call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: dict[str, Kept] = {}
        self.puts: list[str] = []
        self.on: dict[str, Callable[[], None]] = {}
        self._count = 0

    def drop(self, key: str, body: bytes, *, version: str | None = None, sequencer: str | None = None) -> Upload:
        """Put an object there as an outsider does, and return the upload that its event tells of."""
        self._count += 1
        version = version or f"v{self._count}"
        self.objects[key] = Kept(version, _etag(body), body, Attributes(content_type="image/png"))
        return Upload(
            bucket=self.name,
            key=key,
            version=version,
            etag=_etag(body),
            size=len(body),
            arrived_at="2026-01-02T03:04:05.678Z",
            sequencer=sequencer,
        )

    def head(self, key: str) -> Head | None:
        self._before("head")
        found = self.objects.get(key)
        if found is None:
            return None
        kept = found.attributes
        return Head(
            version=found.version,
            etag=found.etag,
            size=len(found.body),
            metadata=kept.metadata,
            tags=kept.tags,
            content_type=kept.content_type,
        )

    @contextmanager
    def fetch(self, upload: Upload) -> Iterator[Body]:
        self._before("fetch")
        found = self.objects.get(upload.key)
        if found is None:
            raise NotFound("nothing is there")
        if found.version != upload.version:
            raise Superseded("another version is there")
        yield found.body

    def put(self, key: str, body: Body, attributes: Attributes, *, expect: str | None) -> str:
        self._before("put")
        found = self.objects.get(key)
        if (found.etag if found else None) != expect:
            raise Conflict("something else is there")
        whole = body if isinstance(body, bytes) else body.read_bytes()
        self._count += 1
        self.objects[key] = Kept(f"v{self._count}", _etag(whole), whole, attributes)
        self.puts.append(key)
        return _etag(whole)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def walk(self, prefix: str = "") -> Iterator[Upload]:
        for key, found in list(self.objects.items()):
            if key.startswith(prefix):
                yield Upload(
                    bucket=self.name,
                    key=key,
                    version=found.version,
                    etag=found.etag,
                    size=len(found.body),
                    arrived_at="2026-01-02T03:04:05.678Z",
                )

    def _before(self, call: str) -> None:
        act = self.on.pop(call, None)
        if act:
            act()


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


class _Key:
    def __init__(self) -> None:
        self.token = 0
        self.until = 0.0
        self.job: str | None = None
        self.head: KeyHead | None = None


class _Row(Struct, frozen=True):
    outcome: Outcome
    token: int
    owed: bool
    changed: int


class MemoryLedger:
    """The jobs, as the contract in `ports.py` has them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._keys: dict[tuple[str, str], _Key] = {}
        self._rows: dict[str, _Row] = {}
        self._changes = 0

    def claim(self, job: Job, *, lease_s: float) -> Claim:
        key = self._keys.setdefault((job.upload.bucket, job.upload.key), _Key())
        now = self._now()
        if key.until > now:
            raise Busy("another worker develops this key now", retry_after_s=key.until - now)
        key.token = max(key.token + 1, int(now * 1000))
        key.until, key.job = now + lease_s, job.id
        row = self._rows.get(job.id)
        return Claim(
            job_id=job.id,
            bucket=job.upload.bucket,
            key=job.upload.key,
            token=key.token,
            head=key.head,
            known=row.outcome if row else None,
            known_token=row.token if row else None,
            notified=row is not None and row.outcome.status.ended and not row.owed,
        )

    def start(self, claim: Claim, outcome: Outcome, head: KeyHead) -> None:
        key = self._held(claim)
        row = self._rows.get(claim.job_id)
        self._save(claim, replace(outcome, attempts=row.outcome.attempts + 1 if row else 1))
        key.head = head

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        key = self._held(claim)
        row = self._rows.get(claim.job_id)
        if row and row.token == claim.token and row.outcome.status.ended:
            return
        self._save(claim, replace(outcome, attempts=row.outcome.attempts) if row else outcome)
        if not outcome.owes_notice:
            key.until, key.job = 0.0, None

    def release(self, claim: Claim) -> None:
        key = self._keys[claim.bucket, claim.key]
        if key.token == claim.token:
            key.until, key.job = 0.0, None

    def abandon(self, job_id: str) -> None:
        for key in self._keys.values():
            if key.job == job_id:
                key.until, key.job = 0.0, None

    def reopen(self, job_id: str) -> Outcome | None:
        row = self._rows.get(job_id)
        if row is None or not row.outcome.status.ended:
            return row.outcome if row else None
        old = row.outcome
        queued = Outcome(
            id=old.id,
            status=Status.QUEUED,
            recipe=old.recipe,
            recipe_digest=old.recipe_digest,
            upload=old.upload,
            attempts=old.attempts,
        )
        self._changes += 1
        self._rows[job_id] = _Row(queued, row.token, owed=False, changed=self._changes)
        return queued

    def mark_notified(self, job_id: str, token: int) -> None:
        row = self._rows.get(job_id)
        if row and row.token == token:
            self._rows[job_id] = replace(row, owed=False)

    def unnotified(self, *, limit: int = 100) -> list[tuple[Outcome, int]]:
        owed = sorted((row for row in self._rows.values() if row.owed), key=lambda row: row.changed)
        return [(row.outcome, row.token) for row in owed[:limit]]

    def get(self, job_id: str) -> Outcome | None:
        row = self._rows.get(job_id)
        return row.outcome if row else None

    def head(self, bucket: str, key: str) -> KeyHead | None:
        found = self._keys.get((bucket, key))
        return found.head if found else None

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        rows = sorted(self._rows.values(), key=lambda row: row.changed, reverse=True)
        if after is not None:
            before = self._rows[after].changed if after in self._rows else 0
            rows = [row for row in rows if row.changed < before]
        return [row.outcome for row in rows if status in (None, row.outcome.status)][:limit]

    def _held(self, claim: Claim) -> _Key:
        key = self._keys[claim.bucket, claim.key]
        if key.token != claim.token:
            raise LostLease("another worker has taken this key over since")
        return key

    def _save(self, claim: Claim, outcome: Outcome) -> None:
        self._changes += 1
        owed = outcome.status.ended and outcome.status is not Status.SUPERSEDED
        self._rows[claim.job_id] = _Row(outcome, claim.token, owed=owed, changed=self._changes)


class MemoryNotifier:
    """Keeps what it was told, repeats included; `told` leaves repeats of a message id out, as people see it."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, Outcome]] = []

    def notify(self, outcome: Outcome, *, message_id: str) -> bool:
        self.notices.append((message_id, outcome))
        return False

    @property
    def told(self) -> dict[str, Outcome]:
        return dict(self.notices)

    @property
    def statuses(self) -> list[str]:
        return [outcome.status.value for _, outcome in self.notices]


class World:
    """A world in memory: its ports, and what a test asks of them."""

    def __init__(self, *, replace_foreign: bool = False) -> None:
        self.clock = Clock()
        self.input, self.output = MemoryStore("in"), MemoryStore("out")
        self.ledger, self.notifier = MemoryLedger(self.clock.now), MemoryNotifier()
        self.ports = Ports(
            input=self.input,
            output=self.output,
            ledger=self.ledger,
            notifier=self.notifier,
            now=self.clock.now,
            replace_foreign=replace_foreign,
        )

    def metadata(self, key: str) -> Mapping[str, str]:
        return self.output.objects[key].attributes.metadata

    def bytes(self, key: str) -> bytes:
        return self.output.objects[key].body


def job_for(upload: Upload, recipe: Recipe = DEFAULT_RECIPE) -> Job:
    """Return the one job of an upload by a recipe."""
    (job,) = jobs_for(upload, (recipe,))
    return job


class Killed(BaseException):
    """Stands for SIGKILL."""


class Death:
    """Decides at which step of the ports a process dies; once dead, no call of its ports does anything any more."""

    def __init__(self, at_step: int | None = None) -> None:
        self.steps: list[str] = []
        self._at = at_step
        self._dead = False

    def step(self, name: str) -> None:
        if self._dead:
            raise Killed
        self.steps.append(name)
        if len(self.steps) == self._at:
            self._dead = True
            raise Killed(name)

    def wrap(self, ports: Ports) -> Ports:
        """Return ports that may die before and after each call."""
        return replace(
            ports,
            input=Mortal(ports.input, self, "input"),
            output=Mortal(ports.output, self, "output"),
            ledger=Mortal(ports.ledger, self, "ledger"),
            notifier=Mortal(ports.notifier, self, "notifier"),
        )


class Mortal:
    """A port whose calls are steps: one before each call, one after it."""

    def __init__(self, port: Any, death: Death, name: str) -> None:
        self._port, self._death, self._name = port, death, name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._port, attribute)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            self._death.step(f"before {self._name}.{attribute}")
            result = found(*arguments, **options)
            self._death.step(f"after {self._name}.{attribute}")
            return result

        return call
