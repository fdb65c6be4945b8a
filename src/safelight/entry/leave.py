"""Originals that are gone: their deletions are queued, where a recipe takes the outputs along.

A scan cannot see a deletion, only that something is not there, and an input folder whose disk is not mounted looks as
if all had been deleted. So each folder carries a mark of its own, and an original counts as deleted only where it was
seen before: in the folder with the same mark, at an earlier scan or when it was developed. What was deleted before a
recipe said `on_delete: remove` was never seen so, and its outputs stay. A bucket that is missing says so itself.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from pathlib import Path

from safelight import event
from safelight.errors import SafelightError
from safelight.job import Outcome, Status
from safelight.local.keys import OWN_PREFIX
from safelight.local.ports import Local, World
from safelight.remove import removals
from safelight.times import timestamp

MARK = OWN_PREFIX + "-input"
GRACE_S = 2.0
"""Many programs save by deleting or moving the old file and writing the new one in its place."""

_MARK = re.compile("[0-9a-f]{32}")
_log = logging.getLogger("safelight")


def removes(world: World) -> bool:
    """Return whether any recipe takes outputs along."""
    return any(recipe.on_delete == "remove" for recipe in world.settings.recipes)


def check(world: World) -> None:
    """Say so in the log when scans cannot look for deletions."""
    for bucket, root in world.inputs:
        if removes(world) and root.is_dir() and place_of(world, bucket) is None:
            _log.warning("scans do not look for deletions: %s cannot be written in the input folder", MARK)


def notice(local: Local, bucket: str, key: str) -> None:
    """Queue the deletions of a file, or of those that were in a folder; what fails here, a scan makes good."""
    try:
        take(local, bucket, key)
    except SafelightError as err:
        _log.warning("the deletion of %s was not queued: %s", key, err.message, extra={"code": err.code})
    except Exception:  # noqa: BLE001 -- the thread of the watch must go on
        _log.exception("the deletion of %s was not queued", key)


def take(local: Local, bucket: str, key: str) -> None:
    """Queue the deletions of what was at `key` or, if that was a folder, below it, and is gone.

    Raises:
        SafelightError: the ledger, the queue or the store did not answer, or all of the store is missing.
    """
    if not removes(local.world):
        return
    for each in local.ledger.begun(bucket, key):
        if _is_gone(local, bucket, each):
            _queue(local, bucket, each)


def remember(local: Local, outcome: Outcome) -> None:
    """Record where the original of a developed upload was seen, in case that no scan sees it before it goes."""
    bucket = outcome.upload.bucket
    if outcome.status is not Status.SUCCEEDED or not removes(local.world):
        return
    try:
        place = place_of(local.world, bucket)
        if place:
            local.ledger.see(bucket, [outcome.upload.key], place)
    except SafelightError as err:
        _log.warning("a scan has to see %s: %s", outcome.upload.key, err.message, extra={"code": err.code})


class RollCall:
    """What one scan sees, to be compared with what earlier ones saw in the same place.

    Args:
        local: the world.
        bucket: which of its inputs.
    """

    def __init__(self, local: Local, bucket: str) -> None:
        self._local = local
        self._bucket = bucket
        self._place = place_of(local.world, bucket) if removes(local.world) else None
        self._there: set[str] = set()
        self._begun: set[str] = set()

    def see(self, key: str, *, begun: bool) -> None:
        """Take note of an original; `begun`: a worker has begun this very version."""
        if self._place:
            self._there.add(key)
            if begun:
                self._begun.add(key)

    def end(self) -> int:
        """Queue the deletions of what is missing after a whole scan, and return how many those are.

        Raises:
            SafelightError: the ledger, the queue or the store did not answer.
        """
        place, ledger = self._place, self._local.ledger
        # Read again: a disk may have gone while it was listed.
        if place is None or place_of(self._local.world, self._bucket) != place:
            return 0
        seen = ledger.seen(self._bucket, place)
        if new := self._begun - seen:
            ledger.see(self._bucket, sorted(new), place)
        return sum(self._missing(key) for key in sorted(seen - self._there))

    def _missing(self, key: str) -> bool:
        try:
            # What could not be listed, as a folder without permission, is not gone.
            return self._local.inputs[self._bucket].upload_at(key) is None and _queue(self._local, self._bucket, key)
        except SafelightError as err:
            _log.warning("%s may be gone or not: %s", key, err.message, extra={"code": err.code})
            return False


def place_of(world: World, bucket: str) -> str | None:
    """Return by what an input is known to be the same as before; None where it is missing or takes no mark."""
    if world.storage:
        return f"{world.storage.endpoint}/{bucket}"
    mark = dict(world.inputs)[bucket] / MARK
    try:
        return _read(mark) or _marked(mark)
    except OSError:
        return None


def _read(mark: Path) -> str | None:
    text = mark.read_text(errors="replace").strip() if mark.is_file() else ""
    return text if _MARK.fullmatch(text) else None


def _marked(mark: Path) -> str:
    token = secrets.token_hex(16)
    draft = mark.with_name(f"{mark.name}.{token}")
    draft.write_text(token + "\n", encoding="ascii")
    draft.replace(mark)
    return token


def _is_gone(local: Local, bucket: str, key: str) -> bool:
    store = local.inputs[bucket]
    if store.upload_at(key) is not None:
        return False
    if local.world.storage:
        next(store.walk(key), None)  # raises where the bucket is missing, of which a key's own request does not tell
    return True


def _queue(local: Local, bucket: str, key: str) -> bool:
    deletion = event.Deletion(bucket=bucket, key=key, deleted_at=timestamp(time.time()))
    if not removals(deletion, local.world.settings.recipes):
        return False
    local.queue.send(event.departure(deletion), id=event.departure_id(deletion), delay_s=GRACE_S)
    return True
