"""One service for one project folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safelight.errors import InUse


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file that the system lets go of when this process ends, however it ends.

    Raises:
        InUse: another process holds it.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            owner = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise InUse(f"another service (process {owner}) already runs on this project folder") from err
        os.ftruncate(file, 0)
        with suppress(OSError):  # a full disk; the number is only for who is refused
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def holder(path: Path) -> str | None:
    """Return the process that holds a lock file, as it wrote itself down, or None when nobody does."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(file)
    return None
