"""What `safelight cost` predicts, against what a stand-in of AWS was asked and what the jobs recorded."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from io import StringIO
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from safelight import packed
from safelight.aws.units import MESSAGE, Units, total, usd
from safelight.deploy.durations import measured
from safelight.deploy.forecast import Forecast, Machine, forecast
from safelight.deploy.prices import HOT, hot_rates, shipped
from safelight.deploy.usage import Load, job_units, usage
from safelight.entry.function import Function
from safelight.job import Outcome
from safelight.recipe.model import Recipe, Rendition
from safelight.settings import Notify, Settings
from safelight.steps.resize import Resize
from tests.e2e.soak import jobs
from tests.e2e.working import Context
from tests.servers.aws import Server
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings
from tests.servers.faults import Proxy, proxy
from tests.unit.fakes import png

WEB = Recipe(
    name="web",
    renditions=tuple(Rendition(key=f"{{stem}}-{px}.webp", resize=Resize(width=px)) for px in (48, 32, 16)),
)
SETTINGS = Settings(recipes=(WEB,), notify=Notify(email=("a@example.com", "b@example.com")))
MACHINE = Machine(memory=512, arch="x86_64")
PICTURES = 5
Start = Callable[[Mapping[str, float]], tuple[Function, Deployment, Proxy]]


@pytest.fixture
def start(ministack: Server, tmp_path: Path) -> Iterator[Start]:
    """Start a function that has these rates, with a proxy before all of AWS that notes what is asked."""
    with proxy(ministack.endpoint) as between:
        functions: list[Function] = []

        def started(rates: Mapping[str, float]) -> tuple[Function, Deployment, Proxy]:
            deployment = deploy(ministack)
            write_settings(tmp_path, SETTINGS)
            (tmp_path / packed.FOLDER / packed.RATES).write_bytes(packed.dump_rates(rates))
            own = {
                "AWS_ENDPOINT_URL": between.endpoint,
                "LAMBDA_TASK_ROOT": str(tmp_path),
                "TMPDIR": str(tmp_path),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            }
            functions.append(Function({**deployment.environment, **own}, StringIO()))
            return functions[-1], deployment, between

        yield started
        for each in functions:
            with closing(each):
                pass


def run(function: Function, deployment: Deployment, pictures: int = PICTURES) -> list[Outcome]:
    """Develop some pictures, one message each."""
    for number in range(pictures):
        event = deployment.put(f"holiday/beach {number}.png", png(number, 64))
        assert function.handle(sqs_event(event), Context()) == {"batchItemFailures": []}
    return jobs(deployment)


def predicted() -> Forecast:
    return forecast(WEB, len(png(0, 64)) / 1e6, "png", MACHINE, measured())


class Ledger:
    """DynamoDB's bill by the requests themselves: sizes of items, and of their entries in indexes before and after."""

    def __init__(self) -> None:
        self.writes = self.reads = 0
        self.items: dict[str, dict[str, Any]] = {}

    def take(self, action: str, body: bytes) -> None:
        if action not in ("GetItem", "UpdateItem", "TransactWriteItems"):
            return
        request = json.loads(body)
        if action == "GetItem":
            self.reads += 1
        if action == "UpdateItem":
            self.writes += self._written(request)
        if action == "TransactWriteItems":
            updates = [each["Update"] for each in request["TransactItems"]]
            self.writes += sum(self._written(update, factor=2) for update in updates)

    def _written(self, update: dict[str, Any], factor: int = 1) -> int:
        before = dict(self.items.get(pk := update["Key"]["pk"]["S"], {"pk": pk}))
        after, expression = dict(before), update["UpdateExpression"]
        given = update.get("ExpressionAttributeValues", {})
        for mark, name in update["ExpressionAttributeNames"].items():
            if f"{mark} = " in expression and (value := given.get(f":{name}")):
                after[name] = next(iter(value.values()))
        for mark in expression.partition("REMOVE ")[2].split(", "):
            after.pop(mark.strip("# "), None)
        self.items[pk] = after
        size = max(units(before), units(after))
        return factor * size + sum(moved(before, after, index) for index in ("listed", "owed"))


def units(item: dict[str, Any]) -> int:
    return ceil(sum(len(name) + len(str(value).encode()) for name, value in item.items()) / 1024)


def moved(before: dict[str, Any], after: dict[str, Any], index: str) -> int:
    """What an index is written for: an entry that is new, gone, or both since its place changed."""
    was, now = before.get(index), after.get(index)
    if was == now and before.get("record") == after.get("record"):
        return 0
    return (units(before) if was else 0) + (units(after) if now else 0)


def asked(between: Proxy) -> Units:
    """Return the units of what really went over the wire."""
    actions, ledger = Counter(each.action for each in between.exchanges), Ledger()
    for each in between.exchanges:
        ledger.take(each.action, each.body)
    publishes = sum(each.action == "POST" and b"Action=Publish" in each.body for each in between.exchanges)
    return {
        "s3_put": actions["PUT"],
        "s3_get": actions["GET"] + actions["HEAD"],
        "dynamodb_read": ledger.reads,
        "dynamodb_write": ledger.writes,
        "sns_publish": publishes,
    }


def test_cost_predicted_requests_are_those_of_the_wire(start: Start) -> None:
    """Each request and each unit of the ledger, by a count that knows nothing of the prediction."""
    function, deployment, between = start({})
    run(function, deployment)
    wire = asked(between)
    job = total(job_units(predicted()), {"sns_publish": 1})
    # What is known once a day by each process: that there are jobs of a status.
    wire["dynamodb_write"] -= sum(b"days/" in each.body for each in between.exchanges)
    assert wire == {name: job[name] * PICTURES for name in wire}


def test_cost_jobs_record_the_units_that_were_predicted(start: Start) -> None:
    """With one unit at a dollar and all others free, a job's cost is how many of it it used."""
    expected = total(MESSAGE, job_units(predicted()), {"sns_publish": 1})
    for name in sorted(set(HOT) - {"lambda_gb_s"}):
        function, deployment, _ = start({name: 1.0})
        first, second = sorted(run(function, deployment, 2), key=lambda job: job.upload.key)
        notes = 2 if name == "dynamodb_write" else 0  # the first job of a process makes known that there are such
        assert second.cost_usd == pytest.approx(expected[name], rel=0.005), name
        assert first.cost_usd == pytest.approx(expected[name] + notes, rel=0.1 if notes else 0.005), name


def test_cost_jobs_record_their_gb_seconds(start: Start) -> None:
    """Half a GB for the time from the claim to the ending: more than the work alone, less than the whole invocation."""
    function, deployment, _ = start({"lambda_gb_s": 1.0})
    began = time.time()
    ended = run(function, deployment)
    recorded = sum(job.cost_usd or 0 for job in ended)
    worked_s = sum(job.duration_ms or 0 for job in ended) / 1000
    assert worked_s * 0.5 * 0.99 <= recorded <= (time.time() - began) * 0.5 * 1.01


def test_cost_predicted_dollars_are_those_of_the_jobs(start: Start) -> None:
    """For the run's own pictures and seconds the prediction is within 5 % of what the jobs add up to."""
    rates = hot_rates(shipped(), MACHINE.arch)
    function, deployment, _ = start(rates)
    ended = run(function, deployment)
    spent_ms = sum(job.duration_ms or 0 for job in ended) / len(ended)
    job = replace(predicted(), work_ms=spent_ms, after_ms=0.0)
    load = Load(images=PICTURES, mb=0.01, settings=SETTINGS, machine=MACHINE, kind="png")
    # A month of few images would have them all start cold; this run has one process, already warm.
    warm = replace(measured(), around=replace(measured().around, keep_warm_s=1e9, cold_share=1 / PICTURES, init_ms=0))
    image = {name: count for name, count in usage(load, warm, [job]).image.items() if name in HOT}
    image["s3_put"] -= 1  # the upload itself is no part of the job
    recorded = sum(each.cost_usd or 0 for each in ended)
    assert usd(image, rates) * PICTURES == pytest.approx(recorded, rel=0.05)


def test_cost_without_rates_is_absent(start: Start) -> None:
    """A package of an older Safelight has none, and its jobs say nothing of a cost."""
    function, deployment, _ = start({})
    assert [job.cost_usd for job in run(function, deployment, 1)] == [None]
