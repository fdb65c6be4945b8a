"""One invocation of the function: its items are developed in the time that there is, the others are handed back.

Source: AWS Lambda developer guide, "Handling errors for an SQS event source".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from threading import Thread
from typing import NoReturn, Protocol

from msgspec import Struct
from msgspec.structs import replace

from safelight import event, pipeline
from safelight.errors import Busy, OutOfTime, SafelightError, Timeout
from safelight.job import Job, Outcome, Upload, jobs_for
from safelight.ports import Message, Ports, Queue
from safelight.recipe.model import Limits, Recipe
from safelight.remove import fail, removals, remove
from safelight.times import timestamp

HAND_BACK_S = 3.0
"""What answering takes at most on a small function; by then whoever still works is left behind."""
LEAST_S = 2.0
"""An item is not started with less time than this, or than the longest one took so far."""
STUCK_PATIENCE_S = 10.0
"""How long the next invocation waits for what the last one left behind."""
MAX_DELAY_S = 60
MAX_HANGS = 2
"""A picture that took all the time is tried once more, in case the machine was slow."""
_log = logging.getLogger("safelight")


class Item(Struct, frozen=True, kw_only=True):
    """One delivery: a message of the queue, or what S3 or EventBridge handed over itself (without a receipt)."""

    message: object
    text: str = ""
    id: str = ""
    receipt: str = ""
    receives: int = 1


class World(Protocol):
    """What an invocation needs of AWS."""

    limits: Limits
    recipes: tuple[Recipe, ...]
    queue: Queue | None
    max_receives: int

    def ports(self, bucket: str) -> Ports:
        """Return the ports for uploads of one bucket."""

    def is_output(self, bucket: str, key: str) -> bool:
        """Return whether the pipeline itself wrote what is at a key."""


class Process(Struct, frozen=True, kw_only=True):
    """The process around an invocation, so that tests can have one of their own."""

    now: Callable[[], float]
    told: Callable[[Outcome], None]
    exit: Callable[[int], NoReturn] = os._exit
    join: Callable[[Thread, float], None] = Thread.join


class Invocation:
    """Develops items one after the other, each in a thread that is left behind when the time is up.

    A thread stuck in a decoder cannot be ended. What it still does harms nobody, since its lease has an end and its
    puts are conditional, but it takes memory and CPU, so that the next invocation waits for it and ends the process
    if that does not help.
    """

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._left_behind: Thread | None = None

    def develop(self, items: list[Item], deadline_s: float) -> dict[str, SafelightError]:
        """Develop what there is time for; return the items that must come again, by their id, and why.

        Args:
            items: what was delivered.
            deadline_s: when the function is ended, by `process.now`.
        """
        self._await_left_behind(items, deadline_s)
        failed: dict[str, SafelightError] = {}
        longest_s = LEAST_S
        for number, item in enumerate(items):
            began = self._process.now()
            left_s = deadline_s - HAND_BACK_S - began
            error: SafelightError | None
            if self._left_behind or left_s < LEAST_S or (number and left_s < longest_s):
                # The first has the whole time: where that is too little, to come again for ever would not help.
                kind = OutOfTime if number else Timeout
                error = kind("no time was left for it in this invocation")
            else:
                error = self._within(item, left_s, alone=not number)
                longest_s = max(longest_s, self._process.now() - began)
            if error is not None and not self._ended(item, error):
                failed[item.id] = self._back(item, error, delay_s=_delay_s(error, item.receives))
        return failed

    def _await_left_behind(self, items: list[Item], deadline_s: float) -> None:
        if self._left_behind is None:
            return
        patience_s = min(STUCK_PATIENCE_S, max(0.0, (deadline_s - self._process.now()) / 3))
        self._process.join(self._left_behind, patience_s)
        if self._left_behind.is_alive():
            _log.error("a picture still hangs after its time; the process ends", extra={"code": "timeout"})
            for item in items:
                self._spare(item)
            self._process.exit(1)
        self._left_behind = None

    def _spare(self, item: Item) -> None:
        """Hand an item back without an answer, which Lambda would take for a failed try after a long wait."""
        error = OutOfTime("a picture before it still hangs")
        if not self._ended(item, error):
            self._back(item, error, delay_s=0)
        elif self._world.queue is not None:
            self._world.queue.delete(_message(item))

    def _within(self, item: Item, left_s: float, *, alone: bool) -> SafelightError | None:
        """Develop an item in at most `left_s` seconds and in the limits' own time; return why it could not be ended.

        What had all of the limits' time or, `alone`, of the invocation's, hangs. Other items only had too little.
        """
        limits = self._world.limits
        patience_s = min(float(limits.seconds), left_s)
        # The lease outlives the deadline by five seconds and ends before the message can be seen again.
        lease = replace(limits, seconds=int(left_s + HAND_BACK_S))
        errors: list[SafelightError] = []
        thread = Thread(target=lambda: errors.extend(self._item(item, lease)), daemon=True)
        thread.start()
        self._process.join(thread, patience_s)
        if thread.is_alive():
            self._left_behind = thread
            self._abandon(item)
            kind = Timeout if alone or patience_s >= limits.seconds else OutOfTime
            return kind(f"developing took longer than {patience_s:.0f} s")
        return errors[0] if errors else None

    def _item(self, item: Item, limits: Limits) -> list[SafelightError]:
        """Develop all that a message asks for, whatever becomes of its other jobs; return what went wrong."""
        try:
            found = event.parse_object(item.message)
        except SafelightError as err:
            return [err]
        for each in found.skipped:
            _log.info("skipped: %s", each.reason, extra={"file": each.key})
        errors = [self._upload(upload, limits) for upload in found.uploads]
        gone = [self._gone(job) for each in found.deletions for job in removals(each, self._world.recipes)]
        return [error for some in errors for error in some] + [error for error in gone if error]

    def _gone(self, job: Job) -> SafelightError | None:
        try:
            remove(job, self._world.ports(job.upload.bucket))
        except SafelightError as err:
            return err
        return None

    def _upload(self, upload: Upload, limits: Limits) -> list[SafelightError]:
        try:
            if self._world.is_output(upload.bucket, upload.key):
                _log.info("skipped: an output of the pipeline itself", extra={"file": upload.key})
                return []
            ports = self._world.ports(upload.bucket)
        except SafelightError as err:
            return [err]
        errors = [self._job(job, ports, limits) for job in jobs_for(upload, self._world.recipes)]
        return [error for error in errors if error]

    def _job(self, job: Job, ports: Ports, limits: Limits) -> SafelightError | None:
        began = timestamp(self._process.now())
        try:
            outcome = pipeline.process(job, ports, limits)
        except SafelightError as err:
            return err
        except Exception as err:  # noqa: BLE001 -- an entry point; whatever it is, the message comes again
            _log.exception("unexpected", extra={"job": job})
            return SafelightError(f"{type(err).__name__} while developing; the log has the details")
        if (outcome.finished_at or "") >= began:  # else it had ended before, and was told of then
            self._process.told(outcome)
        return None

    def _ended(self, item: Item, error: SafelightError) -> bool:
        """End what failed on its last try with a clear reason; return whether the message is done with."""
        tries = MAX_HANGS if isinstance(error, Timeout) else self._world.max_receives
        if item.receives < tries or not item.receipt:
            return False
        try:
            if isinstance(error, (Busy, OutOfTime)):
                return self._sent_anew(item, error)
            return self._failed(item, error)
        except SafelightError as err:
            _log.error("its failure could not be recorded: %s", err.message, extra={"code": err.code})
            return False

    def _sent_anew(self, item: Item, error: SafelightError) -> bool:
        """Put a message that only had to wait back at the end of the queue, as if it had come now."""
        if self._world.queue is None:
            return False
        self._world.queue.send(item.text.encode(), id=item.id, delay_s=_delay_s(error, item.receives))
        return True

    def _abandon(self, item: Item) -> None:
        """End the leases that a thread holds which is left behind, so that another try need not wait for them."""
        try:
            found, recipes = event.parse_object(item.message), self._world.recipes
            uploaded = [job for upload in found.uploads for job in jobs_for(upload, recipes)]
            for job in (*uploaded, *(job for deletion in found.deletions for job in removals(deletion, recipes))):
                self._world.ports(job.upload.bucket).ledger.abandon(job.id)
        except SafelightError as err:
            _log.warning("its lease ends later than it could: %s", err.message, extra={"code": err.code})

    def _failed(self, item: Item, error: SafelightError) -> bool:
        found = event.parse_object(item.message)  # what cannot be read raises, and the dead-letter queue keeps it
        for upload in found.uploads:
            ports = self._world.ports(upload.bucket)
            for job in jobs_for(upload, self._world.recipes):
                outcome = pipeline.fail(job, error, ports)
                if outcome.error and outcome.error.code == error.code:
                    self._process.told(outcome)
        for deletion in found.deletions:
            for job in removals(deletion, self._world.recipes):
                fail(job, error, self._world.ports(job.upload.bucket))
        return True

    def _back(self, item: Item, error: SafelightError, *, delay_s: float) -> SafelightError:
        """Say that an item comes again, and when: else it would be hidden for the queue's whole visibility timeout."""
        _log.warning("handed back: %s", error.message, extra={"code": error.code})
        queue = self._world.queue
        if queue is None or not item.receipt:
            return error
        try:
            queue.release(_message(item), delay_s=delay_s)
        except SafelightError as err:
            _log.warning("it comes again later than it could: %s", err.message, extra={"code": err.code})
        return error


def _message(item: Item) -> Message:
    return Message(id=item.id, body=item.text.encode(), receives=item.receives, receipt=item.receipt)


def _delay_s(error: SafelightError, receives: int) -> float:
    if isinstance(error, OutOfTime):
        return 0.0
    delay_s = float(min(4 ** (receives - 1), MAX_DELAY_S))
    if isinstance(error, Busy):
        # Most leases end long before their time, and what waits may be the newer version.
        return max(1.0, min(error.retry_after_s, delay_s))
    return delay_s
