"""Notice every file that lands in the input folder, once it is whole, and every one that goes."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from safelight.entry.still import is_open_for_writing, is_whole
from safelight.errors import NotFound

POLL_S = 0.25
EVENTS: list[type[FileSystemEvent]] = [
    *(FileClosedEvent, FileMovedEvent, FileCreatedEvent),
    *(FileDeletedEvent, DirDeletedEvent, DirMovedEvent),
]
if sys.platform != "linux":  # which alone tells of a close
    EVENTS.append(FileModifiedEvent)

_log = logging.getLogger("safelight")


class Watch:
    """Calls `arrived(key)` for each file that was closed after writing, moved in, or has become still.

    Args:
        root: the folder; sub-folders are watched too. It may go and come back.
        arrived: is called from threads of the watch, perhaps more than once for one file.
        missed: is called when files may have come or gone while nothing was watched.
        departed: is called in the same way as `arrived` for each file or folder that was deleted or moved away; by
            then something may be there again, as with editors that save so.
    """

    def __init__(
        self,
        root: Path,
        arrived: Callable[[str], None],
        missed: Callable[[], None],
        departed: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._root = root
        self._departed = departed
        self._arrived = arrived
        self._missed = missed
        self._pending: dict[str, tuple[tuple[int, int], float]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._thread = threading.Thread(target=self._look_after, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._observe()
        self._thread.start()

    def stop(self) -> None:
        """End; no call of `arrived` or `departed` begins after this."""
        self._ended.set()
        self._thread.join()
        self._forget()

    def closed(self, path: str) -> None:
        """Take note of a file that is whole."""
        key = self._key(path)
        if key and is_open_for_writing(self._root / key):
            self.look_at(key)  # another program still has it open
        elif key:
            with self._lock:
                self._pending.pop(key, None)
            self._arrived(key)

    def changed(self, path: str) -> None:
        """Take note of a file that may still be written."""
        key = self._key(path)
        if key:
            self.look_at(key)

    def gone(self, path: str) -> None:
        """Take note of a file or folder that went."""
        key = self._key(path)
        if key:
            self._departed(key)

    def look_at(self, key: str) -> None:
        """Let a file arrive as soon as it is whole."""
        with self._lock:
            self._pending[key] = ((-1, -1), time.monotonic())

    def _key(self, path: str) -> str | None:
        try:
            key = Path(path).relative_to(self._root).as_posix()
            key.encode()
        except (ValueError, UnicodeEncodeError):
            return None
        return None if any(part.startswith(".") for part in key.split("/")) else key

    def _look_after(self) -> None:
        while not self._ended.wait(POLL_S):
            if self._watched != _identity(self._root):
                self._observe_again()
            with self._lock:
                pending = dict(self._pending)
            for key, (seen, since) in pending.items():
                self._look(key, seen, since)

    def _look(self, key: str, seen: tuple[int, int], since: float) -> None:
        found = _state(self._root / key)
        now = time.monotonic()
        whole = found is not None and is_whole(self._root / key, now - since if found == seen else 0)
        with self._lock:
            if self._pending.get(key, (None, 0))[0] != seen:
                return  # it was closed or changed meanwhile
            if found is not None and not whole:
                self._pending[key] = (found, since if found == seen else now)
                return
            del self._pending[key]
        if whole:
            self._arrived(key)

    def _observe(self) -> None:
        """Watch the folder; where the system refuses (too many folders), only scans find files, and the log says so."""
        self._watched = _identity(self._root)
        if self._watched is None:
            _log.error("the input folder is not there", extra={"code": NotFound.code})
            return
        try:
            self._observer = _observer()
            self._observer.schedule(_Handler(self), str(self._root), recursive=True, event_filter=EVENTS)
            self._observer.start()
        except OSError as err:
            _log.warning("the folder cannot be watched (%s): new files are found by scans only", err.strerror)
            self._forget()

    def _observe_again(self) -> None:
        self._forget()
        self._observe()
        self._missed()

    def _forget(self) -> None:
        observer, self._observer = self._observer, None
        if observer:
            observer.stop()
            with suppress(RuntimeError):  # it was never started
                observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_closed(self, event: FileSystemEvent) -> None:
        self._watch.closed(os.fsdecode(event.src_path))

    def on_moved(self, event: FileSystemEvent) -> None:
        if not event.is_directory:  # whose files are told of one by one
            self._watch.closed(os.fsdecode(event.dest_path))
        self._watch.gone(os.fsdecode(event.src_path))

    def on_deleted(self, event: FileSystemEvent) -> None:
        self._watch.gone(os.fsdecode(event.src_path))

    def on_created(self, event: FileSystemEvent) -> None:
        self._watch.changed(os.fsdecode(event.src_path))

    def on_modified(self, event: FileSystemEvent) -> None:
        self._watch.changed(os.fsdecode(event.src_path))


def _observer() -> BaseObserver:
    if sys.platform != "linux":
        return Observer()
    from watchdog.observers.inotify import InotifyObserver  # noqa: PLC0415 -- there is none on other systems

    # Without full events a file renamed from outside the folder looks like one that was just created.
    return InotifyObserver(generate_full_events=True)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
