"""`store:` of safelight.yaml: the buckets of a server in place of folders."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

Bucket = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Name of a bucket: small letters, digits, dots and -, 3 to 63.",
        examples=["photos"],
    ),
]


class Webhook(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the server tells of new objects: `POST http://127.0.0.1:PORT/hook` with a bearer token, as SeaweedFS does.

    Without it, and for whatever it misses, the bucket is scanned each minute.
    """

    port: Annotated[int, Meta(ge=1, le=65535, description="Port on 127.0.0.1.")] = 8334
    token_env: Annotated[
        str,
        Meta(
            pattern="^[A-Z][A-Z0-9_]{0,99}$",
            description="Name of the environment variable that holds the token, never the token itself: capitals, "
            "digits and _.",
            examples=["SAFELIGHT_WEBHOOK_TOKEN"],
            extra={"secret": True},
        ),
    ] = "SAFELIGHT_WEBHOOK_TOKEN"  # noqa: S105 -- a variable's name


class Storage(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Buckets of an S3-compatible server, which `safelight up` then uses in place of the folders input/ and output/.

    The credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, never from the file.
    """

    endpoint: Annotated[
        str,
        Meta(
            pattern="^https?://[^/?#@ ]+/?$",
            description="Address of the server: http or https, host and port.",
            examples=["http://127.0.0.1:8333"],
        ),
    ]
    input: Annotated[
        Bucket,
        Meta(description="Bucket whose objects are developed: small letters, digits, dots and -.", examples=["photos"]),
    ]
    output: Annotated[Bucket, Meta(description="Bucket of the outputs.", examples=["developed"])]
    region: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9-]{1,40}$",
            description="The region that the server expects in signatures: small letters, digits and -.",
            examples=["us-east-1"],
        ),
    ] = "us-east-1"
    webhook: Webhook | None = None


class StorageSecrets(Struct, frozen=True, kw_only=True):
    """What the environment says of a server, and no file may. `token` comes with credentials that end."""

    key_id: str | None = None
    secret: str | None = None
    token: str | None = None
    webhook_token: str | None = None

    def __repr__(self) -> str:
        return f"StorageSecrets(key_id={self.key_id!r})"  # it may be logged; the secrets may not


def secrets_of(storage: Storage | None, environ: Mapping[str, str]) -> StorageSecrets:
    """Return what these environment variables say."""
    return StorageSecrets(
        key_id=environ.get("AWS_ACCESS_KEY_ID"),
        secret=environ.get("AWS_SECRET_ACCESS_KEY"),
        token=environ.get("AWS_SESSION_TOKEN"),
        webhook_token=environ.get(storage.webhook.token_env) if storage and storage.webhook else None,
    )
