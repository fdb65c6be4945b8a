"""What a month costs: units of a stack and its jobs, and the figures of the brief."""

from __future__ import annotations

import json
import logging

import pytest
from msgspec.structs import replace

from safelight.aws import emf
from safelight.aws.units import LOG_BYTES
from safelight.deploy.cost import Bill, bill, image_usd
from safelight.deploy.durations import measured
from safelight.deploy.forecast import Forecast, Machine, forecast, upload_size
from safelight.deploy.prices import shipped
from safelight.deploy.usage import MONTH_S, TEMPLATE, Load, cold_share, example, resources, usage
from safelight.log import JsonFormatter
from safelight.placement import Aws
from safelight.recipe.model import DEFAULT_RECIPE, Match, Recipe, Rendition
from safelight.settings import Notify, Settings
from safelight.steps.resize import Resize

OWNER = Settings(notify=Notify(email=("owner@example.com",)))
"""The brief's project: its default recipe, and a mail to the owner for each image."""
JOB_A = Recipe(
    name="job-a",
    renditions=tuple(
        Rendition(key=f"{px}.{kind}", resize=Resize(width=px), quality=80)
        for px, kind in ((320, "jpg"), (1280, "webp"), (2048, "jpg"))
    ),
)
WATCHING = ("metric", "alarm", "dashboard")
"""What the brief's totals leave out: its own prices know no such thing."""


def load(images: float = 10_000, settings: Settings = OWNER, mb: float = 3.0, **changes: object) -> Load:
    return Load(images=images, mb=mb, settings=settings, machine=Machine(memory=512), **changes)  # type: ignore[arg-type]


def billed(wanted: Load) -> Bill:
    return bill(wanted, usage(wanted, measured()), shipped())


def without(made: Bill, *names: str) -> float:
    return sum(line.after_free_usd for line in made.lines if line.name not in names)


def test_bill_of_ten_thousand_images_is_at_most_ten_dollars_all_in() -> None:
    """The figure to reach: 3 MB each, the default recipe, alarms and dashboard and idle polling, with no free tier."""
    made = billed(load())
    assert made.usd <= 10
    assert made.after_free_usd <= made.usd


@pytest.mark.parametrize(("images", "low", "high"), [(1, 0, 2), (999, 0, 2), (1000, 0, 10), (10_000, 0, 10)])
def test_bill_keeps_to_the_briefs_totals(images: int, low: float, high: float) -> None:
    """The brief: $0-2 below 1,000 images and $2-10 up to 10,000.

    Allowances: the free tier that every account has each month, which nobody else of the account uses; its lower $2 is
    no promise, and we stay below it. Without a free tier what watches the stack (7 alarms, 8 metrics, a dashboard) is
    dearer than all the rest; the brief's prices do not know it.
    """
    made = billed(load(images))
    assert low <= made.after_free_usd <= high
    assert without(made, *WATCHING) <= high


def test_bill_of_the_default_stack_names_what_is_fixed() -> None:
    """With nothing to do: what watches, and idle polling of two queues, which is more than SQS's free million."""
    made = billed(load(images=0))
    fixed = {line.name: line for line in made.lines}
    assert set(fixed) == {*WATCHING, "sqs_request"}
    assert fixed["sqs_request"].fixed == 2 * 5 * MONTH_S / 20
    assert 0 < fixed["sqs_request"].after_free_usd < fixed["sqs_request"].usd
    assert fixed["metric"].fixed == len(emf.UNITS)
    assert made.usd == pytest.approx(made.fixed_usd)


def test_bill_adds_up() -> None:
    """Fixed and for each image, apart and together."""
    made = billed(load(images=123))
    assert made.usd == pytest.approx(made.fixed_usd + 123 * made.image_usd)


def test_resources_are_counted_as_the_template_makes_them() -> None:
    """Those under a condition only when it holds."""
    text = TEMPLATE.read_text(encoding="utf-8")
    plain, digests = resources(text, set()), resources(text, {"Digests"})
    assert plain["AWS::Lambda::EventSourceMapping"] == 2
    assert plain["AWS::CloudWatch::Dashboard"] == 1
    assert digests["AWS::CloudWatch::Alarm"] == plain["AWS::CloudWatch::Alarm"] + 1 == text.count("CloudWatch::Alarm")
    assert "AWS::KMS::Key" not in plain


def test_usage_of_options_that_are_off_is_none() -> None:
    """KMS, traces, replica and snapshots cost nothing until they are asked for, and something then."""
    names = {"kms_key", "kms_request", "trace", "replica_gb", "backup_gb_month"}
    off = usage(load(), measured())
    assert not any({**off.fixed, **off.image}.get(name) for name in names)
    aws = Aws(encryption="kms", tracing=True, replica="eu-central-1", backup=True)
    on = usage(load(settings=replace(OWNER, aws=aws)), measured())
    assert all({**on.fixed, **on.image}[name] > 0 for name in names)
    assert on.image["s3_gb_month"] == 2 * off.image["s3_gb_month"]


def test_usage_of_a_digest_is_few_mails() -> None:
    """Collected notices are a run and a mail each time, not one for each image."""
    each = usage(load(), measured())
    collected = usage(load(settings=replace(OWNER, notify=Notify(email=("a@b.c",), digest="1d"))), measured())
    assert each.image["sns_mail"] == 1
    assert collected.image["sns_mail"] * 10_000 == pytest.approx(30)
    assert collected.fixed["lambda_request"] == 30


def test_usage_of_rare_images_starts_cold() -> None:
    """One a day finds no warm function; a million a month hardly ever do."""
    assert cold_share(30, measured()) > 0.99
    assert cold_share(1_000_000, measured()) == measured().around.cold_share
    assert cold_share(0, measured()) == 1


def test_usage_of_two_recipes_is_one_message_and_two_jobs() -> None:
    """Both read the upload and write their own; the message comes once."""
    one = usage(load(), measured()).image
    both = (DEFAULT_RECIPE, replace(DEFAULT_RECIPE, name="other"))
    two = usage(load(settings=replace(OWNER, recipes=both)), measured()).image
    assert two["lambda_request"] == one["lambda_request"]
    assert (two["s3_get"], two["s3_put"]) == (2 * one["s3_get"], one["s3_put"] + 1)


def test_usage_counts_the_recipes_that_take_the_upload() -> None:
    """A typical key is one that the first recipe takes, whatever its folder and ending; another may be named."""
    photos = replace(DEFAULT_RECIPE, name="photos", match=Match(prefix="photos/", suffix=(".PNG", ".JPG")))
    logos = replace(DEFAULT_RECIPE, name="logos", match=Match(prefix="logos/"))
    whole = replace(OWNER, recipes=(photos, logos))
    assert [job.recipe for job in usage(load(settings=whole), measured()).jobs] == ["photos"]
    assert [job.recipe for job in usage(load(settings=whole, key="logos/a.svg"), measured()).jobs] == ["logos"]
    assert load(settings=whole, key="elsewhere.jpg").recipes == ()
    only = replace(OWNER, recipes=(replace(photos, match=Match(suffix=(".heic",))),))
    assert [job.recipe for job in usage(load(settings=only), measured()).jobs] == ["photos"]


@pytest.mark.parametrize(("recipe", "mb", "measured_ms"), [(DEFAULT_RECIPE, 2.8, 316), (JOB_A, 2.65, 1266)])
def test_forecast_is_near_the_function_in_a_small_machine(recipe: Recipe, mb: float, measured_ms: float) -> None:
    """What `bench.function.warm` measured in 0.289 CPU and 512 MB (bench/README.md), where S3 and DynamoDB are near.

    The forecast may be dearer, since it waits for AWS and its CPU is the mean of pictures with more detail.
    """
    made = forecast(recipe, mb, "jpeg", Machine(memory=512, arch="x86_64"), measured())
    assert 0.75 * measured_ms <= made.work_ms <= 2 * measured_ms


def test_usage_of_memory_is_time_saved_and_seconds_dearer() -> None:
    """Twice the memory takes less time, and the same CPU costs as much; waiting costs twice."""
    small, large = (forecast(DEFAULT_RECIPE, 3, "jpeg", Machine(memory=size), measured()) for size in (512, 1024))
    assert small.work_ms / 2 < large.work_ms < small.work_ms
    whole, more = (forecast(DEFAULT_RECIPE, 3, "jpeg", Machine(memory=size), measured()) for size in (1769, 3538))
    assert whole.work_ms == more.work_ms


def test_forecast_grows_with_pixels_and_outputs() -> None:
    """More and larger outputs take more CPU; AVIF more than JPEG; a searched quality more than a fixed one."""

    def cpu_ms(*renditions: Rendition) -> float:
        return forecast(Recipe(name="r", renditions=renditions), 3, "jpeg", Machine(), measured()).cpu_ms

    small = Rendition(key="s.jpg", resize=Resize(width=320))
    large = Rendition(key="l.jpg", resize=Resize(width=1600))
    avif = Rendition(key="l.avif", resize=Resize(width=1600))
    assert cpu_ms(small) < cpu_ms(large) < cpu_ms(small, large) < cpu_ms(small, avif)
    assert cpu_ms(replace(large, quality=80)) == cpu_ms(large) < cpu_ms(replace(large, quality="auto"))


def test_forecast_of_a_copy_is_its_own_bytes() -> None:
    """The default recipe writes what it read."""
    made = forecast(DEFAULT_RECIPE, 3, "jpeg", Machine(), measured())
    assert (made.outputs, made.out_mb) == (1, 3)
    width, height = upload_size(3, "jpeg", measured())
    assert width * height / 1e6 == pytest.approx(3 / measured().source["jpeg"].mb, rel=0.01)


def test_example_is_as_long_as_outcomes_are() -> None:
    """One output fits into DynamoDB's 1 KiB with all that is beside the record."""
    job = Forecast(recipe="default", cpu_ms=1, work_ms=1, after_ms=1, outputs=1, out_mb=1)
    assert example(job).cost_usd is not None
    assert len(example(replace(job, outputs=3)).renditions) == 3


def test_log_bytes_are_those_of_a_job() -> None:
    """Two lines and the metrics as they are written, and about 200 bytes for each of Lambda's own three."""
    ended = example(Forecast(recipe="default", cpu_ms=1, work_ms=1, after_ms=1, outputs=1, out_mb=1))
    facts = {"cold_start": False, "function_request_id": "0a640509-0000-0000-0000-000000000000"}
    formatter = JsonFormatter(facts)
    said = logging.makeLogRecord({"msg": "end", "levelname": "INFO", "outcome": ended})
    lines = [formatter.format(said), formatter.format(said)]
    lines.append(emf.line(ended, project="p", environment="prod", cold_start=False, now=1e9))
    own = sum(len(line) + 26 for line in lines)
    assert own + 3 * (200 + 26) == pytest.approx(LOG_BYTES, rel=0.15)
    assert json.loads(lines[0])["cost_usd"] == ended.cost_usd


def test_image_costs_what_its_units_do() -> None:
    """By hand, for one price alone."""
    used = usage(load(), measured())
    only = {name: replace(price, usd=0.0) for name, price in shipped().price.items()}
    only["s3_put"] = replace(only["s3_put"], usd=1.0, per=1)
    assert image_usd(used, replace(shipped(), price=only), "arm64") == used.image["s3_put"] == 2
