"""`safelight cost` and `jobs --cost`, as a user calls them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from safelight.deploy.errors import NoCredentials, NoRate, PricesUnreadable
from safelight.entry.cli import cli
from safelight.entry.cli.bill import count_text, long_text, usd_text
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
    assert "on one machine" in costs(Pages(None)).words


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


def test_long_text_is_in_hours_where_it_is_long() -> None:
    """A backlog may take any time."""
    assert [long_text(each) for each in (0.5, 119, 600, 11_093)] == ["0.5 s", "119.0 s", "10 minutes", "3.1 hours"]


def test_count_text_has_thousands() -> None:
    """Requests by the million are read by their commas."""
    assert [count_text(each) for each in (0.0248, 8, 1_326_000)] == ["0.0248", "8", "1,326,000"]


def test_cost_of_a_key_that_no_recipe_takes_is_refused(tmp_path: Path) -> None:
    """Nothing would be developed, and the bill would be wrong."""
    path = tmp_path / "safelight.yaml"
    path.write_text("recipes:\n  - name: r\n    match: {prefix: in/}\n    renditions: [{key: 'out/{filename}'}]\n")
    assert run("-c", path).exit_code == 0
    refused = run("-c", path, "--key", "elsewhere/a.jpg")
    assert (refused.exit_code, "no recipe takes" in refused.stderr) == (2, True)


PRODUCT = {
    "product": {"attributes": {"usagetype": "EUN1-Requests-Tier1"}},
    "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"beginRange": "0", "pricePerUnit": {"USD": "0.000007"}}}}}},
}
WHO = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


class PriceList(BaseHTTPRequestHandler):
    """AWS's STS and price list, where S3 has one product."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        priced = "GetProducts" in self.headers.get("x-amz-target", "")
        found = [json.dumps(PRODUCT)] if b"AmazonS3" in asked and b"eu-north-1" in asked else []
        body = json.dumps({"PriceList": found}).encode() if priced else WHO
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1" if priced else "text/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's word
        pass


@pytest.fixture
def price_list() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), PriceList) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_cost_refresh_writes_prices_that_count_from_then_on(file: Path, tmp_path: Path, price_list: str) -> None:
    """What the list has of the project's region is taken; what it has not is kept, and told."""
    account = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": price_list}
    asked = run("-c", file, "--refresh", "--json", env=account)
    assert asked.exit_code == 0, asked.output
    assert "s3_put: $0.000005 is now $0.000007 a unit" in asked.stderr
    assert "s3_get: kept as it was" in asked.stderr
    written = tomllib.loads((tmp_path / "prices.toml").read_text("utf-8"))
    assert written["price"]["s3_put"]["usd"] == 0.007
    assert written["region"] == "eu-north-1"
    lines = json.loads(run("-c", file, "--images", 1000, "--json").stdout)["lines"]
    puts = next(line for line in lines if line["name"] == "s3_put")
    assert (puts["images_usd"], puts["verified"]) == (pytest.approx(puts["images"] * 0.000007), True)
