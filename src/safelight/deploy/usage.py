"""What a month uses of every service of the stack, in units that AWS bills: a fixed part, and one for each image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path

import msgspec
from msgspec import Struct

from safelight.aws import emf
from safelight.aws.ledger import RETENTION_S
from safelight.aws.units import ATTRIBUTES_BYTES, MESSAGE, Units, so_far, still_to_come, total
from safelight.deploy.durations import Durations
from safelight.deploy.forecast import CALLS, Forecast, Machine, forecast
from safelight.job import Outcome, Output, Source, Status, Upload
from safelight.recipe.model import Match, Recipe
from safelight.recipe.units import seconds
from safelight.settings import Settings

TEMPLATE = Path(__file__).with_name("template.yaml")
MONTH_S = 30 * 86_400
TAGS = 3
"""Of each output: status, recipe, environment."""
POLLERS = 5
POLL_S = 20
"""Lambda looks at a queue by five long polls at once, whether there is anything or not.

Source: AWS Lambda developer guide, "Configuring scaling behavior for SQS event source mappings". It may go down to two
where there is no maximum concurrency; five is the dearer assumption."""
DIGEST_S = 0.5
DIGEST_READS = 16
"""A run of the digest function: guessed; it asks four shards for notices that are owed."""
INDEX_OVERHEAD_BYTES = 100
KEY_ITEM_BYTES = 500
"""The item of an upload's key: lease, token and head; with its name, which may be longer."""
_RESOURCE = re.compile(r"^    Type: (AWS::[A-Za-z0-9:]+)\n(?:    Condition: (\w+)\n)?", re.MULTILINE)


class Load(Struct, frozen=True, kw_only=True):
    """What is to be reckoned with.

    `kind` is the format of uploads and `key` the key of a typical one, without which it is one that the first recipe
    takes; `kept_months` is for how many months uploads and outputs have been kept.
    """

    images: float
    mb: float
    settings: Settings
    machine: Machine
    kind: str = "jpeg"
    key: str = ""
    kept_months: float = 1

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Return the recipes that take the upload; each makes a job."""
        key = self.key or _typical_key(self.settings.recipes[0].match, self.kind)
        return tuple(recipe for recipe in self.settings.recipes if recipe.match.takes(key))


class Usage(Struct, frozen=True, kw_only=True):
    """Units of a month: `fixed` ones, those of each image, and how the jobs of an image came about."""

    fixed: Units
    image: Units
    jobs: tuple[Forecast, ...]
    cold_share: float


def usage(load: Load, durations: Durations, jobs: Sequence[Forecast] = ()) -> Usage:
    """Return what a month uses.

    Args:
        load: images, and the project.
        durations: what developing takes.
        jobs: forecasts in place of those that the durations give, such as of a picture that was measured.
    """
    settings = load.settings
    found = tuple(jobs) or tuple(
        forecast(recipe, load.mb, load.kind, load.machine, durations) for recipe in load.recipes
    )
    cold = cold_share(load.images, durations)
    gib = load.machine.memory / 1024
    # A job's status is made known once a day by each process: two small writes, of the first job as good as always.
    start = {"lambda_gb_s": cold * durations.around.init_ms / 1000 * gib, "dynamodb_write": 2 * cold}
    each = total(MESSAGE, {"s3_put": 1}, start, *(_job(job, gib) for job in found), _notices(load, len(found)))
    return Usage(
        fixed=total(_watching(settings), _polling(), _digest(load)),
        image=total(each, _kept(load, found), _options(load, each, found)),
        jobs=found,
        cold_share=cold,
    )


def _typical_key(match: Match, kind: str) -> str:
    endings = [each for each in match.suffix if each.casefold().strip(".") in (kind, kind.replace("jpeg", "jpg"))]
    return f"{match.prefix}photo{(*endings, *match.suffix, f'.{kind}')[0]}"


def cold_share(images: float, durations: Durations) -> float:
    """Return how many of the invocations find no warm function, where images come one by one at any time.

    The gap between two of them is longer than a function stays warm with the probability exp(-rate x time).
    """
    around = durations.around
    return max(around.cold_share, exp(-images / MONTH_S * around.keep_warm_s))


def job_units(job: Forecast, *, told: bool = True) -> Units:
    """Return the units of one job's calls, all but its time and its notices."""
    size = len(msgspec.json.encode(example(job)))
    calls = {**CALLS, "put": job.outputs}
    return total(so_far(calls), still_to_come(size, owes_notice=told))


def _job(job: Forecast, gib: float) -> Units:
    return total(job_units(job), {"lambda_gb_s": (job.work_ms + job.after_ms) / 1000 * gib})


def example(job: Forecast) -> Outcome:
    """Return an outcome as long as those of such jobs are: the ledger is billed by its bytes."""
    when, hexes = "2026-11-25T21:01:29.401Z", "0123456789abcdef" * 4
    version, name = hexes[:32], "holiday/beach 1.jpg"
    upload = Upload(
        bucket="myimage-processor-input", key=name, version=version, etag=version, size=3_000_000, arrived_at=when,
        sequencer=hexes[:18],
    )  # fmt: skip
    output = Output(
        key=f"processed/{name}-1600", format="jpeg", width=4032, height=3024, size=3_000_000, quality=80, etag=version
    )
    return Outcome(
        id=f"job_{hexes[:24]}", status=Status.SUCCEEDED, recipe=job.recipe, recipe_digest=hexes[:16], upload=upload,
        attempts=1, started_at=when, finished_at=when, duration_ms=450.3, peak_mb=96, cost_usd=0.0000123,
        source=Source(format="jpeg", width=4032, height=3024, orientation=6), renditions=(output,) * job.outputs,
    )  # fmt: skip


def _notices(load: Load, jobs: int) -> Units:
    notify = load.settings.notify
    if "success" not in notify.on:
        return {}
    if not notify.digest:
        return {"sns_publish": jobs, "sns_mail": jobs * len(notify.email)}
    mails = min(1.0, _runs(load) / load.images) if load.images else 0.0
    return {"sns_publish": mails, "sns_mail": mails * len(notify.email)}


def _runs(load: Load) -> float:
    """Return how often the digest function runs in a month."""
    digest = load.settings.notify.digest
    return MONTH_S / seconds(digest) if digest else 0.0


def _digest(load: Load) -> Units:
    runs, gib = _runs(load), load.machine.memory / 1024
    return {
        "lambda_request": runs,
        "lambda_gb_s": runs * DIGEST_S * gib,
        "dynamodb_read": runs * DIGEST_READS,
    }


def _watching(settings: Settings) -> Units:
    conditions = {"Digests"} if settings.notify.digest else set()
    counts = resources(TEMPLATE.read_text(encoding="utf-8"), conditions)
    return {
        "alarm": counts.get("AWS::CloudWatch::Alarm", 0),
        "dashboard": counts.get("AWS::CloudWatch::Dashboard", 0),
        "metric": len(emf.UNITS),
        "kms_key": 1 if settings.aws.encryption == "kms" else 0,
    }


def _polling() -> Units:
    counts = resources(TEMPLATE.read_text(encoding="utf-8"), set())
    queues = counts.get("AWS::Lambda::EventSourceMapping", 0)
    return {"sqs_request": queues * POLLERS * MONTH_S / POLL_S}


def resources(template: str, conditions: set[str]) -> dict[str, int]:
    """Return how many resources of each type a template makes when these conditions hold and no others."""
    counts: dict[str, int] = {}
    for kind, condition in _RESOURCE.findall(template):
        if not condition or condition in conditions:
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def _kept(load: Load, jobs: Sequence[Forecast]) -> Units:
    """Return what is kept of an image: bytes and tags for some months, its jobs in the ledger, its logs."""
    months, log_months = load.kept_months, load.settings.aws.log_days / 30
    outputs = sum(job.outputs for job in jobs)
    records = sum(len(msgspec.json.encode(example(job))) + ATTRIBUTES_BYTES + INDEX_OVERHEAD_BYTES for job in jobs)
    ledger_months = min(months, RETENTION_S / MONTH_S)
    logged = sum(so_far(CALLS)["log_gb"] for _ in jobs)
    return {
        "s3_gb_month": _moved_gb(load, jobs) * months,
        "s3_tag_month": TAGS * outputs * months,
        "dynamodb_gb_month": (2 * records + KEY_ITEM_BYTES) / 2**30 * ledger_months,
        "dynamodb_pitr_gb_month": (records + KEY_ITEM_BYTES) / 2**30 * ledger_months,
        "log_gb_month": logged * min(months, log_months),
    }


def _moved_gb(load: Load, jobs: Sequence[Forecast]) -> float:
    return (load.mb + sum(job.out_mb for job in jobs)) / 1000


def _options(load: Load, each: Mapping[str, float], jobs: Sequence[Forecast]) -> Units:
    """Return what is only there when it is asked for: encryption by KMS, traces, a replica, snapshots."""
    aws, stored = load.settings.aws, _moved_gb(load, jobs)
    objects = 1 + sum(job.outputs for job in jobs)
    units: Units = {}
    if aws.encryption != "s3":
        # Bucket keys and data keys that are used again make it less; how much less depends on the traffic.
        units["kms_request"] = objects + each.get("s3_get", 0) + each["sqs_request"]
    if aws.tracing:
        units["trace"] = each["lambda_request"]
    if aws.replica:
        units |= {"replica_gb": stored, "s3_put": objects, "s3_gb_month": stored * load.kept_months}
    if aws.backup:
        units["backup_gb_month"] = stored * load.kept_months
    return units
