"""Which keys a folder may hold: the parts of a key are names of folders and of a file, and nothing else."""

from __future__ import annotations

import re

from safelight import keys
from safelight.errors import InvalidKey

MAX_NAME_BYTES = 255  # NAME_MAX of Linux and macOS file systems
OWN_PREFIX = ".safelight"
"""Names that start so are Safelight's own: its folder and its temporary files. No key has such a part."""

# Windows reserves these whatever ending follows: learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE | re.DOTALL)
_UNPORTABLE = re.compile(r"[\x00-\x1f\x7f\\]")


def parts_of(key: str) -> list[str]:
    """Return the names that lead to `key`, the file's last.

    Raises:
        InvalidKey: the key is absolute, leaves the folder, is no text, is over-long, or is Safelight's own.
    """
    parts = keys.parts_of(key)
    for part in parts:
        _check_part(part, key)
    return parts


def portable_parts_of(key: str) -> list[str]:
    """Return the parts of a key that is about to be written: every system must be able to hold it.

    Raises:
        InvalidKey: as `parts_of`, and for names that other systems refuse or change.
    """
    parts = parts_of(key)
    for part in parts:
        if _UNPORTABLE.search(part):
            raise InvalidKey(f"key {key!r}: control characters and backslashes are not allowed in outputs")
        if part[-1] in ". ":
            raise InvalidKey(f"key {key!r}: {part!r} ends in a dot or a space, which some systems drop")
        if _RESERVED.match(part):
            raise InvalidKey(f"key {key!r}: {part!r} is a name that Windows reserves")
    return parts


def _check_part(part: str, key: str) -> None:
    if part.startswith(OWN_PREFIX):
        raise InvalidKey(f"key {key!r}: names that start with {OWN_PREFIX} are Safelight's own")
    if len(part.encode()) > MAX_NAME_BYTES:
        raise InvalidKey(f"key {key!r}: {part[:60]!r}... is longer than {MAX_NAME_BYTES} bytes of UTF-8")
