"""Worker processes: a picture can kill one of them, never the process that asked."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from safelight.entry import worker
from safelight.errors import OutOfMemory, SafelightError, Timeout, WorkerCrashed
from safelight.job import Outcome
from safelight.local.ports import World

HANG_GRACE_S = 5
"""A worker that does not end itself this long after its time limit (stopped, or stuck in the kernel) is killed."""

Result = Future[list[Outcome]]

_log = logging.getLogger("safelight")


class Pool:
    """Spawned workers (a forked child of a process that used libvips hangs), each with limits of time and memory.

    Only the thread that makes a pool may use it: a worker dies with the thread that started it.
    """

    def __init__(self, world: World, workers: int) -> None:
        self._world = world
        self._workers = workers
        self._patience_s = world.settings.limits.seconds * len(world.settings.recipes) + HANG_GRACE_S
        self._waiting: set[Result] = set()
        self._processes = self._start()

    def develop(self, body: bytes) -> Result:
        """Develop the jobs of a message in a worker."""
        return self._schedule(worker.develop, self._world, body)

    def give_up(self, body: bytes, error: SafelightError) -> Result:
        """Record the jobs of a message as failed, in a worker."""
        return self._schedule(worker.give_up, self._world, body, error)

    def close(self, *, at_once: bool = False) -> None:
        """Let the workers finish what they have begun, or kill them."""
        if not at_once:
            self._processes.close()  # type: ignore[no-untyped-call]
            wait(tuple(self._waiting))
        self._processes.stop()  # type: ignore[no-untyped-call]
        for process in multiprocessing.active_children():
            # Pebble would ask each in turn and wait: one that computes does not listen, and one that has not quite
            # started finds the pipe gone and complains on the terminal.
            process.kill()
        self._processes.join()

    def _start(self) -> ProcessPool:
        CONSTS.channel_lock_timeout = worker.LOCK_PATIENCE_S
        processes = ProcessPool(
            max_workers=self._workers,
            initializer=worker.begin,
            initargs=(self._world, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )
        _ = processes.active  # asking starts the workers, which get ready while nothing is to be done yet
        return processes

    def _schedule(self, function: Callable[..., list[Outcome]], *args: object) -> Result:
        """Schedule, in new workers where pebble's pool broke, as it does when an idle worker is killed."""
        if not self._processes.active:
            _log.error("the worker processes broke down and are replaced", extra={"code": WorkerCrashed.code})
            self.close(at_once=True)
            self._processes = self._start()
        result: Result = self._processes.schedule(function, args=args, timeout=self._patience_s)
        self._waiting.add(result)
        result.add_done_callback(self._waiting.discard)
        return result


def error_of(result: Future[Any], seconds: int) -> BaseException | None:
    """Return why a worker did not end its jobs, the death of a worker in our words, or None.

    Raises:
        CancelledError: the pool was closed.
    """
    error = result.exception()
    if isinstance(error, ProcessExpired):
        return _death(error.exitcode, seconds)
    if isinstance(error, BrokenProcessPool):
        return WorkerCrashed("the worker processes broke down")
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
