"""Which stores a service works on: folders, or the buckets that the configuration names."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from safelight.errors import Conflict, Denied, InvalidRecipe
from safelight.local.ports import KeptStore, Local, World, open_folder
from safelight.ports import Attributes
from safelight.storage import Storage, StorageSecrets

PROBE_KEY = "safelight-probe"
PATIENCE_S = 10.0
PROBE_PATIENCE_S = 2.0


def open_local(world: World) -> Local:
    """Open the ports of a world."""
    return Local(world, open_bucket if world.storage else open_folder)


def open_bucket(world: World, name: str, _root: Path) -> KeptStore:
    """Open a bucket of the world's server.

    Raises:
        InvalidRecipe: its address cannot be used.
    """
    if world.storage is None:
        raise InvalidRecipe("the configuration names no store")
    return _bucket(name, world.storage, world.secrets, world.scratch, patience_s=PATIENCE_S)


def check_buckets(storage: Storage, secrets: StorageSecrets) -> None:
    """See that the server takes our credentials, lists the input and honours conditions on the output.

    Raises:
        Denied: there are no credentials, or they are refused.
        InvalidRecipe: the server would overwrite what it is told not to, and outputs could be lost unseen.
        Unavailable: the server or a bucket is not there.
    """
    if not (secrets.key_id and secrets.secret):
        raise Denied(
            f"store.endpoint={storage.endpoint}: there are no credentials",
            remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
        )
    if storage.webhook and not secrets.webhook_token:
        raise Denied("store.webhook has no token", remedy=f"Set {storage.webhook.token_env} in the environment.")
    with closing(_bucket(storage.output, storage, secrets, Path(), patience_s=PROBE_PATIENCE_S)) as output:
        _probe(output)
    with closing(_bucket(storage.input, storage, secrets, Path(), patience_s=PROBE_PATIENCE_S)) as uploads:
        next(uploads.walk(), None)


def _probe(store: KeptStore) -> None:
    attributes = Attributes(content_type="text/plain")
    try:
        store.put(PROBE_KEY, b"", attributes, expect=None)
    except Conflict:
        return  # which is what the next put is to show
    try:
        store.put(PROBE_KEY, b"", attributes, expect=None)
    except Conflict:
        return
    finally:
        store.delete(PROBE_KEY)
    raise InvalidRecipe(
        "store.endpoint: the server ignores If-None-Match, and would overwrite what it is told to keep",
        remedy="Use a server with conditional puts, such as SeaweedFS.",
    )


def _bucket(name: str, storage: Storage, secrets: StorageSecrets, scratch: Path, *, patience_s: float) -> KeptStore:
    # Only those who use a bucket pay for what reaches it.
    from safelight.aws.access import Access  # noqa: PLC0415
    from safelight.aws.sigv4 import Credentials  # noqa: PLC0415
    from safelight.aws.store import S3Store  # noqa: PLC0415

    credentials = Credentials(key_id=secrets.key_id or "", secret=secrets.secret or "", token=secrets.token)
    access = Access(region=storage.region, credentials=credentials, endpoint=storage.endpoint)
    return S3Store(name, access, scratch, patience_s=patience_s)
