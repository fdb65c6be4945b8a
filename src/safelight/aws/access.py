"""Where AWS is and who calls it, from the variables that Lambda and the command line tools set."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from safelight.aws.sigv4 import Credentials
from safelight.errors import Denied, InvalidRecipe

# Source: botocore's `partitions.json`, against which a test checks it.
_PARTITIONS = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)


class Endpoint(Struct, frozen=True, kw_only=True):
    """One server. `host` is also what requests are addressed to, with the port where it is not the scheme's own."""

    secure: bool
    name: str
    port: int

    @property
    def host(self) -> str:
        """Return the value of the Host header."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


class Access(Struct, frozen=True, kw_only=True):
    """An account's region, seen by one caller.

    `endpoint` replaces the services' own, as stand-ins need it; `ca_bundle` is a PEM file of whom to trust instead.
    `roots` are PEM certificates that buckets' clients believe instead of the system's; see `trust.amazon_alone`.
    """

    region: str
    credentials: Credentials
    endpoint: str | None = None
    ca_bundle: str | None = None
    roots: bytes | None = None

    def endpoint_of(self, service: str) -> Endpoint:
        """Return the server of a service, such as `dynamodb`.

        Raises:
            InvalidRecipe: the endpoint is no http or https address, or has a path.
        """
        if self.endpoint is not None:
            return endpoint_at(self.endpoint)
        domain = next((domain for prefix, domain in _PARTITIONS if self.region.startswith(prefix)), "amazonaws.com")
        return Endpoint(secure=True, name=f"{service}.{self.region}.{domain}", port=443)


def access_from(environ: Mapping[str, str], region: str | None = None) -> Access:
    """Return the access that these environment variables describe.

    Args:
        environ: as Lambda sets it; AWS_ENDPOINT_URL and AWS_CA_BUNDLE are for stand-ins and proxies.
        region: where the environment names none.

    Raises:
        Denied: there are no credentials.
        InvalidRecipe: there is no region.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or region
    if not region:
        raise InvalidRecipe("no AWS region is named", remedy="Set AWS_REGION, or region in safelight.yaml.")
    key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        raise Denied("there are no AWS credentials", remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return Access(
        region=region,
        credentials=Credentials(key_id=key_id, secret=secret, token=environ.get("AWS_SESSION_TOKEN") or None),
        endpoint=environ.get("AWS_ENDPOINT_URL") or None,
        ca_bundle=environ.get("AWS_CA_BUNDLE") or None,
    )


def endpoint_at(url: str) -> Endpoint:
    """Return the server at `url`.

    Raises:
        InvalidRecipe: it is no http or https address, or has a path.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise InvalidRecipe(f"AWS_ENDPOINT_URL={url!r}; must be http://HOST[:PORT] or https://HOST[:PORT]")
    secure = parts.scheme == "https"
    return Endpoint(secure=secure, name=parts.hostname, port=port or (443 if secure else 80))
