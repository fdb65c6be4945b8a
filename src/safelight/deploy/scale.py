"""How much the stack develops: what bounds it first, what waits when more comes, and what it costs at any size."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import repeat

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws import table
from safelight.aws.units import write_units
from safelight.deploy.cost import Bill, bill
from safelight.deploy.durations import Durations
from safelight.deploy.errors import NoRate
from safelight.deploy.prices import Prices
from safelight.deploy.usage import MONTH_S, Load, Usage, example, usage
from safelight.deploy.waiting import Burst, Ramp, burst, mean_wait_s, simulated_waits

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9)
"""Images a month."""
ARRIVALS = 50_000
"""So many uploads are simulated."""
BURST_S = 600
"""A burst lasts ten minutes."""
MAPPING_MOST = 1000
MAPPING_START = 5
MAPPING_PER_S = 300 / 60
"""How Lambda takes from a queue: five at once, 300 more each minute while there is more, 1,000 at most."""
PERIODS = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "month": MONTH_S}
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?) ?/ ?(s|min|h|day|month)", re.ASCII)


class Quotas(Struct, frozen=True, kw_only=True):
    """What AWS allows by default in eu-north-1; numbers are per second where nothing else is said.

    Sources, read for this: Lambda developer guide, "Scaling behavior"; EventBridge user guide, "Quotas" (an older copy:
    regions that it does not name have 1,100); DynamoDB developer guide, "Quotas", and re:Post, "On-demand table
    throttling"; S3 user guide, "Optimizing performance" (at least so many for each prefix that S3 has split off).
    From this project's notes: SNS sends ten mails a second.
    """

    concurrency: int = 1000
    events: float = 1100
    table_writes: float = 40_000
    table_writes_at_first: float = 4_000
    partition_writes: float = 1000
    puts: float = 3500
    gets: float = 5500
    mails: float = 10


class Bound(Struct, frozen=True, kw_only=True):
    """One limit in images a second. `soft`: AWS raises it when asked; `remedy`: what to do when it is reached."""

    name: str
    limit: str
    images_per_s: float
    soft: bool
    remedy: str
    delays: bool = True


class Outlook(Struct, frozen=True, kw_only=True):
    """A rate, and what becomes of it.

    `wait_s` is the mean wait for a free function, and `late_s` what one of a hundred waits longer than; both are None
    when the backlog grows.
    """

    rate: float
    service_s: float
    concurrency: float
    bounds: tuple[Bound, ...]
    wait_s: float | None
    late_s: float | None
    burst: Burst
    bill: Bill

    @property
    def first(self) -> Bound:
        """Return what is reached first."""
        return self.bounds[0]


def rate_of(text: str) -> float:
    """Return images a second of a text such as 1000/s, 5/min or 1e6/month.

    Raises:
        NoRate
    """
    found = _RATE.fullmatch(text.strip())
    if not found or not float(found[1]):
        raise NoRate(f"--rate {text!r}: must be a number above 0 and one of /{', /'.join(PERIODS)}")
    return float(found[1]) / PERIODS[found[2]]


def outlook(rate: float, load: Load, durations: Durations, prices: Prices, quotas: Quotas) -> Outlook:
    """Return what becomes of a rate that lasts all month, and of ten minutes of it.

    Args:
        rate: images a second.
        load: the project; how many images it says does not count.
        durations: what developing takes.
        prices: what AWS asks.
        quotas: what the account may.
    """
    load = replace(load, images=rate * MONTH_S)
    used = usage(load, durations)
    service_s = service_time_s(used)
    found = tuple(sorted(bounds(used, load, quotas), key=lambda bound: bound.images_per_s))
    servers = at_once(load, quotas)
    top = min((bound.images_per_s for bound in found if bound.delays), default=0.0)
    is_steady = rate < top and rate * service_s < servers
    ramp = Ramp(start=min(MAPPING_START, servers), per_s=MAPPING_PER_S, most=min(servers, top * service_s))
    return Outlook(
        rate=rate,
        service_s=service_s,
        concurrency=rate * service_s,
        bounds=found,
        wait_s=mean_wait_s(servers, rate, service_s) if is_steady else None,
        late_s=_late_s(servers, rate, service_s) if is_steady else None,
        burst=burst(rate, BURST_S, service_s, ramp),
        bill=bill(load, used, prices),
    )


def _late_s(servers: int, rate: float, service_s: float) -> float:
    """Return what 1 % wait longer than, by a simulation that comes out the same each time."""
    chance = random.Random(1).random  # noqa: S311 -- arrivals, no secret
    waits = sorted(simulated_waits(servers, rate, repeat(service_s, ARRIVALS), chance))
    return waits[ARRIVALS * 99 // 100]


def service_time_s(used: Usage) -> float:
    """Return how long a function is busy with one upload."""
    return sum(job.work_ms + job.after_ms for job in used.jobs) / 1000


def at_once(load: Load, quotas: Quotas) -> int:
    """Return how many uploads are developed at once at most."""
    return min(load.settings.aws.concurrency or MAPPING_MOST, MAPPING_MOST, quotas.concurrency)


def bounds(used: Usage, load: Load, quotas: Quotas) -> Sequence[Bound]:
    """Return every limit that a stream of uploads meets, in images a second."""
    servers, service_s = at_once(load, quotas), service_time_s(used)
    records = [write_units(len(msgspec.json.encode(example(job)))) for job in used.jobs]
    # A claim and a release of the key, two transactions, and the mark that it was told; indexes have their own.
    base = sum(1 + 4 + (2 + 2 * units) + units + 1 for units in records)
    # The same partitions take the entry of every notice that is owed, and give it back; likewise those that run.
    index = sum(2 * units for units in records)
    puts, gets = sum(job.outputs for job in used.jobs), len(used.jobs)
    own = load.settings.aws.concurrency
    found = [
        Bound(name="functions at once", limit=f"{servers:,}", images_per_s=servers / service_s, soft=True,
              remedy="raise aws.concurrency" if own and own <= servers else
              "ask for more concurrency; 1,000 is also the most of one queue, so then: more memory, which is faster"),
        Bound(name="EventBridge, events sent on", limit=f"{quotas.events:,.0f}/s", images_per_s=quotas.events,
              soft=True, remedy="ask for more; until then events come late, none is lost"),
        Bound(name="job index, 4 shards", limit=f"{table.SHARDS} x {quotas.partition_writes:,.0f} writes/s",
              images_per_s=table.SHARDS * quotas.partition_writes / index, soft=False,
              remedy="more shards are a change of Safelight; until then the function tries again"),
        Bound(name="job table", limit=f"{quotas.table_writes:,.0f} writes/s",
              images_per_s=quotas.table_writes / base, soft=True, remedy="ask for more"),
        Bound(name="job table when new", limit=f"{quotas.table_writes_at_first:,.0f} writes/s",
              images_per_s=quotas.table_writes_at_first / base, soft=True, delays=False,
              remedy="it doubles within half an hour; set a warm throughput before a known flood"),
        Bound(name="S3, outputs of one prefix", limit=f"{quotas.puts:,.0f} PUT/s", images_per_s=quotas.puts / puts,
              soft=False, remedy="spread keys over prefixes; S3 splits busy ones within an hour"),
        Bound(name="S3, uploads of one prefix", limit=f"{quotas.gets:,.0f} GET/s", images_per_s=quotas.gets / gets,
              soft=False, remedy="as for outputs"),
    ]  # fmt: skip
    if used.image.get("sns_mail") and not load.settings.notify.digest:
        found.append(_mails(quotas, len(used.jobs)))
    return found


def _mails(quotas: Quotas, jobs: int) -> Bound:
    remedy = "notify.digest, or notify.on: [failure]"
    limit, per_s = f"{quotas.mails:.0f}/s", quotas.mails / jobs
    return Bound(name="mails to one address", limit=limit, images_per_s=per_s, soft=False, delays=False, remedy=remedy)
