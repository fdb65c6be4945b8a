"""What runs in a worker process: it develops what it is handed; it dies rather than hang, swell or outlive us."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pebble.common.types import CONSTS

from safelight import event, log, pipeline, remove
from safelight.entry.stores import open_local
from safelight.errors import SafelightError
from safelight.job import Job, Outcome, jobs_for
from safelight.local.ports import Local, World
from safelight.ports import Ports
from safelight.recipe.model import Limits

EXIT_OUT_OF_MEMORY = 77
"""Our own exit code: a worker that passes its memory limit leaves at once, before the system runs out."""

LOCK_PATIENCE_S = 3.0
"""Workers share a pipe. One that is killed while it holds the pipe's lock, which it does for microseconds, must not
hold up the others for pebble's minute."""

GUARD_EVERY_S = 0.02
"""Fresh memory is touched at about 1 GB/s, so this notices some 20 MB past the limit."""

PR_SET_PDEATHSIG = 1
STATM = Path("/proc/self/statm")
PAGE_BYTES = resource.getpagesize()

_log = logging.getLogger("safelight")


def begin(world: World, parent: int) -> None:
    """Prepare a fresh worker process."""
    protect(world.settings.limits, parent)
    log.configure(world.log)


def protect(limits: Limits, parent: int) -> None:
    """Let the process die rather than swell or outlive its parent, and let the parent alone decide on a stop."""
    CONSTS.channel_lock_timeout = LOCK_PATIENCE_S
    for number in (signal.SIGINT, signal.SIGTERM):
        # A terminal's Ctrl-C and systemd's stop reach every process; the service lets us finish what has begun.
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_guard, args=(limits.memory * 1_000_000, parent), daemon=True).start()


def develop(world: World, body: bytes) -> list[Outcome]:
    """Develop or remove everything that a message asks for, one job after the other.

    Raises:
        SafelightError: one of the jobs could not be ended; the message must come again.
    """
    uploaded, deleted = _jobs(world, body)
    limits = world.settings.limits
    outcomes = [_ended(job, world, lambda job, ports: pipeline.process(job, ports, limits)) for job in uploaded]
    removed = [_ended(job, world, remove.remove) for job in deleted]
    return [outcome for outcome in (*outcomes, *removed) if outcome]


def give_up(world: World, body: bytes, error: SafelightError) -> list[Outcome]:
    """Record the jobs of a message that have not ended as failed."""
    uploaded, deleted = _jobs(world, body)
    failed = [pipeline.fail(job, error, _local(world).ports(job.upload.bucket)) for job in uploaded]
    return failed + [remove.fail(job, error, _local(world).ports(job.upload.bucket)) for job in deleted]


@cache
def _local(world: World) -> Local:
    return open_local(world)  # for the life of the process


def _jobs(world: World, body: bytes) -> tuple[list[Job], list[Job]]:
    """Return the jobs of uploads, and those of deletions."""
    found, recipes = event.parse(body), world.settings.recipes
    uploaded = [job for upload in found.uploads for job in jobs_for(upload, recipes)]
    return uploaded, [job for deletion in found.deletions for job in remove.removals(deletion, recipes)]


def _ended(job: Job, world: World, end: Callable[[Job, Ports], Outcome | None]) -> Outcome | None:
    # The default action of SIGALRM ends the process, also one that is stuck in C code.
    signal.setitimer(signal.ITIMER_REAL, world.settings.limits.seconds)
    try:
        return end(job, _local(world).ports(job.upload.bucket))
    except SafelightError:
        raise
    except Exception as err:
        _log.exception("unexpected", extra={"job": job})
        raise SafelightError(f"{type(err).__name__} while developing; the log has the details") from err
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _guard(limit_bytes: int, parent: int) -> None:
    """Leave when memory passes the limit, or when the parent is gone (where the kernel does not see to that)."""
    while True:
        if _resident_bytes() > limit_bytes:
            os._exit(EXIT_OUT_OF_MEMORY)
        if os.getppid() != parent:
            os._exit(1)
        time.sleep(GUARD_EVERY_S)


def _resident_bytes() -> int:
    try:
        return int(STATM.read_text().split()[1]) * PAGE_BYTES
    except OSError:  # no Linux: the peak so far is as good, since passing the limit ends us
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
