"""What a deployed function has in it: the settings that it was packaged with, read out of its zip."""

from __future__ import annotations

import io
import ssl
import zipfile
from typing import IO, cast
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from safelight import packed
from safelight.deploy.account import Account, explained
from safelight.errors import Unavailable
from safelight.settings import Settings

PATIENCE_S = 30.0
PART_BYTES = 256 * 1024
"""Fetched at once: more than a zip's list of files takes, and a hundredth of the whole."""
PARTIAL = 206


def settings_of(account: Account, function: str, ca_bundle: str | None = None) -> Settings:
    """Return the settings of the function that is deployed now.

    Args:
        account: where it is.
        function: its name.
        ca_bundle: a PEM file of whom to trust, where a proxy looks into TLS.

    Raises:
        InvalidRecipe: they were packaged by a Safelight that knows other options.
        Unavailable: the zip cannot be fetched.
    """
    with explained(account):
        place = account.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    if account.endpoint:  # a stand-in may name itself in a way that does not lead to it from here
        place = urlunsplit((*urlsplit(account.endpoint)[:2], *urlsplit(place)[2:]))
    return settings_at(place, ca_bundle)


def settings_at(address: str, ca_bundle: str | None = None) -> Settings:
    """Return the settings of the package behind an address.

    Raises:
        SafelightError: as `settings_of`.
    """
    try:
        with zipfile.ZipFile(cast("IO[bytes]", RemoteFile(address, ca_bundle))) as archive:
            return packed.parse(archive.read(f"{packed.FOLDER}/{packed.FILE}"))
    except (OSError, KeyError, zipfile.BadZipFile) as err:
        raise Unavailable("the function's package cannot be read", remedy="Try again, or deploy again.") from err


class RemoteFile:
    """A file behind an address, of which only the parts are fetched that are read. Ends are fetched first.

    Args:
        address: where it is; a server that gives no parts gives the whole.
        ca_bundle: a PEM file of whom to trust, where it is not whom the system trusts.
    """

    def __init__(self, address: str, ca_bundle: str | None = None) -> None:
        self._address = address
        self._trust = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else None
        self._at = 0
        self._start, self._part, self._size = self._fetch(f"bytes=-{PART_BYTES}")

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes, all that are left without a count."""
        left = max(self._size - self._at, 0)
        wanted = left if count < 0 else min(count, left)
        if not self._start <= self._at <= self._at + wanted <= self._start + len(self._part):
            last = min(self._at + max(wanted, PART_BYTES), self._size) - 1
            self._start, self._part, _ = self._fetch(f"bytes={self._at}-{last}")
        found = self._part[self._at - self._start :][:wanted]
        self._at += wanted
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place and return it."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seekable(self) -> bool:
        """Say that one can go to any place."""
        return True

    def _fetch(self, part: str) -> tuple[int, bytes, int]:
        """Return where a part begins, its bytes, and how many the whole has."""
        request = Request(self._address, headers={"Range": part})  # noqa: S310 -- the address is Lambda's own answer
        with urlopen(request, timeout=PATIENCE_S, context=self._trust) as answer:  # noqa: S310 -- as above
            body: bytes = answer.read()
            if answer.status != PARTIAL:
                return 0, body, len(body)
            span, _, size = answer.headers["Content-Range"].removeprefix("bytes ").partition("/")
            return int(span.partition("-")[0]), body, int(size)
