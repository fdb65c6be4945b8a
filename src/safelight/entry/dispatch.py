"""Hand queued messages to workers, and decide what becomes of each: done, again later, or given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial

from safelight import event
from safelight.entry.pool import Pool, Result, error_of, is_death
from safelight.errors import Busy, SafelightError
from safelight.job import Outcome, jobs_for
from safelight.local.ports import Local
from safelight.ports import Message
from safelight.remove import removals

MAX_TRIES = 5
MAX_DEATHS = 2
"""A picture that killed a worker is tried once more, alone, in case its neighbours had taken the memory."""

HIDDEN_S = 3600.0
"""Longer than any job takes; a service that dies sooner is restarted by its successor's `reveal_all`."""

MAX_DELAY_S = 60
FINAL = ("invalid_message",)
IDLE_S = 1.0
_log = logging.getLogger("safelight")

Action = Callable[[], None]


class Dispatch:
    """The messages in flight. `turn` is called by the thread that made the pool; workers' answers come from another."""

    def __init__(self, local: Local, pool: Pool, workers: int, told: Callable[[Outcome], None]) -> None:
        self._local = local
        self._pool = pool
        self._room = workers + 1  # one more than can run, so that no worker waits for us between two pictures
        self._told = told
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._in_flight: set[str] = set()
        self._undone: list[Action] = []
        self._given_up: list[tuple[Message, SafelightError]] = []
        self._tries: dict[str, int] = {}
        self._deaths: dict[str, int] = {}
        self._alone: list[Message] = []

    def wake(self) -> None:
        """Tell that a message may have come."""
        self._woken.set()

    def busy(self) -> bool:
        """Return whether a worker still has something of ours."""
        with self._lock:
            return len(self._in_flight) > len(self._undone)

    def turn(self, *, taking: bool = True) -> None:
        """Act on what was decided, hand out what there is room for, then wait until something happens.

        Args:
            taking: whether to take new messages; a service that stops takes none.
        """
        self._woken.clear()
        next_s: float | None = None
        try:
            self._act_again()
            self._record_failures()
            if taking and self._hand_out():
                next_s = self._local.queue.next_visible_s()
        except SafelightError as err:
            _log.error("the queue cannot be used: %s", err.message, extra={"code": err.code})
        self._woken.wait(IDLE_S if next_s is None else min(max(next_s, 0.01), IDLE_S))

    def _hand_out(self) -> bool:
        """Send what may be sent, and return whether there was room for all that can be seen."""
        with self._lock:
            flying = len(self._in_flight)
            fragile = any(id_ in self._deaths for id_ in self._in_flight)
        if self._alone:
            if not flying:
                self._send(self._alone.pop(0))
            return False
        room = 0 if fragile else self._room - flying
        found = self._local.queue.receive(room, visible_again_s=HIDDEN_S) if room > 0 else []
        for message in found:
            if message.id in self._deaths:
                self._alone.append(message)
            else:
                self._send(message)
        return len(found) < room

    def _send(self, message: Message) -> None:
        with self._lock:
            self._in_flight.add(message.id)
        result = self._pool.develop(message.body)
        result.add_done_callback(partial(self._settle, message))

    def _settle(self, message: Message, result: Result) -> None:
        """Decide by a worker's answer."""
        try:
            error = error_of(result, self._local.world.settings.limits.seconds)
            if error is None:
                self._act(message, lambda: self._done(message, result))
            elif isinstance(error, Busy):
                delay_s = min(max(error.retry_after_s, 0.1), 1.0)
                self._act(message, lambda: self._local.queue.release(message, delay_s=delay_s))
            else:
                self._judge(message, error)
        except CancelledError:
            self._land(message)  # we are stopping; the message is revealed at the next start

    def _judge(self, message: Message, error: BaseException) -> None:
        """Try again later, or give up."""
        fault = error if isinstance(error, SafelightError) else SafelightError(f"{type(error).__name__} in a worker")
        self._tries[message.id] = self._tries.get(message.id, 0) + 1
        if is_death(error):
            self._deaths[message.id] = self._deaths.get(message.id, 0) + 1
        if fault.code in FINAL:
            _log.error("%s was put aside: %s", message.id, fault.message, extra={"code": fault.code})
            self._act(message, lambda: self._bury(message, fault))
        elif self._deaths.get(message.id, 0) >= MAX_DEATHS or self._tries[message.id] >= MAX_TRIES:
            self._act(message, lambda: self._abandon(message), then=lambda: self._give_up(message, fault))
        else:
            delay_s = float(min(4 ** (self._tries[message.id] - 1), MAX_DELAY_S))
            _log.warning("%s is tried again: %s", message.id, fault.message, extra={"code": fault.code})
            self._act(message, lambda: self._return(message, delay_s))

    def _give_up(self, message: Message, fault: SafelightError) -> None:
        with self._lock:
            self._given_up.append((message, fault))
        self.wake()

    def _record_failures(self) -> None:
        """Have a worker record what was given up. Only our own thread may schedule: new workers die with the thread."""
        with self._lock:
            given_up, self._given_up = self._given_up, []
        for message, fault in given_up:
            result = self._pool.give_up(message.body, fault)
            result.add_done_callback(partial(self._settle_failure, message, fault))

    def _settle_failure(self, message: Message, fault: SafelightError, result: Result) -> None:
        """Keep the message for a replay once its failure is recorded."""
        try:
            error = error_of(result, self._local.world.settings.limits.seconds)
        except CancelledError:
            self._land(message)
            return
        if error is None:
            self._act(message, lambda: self._bury(message, fault, result.result()))
        else:
            _log.error("%s could not be recorded as failed: %s", message.id, error)
            self._act(message, lambda: self._return(message, float(MAX_DELAY_S)))

    def _done(self, message: Message, result: Result) -> None:
        self._local.queue.delete(message)
        self._forget(message, result.result())

    def _bury(self, message: Message, fault: SafelightError, outcomes: list[Outcome] | None = None) -> None:
        self._local.queue.bury(message, reason=fault.code)
        self._forget(message, outcomes or [])

    def _return(self, message: Message, delay_s: float) -> None:
        self._abandon(message)
        self._local.queue.release(message, delay_s=delay_s)

    def _abandon(self, message: Message) -> None:
        """End the claims that a dead worker still holds."""
        if message.id in self._deaths:
            found, recipes = event.parse(message.body), self._local.world.settings.recipes
            uploaded = [job for upload in found.uploads for job in jobs_for(upload, recipes)]
            for job in (*uploaded, *(job for deletion in found.deletions for job in removals(deletion, recipes))):
                self._local.ledger.abandon(job.id)

    def _forget(self, message: Message, outcomes: list[Outcome]) -> None:
        self._tries.pop(message.id, None)
        self._deaths.pop(message.id, None)
        for outcome in outcomes:
            self._told(outcome)

    def _act(self, message: Message, action: Action, then: Action | None = None) -> None:
        """Do what was decided; while the queue cannot be written (a full disk), the message stays in flight."""
        try:
            action()
        except SafelightError as err:
            _log.error("%s waits for the queue: %s", message.id, err.message, extra={"code": err.code})
            with self._lock:
                self._undone.append(lambda: self._act(message, action, then))
            return
        if then:
            then()
        else:
            self._land(message)

    def _act_again(self) -> None:
        with self._lock:
            undone, self._undone = self._undone, []
        for again in undone:
            again()

    def _land(self, message: Message) -> None:
        with self._lock:
            self._in_flight.discard(message.id)
        self.wake()
