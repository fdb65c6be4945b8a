"""What the operating system says of a file, in our words. Only the number of an error decides, never its text."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from safelight.errors import Conflict, Denied, DiskFull, InvalidKey, KeyConflict, NotFound, SafelightError, Unavailable

Errors = dict[int | None, tuple[type[SafelightError], str]]
_ERRORS: Errors = {
    errno.ENOSPC: (DiskFull, "the disk is full"),
    errno.EDQUOT: (DiskFull, "the disk quota is used up"),
    errno.EACCES: (Denied, "no permission"),
    errno.EPERM: (Denied, "not permitted"),
    errno.EROFS: (Denied, "the disk is read-only"),
    errno.ENAMETOOLONG: (InvalidKey, "this disk cannot hold so long a name"),
    errno.EILSEQ: (InvalidKey, "this disk cannot hold such a name"),
    errno.ELOOP: (InvalidKey, "it is a link, and links are not followed"),
}
_NOT_THERE = (NotFound, "nothing is there")
_IN_THE_WAY = (KeyConflict, "a file is where a folder must be, or a folder where the file must be")
READ_ERRORS: Errors = {**_ERRORS, errno.ENOENT: _NOT_THERE, errno.ENOTDIR: _NOT_THERE, errno.ENXIO: _NOT_THERE}
WRITE_ERRORS: Errors = {**_ERRORS, errno.ENOTDIR: _IN_THE_WAY, errno.EISDIR: _IN_THE_WAY}


@contextmanager
def translated(key: str, errors: Errors) -> Iterator[None]:
    """Raise what an error of the operating system means for `key`."""
    try:
        yield
    except FileExistsError as err:
        raise Conflict(f"key {key!r}: something else is there now") from err
    except OSError as err:
        name = errno.errorcode.get(err.errno or 0, "no code")
        kind, why = errors.get(err.errno, (Unavailable, f"the disk did not answer ({name})"))
        raise kind(f"key {key!r}: {why}") from err
