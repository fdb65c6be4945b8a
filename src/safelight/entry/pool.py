"""Worker processes: a picture can kill one of them, never the process that asked."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from pebble import ProcessExpired, ProcessPool

from safelight.entry import worker
from safelight.errors import OutOfMemory, SafelightError, Timeout, WorkerCrashed
from safelight.job import Outcome
from safelight.local.ports import World

HANG_GRACE_S = 5
"""A worker that does not end itself this long after its time limit (stopped, or stuck in the kernel) is killed."""

Result = Future[list[Outcome]]


class Pool:
    """Spawned workers (a forked child of a process that used libvips hangs), each with limits of time and memory."""

    def __init__(self, world: World, workers: int) -> None:
        self._world = world
        self._patience_s = world.settings.limits.seconds * len(world.settings.recipes) + HANG_GRACE_S
        self._processes = ProcessPool(
            max_workers=workers,
            initializer=worker.begin,
            initargs=(world, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    def develop(self, body: bytes) -> Result:
        """Develop the jobs of a message in a worker."""
        return self._schedule(worker.develop, self._world, body)

    def give_up(self, body: bytes, error: SafelightError) -> Result:
        """Record the jobs of a message as failed, in a worker."""
        return self._schedule(worker.give_up, self._world, body, error)

    def _schedule(self, function: Callable[..., list[Outcome]], *args: object) -> Result:
        return self._processes.schedule(function, args=args, timeout=self._patience_s)

    def close(self, *, at_once: bool = False) -> None:
        """Let the workers finish what they have begun, or kill them."""
        if at_once:
            self._processes.stop()  # type: ignore[no-untyped-call]
        else:
            self._processes.close()  # type: ignore[no-untyped-call]
        self._processes.join()


def error_of(result: Result, seconds: int) -> BaseException | None:
    """Return why a worker did not end its jobs, the death of a worker in our words, or None."""
    error = result.exception()
    if isinstance(error, ProcessExpired):
        return _death(error.exitcode, seconds)
    if isinstance(error, FutureTimeoutError):
        return Timeout(f"developing took longer than {seconds} s")
    return error


def is_death(error: BaseException) -> bool:
    """Return whether a worker died of this, so that its claim is still held."""
    return isinstance(error, Timeout | OutOfMemory | WorkerCrashed)


def _death(exit_code: int, seconds: int) -> SafelightError:
    if exit_code == -signal.SIGALRM:
        return Timeout(f"developing took longer than {seconds} s")
    if exit_code == worker.EXIT_OUT_OF_MEMORY:
        return OutOfMemory("developing needed more memory than limits.memory")
    return WorkerCrashed(f"the worker process died (exit code {exit_code})")
