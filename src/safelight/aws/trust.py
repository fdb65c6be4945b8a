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
from pathlib import Path

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
            self.context.load_verify_locations(cadata=roots)
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


def amazon_roots(path: str | None) -> bytes:
    """Return the certificates of Amazon's roots in a PEM file, as DER; empty where there are none."""
    try:
        text = Path(path).read_bytes() if path else b""
    except OSError:
        return b""
    return b"".join(der for der in _certificates(text) if any(name in der for name in AMAZON))


def _certificates(text: bytes) -> Iterator[bytes]:
    for part in text.split(_BEGIN)[1:]:
        try:
            yield a2b_base64(part.partition(_END)[0])
        except ValueError:
            continue  # OpenSSL says what is wrong with the file, when it reads it all
