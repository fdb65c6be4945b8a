"""From the messages of a world to uploads."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from safelight.errors import InvalidMessage
from safelight.job import Upload


class Arrival(Struct, frozen=True, kw_only=True):
    """Our own message: an upload was seen (by the folder watch, a scan, the API, a replay)."""

    safelight: Literal[1]
    upload: Upload


def parse(body: bytes) -> tuple[Upload, ...]:
    """Return the uploads that a message tells of.

    Raises:
        InvalidMessage
    """
    try:
        return (msgspec.json.decode(body, type=Arrival).upload,)
    except msgspec.MsgspecError as err:
        raise InvalidMessage("the message is not of a known shape") from err


def message(upload: Upload) -> bytes:
    """Return the message that `parse` turns into this upload."""
    return msgspec.json.encode(Arrival(safelight=1, upload=upload))


def message_id(upload: Upload) -> str:
    """Return the id under which a queue holds this upload once, however often it is seen."""
    return f"{upload.bucket}/{upload.key}/{upload.version}"
