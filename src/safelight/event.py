"""From the messages of a world to uploads: our own, S3's notifications, EventBridge's, and either in SQS or SNS.

Source: Amazon S3 user guide, "Event message structure" (2.x) and "EventBridge event message structure"; AWS Lambda
developer guide, "Using Lambda with Amazon SQS" and "with Amazon SNS".
"""

from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import unquote_plus

import msgspec
from msgspec import Meta, Struct, field

from safelight.errors import InvalidMessage
from safelight.job import Upload

MAX_DEPTH = 4
"""Lambda's event holds SQS's message, which holds SNS's, which holds S3's."""

TEST_EVENT = "s3:TestEvent"
_REMOVED = ("ObjectRemoved:", "LifecycleExpiration:")


class Deletion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object, or one version of it, was deleted.

    `marker` tells that a delete marker hides the key and its versions are kept. A `version` that was deleted for good
    may have been an older one, so whether anything is left at the key only the store can say.
    """

    bucket: str
    key: str
    deleted_at: str
    version: str | None = None
    sequencer: str | None = None
    marker: bool = False


class Skipped(Struct, frozen=True, kw_only=True):
    """What a message told of that is no upload, and why."""

    key: str
    reason: str


class Event(Struct, frozen=True, kw_only=True):
    """All that a message tells of."""

    uploads: tuple[Upload, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Arrival(Struct, frozen=True, kw_only=True):
    """Our own message: an upload was seen (by the folder watch, a scan, the API, a replay)."""

    safelight: Literal[1]
    upload: Upload


class Departure(Struct, frozen=True, kw_only=True):
    """Our own message: an original is gone (seen by the folder watch or a scan)."""

    safelight: Literal[1]
    deletion: Deletion


class _Bucket(Struct):
    name: Annotated[str, Meta(min_length=1)]


class _Object(Struct):
    """An object as S3 tells of it; it has two ways to write the same names."""

    key: Annotated[str, Meta(min_length=1)]
    size: Annotated[int, Meta(ge=0)] = 0
    etag: str = ""
    e_tag: str = field(name="eTag", default="")
    version_dash: str = field(name="version-id", default="")
    version_id: str = field(name="versionId", default="")
    sequencer: str | None = None

    def version(self) -> str | None:
        """Return the version id; a bucket whose versions are suspended calls every one `null`."""
        version = self.version_id or self.version_dash
        return None if version in {"", "null"} else version


class _Content(Struct):
    bucket: _Bucket
    object: _Object


class _S3Record(Struct):
    version: Annotated[str, Meta(pattern=r"^2\.")] = field(name="eventVersion")
    name: str = field(name="eventName")
    time: str = field(name="eventTime")
    s3: _Content


class _Detail(_Content):
    kind: str = field(name="deletion-type", default="")


class _BridgeEvent(Struct):
    source: Literal["aws.s3"]
    type: str = field(name="detail-type")
    time: str
    detail: _Detail


class _Fact(Struct):
    """One thing that happened to one object, by whatever way it was told; the key is plain."""

    what: Literal["created", "deleted", "marked", "other"]
    name: str
    at: str
    bucket: str
    key: str
    object: _Object


def parse(body: bytes) -> Event:
    """Return what a message tells of.

    Raises:
        InvalidMessage: it is of no known shape, in whole or in part.
    """
    try:
        return parse_object(msgspec.json.decode(body))
    except (msgspec.MsgspecError, RecursionError) as err:
        _refuse(err)


def parse_object(message: object) -> Event:
    """Return what a message tells of that was decoded by somebody else, as Lambda does.

    Raises:
        InvalidMessage: it is of no known shape, in whole or in part.
    """
    try:
        return _event(message, MAX_DEPTH)
    except (msgspec.MsgspecError, RecursionError, ValueError) as err:  # ValueError: a key that is no UTF-8
        _refuse(err)


def message(upload: Upload) -> bytes:
    """Return the message that `parse` turns into this upload."""
    return _text(Arrival(safelight=1, upload=upload))


def departure(deletion: Deletion) -> bytes:
    """Return the message that `parse` turns into this deletion."""
    return _text(Departure(safelight=1, deletion=deletion))


def message_id(upload: Upload) -> str:
    """Return the id under which a queue holds this upload once, however often it is seen."""
    return f"{upload.bucket}/{upload.key}/{upload.version}"


def departure_id(deletion: Deletion) -> str:
    """Return the id under which a queue holds the deletion of a key once, however often it is noticed."""
    return f"{deletion.bucket}/{deletion.key}/deleted"


def _text(message: Arrival | Departure) -> bytes:
    body = msgspec.json.encode(message)
    for sign in ("\ufffe", "\uffff"):  # the two that neither JSON escapes by itself nor SQS takes
        body = body.replace(sign.encode(), f"\\u{ord(sign):04x}".encode())
    return body


def _refuse(err: Exception) -> NoReturn:
    raise InvalidMessage("the message is not of a known shape") from err


def _event(found: Any, depth: int) -> Event:
    """Look at the names of a message to learn who sent it, then read it strictly."""
    if not isinstance(found, dict):
        raise InvalidMessage("the message is no JSON object")
    if "safelight" in found and "deletion" in found:
        return Event(deletions=(msgspec.convert(found, Departure).deletion,))
    if "safelight" in found:
        return Event(uploads=(msgspec.convert(found, Arrival).upload,))
    if found.get("Event") == TEST_EVENT:
        return Event(skipped=(Skipped(key="", reason="S3's test message"),))
    if "detail-type" in found:
        return _of_fact(_from_bridge(msgspec.convert(found, _BridgeEvent)))
    if depth and found.get("Type") == "Notification":
        return _event(_decoded(found, "Message"), depth - 1)
    if depth and isinstance(found.get("Records"), list) and found["Records"]:
        return _joined([_record(each, depth - 1) for each in found["Records"]])
    raise InvalidMessage("the message is not of a known shape")


def _record(record: Any, depth: int) -> Event:
    if isinstance(record, dict) and record.get("eventSource") == "aws:sqs":
        return _event(_decoded(record, "body"), depth)
    if isinstance(record, dict) and record.get("EventSource") == "aws:sns":
        return _event(_decoded(record.get("Sns"), "Message"), depth)
    return _of_fact(_from_s3(msgspec.convert(record, _S3Record)))


def _decoded(envelope: Any, name: str) -> object:
    """Return the JSON that an envelope holds as text."""
    text = msgspec.convert(envelope, dict[str, Any]).get(name)
    return msgspec.json.decode(msgspec.convert(text, str))


def _from_s3(record: _S3Record) -> _Fact:
    name = record.name.removeprefix("s3:")
    what: Literal["created", "deleted", "marked", "other"] = "other"
    if name.startswith("ObjectCreated:"):
        what = "created"
    elif name.startswith(_REMOVED):
        what = "marked" if name.endswith(":DeleteMarkerCreated") else "deleted"
    # Only this way of telling encodes keys, and as forms do: a space is a plus.
    key = unquote_plus(record.s3.object.key, errors="strict")
    return _Fact(what, name, record.time, record.s3.bucket.name, key, record.s3.object)


def _from_bridge(event: _BridgeEvent) -> _Fact:
    what: Literal["created", "deleted", "marked", "other"] = "other"
    if event.type == "Object Created":
        what = "created"
    elif event.type == "Object Deleted":
        what = "marked" if event.detail.kind == "Delete Marker Created" else "deleted"
    detail = event.detail
    return _Fact(what, event.type, event.time, detail.bucket.name, detail.object.key, detail.object)


def _of_fact(fact: _Fact) -> Event:
    if fact.what == "created":
        return _of_upload(fact)
    if fact.what == "other":
        return Event(skipped=(Skipped(key=fact.key, reason=f"{fact.name} is no upload"),))
    deletion = Deletion(
        bucket=fact.bucket,
        key=fact.key,
        deleted_at=fact.at,
        version=fact.object.version(),
        sequencer=fact.object.sequencer,
        marker=fact.what == "marked",
    )
    return Event(deletions=(deletion,))


def _of_upload(fact: _Fact) -> Event:
    found = fact.object
    if fact.key.endswith("/") and not found.size:
        return Event(skipped=(Skipped(key=fact.key, reason="a folder's marker"),))
    etag = (found.e_tag or found.etag).strip('"')
    version = found.version() or etag
    if not version:
        raise InvalidMessage("an upload has neither a version nor an etag")
    upload = Upload(
        bucket=fact.bucket,
        key=fact.key,
        version=version,
        etag=etag,
        size=found.size,
        arrived_at=fact.at,
        sequencer=found.sequencer,
    )
    return Event(uploads=(upload,))


def _joined(events: list[Event]) -> Event:
    return Event(
        uploads=tuple(each for event in events for each in event.uploads),
        deletions=tuple(each for event in events for each in event.deletions),
        skipped=tuple(each for event in events for each in event.skipped),
    )
