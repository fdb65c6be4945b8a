"""What jobs cost, added up."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from safelight.entry.cli.show import counted
from safelight.figures import digits
from safelight.job import Outcome, Status


class Lists(Protocol):
    """The part of a ledger that is needed."""

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        """List jobs, as `ports.Ledger` says."""


class Costs(Struct, frozen=True, kw_only=True):
    """How many jobs there are, how many of them know what they cost, and the sum of that."""

    jobs: int = 0
    priced: int = 0
    cost_usd: float = 0.0

    @property
    def words(self) -> str:
        """Return it as a sentence."""
        if not self.priced:
            why = "jobs on one machine have none, nor those of an older package"
            return f"{counted(self.jobs, 'job')}, none with a cost: {why}."
        each = digits(self.cost_usd / self.priced)
        rest = f", {self.jobs - self.priced} without a cost" if self.jobs > self.priced else ""
        return f"{counted(self.priced, 'job')}: ${digits(self.cost_usd)}, ${each} each{rest}."


def costs(ledger: Lists, status: Status | None = None) -> Costs:
    """Add up all jobs of a ledger, or those of a status."""
    found, after = Costs(), None
    while page := ledger.jobs(status=status, after=after):
        known = [job.cost_usd for job in page if job.cost_usd is not None]
        found = Costs(
            jobs=found.jobs + len(page), priced=found.priced + len(known), cost_usd=found.cost_usd + sum(known)
        )
        after = page[-1].id
    return found
