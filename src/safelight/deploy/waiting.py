"""Waiting in a queue before several servers: closed forms of theory, a simulation, and a ramp that starts cold.

Source: A. K. Erlang (1917); L. Kleinrock, "Queueing Systems", volume 1 (1975), 3.5 and 5.6; AWS Lambda developer guide,
"Configuring scaling behavior for SQS event source mappings".
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Iterator
from math import ceil, log, sqrt

from msgspec import Struct

STEP_S = 1.0
MOST_STEPS = 200_000
"""After so many seconds, more than two days, a backlog that is still there is told as one that does not end."""


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that who comes has to wait, for random arrivals and exponential service (M/M/c).

    Args:
        servers: how many there are.
        load: arrivals a second times the seconds of one service; below `servers`.
    """
    blocked = 1.0  # Erlang B by its recursion, which does not overflow
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait_s(servers: int, rate: float, service_s: float, *, steady: bool = True) -> float:
    """Return the mean wait; that of equal services (`steady`, M/D/c) is Cosmetatos' formula, exact for one server.

    Source: G. P. Cosmetatos, "Approximate Explicit Formulae for the Average Queueing Time in the Processes (M/D/r) and
    (D/M/r)", INFOR 13 (1975).
    """
    load = rate * service_s
    busy = load / servers
    exponential = erlang_c(servers, load) * service_s / (servers - load)
    if not steady:
        return exponential
    correction = 1 + (1 - busy) * (servers - 1) * (sqrt(4 + 5 * servers) - 2) / (16 * busy * servers)
    return exponential / 2 * correction


def simulated_waits(
    servers: int, rate: float, services: Iterable[float], chance: Callable[[], float] = random.random
) -> Iterator[float]:
    """Yield how long each waits who comes at random, is served in order, and takes one of `services` in turn.

    Args:
        servers: how many there are.
        rate: arrivals a second.
        services: seconds of each.
        chance: as `random.Random(seed).random`.
    """
    free_at = [0.0] * servers
    now = 0.0
    for service_s in services:
        now -= log(1.0 - chance()) / rate
        begin = max(now, free_at[0])
        heapq.heapreplace(free_at, begin + service_s)
        yield begin - now


class Ramp(Struct, frozen=True, kw_only=True):
    """How many are served at once: `start` of them, `per_s` more each second that there is more to do, up to `most`."""

    start: float
    per_s: float
    most: float


class Burst(Struct, frozen=True, kw_only=True):
    """What becomes of a burst: the most that wait, the longest wait, and how long after its end all is done.

    `after_s` is None where that takes more than two days.
    """

    backlog: float
    longest_s: float
    after_s: float | None


def burst(rate: float, seconds: float, service_s: float, ramp: Ramp) -> Burst:
    """Return what becomes of `rate` arrivals a second for some seconds, before servers that grow as they are needed.

    Seconds are steps, arrivals and services an even flow; what theory adds for chance is small beside a backlog.
    """
    waiting, most, longest, serving = 0.0, 0.0, 0.0, ramp.start
    for step in range(MOST_STEPS):
        arriving = rate * max(0.0, min(STEP_S, seconds - step * STEP_S))
        able = serving / service_s * STEP_S
        waiting = max(0.0, waiting + arriving - able)
        most, longest = max(most, waiting), max(longest, waiting / (serving / service_s))
        if not waiting and step * STEP_S >= seconds:
            return Burst(backlog=ceil(most), longest_s=longest, after_s=step * STEP_S - seconds)
        if waiting:
            serving = min(ramp.most, serving + ramp.per_s * STEP_S)
    return Burst(backlog=ceil(most), longest_s=longest, after_s=None)
