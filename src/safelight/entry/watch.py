"""Notice every file that lands in the input folder, once it is whole."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

STILL_S = 2.0
"""Where the system does not tell that a file was closed, size and mtime must stay as they are for this long."""

CREATED_STILL_S = 5.0 if sys.platform == "linux" else STILL_S
"""Linux does tell; a created file that never closes was linked there, or its folder was too new to be watched."""

POLL_S = 0.5

_log = logging.getLogger("safelight")


class Watch:
    """Calls `arrived(key)` for each file that was closed after writing, moved in, or has become still.

    Args:
        root: the folder; sub-folders are watched too.
        arrived: is called from threads of the watch, perhaps more than once for one file.
    """

    def __init__(self, root: Path, arrived: Callable[[str], None]) -> None:
        self._root = root
        self._arrived = arrived
        self._pending: dict[str, tuple[tuple[int, int], float, float]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._observer: BaseObserver | None = None

    def start(self) -> None:
        """Begin to watch; where the system refuses (too many folders), only scans find files, and the log says so."""
        threading.Thread(target=self._settle_pending, daemon=True).start()
        observer = Observer()
        try:
            observer.schedule(_Handler(self), str(self._root), recursive=True)
            observer.start()
        except OSError as err:
            _log.warning("the folder cannot be watched (%s): new files are found by scans only", err.strerror)
            return
        self._observer = observer

    def stop(self) -> None:
        """End; no call of `arrived` begins after this."""
        self._ended.set()
        if self._observer:
            self._observer.stop()
            self._observer.join()

    def closed(self, path: str) -> None:
        """Take note of a file that is whole."""
        key = self._key(path)
        if key:
            with self._lock:
                self._pending.pop(key, None)
            self._arrived(key)

    def changed(self, path: str, still_s: float) -> None:
        """Take note of a file that may still be written."""
        key = self._key(path)
        if key:
            with self._lock:
                self._pending[key] = ((-1, -1), time.monotonic(), still_s)

    def _key(self, path: str) -> str | None:
        try:
            key = Path(path).relative_to(self._root).as_posix()
            key.encode()
        except (ValueError, UnicodeEncodeError):
            return None
        return None if any(part.startswith(".") for part in key.split("/")) else key

    def _settle_pending(self) -> None:
        while not self._ended.wait(POLL_S):
            with self._lock:
                pending = dict(self._pending)
            for key, (seen, since, still_s) in pending.items():
                self._look(key, seen, since, still_s)

    def _look(self, key: str, seen: tuple[int, int], since: float, still_s: float) -> None:
        found = self._state(key)
        with self._lock:
            if self._pending.get(key, (None, 0, 0))[0] != seen:
                return  # it was closed or changed meanwhile
            if found is not None and found != seen:
                self._pending[key] = (found, time.monotonic(), still_s)
                return
            if found is not None and time.monotonic() - since < still_s:
                return
            del self._pending[key]
        if found is not None:
            self._arrived(key)

    def _state(self, key: str) -> tuple[int, int] | None:
        try:
            found = (self._root / key).stat(follow_symlinks=False)
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns


class _Handler(FileSystemEventHandler):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_closed(self, event: FileSystemEvent) -> None:
        self._watch.closed(os.fsdecode(event.src_path))

    def on_moved(self, event: FileSystemEvent) -> None:
        if not event.is_directory:
            self._watch.closed(os.fsdecode(event.dest_path))

    def on_created(self, event: FileSystemEvent) -> None:
        if not event.is_directory:
            self._watch.changed(os.fsdecode(event.src_path), CREATED_STILL_S)

    def on_modified(self, event: FileSystemEvent) -> None:
        if not event.is_directory and sys.platform != "linux":
            self._watch.changed(os.fsdecode(event.src_path), STILL_S)
