"""Calls of DynamoDB, SQS (both JSON) and SNS (a form, answered in XML): signed, kept alive, tried again.

Nothing else of an SDK is needed by the processor, and botocore alone would make its cold start several times as long.

A try that broke may have been carried out, so callers say the same thing twice without harm: by a condition, by a
token of their own, or because a second message does none.

Source: AWS SDKs and Tools reference guide, "Retry behavior"; full jitter: AWS Architecture Blog, "Exponential Backoff
And Jitter".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from safelight.aws.access import Access
from safelight.aws.connection import Answer, Connection
from safelight.aws.faults import PROVOKED, Refusal, Refused, error_of, refusal_of
from safelight.aws.sigv4 import Scope, sign
from safelight.aws.trust import Trust
from safelight.errors import Unavailable

TRIES = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 2.0
TIMEOUT_S = 5.0
"""Each of the services answers within milliseconds; with all tries a call takes less than half a minute at worst."""
MAX_IDLE_S = 45.0
"""Load balancers close what is idle for a minute; a frozen function finds its connections dead without a sign."""
MAX_SKEW_S = 240.0
"""AWS refuses what is five minutes off."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = {"dynamodb": "DynamoDB", "sqs": "SQS", "sns": "SNS"}
_TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}

T = TypeVar("T")
_log = logging.getLogger("safelight.aws")


class Timing(Struct, frozen=True, kw_only=True):
    """Time and chance, as the entry point has them: `time.time`, `time.monotonic`, `time.sleep`, `random.random`."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


class Client:
    """One caller in one region. Threads may share it.

    Args:
        access: where, and as whom.
        timing: time and chance.
        timeout_s: how long one try may take, from connecting to the last byte.
        tries: how often a call is tried, the first time included.
    """

    def __init__(self, access: Access, timing: Timing, *, timeout_s: float = TIMEOUT_S, tries: int = TRIES) -> None:
        self._access = access
        self._timing = timing
        self._timeout_s = timeout_s
        self._tries = tries
        self.calls: dict[str, int] = {}
        """How often each action was asked for; a try that AWS turned away unpaid is none."""
        self._skew_s = 0.0
        self._idle: dict[str, list[Connection]] = {}
        # Made now: a function's start has more CPU than its first message.
        self._trust = Trust(access.ca_bundle) if access.endpoint_of("dynamodb").secure else None

    def json(self, service: str, action: str, fields: object, answer: type[T]) -> T:
        """Call an action of DynamoDB or SQS.

        Raises:
            SafelightError: `Unavailable` (`ResourceMissing`) or `Denied`; `Refused` with AWS's code for anything else.
        """
        self.calls[action] = self.calls.get(action, 0) + 1
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"{_TARGETS[service]}.{action}"}
        body = self._call(service, headers, msgspec.json.encode(fields)).body
        try:
            return msgspec.json.decode(body or b"{}", type=answer)
        except msgspec.MsgspecError as err:
            raise Unavailable(f"{_NAMES[service]} answered {action} in an unknown shape") from err

    def form(self, service: str, fields: Mapping[str, str]) -> None:
        """Call an action of SNS; what it answers with success is of no use to us.

        Raises:
            SafelightError: as `json`.
        """
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        self._call(service, headers, urlencode(fields).encode())

    def renew(self, access: Access) -> None:
        """Sign with other credentials from now on; where AWS is stays as it was."""
        self._access = access

    def close(self) -> None:
        """Close the connections."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _call(self, service: str, headers: Mapping[str, str], body: bytes) -> Answer:
        cause: OSError | None = None
        error = Unavailable(f"{_NAMES[service]} was not asked")
        for attempt in range(self._tries):
            if attempt:
                self._wait(attempt)
            try:
                answer = self._exchange(service, headers, body)
            except OSError as err:
                cause, error = err, Unavailable(f"{_NAMES[service]} gave no answer ({type(err).__name__})")
                continue
            if 200 <= answer.status < 300:
                return answer
            refusal = refusal_of(answer)
            if not self._again(refusal, answer):
                level = logging.DEBUG if refusal.code in PROVOKED else logging.WARNING
                _log.log(level, "%s refused: %s %s", service, refusal.code, refusal.message)
                asked = headers.get("x-amz-target", "").rpartition(".")[2]
                # For the owner alone: the error itself may be shown to whoever sent a picture.
                raise error_of(_NAMES[service], refusal) from Refused(f"{service}:{asked}", refusal=refusal)
            cause, error = None, Unavailable(f"{_NAMES[service]} answered {refusal.status} {refusal.code}".rstrip())
        raise error from cause

    def _again(self, refusal: Refusal, answer: Answer) -> bool:
        """Return whether another try may succeed; a clock that is wrong is set right."""
        if not refusal.skewed:
            return refusal.passing
        theirs = date_of(answer.headers.get("date", ""))
        if theirs is None or abs(theirs - self._timing.now() - self._skew_s) < MAX_SKEW_S:
            return False
        self._skew_s = theirs - self._timing.now()
        _log.warning("this machine's clock is off by %d s", -self._skew_s)
        return True

    def _wait(self, attempt: int) -> None:
        longest_s = min(FIRST_BACKOFF_S * 2 ** (attempt - 1), MAX_BACKOFF_S)
        self._timing.sleep(longest_s * self._timing.random())

    def _exchange(self, service: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request by an idle connection or a new one; an idle one that turns out to be closed is no try."""
        endpoint = self._access.endpoint_of(service)
        scope = Scope(region=self._access.region, service=service)
        sent = {"host": endpoint.host, **headers}
        at = self._timing.now() + self._skew_s
        signed = sign(sent, body, self._access.credentials, scope, at)
        idle = self._idle.setdefault(endpoint.host, [])
        while True:
            connection = _taken(idle) or Connection(endpoint, self._trust, self._timing.monotonic)
            kept = connection.used_at is not None
            try:
                answer = connection.exchange(signed, body, self._timeout_s)
            except ConnectionError:
                if kept and not connection.heard:
                    continue
                raise
            idle.append(connection)
            return answer


def _taken(idle: list[Connection]) -> Connection | None:
    while True:
        try:
            connection = idle.pop()  # one step, so that no two threads get the same
        except IndexError:
            return None
        if connection.usable(MAX_IDLE_S):
            return connection
        connection.close()


def date_of(header: str) -> float | None:
    """Return the seconds since 1970 of a Date header; None when it is none. Source: RFC 9110, 5.6.7."""
    try:
        _, day, month, year, clock, zone = header.split(" ")
        hour, minute, second = map(int, clock.split(":"))
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() if zone == "GMT" else None
