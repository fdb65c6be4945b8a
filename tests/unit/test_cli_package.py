"""What `safelight package` prints."""

import pytest

from safelight.deploy.archive import MOST_DIRECT
from safelight.deploy.package import Package, Row
from safelight.entry.cli.package import _print


def package(*, compiled: bool, zipped_size: int) -> Package:
    row = Row(name="lib", version="1.0", licence="MIT [x]", files=3, size=2_000_000, zipped_size=1_000_000)
    fields = {"size": 2_000_000, "zipped_size": zipped_size, "compiled": compiled}
    return Package(file="x.zip", arch="arm64", digest="ab" * 32, parts=(row,), **fields)  # type: ignore[arg-type]


def test_print_shows_parts_sizes_and_digest(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a part, and what the whole has."""
    _print(package(compiled=True, zipped_size=MOST_DIRECT))
    assert capsys.readouterr().out.splitlines() == [
        "part  version  licence  files  unpacked  zipped",
        "lib   1.0      MIT [x]      3    2.0 MB  1.0 MB",
        "",
        "x.zip: for arm64, 52 MB zipped, 2.0 MB unpacked",
        f"digest: {'ab' * 32}",
    ]


def test_print_says_what_it_costs_to_be_uncompiled_or_large(capsys: pytest.CaptureFixture[str]) -> None:
    """Both work, and both are to be known."""
    _print(package(compiled=False, zipped_size=MOST_DIRECT + 1))
    out = capsys.readouterr().out
    assert "Not compiled: no python3.14" in out
    assert "by way of S3" in out
