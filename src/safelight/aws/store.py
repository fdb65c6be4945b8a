"""A bucket as a store: S3, and every server that speaks its protocol with conditional puts.

What cannot be told apart: without `s3:ListBucket` S3 answers 403 for a missing key as for a forbidden one, on purpose,
and no other request tells more. With it, S3 itself says 404. So a 403 is always `Denied`, which is tried again, kept
for a replay and told of; `NotFound`, which ends a job without a word, is only what S3 says outright. The remedy names
both permissions, and the stack grants both.

Source: Amazon S3 API reference, HeadObject, "Permissions"; "Conditional writes" in the user guide.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore

from safelight import keys
from safelight.aws.access import Access
from safelight.aws.bucket import open_bucket, translated
from safelight.errors import Conflict, DiskFull, InvalidKey, KeyConflict, NotFound, Superseded, TooLarge, Unavailable
from safelight.job import Upload
from safelight.ports import Attributes, Body, Head

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, PutMode

MAX_PUT_BYTES = 5 * 1024**3
"""S3's limit of one put; conditional puts are never multipart here, since a part could not be compared."""

MAX_IN_MEMORY_BYTES = 32_000_000
"""Larger uploads are given as a file in the scratch folder, smaller ones as bytes."""

PATIENCE_S = 20.0
"""How long a request is tried again: throttling (503 SlowDown), other 5xx, broken connections."""

CHUNK_BYTES = 4 * 1024 * 1024
_NO_VERSION = "null"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FIELDS = {"content-type", "content-disposition", "content-encoding", "content-language", "cache-control",
           "storage-class"}  # fmt: skip


class S3Store:
    """One bucket. Versions are S3's version ids, or etags where the bucket has no versions.

    Args:
        bucket: its name.
        access: where it is, and who asks.
        scratch: a folder for copies of large uploads, which exists.
        encryption: `AES256`, or the id of a KMS key; None leaves it to the bucket.
        patience_s: how long a request is tried again.
    """

    def __init__(
        self,
        bucket: str,
        access: Access,
        scratch: Path,
        *,
        encryption: str | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.name = bucket
        self._access = access
        self._scratch = scratch
        self._left_out: set[str] = set()
        self.calls: dict[str, int] = {}
        """How often something was asked of the bucket: `get` and `put`."""
        self._bucket = open_bucket(bucket, access, encryption, patience_s)

    def head(self, key: str) -> Head | None:
        """Return what is at `key` now, or None when nothing is."""
        found = self._look(key)
        return _head(found) if found else None

    def upload_at(self, key: str) -> Upload | None:
        """Return the current version at `key` as `walk` lists it, or None."""
        found = self._look(key)
        if found is None:
            return None
        head = _head(found)
        return Upload(
            bucket=self.name,
            key=key,
            version=head.version,
            etag=head.etag,
            size=head.size,
            arrived_at=time_text(found.meta["last_modified"]),
        )

    @contextmanager
    def fetch(self, upload: Upload) -> Iterator[Body]:
        """Give the bytes of exactly that version while the context lasts."""
        check_key(upload.key)
        with translated(upload.key):
            found = self._get(upload)
            if found.meta["size"] <= MAX_IN_MEMORY_BYTES:
                body = bytes(found.bytes())
        if found.meta["size"] <= MAX_IN_MEMORY_BYTES:
            yield body
            return
        import tempfile  # noqa: PLC0415 -- it and what it brings cost more at a start than obstore; few uploads are large

        # Without a name from the start (where the system can), so that no killed process leaves it behind.
        with tempfile.TemporaryFile(dir=self._scratch) as file:
            _save(found, file, upload.key)
            yield Path(f"/dev/fd/{file.fileno()}")

    def put(self, key: str, body: Body, attributes: Attributes, *, expect: str | None) -> str:
        """Write an object, whole or not at all, and return its etag. Bytes and attributes change together."""
        check_key(key)
        _check_size(key, body)
        mode: PutMode = "create" if expect is None else {"e_tag": f'"{expect}"'}
        fields = {"Content-Type": attributes.content_type, **attributes.metadata}
        self._count("put")
        try:
            with translated(key):
                written = obstore.put(
                    self._bucket,
                    key,
                    body,
                    attributes=fields,
                    tags=dict(attributes.tags),
                    mode=mode,
                    use_multipart=False,
                )
        except Conflict as err:
            self._check_folder(key, err)
            raise
        except (NotFound, Superseded) as err:
            if expect is None:  # nothing needs to be there, so what is missing is the bucket
                raise Unavailable("the bucket is not there", remedy="Make the bucket, or name another one.") from err
            raise Conflict(f"key {key!r}: something else is there now") from err
        return _plain(written["e_tag"])

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error. A bucket with versions keeps it under its version."""
        check_key(key)
        try:
            with translated(key):
                obstore.delete(self._bucket, key)
        except NotFound:
            return

    def walk(self, prefix: str = "") -> Iterator[Upload]:
        """List the current version of every object whose key starts with `prefix`."""
        # Not needed where a bucket is never listed, as in the function on AWS, whose start this would slow down.
        from safelight.aws.listing import listed  # noqa: PLC0415

        return listed(self.name, self._access, prefix, self._left_out)

    def sweep(self) -> int:
        """Remove nothing: what is being put is not seen before it is whole, and copies in scratch have no names."""
        return 0

    def close(self) -> None:
        """Close nothing: the connections go with the object."""

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1

    def _look(self, key: str) -> GetResult | None:
        check_key(key)
        self._count("get")
        try:
            with translated(key):
                return obstore.get(self._bucket, key, options={"head": True})
        except NotFound:
            return None

    def _check_folder(self, key: str, cause: Conflict) -> None:
        """Raise `KeyConflict` when it is a folder that has the key: SeaweedFS keeps keys as paths."""
        if self.head(key) is None and next(self.walk(f"{key}/"), None) is not None:
            raise KeyConflict(f"key {key!r}: a folder has this name") from cause

    def _get(self, upload: Upload) -> GetResult:
        self._count("get")
        versioned = upload.version != upload.etag
        options: GetOptions = {"version": upload.version} if versioned else {"if_match": f'"{upload.etag}"'}
        return obstore.get(self._bucket, upload.key, options=options)


def check_key(key: str) -> None:
    """Raise `InvalidKey` unless S3 can be asked for this key, and a folder could have it."""
    keys.parts_of(key)
    if _CONTROL.search(key):
        raise InvalidKey(f"key {key!r}: control characters are not allowed")


def version_of(version: str | None, etag: str) -> str:
    """Return what an upload's version is: S3's id, or the etag where there are no versions (S3 calls those `null`)."""
    return etag if version is None or version == _NO_VERSION else version


def time_text(moment: datetime) -> str:
    """Return a time as uploads carry it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_size(key: str, body: Body) -> None:
    size = len(body) if isinstance(body, bytes) else body.stat().st_size
    if size > MAX_PUT_BYTES:
        remedy = "Leave renditions that copy such a file out of the recipe."
        raise TooLarge(f"key {key!r}: {size} bytes; S3 takes {MAX_PUT_BYTES} in one put", remedy=remedy)


def _save(found: GetResult, file: IO[bytes], key: str) -> None:
    try:
        with translated(key):
            for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                file.write(chunk)
        file.flush()
        file.seek(0)
    except OSError as err:
        if err.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(f"key {key!r}: no room for a copy of the upload") from err


def _head(found: GetResult) -> Head:
    fields: Mapping[str, str] = found.attributes
    etag = _plain(found.meta["e_tag"])
    return Head(
        version=version_of(found.meta["version"], etag),
        etag=etag,
        size=found.meta["size"],
        metadata={name: value for name, value in fields.items() if name.lower() not in _FIELDS},
        content_type=fields.get("Content-Type", "application/octet-stream"),
    )


def _plain(etag: str | None) -> str:
    return (etag or "").strip('"')
