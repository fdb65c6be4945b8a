"""Signature Version 4 for the services that take `POST /`: DynamoDB, SQS, SNS. Pure; botocore's signer is the oracle.

A path or a query string is never sent, so neither is here. S3 has rules of its own and is obstore's.

Source: AWS, "Create a signed AWS API request", Signature Version 4.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(Struct, frozen=True, kw_only=True):
    """Who calls. `token` comes with credentials that end, such as a function's."""

    key_id: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(key_id={self.key_id!r})"  # it may be logged; the secrets may not


class Scope(Struct, frozen=True, kw_only=True):
    """What a signature is good for."""

    region: str
    service: str


def sign(headers: Mapping[str, str], body: bytes, credentials: Credentials, scope: Scope, at: float) -> dict[str, str]:
    """Return the headers to send with `POST /`: those given, and what signs them all.

    Args:
        headers: `host` and whatever else is sent; all of it is signed.
        body: the exact bytes that are sent.
        credentials: who calls.
        scope: region and service.
        at: seconds since 1970 by the service's clock; it refuses what is five minutes off.
    """
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "x-amz-date": moment}
    if credentials.token is not None:
        sent["x-amz-security-token"] = credentials.token
    signed = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
    names = ";".join(name for name, _ in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    target = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"{ALGORITHM}\n{moment}\n{target}\n{sha256(request.encode()).hexdigest()}"
    signature = _hmac(signing_key(credentials.secret, moment[:8], scope), text).hex()
    sent["authorization"] = (
        f"{ALGORITHM} Credential={credentials.key_id}/{target}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def signing_key(secret: str, day: str, scope: Scope) -> bytes:
    """Return the key that signs one day's requests to one service; `day` is YYYYMMDD."""
    key = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
