"""AWS's own Lambda Runtime Interface Emulator with AWS's own runtime client: a handler runs as Lambda runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from msgspec import Struct

from tests.servers.process import TRIES, NotReadyError, free_ports, installed, running

PATH = "2015-03-31/functions/function/invocations"


class Function(Struct, frozen=True, kw_only=True):
    """One function that waits for invocations, as a single Lambda environment does; `log` is what it printed."""

    endpoint: str
    log: Path

    def invoke(self, event: object) -> Any:
        """Invoke it and return its answer: the handler's, or Lambda's error with `errorType` and `errorMessage`."""
        answer = self.invoke_raw(json.dumps(event).encode())
        try:
            return json.loads(answer)
        except ValueError:
            return answer.decode()  # a timeout is told in plain text

    def invoke_raw(self, body: bytes) -> bytes:
        """Invoke it with these bytes and return those of its answer."""
        with urlopen(Request(f"{self.endpoint}/{PATH}", data=body), timeout=900) as answer:
            return bytes(answer.read())


@contextmanager
def function(
    handler: str, root: Path, folder: Path, environment: Mapping[str, str], *, timeout_s: int = 60
) -> Iterator[Function]:
    """Run a handler on Python 3.14 where there is one, with nothing on its path but the contents of its zip.

    The handler is imported at the first invocation.

    Args:
        handler: `package.module.function`.
        root: the unpacked zip.
        folder: for the log.
        environment: what the function finds in its environment beside what Lambda sets; nothing of ours is in it.
        timeout_s: after which the emulator ends the invocation and starts the runtime anew.
    """
    emulator, python = installed("rie") / "aws-lambda-rie", installed("lambda") / "bin" / "python"
    for left in reversed(range(TRIES)):
        port, api_port = free_ports(2)
        words = [emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
        words += ["--runtime-api-address", f"127.0.0.1:{api_port}", python, "-m", "awslambdaric", handler]
        found = Function(endpoint=f"http://127.0.0.1:{port}", log=folder / "log")
        settings = _settings(root, timeout_s) | dict(environment)
        try:
            with running(words, folder, lambda: _listens(port), settings):  # noqa: B023 -- it is called in this turn
                yield found
                return
        except NotReadyError:
            if not left:
                raise


def _settings(root: Path, timeout_s: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
        "LAMBDA_TASK_ROOT": str(root),
        "PYTHONPATH": str(root),
    }


def _listens(port: int) -> bool:
    # A request would be an invocation, so we look at the list of the kernel.
    line = f" 0100007F:{port:04X} 00000000:0000 0A "
    return line in Path("/proc/net/tcp").read_text()
