"""Hand queued messages to workers, and decide what becomes of each: done, again later, or given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress

from safelight import event
from safelight.entry.pool import Pool, Result, error_of, is_death
from safelight.errors import Busy, SafelightError
from safelight.job import Outcome, jobs_for
from safelight.local.ports import Local
from safelight.ports import Message

MAX_RECEIVES = 5
MAX_DEATHS = 2
"""A picture that killed a worker is tried once more, alone, in case its neighbours had taken the memory."""

HIDDEN_S = 3600.0
"""Longer than any job takes; a service that dies sooner is restarted by its successor's `reveal_all`."""

MAX_DELAY_S = 60
FINAL = ("invalid_message",)
GIVING_UP = " (giving up)"
IDLE_S = 1.0
_log = logging.getLogger("safelight")


class Dispatch:
    """The messages in flight. `turn` is called by one thread; workers' answers come from another."""

    def __init__(self, local: Local, pool: Pool, workers: int, told: Callable[[Outcome], None]) -> None:
        self._local = local
        self._pool = pool
        self._room = workers + 1  # one more than can run, so that no worker waits for us between two pictures
        self._told = told
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._in_flight: set[str] = set()
        self._deaths: dict[str, int] = {}
        self._alone: list[Message] = []

    def wake(self) -> None:
        """Tell that a message may have come."""
        self._woken.set()

    def busy(self) -> bool:
        """Return whether a worker still has something of ours."""
        with self._lock:
            return bool(self._in_flight)

    def turn(self) -> None:
        """Hand out what there is room for, then wait until something happens."""
        self._woken.clear()
        try:
            self._hand_out()
            wait_s = self._local.queue.next_visible_s()
        except SafelightError as err:
            _log.error("the queue cannot be used: %s", err.message)
            wait_s = None
        self._woken.wait(IDLE_S if wait_s is None else min(max(wait_s, 0.01), IDLE_S))

    def _hand_out(self) -> None:
        with self._lock:
            flying = len(self._in_flight)
        if self._alone:
            if not flying:
                self._send(self._alone.pop(0))
            return
        if flying >= self._room or (flying and self._fragile_flies()):
            return
        for message in self._local.queue.receive(self._room - flying, visible_again_s=HIDDEN_S):
            if message.id in self._deaths:
                self._alone.append(message)
            else:
                self._send(message)

    def _fragile_flies(self) -> bool:
        with self._lock:
            return any(id_ in self._deaths for id_ in self._in_flight)

    def _send(self, message: Message) -> None:
        with self._lock:
            self._in_flight.add(message.id)
        result = self._pool.develop(message.body)
        result.add_done_callback(lambda done: self._settle(message, done))

    def _settle(self, message: Message, result: Result) -> None:
        try:
            self._judge(message, result)
        except CancelledError:
            pass  # we are stopping; the message is revealed at the next start
        except SafelightError as err:
            _log.error("%s waits for the next start: %s", message.id, err.message)
        finally:
            with self._lock:
                self._in_flight.discard(message.id)
            self.wake()

    def _judge(self, message: Message, result: Result) -> None:
        queue = self._local.queue
        error = error_of(result, self._local.world.settings.limits.seconds)
        if error is None:
            queue.delete(message)
            self._deaths.pop(message.id, None)
            for outcome in result.result():
                self._told(outcome)
            return
        if isinstance(error, Busy):
            queue.release(message, delay_s=min(max(error.retry_after_s, 0.1), 1.0))
            return
        if is_death(error):
            self._bury_worker(message)
        fault = error if isinstance(error, SafelightError) else SafelightError(f"{type(error).__name__} in a worker")
        if self._deaths.get(message.id, 0) < MAX_DEATHS and message.receives < MAX_RECEIVES and fault.code not in FINAL:
            queue.release(message, delay_s=float(min(4 ** (message.receives - 1), MAX_DELAY_S)))
            _log.warning("%s is tried again: %s", message.id, fault.message)
        else:
            self._give_up(message, fault)

    def _bury_worker(self, message: Message) -> None:
        self._deaths[message.id] = self._deaths.get(message.id, 0) + 1
        for upload in event.parse(message.body):
            for job in jobs_for(upload, self._local.world.settings.recipes):
                self._local.ledger.abandon(job.id)

    def _give_up(self, message: Message, fault: SafelightError) -> None:
        """Record the failure in a worker, and keep the message for a replay."""
        queue = self._local.queue
        if fault.code in FINAL:
            queue.bury(message, reason=fault.code)
            _log.error("%s was put aside: %s", message.id, fault.message)
            return
        with self._lock:
            self._in_flight.add(message.id + GIVING_UP)
        result = self._pool.give_up(message.body, fault)
        result.add_done_callback(lambda done: self._given_up(message, fault, done))

    def _given_up(self, message: Message, fault: SafelightError, result: Result) -> None:
        queue = self._local.queue
        try:
            for outcome in result.result():
                self._told(outcome)
            queue.bury(message, reason=fault.code)
            self._deaths.pop(message.id, None)
        except CancelledError:
            pass
        except Exception as err:  # noqa: BLE001 - whatever it is, the message must not be lost
            _log.error("%s could not be recorded as failed: %s", message.id, err)
            with suppress(SafelightError):
                queue.release(message, delay_s=float(MAX_DELAY_S))
        finally:
            with self._lock:
                self._in_flight.discard(message.id + GIVING_UP)
            self.wake()
