"""The objects of a bucket with their versions.

obstore lists a bucket, but without versions, by folders instead of prefixes, and not at all when one key in the bucket
is of a kind that it cannot name. So this asks S3 itself, by signed addresses, a thousand objects at a time.

Source: Amazon S3 API reference, ListObjectVersions (a bucket without versions answers it too) and "Authenticating
requests: using query parameters".
"""

from __future__ import annotations

import hmac
import logging
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote, unquote_plus
from urllib.request import urlopen
from xml.etree import ElementTree as ET

from safelight.aws.access import Access
from safelight.aws.sigv4 import ALGORITHM, Scope, signing_key
from safelight.aws.store import check_key, time_text, version_of
from safelight.errors import Denied, InvalidKey, Unavailable
from safelight.job import Upload

PAGE = 1000
"""S3's own limit."""
TRIES = 5
FIRST_BACKOFF_S = 0.2
TIMEOUT_S = 30.0
VALID_S = 300
NO_BYTES = "d41d8cd98f00b204e9800998ecf8427e"
"""The etag of an empty object, which SeaweedFS leaves out of this list."""

_log = logging.getLogger("safelight")


def listed(bucket: str, access: Access, prefix: str, left_out: set[str], *, page: int = PAGE) -> Iterator[Upload]:
    """Yield the current version of every object whose key starts with `prefix`.

    Args:
        bucket: its name.
        access: where it is, and who asks.
        prefix: the beginning of the keys.
        left_out: the keys that cannot be fetched and were told of before, to which new ones are added.
        page: how many versions are asked for at a time.

    Raises:
        Denied, Unavailable
    """
    marks: dict[str, str] = {}
    while True:
        query = {"versions": "", "encoding-type": "url", "max-keys": str(page), "prefix": prefix, **marks}
        answer = _asked(bucket, access, query)
        # Other servers than AWS's may not know the encoding, and then do not say that they used it.
        plain = unquote_plus if _text(answer, "EncodingType") == "url" else str
        for version in answer.iterfind("{*}Version"):
            key = plain(_text(version, "Key"))
            if _text(version, "IsLatest") == "true" and _fetchable(key, left_out):
                yield _upload(bucket, key, version)
        if _text(answer, "IsTruncated") != "true":
            return
        marks = {"key-marker": plain(_text(answer, "NextKeyMarker"))}
        if version_mark := _text(answer, "NextVersionIdMarker"):
            marks["version-id-marker"] = version_mark


def signed_url(bucket: str, access: Access, query: Mapping[str, str], at: float) -> str:
    """Return an address that lists a bucket, good for five minutes from `at` (seconds since 1970)."""
    endpoint, scope = access.endpoint_of("s3"), Scope(region=access.region, service="s3")
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = f"{moment[:8]}/{scope.region}/s3/aws4_request"
    signed = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{access.credentials.key_id}/{target}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(VALID_S),
        "X-Amz-SignedHeaders": "host",
        **({"X-Amz-Security-Token": access.credentials.token} if access.credentials.token else {}),
    }
    text = "&".join(sorted(f"{_quoted(name)}={_quoted(value)}" for name, value in signed.items()))
    request = f"GET\n/{bucket}\n{text}\nhost:{endpoint.host}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"{ALGORITHM}\n{moment}\n{target}\n{sha256(request.encode()).hexdigest()}"
    key = signing_key(access.credentials.secret, moment[:8], scope)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    scheme = "https" if endpoint.secure else "http"
    return f"{scheme}://{endpoint.host}/{bucket}?{text}&X-Amz-Signature={signature}"


def _asked(bucket: str, access: Access, query: Mapping[str, str]) -> ET.Element:
    """Return one page, tried again while the bucket is throttled or cannot be reached."""
    context = ssl.create_default_context(cafile=access.ca_bundle) if access.endpoint_of("s3").secure else None
    fault: Exception | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(FIRST_BACKOFF_S * 2**attempt * random.random())  # noqa: S311 -- spreads load, hides nothing
        url = signed_url(bucket, access, query, time.time())
        try:
            with urlopen(url, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310 -- http or https: Endpoint
                return ET.fromstring(answer.read())  # noqa: S314 -- expat bounds what entities grow to
        except HTTPError as err:
            with err:
                _refused(err)
            fault = err
        except (OSError, HTTPException, ET.ParseError) as err:
            fault = err
    raise Unavailable("the bucket could not be listed") from fault


def _refused(err: HTTPError) -> None:
    """Raise what another try cannot help; a throttled or broken server gets one."""
    if err.code in (401, 403):
        remedy = "Give Safelight s3:ListBucketVersions and s3:ListBucket on the bucket."
        raise Denied("the bucket refused to be listed", remedy=remedy) from err
    if err.code == 404:
        raise Unavailable("the bucket is not there", remedy="Make the bucket, or name another one.") from err
    if err.code < 500 and err.code != 429:
        raise Unavailable(f"the bucket could not be listed: the server answered {err.code}") from err


def _fetchable(key: str, left_out: set[str]) -> bool:
    """Say whether a listed key can be asked for; a folder's placeholder, which is no picture, needs no warning."""
    if key in left_out or key.endswith("/"):
        return False
    try:
        check_key(key)
    except InvalidKey as err:
        left_out.add(key)  # a scan comes every minute
        _log.warning("left out of the listing: %s", err.message, extra={"code": err.code, "remedy": err.remedy})
        return False
    return True


def _upload(bucket: str, key: str, version: ET.Element) -> Upload:
    etag = _text(version, "ETag").strip('"') or NO_BYTES
    return Upload(
        bucket=bucket,
        key=key,
        version=version_of(_text(version, "VersionId"), etag),
        etag=etag,
        size=int(_text(version, "Size")),
        arrived_at=time_text(datetime.fromisoformat(_text(version, "LastModified"))),
    )


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
