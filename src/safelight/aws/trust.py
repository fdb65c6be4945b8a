"""Whose certificates count.

Reading the system's 140 or so root certificates takes OpenSSL 7 (3.5) to 40 (3.0) ms of CPU at each cold start. AWS's
endpoints are signed by five of them, so only those are taken from the system's own file: finding them takes 1 to 3 ms.
Where another one signed (a proxy that looks into TLS, a stand-in), the handshake fails once, and then all are read.

Source: https://www.amazontrust.com/repository/ (Amazon Root CA 1 to 4; Starfield Services Root CA G2).
"""

from __future__ import annotations

import ssl
from binascii import a2b_base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from safelight.aws.access import Access

AMAZON = (b"Amazon Root CA ", b"Starfield Services Root Certificate Authority - G2")
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class Trust:
    """A TLS context, made at once; `widen` makes it believe whomever the system believes."""

    def __init__(self, bundle: str | None = None, *, system: str | None = None) -> None:
        """Prepare the context.

        Args:
            bundle: a PEM file of whom to trust instead of Amazon.
            system: the system's PEM file, where it is not OpenSSL's own.
        """
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._wide = True
        if bundle is not None:
            self.context.load_verify_locations(cafile=bundle)
        elif roots := amazon_roots(system or ssl.get_default_verify_paths().cafile):
            self.context.load_verify_locations(cadata=roots.decode("ascii"))
            self._wide = False
        else:
            self.context.load_default_certs()

    def widen(self) -> bool:
        """Trust the system's other roots too; False when nobody is left to add."""
        if self._wide:
            return False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_default_certs()
        self._wide = True
        return True


def amazon_alone(access: Access) -> Access:
    """Return the access with Amazon's roots as all that buckets' clients believe, where Amazon signs.

    For the function on Lambda, whose image a user cannot add certificates to: a proxy that looks into TLS has to be
    named by AWS_CA_BUNDLE there. In China and such places other authorities may sign.
    """
    s3 = access.endpoint_of("s3")
    if access.ca_bundle is not None or not s3.secure or not s3.name.endswith(".amazonaws.com"):
        return access
    return replace(access, roots=amazon_roots(ssl.get_default_verify_paths().cafile) or None)


@cache
def amazon_roots(path: str | None) -> bytes:
    """Return the certificates of Amazon's roots in a PEM file, as PEM; empty where there are none."""
    try:
        text = Path(path).read_bytes() if path else b""
    except OSError:
        return b""
    found = (pem for pem, der in _certificates(text) if any(name in der for name in AMAZON))
    return b"".join(_BEGIN + pem + _END + b"\n" for pem in found)


def _certificates(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is between the marks of each certificate, as it is and decoded."""
    for part in text.split(_BEGIN)[1:]:
        pem = part.partition(_END)[0]
        try:
            yield pem, a2b_base64(pem)
        except ValueError:
            continue  # OpenSSL says what is wrong with the file, when it reads it all
