"""The local service: what lands in the input is queued, developed by workers and told of; nothing is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

from safelight import log
from safelight.entry import intake, leave
from safelight.entry.dispatch import Dispatch
from safelight.entry.hook import BucketWatch
from safelight.entry.lock import locked
from safelight.entry.pool import Pool
from safelight.entry.still import STILL_S
from safelight.entry.stores import check_buckets, open_local
from safelight.entry.watch import Watch
from safelight.errors import SafelightError, Unavailable
from safelight.job import Outcome, Status
from safelight.local.ports import Local, World

SCAN_EVERY_S = 60.0
MAIL_EVERY_S = 1.0
STOP_PATIENCE_S = 30.0
"""How long a stop waits for pictures in the making; the claims of the rest are returned."""

_log = logging.getLogger("safelight")


class Service:
    """Runs until `stop` is called.

    Args:
        world: the project.
        workers: how many worker processes.
        told: is called with each outcome, from other threads.
    """

    def __init__(self, world: World, workers: int, told: Callable[[Outcome], None]) -> None:
        self._world = world
        self._workers = workers
        self._told = told
        self._stopping = threading.Event()
        self._scan_due = threading.Event()
        self._left_behind = threading.Event()
        self._at_once = False
        self._wake: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """Take no new work, finish what has begun, and end; a second call does not wait. Not for signal handlers."""
        self._at_once = self._stopping.is_set()
        self._quit()

    def _quit(self) -> None:
        self._stopping.set()
        self._scan_due.set()
        self._wake()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve.

        Raises:
            InUse: another service runs on this project.
            SafelightError: the project cannot be used.
        """
        with locked(self._world.state / "lock"):
            log.configure(self._world.log)
            self._check_buckets()
            with closing(open_local(self._world)) as local:
                self._run(local, ready)

    def _check_buckets(self) -> None:
        """Refuse buckets that could never be used; a server that is away may come later."""
        if self._world.storage:
            with suppress(Unavailable):
                check_buckets(self._world.storage, self._world.secrets)

    def _run(self, local: Local, ready: Callable[[], None]) -> None:
        _recover(local)
        leave.check(local.world)
        watches = {bucket: self._watch(local, bucket) for bucket in local.inputs}
        pool = Pool(self._world, self._workers)
        dispatch = Dispatch(local, pool, self._workers, lambda outcome: self._ended(local, outcome, watches))
        self._wake = dispatch.wake
        for watch in watches.values():
            watch.start()
        helpers = [threading.Thread(target=each, args=(local, dispatch)) for each in (self._scan, self._deliver_mail)]
        for helper in helpers:
            helper.start()
        _log.info("service started")
        try:
            ready()
            while not self._stopping.is_set():
                dispatch.turn()
        finally:
            self._quit()
            for watch in watches.values():
                watch.stop()
            for helper in helpers:
                helper.join()
            self._end(local, dispatch, pool)
            local.notifier.deliver(time.time(), flush=True)
            _log.info("service stopped")

    def _ended(self, local: Local, outcome: Outcome, watches: Mapping[str, Watch | BucketWatch]) -> None:
        self._told(outcome)
        leave.remember(local, outcome)
        if outcome.status is Status.SUPERSEDED:
            # The file changed after it was queued, perhaps in a way that no event tells of, such as its mtime alone.
            watches[outcome.upload.bucket].look_at(outcome.upload.key)

    def _watch(self, local: Local, bucket: str) -> Watch | BucketWatch:
        def arrived(key: str) -> None:
            if not intake.take(local, bucket, key):
                self._left_behind.set()
            self._wake()

        def departed(key: str) -> None:
            leave.notice(local, bucket, key)
            self._wake()

        world = local.world
        if world.storage:
            return BucketWatch(bucket, world.storage.webhook, world.secrets.webhook_token, arrived)
        return Watch(dict(world.inputs)[bucket], arrived, self._scan_due.set, departed)

    def _scan(self, local: Local, dispatch: Dispatch) -> None:
        """Look for what the watch missed: at the start soon again, since files too fresh to trust were left out."""
        self._left_behind.set()
        while not self._stopping.is_set():
            self._scan_due.clear()
            for bucket in local.inputs:
                self._scan_one(local, bucket, dispatch)
            log.rotate(self._world.log)
            self._wait_for_scan()

    def _scan_one(self, local: Local, bucket: str, dispatch: Dispatch) -> None:
        try:
            intake.scan(local, bucket, dispatch.wake, self._stopping)
        except SafelightError as err:
            _log.warning("the scan of the input failed: %s", err.message, extra={"code": err.code})
            self._left_behind.set()
        except Exception:  # noqa: BLE001 -- the next scan must come
            _log.exception("the scan of the input failed")

    def _wait_for_scan(self) -> None:
        """Wait a minute, or a few seconds while something is left behind that could not be queued."""
        ends = time.monotonic() + SCAN_EVERY_S
        while not self._scan_due.wait(STILL_S) and time.monotonic() < ends and not self._left_behind.is_set():
            pass
        self._left_behind.clear()

    def _deliver_mail(self, local: Local, _dispatch: Dispatch) -> None:
        while not self._stopping.wait(MAIL_EVERY_S):
            local.notifier.deliver(time.time())

    def _end(self, local: Local, dispatch: Dispatch, pool: Pool) -> None:
        patience_ends = time.monotonic() + STOP_PATIENCE_S
        while dispatch.busy() and time.monotonic() < patience_ends and not self._at_once:
            dispatch.turn(taking=False)
        pool.close(at_once=dispatch.busy())
        local.ledger.release_all()


def _recover(local: Local) -> None:
    """Undo what a service that was killed left behind: its workers are dead, since we hold its lock."""
    local.ledger.release_all()
    local.queue.reveal_all()
    local.output.sweep()
    intake.tell_owed(local)
