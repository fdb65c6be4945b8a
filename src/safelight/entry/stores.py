"""Which stores a service works on: folders, or the buckets that the configuration names."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from safelight.errors import Conflict, Denied, InvalidRecipe, Unavailable
from safelight.local.ports import KeptStore, Local, World, open_folder
from safelight.ports import Attributes

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
    return _bucket(world, name, patience_s=PATIENCE_S)


def check_buckets(world: World) -> None:
    """See that the server takes our credentials and honours conditions; one that is away may come later.

    Raises:
        Denied: there are no credentials, or they are refused.
        InvalidRecipe: the server would overwrite what it is told not to, and outputs could be lost unseen.
    """
    if world.storage is None:
        return
    if not (world.secrets.key_id and world.secrets.secret):
        raise Denied(
            f"store.endpoint={world.storage.endpoint}: there are no credentials",
            remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
        )
    if world.storage.webhook and not world.secrets.webhook_token:
        raise Denied("store.webhook has no token", remedy=f"Set {world.storage.webhook.token_env} in the environment.")
    with closing(_bucket(world, world.storage.output, patience_s=PROBE_PATIENCE_S)) as output, suppress(Unavailable):
        _probe(output)


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


def _bucket(world: World, name: str, *, patience_s: float) -> KeptStore:
    # Only those who use a bucket pay for what reaches it.
    from safelight.aws.access import Access  # noqa: PLC0415
    from safelight.aws.sigv4 import Credentials  # noqa: PLC0415
    from safelight.aws.store import S3Store  # noqa: PLC0415

    storage, secrets = world.storage, world.secrets
    if storage is None:
        raise InvalidRecipe("the configuration names no store")
    credentials = Credentials(key_id=secrets.key_id or "", secret=secrets.secret or "", token=secrets.token)
    access = Access(region=storage.region, credentials=credentials, endpoint=storage.endpoint)
    return S3Store(name, access, world.scratch, patience_s=patience_s)
