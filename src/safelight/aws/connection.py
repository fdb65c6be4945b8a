"""One HTTP/1.1 connection that is kept alive.

`http.client` would do, but it brings in the parser of e-mail: CPU at each cold start on CPython 3.14, beside what the
processor imports anyway, 15.5 ms for it against 12 for the whole of our client, 8 of them `ssl`. What AWS answers with
needs far less than mail does: a status, a few headers, a body of known length.

Source: RFC 9112.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Mapping

from msgspec import Struct

from safelight.aws.access import Endpoint
from safelight.aws.trust import Trust

MAX_LINE_BYTES = 16_384
MAX_HEADERS = 200
MAX_BODY_BYTES = 32_000_000
"""DynamoDB's longest answer is 16 MB; what says that it is longer is no answer of AWS."""


class UnreadableAnswer(ConnectionError):
    """What came back is not HTTP/1.1."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a server said. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection to one server; `exchange` opens it.

    Args:
        endpoint: the server.
        trust: whom to believe about its name.
        monotonic: seconds of a clock that is never set back; it times `exchange`.
    """

    def __init__(self, endpoint: Endpoint, trust: Trust | None, monotonic: Callable[[], float]) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._monotonic = monotonic
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._deadline = 0.0
        self.heard = False
        """Whether anything of the last answer arrived."""
        self.used_at: float | None = None
        """When the last answer was whole; None for a new connection."""

    def exchange(self, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        """Post a body and return the answer; nothing of it takes longer than `timeout_s` altogether.

        Raises:
            OSError: there is no answer; the connection is closed.
        """
        self._deadline = self._monotonic() + timeout_s
        self.heard = False
        try:
            if self._socket is None:
                self._socket = self._opened()
            self._send(headers, body)
            answer, last = self._answer()
        except BaseException:
            self.close()
            raise
        self.used_at = self._monotonic()
        if last:
            self.close()
        return answer

    def usable(self, max_idle_s: float) -> bool:
        """Return whether another request may be sent: open, not long idle, and nothing (as an end) has come unasked."""
        if self._socket is None or self._buffer or self.used_at is None:
            return False
        if self._monotonic() - self.used_at > max_idle_s:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the connection; doing so again is no error."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer.clear()

    def _opened(self) -> socket.socket:
        plain = self._connected()
        if self._trust is None:
            return plain
        try:
            return self._wrapped(plain, self._trust)
        except ssl.SSLCertVerificationError:
            if not self._trust.widen():
                raise
        return self._wrapped(self._connected(), self._trust)

    def _connected(self) -> socket.socket:
        plain = socket.create_connection((self._endpoint.name, self._endpoint.port), self._left_s())
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    def _wrapped(self, plain: socket.socket, trust: Trust) -> socket.socket:
        try:
            plain.settimeout(self._left_s())
            return trust.context.wrap_socket(plain, server_hostname=self._endpoint.name)
        except BaseException:
            plain.close()
            raise

    def _send(self, headers: Mapping[str, str], body: bytes) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        self._open_socket().sendall(head.encode("latin-1") + body)

    def _answer(self) -> tuple[Answer, bool]:
        """Read one answer, and tell whether it is this connection's last."""
        status = 100
        while 100 <= status < 200:  # interim answers may come first
            version, status = self._status()
            headers = self._headers()
        coding, length = headers.get("transfer-encoding", ""), headers.get("content-length")
        last = version != "HTTP/1.1" or "close" in headers.get("connection", "").lower()
        if coding.lower().endswith("chunked"):
            body = self._chunks()
        elif length is not None:
            body = self._exactly(_size(length, 10))
        elif status in {204, 304}:
            body = b""
        else:
            body, last = self._rest(), True
        return Answer(status=status, headers=headers, body=body), last

    def _status(self) -> tuple[str, int]:
        version, _, rest = self._line().partition(" ")
        number = rest[:3]
        if not version.startswith("HTTP/1.") or not number.isdecimal() or len(number) != 3:
            raise UnreadableAnswer("the first line is no status")
        return version, int(number)

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(MAX_HEADERS):
            line = self._line()
            if not line:
                return headers
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        raise UnreadableAnswer("too many headers")

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := _size(self._line().partition(";")[0], 16):
            body += self._exactly(size)
            if self._line():
                raise UnreadableAnswer("a chunk is longer than it says")
            _size(str(len(body)), 10)
        self._headers()  # trailers, up to the empty line
        return bytes(body)

    def _rest(self) -> bytes:
        while self._fill():
            _size(str(len(self._buffer)), 10)
        return self._taken(len(self._buffer))

    def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_LINE_BYTES:
                raise UnreadableAnswer("a line is too long")
            self._need_more()
        line = self._taken(end)
        self._taken(2)
        return line.decode("latin-1")

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._need_more()
        return self._taken(count)

    def _taken(self, count: int) -> bytes:
        part = bytes(self._buffer[:count])
        del self._buffer[:count]
        return part

    def _need_more(self) -> None:
        if not self._fill():
            raise ConnectionResetError("the server closed the connection in the middle of an answer")

    def _fill(self) -> bool:
        part = self._open_socket().recv(65_536)
        self.heard = self.heard or bool(part)
        self._buffer += part
        return bool(part)

    def _open_socket(self) -> socket.socket:
        """Return the socket, which may wait no longer than what is left of the time."""
        if self._socket is None:
            raise ConnectionResetError("the connection is closed")
        self._socket.settimeout(self._left_s())
        return self._socket

    def _left_s(self) -> float:
        left_s = self._deadline - self._monotonic()
        if left_s <= 0:
            raise TimeoutError("no whole answer in time")
        return left_s


def _size(text: str, base: int) -> int:
    try:
        size = int(text.strip(), base)
    except ValueError:
        size = -1
    if not 0 <= size <= MAX_BODY_BYTES:
        raise UnreadableAnswer("the length of the answer cannot be read")
    return size
