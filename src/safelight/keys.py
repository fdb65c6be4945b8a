"""Which keys every store can hold, whatever it is made of."""

from __future__ import annotations

from safelight.errors import InvalidKey

MAX_KEY_BYTES = 1024  # S3's limit: docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


def parts_of(key: str) -> list[str]:
    """Return the names between the slashes of `key`.

    Raises:
        InvalidKey: the key begins or ends with a slash, holds an empty part, `.` or `..`, is no text, or is over-long.
    """
    try:
        too_long = len(key.encode()) > MAX_KEY_BYTES
    except UnicodeEncodeError as err:
        raise InvalidKey(f"key {key!r}: the name is not UTF-8") from err
    if too_long:
        raise InvalidKey(f"key {key[:60]!r}...: longer than {MAX_KEY_BYTES} bytes of UTF-8")
    parts = key.split("/")
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidKey(f"key {key!r}: each part between slashes must be a name, not {part!r}")
        if "\0" in part:
            raise InvalidKey(f"key {key!r}: NUL is not allowed")
    return parts
