"""The meter of the function: what a job cost, of calls that were counted and time that passed.

It knows a job up to the moment in which its ending is written, since that is where the cost stands; what comes after is
the same for all. A cold start is nobody's, and storage is paid by the month: `safelight cost` has both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from safelight.aws.units import Units, so_far, still_to_come, total, usd
from safelight.job import Outcome

_encode = msgspec.json.Encoder().encode


class Meter:
    """Counts one job after the other.

    Args:
        rates: dollars for each unit, as the package has them.
        gib: the function's memory, which its seconds are billed by.
        calls: how many calls there were of each kind so far; others count.
        beside: the units of a job's message and notices.
        now: seconds since 1970.
    """

    def __init__(
        self,
        rates: Mapping[str, float],
        gib: float,
        calls: Mapping[str, int],
        beside: Callable[[Outcome], Units],
        now: Callable[[], float],
    ) -> None:
        self._rates = rates
        self._gib = gib
        self._calls = calls
        self._beside = beside
        self._now = now
        self.begin()

    def begin(self) -> None:
        """Start a job's account."""
        self._began = self._now()
        self._before = dict(self._calls)

    def units(self, outcome: Outcome) -> Units:
        """Return what the job used, with what writing and telling its ending will use."""
        made = {name: count - self._before.get(name, 0) for name, count in self._calls.items()}
        size = len(_encode(outcome))
        spent = {"lambda_gb_s": max(0.0, self._now() - self._began) * self._gib}
        ending = still_to_come(size, owes_notice=outcome.owes_notice)
        return total(so_far(made), ending, spent, self._beside(outcome))

    def cost_usd(self, outcome: Outcome) -> float:
        """Return the job's cost at list prices, to three digits."""
        return float(f"{usd(self.units(outcome), self._rates):.3g}")
