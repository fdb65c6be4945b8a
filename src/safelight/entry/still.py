"""Is a file finished, or is somebody still writing it?"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from pathlib import Path

STILL_S = 5.0 if sys.platform == "linux" else 2.0
"""Where nobody can tell, size and mtime must stay as they are for this long. Linux mostly can, and tells of a close."""

HELD_S = 60.0
"""A file that is held open but unchanged for this long is taken: its program may never close it."""


def is_whole(path: Path, quiet_s: float) -> bool:
    """Say whether a file can be taken that has not changed for `quiet_s` seconds."""
    written = is_open_for_writing(path)
    if written is None:
        return quiet_s >= STILL_S
    return not written or quiet_s >= HELD_S


def is_open_for_writing(path: Path) -> bool | None:
    """Ask the kernel, or return None where it does not tell: on other systems, and of other users' files.

    A lease for reading is granted only while nobody has the file open for writing. Source: fcntl(2), F_SETLEASE.
    """
    if sys.platform != "linux":
        return None
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Who opens the file while we hold the lease makes the kernel signal us; SIGIO would end the process.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as err:
        return True if err.errno == errno.EAGAIN else None
    finally:
        os.close(file)
    return False
