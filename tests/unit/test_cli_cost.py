"""`safelight cost` and `jobs --cost`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from safelight.deploy.errors import NoCredentials, NoRate, PricesUnreadable
from safelight.entry.cli import cli
from safelight.entry.cli.bill import count_text, usd_text
from safelight.entry.cli.costs import Costs, costs
from safelight.figures import digits
from safelight.job import Outcome, Status, Upload
from tests.unit.fakes import png

NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere",
          "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}  # fmt: skip


def run(*words: object, **more: Any) -> Result:
    return CliRunner().invoke(cli, ["cost", *map(str, words)], **more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "safelight.yaml"
    path.write_text(
        "recipes:\n  - name: web\n    renditions:\n"
        "      - {key: '{dir}{stem}-320.webp', resize: {width: 320}}\n      - {key: '{dir}{stem}.avif'}\n"
        "aws: {memory: 1024, arch: x86_64}\nenvironments:\n  staging: {aws: {memory: 2048}}\n"
    )
    return path


def test_cost_fits_into_eighty_columns(file: Path) -> None:
    """Every service that is used has its lines; nothing is wider than a terminal."""
    shown = run("-c", file, "--images", 1000).stdout
    assert max(map(len, shown.splitlines())) <= 80
    for service in ("Lambda", "S3", "EventBridge", "SQS", "DynamoDB", "SNS", "CloudWatch"):
        assert f"\n{service} " in shown
    assert "Recipe web: a job takes" in shown
    assert "2 outputs" in shown


def test_cost_as_json_is_one_object_that_adds_up(file: Path) -> None:
    """For scripts: the lines, their sums, and how they came about."""
    found = json.loads(run("-c", file, "--json").stdout)
    assert found["usd"] == pytest.approx(sum(line["fixed_usd"] + line["images_usd"] for line in found["lines"]))
    assert found["after_free_usd"] == pytest.approx(found["usd"] - sum(line["free_usd"] for line in found["lines"]))
    assert found["fixed_usd"] + 10_000 * found["image_usd"] == pytest.approx(found["usd"])
    assert [job["outputs"] for job in found["jobs"]] == [2]


def test_cost_takes_the_function_from_the_environment(file: Path) -> None:
    """`aws:` as merged for ENV, and options over it."""

    def seconds(*words: object) -> float:
        lines = json.loads(run("-c", file, "--json", *words).stdout)["lines"]
        return next(line["images"] for line in lines if line["name"] == "lambda_gb_s")

    assert "x86_64, 2048 MiB" in run("-c", file, "--env", "staging").stdout
    assert "arm64, 512 MiB" in run("-c", file, "--memory", 512, "--arch", "arm64").stdout
    assert seconds("--memory", 3008) > seconds("--memory", 1769)


def test_cost_by_own_prices(file: Path, tmp_path: Path) -> None:
    """A file that is named, or prices.toml beside safelight.yaml."""

    def puts(*words: object) -> float:
        lines = json.loads(run("-c", file, "--json", *words).stdout)["lines"]
        return next(line["images_usd"] for line in lines if line["name"] == "s3_put")

    before = puts()
    (tmp_path / "own.toml").write_text("[price.s3_put]\nusd = 0.05\n")
    assert puts("--prices", tmp_path / "own.toml") == pytest.approx(10 * before)
    (tmp_path / "own.toml").rename(tmp_path / "prices.toml")
    assert puts() == pytest.approx(10 * before)
    (tmp_path / "prices.toml").write_text("[price.s3_put]\nusd = 'x'\n")
    assert isinstance(run("-c", file).exception, PricesUnreadable)


def test_cost_of_a_picture_of_ones_own(file: Path, tmp_path: Path) -> None:
    """It is developed, and its size, outputs and CPU are reckoned with."""
    picture = tmp_path / "a.png"
    picture.write_bytes(png(3, 500))
    found = json.loads(run("-c", file, "--measure", picture, "--json").stdout)
    assert found["mb"] == picture.stat().st_size / 1e6
    [job] = found["jobs"]
    assert job["outputs"] == 2
    assert 0 < job["out_mb"] < 0.1
    assert job["cpu_ms"] > 0


def test_cost_of_a_rate_names_what_bounds_it(file: Path) -> None:
    """What is reached first, what waits, and the bill; a new account's ten functions are not many."""
    shown = run("-c", file, "--rate", "100/s", "--quota", 10).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "First reached: functions at once." in shown
    assert "grows without end" in shown
    found = json.loads(run("-c", file, "--rate", "1/min", "--json").stdout)
    assert found["wait_s"] < 1
    assert isinstance(run("-c", file, "--rate", "many").exception, NoRate)


def test_cost_refresh_without_an_account_says_so(file: Path, tmp_path: Path) -> None:
    """Nothing is written then."""
    assert isinstance(run("-c", file, "--refresh", env=NOBODY).exception, NoCredentials)
    assert not (tmp_path / "prices.toml").exists()


class Pages:
    """A ledger of some jobs, two a page."""

    def __init__(self, *costs_usd: float | None) -> None:
        upload = Upload(bucket="in", key="a", version="1", etag="e", size=1, arrived_at="")
        self._all = [
            Outcome(
                id=f"job_{number}", status=Status.SUCCEEDED, recipe="r", recipe_digest="d", upload=upload, cost_usd=usd
            )
            for number, usd in enumerate(costs_usd)
        ]

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        begin = next((n + 1 for n, each in enumerate(self._all) if each.id == after), 0)
        return [each for each in self._all if status in (None, each.status)][begin : begin + 2]


def test_costs_of_jobs_add_up_over_all_pages() -> None:
    """Jobs without a cost are told, and are no zero in the mean."""
    found = costs(Pages(0.00001, None, 0.00002, 0.00003, None))
    assert (found.jobs, found.priced, found.cost_usd) == (5, 3, pytest.approx(0.00006))
    assert found.words == "3 jobs: $0.00006, $0.00002 each, 2 without a cost."
    assert costs(Pages(0.1), Status.FAILED) == Costs()
    assert "on this machine" in costs(Pages(None)).words


@pytest.mark.parametrize(
    ("usd", "text"), [(0, ""), (0.001, "<0.01"), (-0.001, "-<0.01"), (1.005, "1.00"), (-2.4, "-2.40")]
)
def test_usd_text_is_in_cents(usd: float, text: str) -> None:
    """Never 0.00 for something."""
    assert usd_text(usd) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.0000082, "0.0000082"), (0.00017113, "0.000171"), (0.0248, "0.0248"), (12.345, "12.3"), (99.96, "100"),
     (999, "999"), (4321, "4321")],
)  # fmt: skip
def test_digits_are_three_without_an_exponent(number: float, text: str) -> None:
    """A job costs so little that a computer would write 8.2e-06."""
    assert digits(number) == text


def test_count_text_has_thousands() -> None:
    """Requests by the million are read by their commas."""
    assert [count_text(each) for each in (0.0248, 8, 1_326_000)] == ["0.0248", "8", "1,326,000"]
