"""Steps inside a folder tree that no link can lead out of: every name is opened from its parent's descriptor."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from safelight.errors import InvalidKey, Unavailable
from safelight.local.keys import OWN_PREFIX

TEMPORARY_PREFIX = OWN_PREFIX + "-tmp-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must not wait for its other end.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20


@contextmanager
def opened(root: Path, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """Give a descriptor of the folder that `names` lead to from `root`; make missing ones when told to.

    Raises:
        Unavailable: `root` itself is not there: a disk may not be mounted.
        InvalidKey: one of the names is a link.
    """
    try:
        folder = os.open(root, _FOLDER)
    except (FileNotFoundError, NotADirectoryError) as err:
        raise Unavailable("the folder of this store is not there", remedy="Make or mount it.") from err
    try:
        for name in names:
            inner = _enter(folder, name, create=create)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, name: str, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
            os.fsync(folder)
        return _enter(folder, name, create=False)
    except OSError as err:
        found = status(folder, name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            raise InvalidKey(f"{name!r} is a link; the folders of a key must be real") from err
        raise


def status(folder: int, name: str) -> os.stat_result | None:
    """Return what `name` is, links not followed, or None when nothing is there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_file(folder: int, name: str) -> int:
    """Open a file for reading; neither a link is followed nor a pipe waited for."""
    return os.open(name, _FILE, dir_fd=folder)


@contextmanager
def temporary(folder: int) -> Iterator[tuple[str, int]]:
    """Give the name and descriptor of a new hidden file in `folder`; the name is gone at the end."""
    name = TEMPORARY_PREFIX + secrets.token_hex(8)
    file = os.open(name, _NEW_FILE, 0o666, dir_fd=folder)  # less the umask: outputs are ordinary files
    try:
        # The lock ends with the process, however it ends: `sweep` sees by it whether anybody still writes.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield name, file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        os.close(file)


def entries(root: Path, names: Sequence[str]) -> Iterator[tuple[str, os.stat_result]]:
    """List one folder: each name and what it is, links not followed; what vanishes meanwhile is left out."""
    with opened(root, names) as place, os.scandir(place) as found:
        for entry in found:
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def sweep(root: Path) -> int:
    """Remove the temporary files below `root` whose writers are dead, and return how many there were."""
    swept = 0
    pending: list[tuple[str, ...]] = [()]
    while pending:
        inside = pending.pop()
        with suppress(OSError, InvalidKey):  # where we may not look, we did not write either
            for name, found in entries(root, inside):
                if stat.S_ISDIR(found.st_mode):
                    pending.append((*inside, name))
                elif name.startswith(TEMPORARY_PREFIX):
                    swept += _sweep_file(root, inside, name)
    return swept


def _sweep_file(root: Path, inside: Sequence[str], name: str) -> bool:
    with opened(root, inside) as place:
        file = open_file(place, name)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=place)
        except OSError:
            return False
        finally:
            os.close(file)
    return True


def place_new(folder: int, temporary_name: str, name: str) -> None:
    """Make a temporary file visible as `name`.

    Raises:
        FileExistsError: something is there, also when it came a moment ago.
    """
    try:
        os.link(temporary_name, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as err:
        # A file system without hard links (FAT, some network ones) says EPERM or EOPNOTSUPP.
        if err.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if status(folder, name) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from err
        os.rename(temporary_name, name, src_dir_fd=folder, dst_dir_fd=folder)


def write_all(file: int, body: bytes) -> None:
    """Write every byte."""
    left = memoryview(body)
    while left:
        left = left[os.write(file, left) :]


def copy(source: int, target: int, size: int) -> None:
    """Copy at most `size` bytes, sharing blocks where the file system can."""
    left = size
    with suppress(AttributeError, OSError):  # not on macOS, not between all file systems: the loop below goes on
        while left and (count := os.copy_file_range(source, target, left)):
            left -= count
    while left and (chunk := os.read(source, min(left, _CHUNK_BYTES))):
        write_all(target, chunk)
        left -= len(chunk)
