"""A server that answers as AWS's services refuse: for what no stand-in does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ann</Arn>"
    "<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@contextmanager
def refusing(answers: dict[str, tuple[str, str]], *, regions: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Serve, and yield the environment of a command that is to ask it.

    Args:
        answers: for each operation the code and message of its refusal; who we are is told unless it is one of them.
        regions: where GetCallerIdentity is not refused all the same.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["Action"][0]
            region = self.headers["Authorization"].split("/")[2]
            if asked not in answers or region in regions:
                return self.answer(200, WHO)
            code, message = answers[asked]
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            return self.answer(403, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>")

        def answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield {
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
