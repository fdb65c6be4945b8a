"""One bucket as obstore reaches it, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from safelight.aws.access import Access
from safelight.errors import Conflict, Denied, InvalidKey, NotFound, Superseded, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Credential

_REMEDY = (
    "Give Safelight s3:GetObject (and s3:PutObject for outputs) on the objects and s3:ListBucket on the bucket; "
    "without the latter a missing object looks like a forbidden one."
)
# A bucket elsewhere redirects (301) or refuses the signature (400); obstore has one type for these and other faults.
_LASTING = "Wait; Safelight tries again by itself. If it lasts, see that the bucket is in the region of the deployment."


def open_bucket(bucket: str, access: Access, encryption: str | None, patience_s: float) -> S3Store:
    """Return obstore's client of a bucket, to which all that it should know is said.

    Args:
        bucket: its name.
        access: where it is, and who asks.
        encryption: `AES256`, or the id of a KMS key; None leaves it to the bucket.
        patience_s: how long a request is tried again.

    Raises:
        InvalidRecipe: the endpoint or the file of certificates cannot be used.
    """
    endpoint = access.endpoint_of("s3")
    # Every one of these is said, or obstore would look for it in the environment by itself.
    config: S3Config = {
        "region": access.region,
        "aws_endpoint_url_s3": f"http{'s' if endpoint.secure else ''}://{endpoint.host}",
        "virtual_hosted_style_request": False,
        "conditional_put": "etag",
        "disable_bulk_delete": True,  # few other servers have it, and we delete one at a time
        **_encryption(encryption),
    }
    return S3Store(
        bucket,
        config=config,
        client_options=_client(access, secure=endpoint.secure),
        retry_config={
            "max_retries": 10,
            "retry_timeout": timedelta(seconds=patience_s),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2},
        },
        credential_provider=_Lent(access),
    )


def _client(access: Access, *, secure: bool) -> ClientConfig:
    # A large file takes its time; a connection that stalls does not.
    options: ClientConfig = {
        "allow_http": not secure,
        "connect_timeout": "5s",
        "read_timeout": "20s",
        "timeout": "10m",
    }
    roots = access.roots if access.ca_bundle is None else Path(access.ca_bundle).read_bytes()
    if roots or not secure:
        # Else the client of each bucket reads all that the system has: 9 ms of CPU, twice at each start of a function.
        options["disable_system_certificates"] = True  # type: ignore[typeddict-unknown-key]  # not in its stubs yet
    if roots:
        options["root_certificate"] = roots
    return options


def _encryption(encryption: str | None) -> S3Config:
    if encryption is None:
        return {}
    if encryption == "AES256":
        return {"server_side_encryption": "AES256"}
    return {"server_side_encryption": "aws:kms", "sse_kms_key_id": encryption, "sse_bucket_key_enabled": True}


class _Lent:
    """Gives obstore the credentials, and nothing else the chance to find others."""

    def __init__(self, access: Access) -> None:
        self._credentials = access.credentials

    def __call__(self) -> S3Credential:
        kept = self._credentials
        return {"access_key_id": kept.key_id, "secret_access_key": kept.secret, "token": kept.token, "expires_at": None}


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Raise our errors in place of obstore's, by their types alone."""
    try:
        yield
    except FileNotFoundError as err:
        raise NotFound(f"key {key!r}: there is no such object") from err
    except PreconditionError as err:
        raise Superseded(f"key {key!r}: the object is another one now") from err
    except AlreadyExistsError as err:
        raise Conflict(f"key {key!r}: something else is there now") from err
    except (PermissionDeniedError, UnauthenticatedError) as err:
        raise Denied(f"key {key!r}: the bucket refused access", remedy=_REMEDY) from err
    except InvalidPathError as err:
        raise InvalidKey(f"key {key!r}: the name cannot be asked for") from err
    except BaseError as err:
        raise Unavailable(f"key {key!r}: the bucket did not answer as it should", remedy=_LASTING) from err
