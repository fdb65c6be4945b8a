"""A server on this machine that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct

from safelight.aws.access import Access
from safelight.aws.client import Client, Timing
from safelight.aws.sigv4 import Credentials

KEYS = Credentials(key_id="AKID", secret="SECRET", token="TOKEN")  # noqa: S106 -- nobody's


class Asked(Struct, frozen=True):
    """One request; `peer` is the port of its connection."""

    headers: dict[str, str]
    body: bytes
    peer: int


class Reply(Struct, frozen=True, kw_only=True):
    """One answer. `raw` replaces all of it; `hang_up` closes the connection afterwards, `wait_s` keeps it waiting."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b"{}"
    raw: bytes | None = None
    hang_up: bool = False
    wait_s: float = 0


class Server:
    """`replies` are given one by one, then `{}` for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: list[Reply] = []
        self.date: str | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for the other side

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(headers, body, self.client_address[1]))
                self.answer(server.replies.pop(0) if server.replies else Reply())

            def do_HEAD(self) -> None:
                self.answer(Reply(status=404, body=b""))

            def answer(self, reply: Reply) -> None:
                time.sleep(reply.wait_s)
                self.close_connection = reply.hang_up
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    return
                self.send_response_only(reply.status)
                self.send_header("Date", server.date or self.date_time_string())
                self.send_header("Content-Length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class Times:
    """A clock that stands still, sleeps that take no time, and chance that is always the highest."""

    def __init__(self) -> None:
        self.seconds = time.time()
        self.slept: list[float] = []

    def timing(self, monotonic: Callable[[], float] = time.monotonic) -> Timing:
        return Timing(now=lambda: self.seconds, monotonic=monotonic, sleep=self.slept.append, random=lambda: 1.0)


def client_of(url: str, times: Times, *, timeout_s: float = 30, **changes: Callable[[], float]) -> Client:
    access = Access(region="eu-north-1", credentials=KEYS, endpoint=url)
    return Client(access, times.timing(**changes), timeout_s=timeout_s)
