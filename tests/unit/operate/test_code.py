"""The settings of a deployed function, read out of its zip without fetching all of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from random import Random
from zipfile import ZIP_STORED, ZipFile

import pytest

from safelight import packed
from safelight.errors import InvalidRecipe, Unavailable
from safelight.operate.code import PART_BYTES, settings_at
from safelight.settings import Settings

SETTINGS = Settings(name="of-the-function")


class Served:
    """A file behind an address; `sent` counts the bytes of it that were given."""

    def __init__(self, body: bytes, *, parts: bool) -> None:
        self.sent = 0
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                start, end = 0, len(body)
                if parts:
                    first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
                    start = int(first) if first else max(end - int(last), 0)
                    end = min(int(last) + 1, end) if first else end
                self.send_response(206 if parts else 200)
                if parts:
                    self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
                self.send_header("Content-Length", str(end - start))
                self.end_headers()
                self.wfile.write(body[start:end])
                served.sent += end - start

            def log_message(self, *_words: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/code.zip"


@contextmanager
def serving(body: bytes, *, parts: bool = True) -> Iterator[Served]:
    served = Served(body, parts=parts)
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


def package(*, before: int, after: int, settings: bytes | None = None) -> bytes:
    """Return a zip that has the settings somewhere among so many bytes."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_STORED) as archive:
        archive.writestr("a.bin", Random(1).randbytes(before))
        archive.writestr(f"{packed.FOLDER}/{packed.FILE}", settings or packed.dump(SETTINGS))
        archive.writestr("z.bin", Random(2).randbytes(after))
    return made.getvalue()


@pytest.mark.parametrize("before", [0, 3_000_000])
@pytest.mark.parametrize("after", [0, 3_000_000])
@pytest.mark.parametrize("parts", [True, False])
def test_settings_are_found_wherever_the_zip_has_them(*, before: int, after: int, parts: bool) -> None:
    """At its beginning, middle or end, and also from a server that gives the whole only."""
    with serving(package(before=before, after=after), parts=parts) as served:
        assert settings_at(served.address) == SETTINGS


def test_settings_of_a_large_package_cost_a_part_of_it() -> None:
    """A package has 20 to 30 MB; a tenth of a second is not to become ten."""
    with serving(package(before=3_000_000, after=3_000_000)) as served:
        settings_at(served.address)
        assert served.sent <= 3 * PART_BYTES


@pytest.mark.parametrize("body", [b"", b"no zip", package(before=10, after=10)[:200]])
def test_package_that_is_broken_is_told_as_such(body: bytes) -> None:
    """A coded error, whatever is wrong with the bytes."""
    with serving(body, parts=False) as served, pytest.raises(Unavailable, match="cannot be read"):
        settings_at(served.address)


def test_package_without_settings_is_told_as_such() -> None:
    """Somebody else's function under our name."""
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr("index.js", "")
    with serving(made.getvalue()) as served, pytest.raises(Unavailable):
        settings_at(served.address)


def test_package_of_another_safelight_is_told_as_such() -> None:
    """What it knows more than this one cannot be guessed."""
    with serving(package(before=1, after=1, settings=b'{"nme": "x"}')) as served, pytest.raises(InvalidRecipe):
        settings_at(served.address)


def test_address_that_does_not_answer_is_told_as_such() -> None:
    """Refused connections are no stack trace."""
    with serving(b"") as served:
        address = served.address
    with pytest.raises(Unavailable):
        settings_at(address)
