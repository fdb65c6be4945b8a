"""Notice what lands in a bucket or goes: the server tells of it by a webhook, and scans find the rest.

Source: SeaweedFS wiki, "Filer Notification Webhook"; measured with version 4.48.
"""

from __future__ import annotations

import hmac
import logging
import queue
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from msgspec import Struct

from safelight.errors import InUse
from safelight.storage import Webhook

PATH = "/hook"
MAX_BODY_BYTES = 4_000_000
"""An event holds what the server knows of the object, its parts among it."""
PATIENCE_S = 10.0

_VERSION = re.compile(r"\.versions(/v_[0-9a-f]+)?$")
_PARTS = ".uploads/"
_log = logging.getLogger("safelight")


class Event(Struct, frozen=True):
    """What SeaweedFS tells of a change; `key` is the path of a file or folder among the server's own."""

    event_type: str
    key: str


class BucketWatch:
    """Calls `changed(key)` for each object that the server tells of; at most one call at a time.

    Args:
        bucket: whose objects.
        webhook: where the server tells of them; None: it does not.
        token: what it must know to be believed.
        changed: is called from a thread of the watch, perhaps more than once for one object, also for one that is gone.

    Raises:
        InUse: the port is taken.
    """

    def __init__(self, bucket: str, webhook: Webhook | None, token: str | None, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._keys: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._looking = threading.Thread(target=self._look)
        self._server = _server(bucket, webhook.port, token, self.look_at) if webhook and token else None
        self._serving = threading.Thread(target=self._server.serve_forever) if self._server else None

    def start(self) -> None:
        """Begin to listen."""
        self._looking.start()
        if self._serving:
            self._serving.start()

    def stop(self) -> None:
        """End; no call of `changed` begins after this."""
        if self._server and self._serving:
            if self._serving.is_alive():
                self._server.shutdown()
                self._serving.join()
            self._server.server_close()
        if self._looking.is_alive():
            self._keys.put(None)
            self._looking.join()

    def look_at(self, key: str) -> None:
        """Let an object be looked at, soon and from another thread."""
        self._keys.put(key)

    def _look(self) -> None:
        while (key := self._keys.get()) is not None:
            self._changed(key)


def key_of(event: Event, bucket: str) -> str | None:
    """Return the key of the object that an event tells of; None when it tells of nothing in the bucket.

    A folder that was made or removed looks like an object here; the bucket then says that there is none.
    """
    folder = f"/buckets/{bucket}/"
    if not event.key.startswith(folder):
        return None
    key = event.key.removeprefix(folder)
    return None if key.startswith(_PARTS) else _VERSION.sub("", key)


def _server(bucket: str, port: int, token: str, changed: Callable[[str], None]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = _read(self, f"Bearer {token}")
            refused = isinstance(event, HTTPStatus)
            if isinstance(event, Event) and (key := key_of(event, bucket)):
                changed(key)
            self.send_response(event if isinstance(event, HTTPStatus) else HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            if refused:
                self.send_header("Connection", "close")  # the body may be unread
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's word
            _log.debug(format, *args)

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as err:
        raise InUse(f"store.webhook.port={port}: {err.strerror}", remedy="Name another port.") from err
    server.daemon_threads = True
    return server


def _read(request: BaseHTTPRequestHandler, authorization: str) -> Event | HTTPStatus:
    """Return the event of a request, or with which status it is refused."""
    if request.path != PATH:
        return HTTPStatus.NOT_FOUND
    # Compared as bytes and in constant time: a header may hold any of them, and time must tell nothing.
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), authorization.encode()):
        return HTTPStatus.UNAUTHORIZED
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    try:
        return msgspec.json.decode(request.rfile.read(int(length)), type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return HTTPStatus.BAD_REQUEST
