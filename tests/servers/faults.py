"""A proxy that hands requests on as they are and, when told to, does what a bad day does."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from msgspec import Struct

SLOW_DOWN = (
    503,
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
)
NOT_SENT_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Exchange(Struct, frozen=True):
    """A request that was carried out, and the status of its answer. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def action(self) -> str:
        """Return DynamoDB's or SQS' action, of other services the method."""
        return self.headers.get("x-amz-target", self.method).rpartition(".")[2]


class Proxy:
    """A server before a server. `faults` are taken from the front, one for each request; what is left out passes.

    A fault is what to answer instead (status and body), `drop` (no answer at all), `cut` (half of the answer) or
    `lost` (the request is carried out, its answer is not given). A signature stays good, since headers are not changed.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.without: set[str] = set()
        """Headers that are not handed on; a server that checks signatures does not like it."""
        self.faults: list[tuple[int, bytes] | str | None] = []
        self.lasting: dict[str, tuple[int, bytes] | str] = {}
        """What goes wrong with every request of a service: `s3`, `dynamodb`, `sqs` or `sns`."""
        self.requests: list[str] = []
        """The method and path of each, whatever became of it."""
        self.exchanges: list[Exchange] = []
        self.endpoint = ""

    def fault(self, request: str) -> tuple[int, bytes] | str | None:
        """Note a request and return what is to go wrong with it."""
        self.requests.append(request)
        return self.faults.pop(0) if self.faults else None


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy before the server at `target` until the block ends."""
    found = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for the other side

        def handle_any(self) -> None:
            _handle(self, found)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 -- http.server's words

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's word
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handle(handler: BaseHTTPRequestHandler, proxy: Proxy) -> None:
    body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
    fault = proxy.fault(f"{handler.command} {handler.path}") or proxy.lasting.get(_service(handler))
    if fault == "drop":
        handler.close_connection = True
        return
    if isinstance(fault, tuple):
        _answer(handler, fault[0], [], fault[1])
        return
    with closing(http.client.HTTPConnection(proxy.target.hostname or "", proxy.target.port, timeout=30)) as onward:
        onward.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in proxy.without:
                onward.putheader(name, value)
        onward.endheaders(body)
        answer = onward.getresponse()
        got = answer.read()
    given = {name.lower(): value for name, value in handler.headers.items()}
    proxy.exchanges.append(Exchange(handler.command, handler.path, given, body, answer.status))
    if fault == "lost":
        handler.close_connection = True
        return
    headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in NOT_SENT_ON]
    length = int(answer.headers.get("content-length", len(got)))
    _answer(handler, answer.status, headers, got[: len(got) // 2] if fault == "cut" else got, length)
    handler.close_connection = handler.close_connection or fault == "cut"


def _service(handler: BaseHTTPRequestHandler) -> str:
    target = handler.headers.get("x-amz-target", "")
    if target:
        return "dynamodb" if target.startswith("DynamoDB") else "sqs"
    return "sns" if handler.command == "POST" and handler.path == "/" else "s3"


def _answer(
    handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes, length: int | None = None
) -> None:
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
