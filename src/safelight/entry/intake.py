"""From files in the input folder to messages in the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from safelight import event
from safelight.entry.watch import STILL_S
from safelight.errors import SafelightError
from safelight.job import Upload
from safelight.local import ports as local
from safelight.local.ports import World

_log = logging.getLogger("safelight")


def take(world: World, bucket: str, key: str) -> None:
    """Queue the file at `key` as it is now, if a recipe wants it; a fault is logged, and the next scan makes it good."""
    try:
        upload = local.input_store(world, bucket).upload_at(key)
        if upload and _wanted(world, upload):
            _queue(world, upload)
    except SafelightError as err:
        _log.warning("%s was not queued: %s", key, err.message)


def scan(world: World, bucket: str, woke: Callable[[], None]) -> int:
    """Queue every file that no worker has begun in its present version, and return how many those are."""
    found = 0
    newest_still_ns = time.time_ns() - int(STILL_S * 1e9)
    for upload in local.input_store(world, bucket).walk():
        mtime_ns = int(upload.version.rpartition("-")[2])
        if mtime_ns > newest_still_ns or not _wanted(world, upload) or _begun(world, upload):
            continue
        _queue(world, upload)
        woke()
        found += 1
    return found


def tell_owed(world: World) -> None:
    """Hand over the notices that a crash kept from being handed over."""
    ledger, notifier = local.ledger(world), local.notifier(world)
    while owed := ledger.unnotified():
        for outcome, token in owed:
            notifier.notify(outcome, message_id=f"{outcome.id}-{token}")
            ledger.mark_notified(outcome.id, token)


def _wanted(world: World, upload: Upload) -> bool:
    return any(recipe.match.takes(upload.key) for recipe in world.settings.recipes)


def _begun(world: World, upload: Upload) -> bool:
    head = local.ledger(world).head(upload.bucket, upload.key)
    return head is not None and head.version == upload.version


def _queue(world: World, upload: Upload) -> None:
    local.queue(world).send(event.message(upload), id=event.message_id(upload))
