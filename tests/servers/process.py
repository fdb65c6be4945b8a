"""Servers as processes that never outlive the tests: stopped at the end, and when the tests are killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

INSTALLED = Path(__file__).parents[2] / ".cache" / "servers"
START_PATIENCE_S = 60.0
TRIES = 3
"""Between finding a port free and the server's taking it, another can take it."""

# The server is the child of a shell that holds our pipe: when we are gone, however we went, the pipe closes and the
# shell ends the whole group. `wait` makes the shell end with the server's own exit code.
LEASH = """\
exec 3<&0
(cat <&3 >/dev/null; kill -9 -$$) &
exec 3<&-
"$@" </dev/null &
wait $!
"""


def installed(name: str) -> Path:
    """Return the folder of a server, or skip the test (fail, in CI) when it could not be installed."""
    if (INSTALLED / name / "installed").exists():
        return INSTALLED / name
    reason = f"{name} is not installed; `make test` tries it, and {INSTALLED / name}.log says why it failed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    return pytest.skip(reason)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, below those that the system hands out by itself."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15_000, 32_000)
        with suppress(OSError), closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


class NotReadyError(Exception):
    """The server ended, or did not answer in time."""


@contextmanager
def running(
    words: Sequence[str | Path], folder: Path, ready: Callable[[], bool], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in `folder` until the block ends; what it prints is in `log` there.

    Raises:
        NotReadyError: it ended or `ready` did not hold in time.
    """
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            ["sh", "-c", LEASH, "sh", *map(str, words)],
            cwd=folder,
            env={"TMPDIR": str(folder), **environment},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, ready, folder / "log")
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        assert process.stdin is not None
        process.stdin.close()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    ends = time.monotonic() + START_PATIENCE_S
    while process.poll() is None and time.monotonic() < ends:
        if ready():
            return
        time.sleep(0.05)
    raise NotReadyError(f"{process.args[4]} {process.poll()}: {log.read_text(errors='replace')[-2000:]}")


def answers(url: str, certificate: Path | None = None) -> bool:
    """Whether something speaks HTTP at the address, or HTTPS with this certificate."""
    trust = ssl.create_default_context(cafile=certificate) if certificate else None
    try:
        with urlopen(url, timeout=5, context=trust):
            return True
    except HTTPError as err:
        err.close()
        return True
    except (URLError, OSError):
        return False
