"""From files in the input folder, or objects in its bucket, to messages in the queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from safelight import event
from safelight.entry import leave
from safelight.entry.still import is_whole
from safelight.errors import SafelightError
from safelight.job import Upload
from safelight.local.ports import Local

_log = logging.getLogger("safelight")


def take(local: Local, bucket: str, key: str) -> bool:
    """Queue the upload at `key` as it is now, if a recipe wants it; False for a fault, which a scan must make good.

    In a bucket nothing at the key is news as well: its server has one word for what came and what went.
    """
    try:
        upload = local.inputs[bucket].upload_at(key)
        if upload is None and local.world.storage:
            leave.take(local, bucket, key)
        if upload and _wanted(local, upload) and not _begun(local, upload):
            _queue(local, upload)
    except SafelightError as err:
        _log.warning("%s was not queued: %s", key, err.message, extra={"code": err.code})
        return False
    except Exception:  # noqa: BLE001 -- the thread of the watch must go on
        _log.exception("%s was not queued", key)
        return False
    return True


def scan(local: Local, bucket: str, woke: Callable[[], None], ended: threading.Event) -> int:
    """Queue every upload that no worker has begun in its present version, and return how many those are.

    Originals that were there at an earlier scan and are gone are queued for removal, where a recipe asks for that.
    """
    found = 0
    root = dict(local.world.inputs)[bucket]
    rollcall = leave.RollCall(local, bucket)
    for upload in local.inputs[bucket].walk():
        if ended.is_set():
            return found
        begun = _wanted(local, upload) and _begun(local, upload)
        rollcall.see(upload.key, begun=begun)
        if _wanted(local, upload) and not begun and _whole(local, upload, root):
            _queue(local, upload)
            woke()
            found += 1
    if rollcall.end():
        woke()
    return found


def tell_owed(local: Local) -> None:
    """Hand over the notices that a crash kept from being handed over."""
    ledger, notifier = local.ledger, local.notifier
    while owed := ledger.unnotified():
        for outcome, token in owed:
            notifier.notify(outcome, message_id=f"{outcome.id}-{token}")
            ledger.mark_notified(outcome.id, token)


def _wanted(local: Local, upload: Upload) -> bool:
    return any(recipe.match.takes(upload.key) for recipe in local.world.settings.recipes)


def _begun(local: Local, upload: Upload) -> bool:
    head = local.ledger.head(upload.bucket, upload.key)
    return head is not None and head.version == upload.version


def _whole(local: Local, upload: Upload, root: Path) -> bool:
    """Say whether an upload is not being written; in a bucket nothing is seen before it is whole."""
    return local.world.storage is not None or is_whole(root / upload.key, _age_s(upload))


def _age_s(upload: Upload) -> float:
    """Return how long ago the file was changed, by its mtime; one from the future was not changed just now either."""
    return abs(time.time() - int(upload.version.rpartition("-")[2]) / 1e9)


def _queue(local: Local, upload: Upload) -> None:
    local.queue.send(event.message(upload), id=event.message_id(upload))
