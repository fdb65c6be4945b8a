"""A folder as a store: whole files under their keys; metadata and tags in the project's SQLite file."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from safelight.errors import Conflict, Denied, InvalidKey, KeyConflict, NotFound, SafelightError, Superseded
from safelight.job import Upload
from safelight.local import folder
from safelight.local.disk_errors import READ_ERRORS, WRITE_ERRORS, translated
from safelight.local.keys import parts_of, portable_parts_of
from safelight.local.objects import Objects, version_of
from safelight.ports import Attributes, Body, Head

MAX_IN_MEMORY_BYTES = 64_000_000
"""Larger uploads are given as a private copy on disk, smaller ones as bytes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 and 9999; a file can claim any time

_log = logging.getLogger(__name__)


class _Place(Struct, frozen=True):
    """Where a key is: an open folder and a name in it."""

    key: str
    folder: int
    name: str

    def status(self) -> os.stat_result | None:
        return folder.status(self.folder, self.name)


class FolderStore:
    """The files below one folder. Hidden ones are never listed, links never followed.

    Args:
        name: what uploads call this store.
        root: the folder, which exists.
        database: the project's database, or `:memory:`.
        now: seconds since 1970; outputs are dated by it.
        scratch: a folder for private copies of large uploads, which exists.
    """

    def __init__(self, name: str, root: Path, database: Path | str, now: Callable[[], float], scratch: Path) -> None:
        self.name = name
        self._root = root
        self._objects = Objects(database, name)
        self._now = now
        self._scratch = scratch
        self._logged: set[str] = set()

    def head(self, key: str) -> Head | None:
        """Return what is at `key` now, or None when nothing is. A file that Safelight did not write has no metadata."""
        found = self._look(key)
        return found[1] if found else None

    def upload_at(self, key: str) -> Upload | None:
        """Return the current version at `key` as `walk` lists it, or None."""
        found = self._look(key)
        return self._upload(key, *found) if found else None

    @contextmanager
    def fetch(self, upload: Upload) -> Iterator[Body]:
        """Give the bytes of exactly that version while the context lasts."""
        with ExitStack() as stack:
            yield self._body(upload, stack)

    def put(self, key: str, body: Body, attributes: Attributes, *, expect: str | None) -> str:
        """Write an object, whole or not at all, and return its etag. Bytes and attributes change together."""
        with self._writing(key) as place:
            self._check(place, expect)  # most conflicts are seen before anything is written
            with folder.temporary(place.folder) as (temporary_name, file):
                etag = _write(file, body)
                version = self._objects.add(key, file, _head_of(attributes, etag), self._now())
                os.fsync(file)
                self._publish(place, temporary_name, version, expect)
        return etag

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        try:
            with self._reading(key) as place, self._objects.database.write() as rows:
                if _is_file(place.status()):
                    os.unlink(place.name, dir_fd=place.folder)
                    os.fsync(place.folder)
                self._objects.forget(rows, key)
        except NotFound:
            return

    def walk(self, prefix: str = "") -> Iterator[Upload]:
        """List the current version of every object whose key starts with `prefix`."""
        pending = [""]
        while pending:
            for key, found in self._entries(pending.pop()):
                inside = key + "/"
                if stat.S_ISDIR(found.st_mode) and (inside.startswith(prefix) or prefix.startswith(inside)):
                    pending.append(inside)
                elif _is_file(found) and key.startswith(prefix):
                    yield self._upload(key, found, self._objects.find(key, version_of(found)) or _foreign(found))

    def sweep(self) -> int:
        """Remove the temporary files of writers that are dead, and return how many there were; safe at any time."""
        return folder.sweep(self._root) + folder.sweep(self._scratch)

    def close(self) -> None:
        """Close the database."""
        self._objects.database.close()

    def _reading(self, key: str) -> AbstractContextManager[_Place]:
        return _place(self._root, key, parts_of(key), writing=False)

    def _writing(self, key: str) -> AbstractContextManager[_Place]:
        return _place(self._root, key, portable_parts_of(key), writing=True)

    def _look(self, key: str) -> tuple[os.stat_result, Head] | None:
        try:
            with self._reading(key) as place:
                return self._look_at(place)
        except NotFound:
            return None

    def _look_at(self, place: _Place) -> tuple[os.stat_result, Head] | None:
        found = place.status()
        while found is not None and _is_file(found):
            kept = self._objects.find(place.key, version_of(found))
            again = place.status()
            # Without a row, the file is foreign, unless it was replaced and its row dropped between our two looks.
            if kept is not None or (again is not None and version_of(again) == version_of(found)):
                return found, kept or _foreign(found)
            found = again
        return None

    def _check(self, place: _Place, expect: str | None) -> None:
        found = place.status()
        if found is not None and not _is_file(found):
            raise KeyConflict(f"key {place.key!r}: a folder, a link or a device has this name")
        there = self._look_at(place)
        if (there[1].etag if there else None) != expect:
            raise Conflict(f"key {place.key!r}: something else is there now")

    def _publish(self, place: _Place, temporary_name: str, version: str, expect: str | None) -> None:
        # The transaction is the lock between all writers of this project, whatever process they are in.
        with self._objects.database.write() as rows:
            self._check(place, expect)
            self._objects.keep_only(rows, place.key, version)
            if expect is None:
                folder.place_new(place.folder, temporary_name, place.name)
            else:
                os.replace(temporary_name, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
            os.fsync(place.folder)

    def _body(self, upload: Upload, stack: ExitStack) -> Body:
        with self._reading(upload.key) as place:
            file = folder.open_file(place.folder, place.name)
            try:
                _same(file, upload)
                if upload.size <= MAX_IN_MEMORY_BYTES:
                    body: Body = _read(file, upload.size)
                else:
                    body = self._copy(file, upload.size, stack)
                _same(file, upload)
            finally:
                os.close(file)
        return body

    def _copy(self, file: int, size: int, stack: ExitStack) -> Path:
        scratch = stack.enter_context(folder.opened(self._scratch, ()))
        name, copy = stack.enter_context(folder.temporary(scratch))
        folder.copy(file, copy, size)
        return self._scratch / name

    def _entries(self, inside: str) -> Iterator[tuple[str, os.stat_result]]:
        try:
            with translated(inside, READ_ERRORS):
                for name, found in folder.entries(self._root, inside.split("/")[:-1]):
                    if not name.startswith(".") and self._can_be_key(inside + name):
                        yield inside + name, found
        except (Denied, InvalidKey) as err:
            if not inside:
                raise
            self._log(inside, err)
        except NotFound:
            return  # the folder went while we were on our way

    def _can_be_key(self, key: str) -> bool:
        try:
            parts_of(key)
        except InvalidKey as err:
            self._log(key, err)
            return False
        return True

    def _log(self, key: str, err: SafelightError) -> None:
        if key not in self._logged:  # a scan comes every minute
            self._logged.add(key)
            _log.warning("left out of the listing: %s", err.message, extra={"code": err.code, "remedy": err.remedy})

    def _upload(self, key: str, found: os.stat_result, head: Head) -> Upload:
        return Upload(
            bucket=self.name,
            key=key,
            version=head.version,
            etag=head.etag,
            size=head.size,
            arrived_at=_time_text(found.st_mtime_ns),
        )


@contextmanager
def _place(root: Path, key: str, parts: list[str], *, writing: bool) -> Iterator[_Place]:
    errors = WRITE_ERRORS if writing else READ_ERRORS
    with translated(key, errors), folder.opened(root, parts[:-1], create=writing) as place:
        yield _Place(key, place, parts[-1])


def _is_file(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISREG(found.st_mode)


def _foreign(found: os.stat_result) -> Head:
    version = version_of(found)
    return Head(version=version, etag=version, size=found.st_size)


def _head_of(attributes: Attributes, etag: str) -> Head:
    kept = attributes
    return Head(version="", etag=etag, size=0, metadata=kept.metadata, tags=kept.tags, content_type=kept.content_type)


def _write(file: int, body: Body) -> str:
    if isinstance(body, bytes):
        folder.write_all(file, body)
        return hashlib.sha256(body).hexdigest()[:32]
    with body.open("rb") as source:
        folder.copy(source.fileno(), file, os.fstat(source.fileno()).st_size)
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, "rb", closefd=False) as written:
        return hashlib.file_digest(written, "sha256").hexdigest()[:32]


def _read(file: int, size: int) -> bytes:
    with open(file, "rb", closefd=False) as source:
        return source.read(size)


def _same(file: int, upload: Upload) -> None:
    found = os.fstat(file)
    if not _is_file(found):
        raise NotFound(f"key {upload.key!r}: a folder or a device has this name")
    if version_of(found) != upload.version:
        raise Superseded(f"key {upload.key!r}: the file is another one now, or is still being written")


def _time_text(mtime_ns: int) -> str:
    ms = min(max(mtime_ns // 1_000_000, _FIRST_MS), _LAST_MS)
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
