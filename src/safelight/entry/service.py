"""The local service: what lands in the input folder is queued, developed by workers and told of; nothing is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from safelight import log
from safelight.entry import intake
from safelight.entry.dispatch import Dispatch
from safelight.entry.lock import locked
from safelight.entry.pool import Pool
from safelight.entry.watch import Watch
from safelight.errors import SafelightError
from safelight.job import Outcome
from safelight.local import ports as local
from safelight.local.ports import World

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
        self._at_once = False

    def stop(self) -> None:
        """Take no new work, finish what has begun, and end; a second call does not wait."""
        self._at_once = self._stopping.is_set()
        self._stopping.set()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve.

        Raises:
            InUse: another service runs on this project.
            SafelightError: the project cannot be used.
        """
        with locked(self._world.state / "lock"):
            log.configure(self._world.log)
            self._recover()
            pool = Pool(self._world, self._workers)
            dispatch = Dispatch(self._world, pool, self._workers, self._told)
            watches = [self._watch(bucket, dispatch) for bucket, _ in self._world.inputs]
            mailer = threading.Thread(target=self._deliver_mail, daemon=True)
            mailer.start()
            _log.info("service started")
            ready()
            try:
                self._serve(dispatch)
            finally:
                for watch in watches:
                    watch.stop()
                self._end(dispatch, pool, mailer)

    def _recover(self) -> None:
        """Undo what a service that was killed left behind: its workers are dead, since we hold its lock."""
        local.ledger(self._world).release_all()
        local.queue(self._world).reveal_all()
        local.output_store(self._world).sweep()
        intake.tell_owed(self._world)

    def _watch(self, bucket: str, dispatch: Dispatch) -> Watch:
        def arrived(key: str) -> None:
            intake.take(self._world, bucket, key)
            dispatch.wake()

        root = dict(self._world.inputs)[bucket]
        watch = Watch(root, arrived)
        watch.start()
        return watch

    def _serve(self, dispatch: Dispatch) -> None:
        scan_at = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= scan_at:
                threading.Thread(target=self._scan, args=(dispatch,), daemon=True).start()
                scan_at = time.monotonic() + SCAN_EVERY_S
                log.rotate(self._world.log)
            dispatch.turn()

    def _scan(self, dispatch: Dispatch) -> None:
        for bucket, _ in self._world.inputs:
            try:
                intake.scan(self._world, bucket, dispatch.wake)
            except SafelightError as err:
                _log.warning("the scan of the input folder failed: %s", err.message)

    def _deliver_mail(self) -> None:
        while not self._stopping.wait(MAIL_EVERY_S):
            local.notifier(self._world).deliver(time.time())

    def _end(self, dispatch: Dispatch, pool: Pool, mailer: threading.Thread) -> None:
        patience_ends = time.monotonic() + STOP_PATIENCE_S
        while dispatch.busy() and time.monotonic() < patience_ends and not self._at_once:
            time.sleep(0.05)
        pool.close(at_once=dispatch.busy())
        local.ledger(self._world).release_all()
        mailer.join()
        local.notifier(self._world).deliver(time.time(), flush=True)
        _log.info("service stopped")
