"""Goldens: pixels that somebody looked at once, kept as small PNG files beside the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips

from tests.golden.pictures import Pixels, vips

FOLDER = Path(__file__).parent
UPDATE = "pytest tests/golden --update-goldens"
Check = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="Write the golden pictures anew; look at them after."
    )


def read(body: bytes) -> Pixels:
    """Decode an output with all its bits (Pillow would cut 16-bit RGB to 8)."""
    image = pyvips.Image.new_from_buffer(body, "")
    return np.asarray(image.numpy()).reshape(image.height, image.width, -1)


@pytest.fixture
def check_golden(request: pytest.FixtureRequest) -> Check:
    """Compare an output's pixels with the golden of that name."""
    update = bool(request.config.getoption("--update-goldens", default=False))

    def check(name: str, body: bytes, *, max_difference: float, mean_difference: float) -> None:
        found, path = read(body), FOLDER / "expected" / f"{name}.png"
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(vips(found).pngsave_buffer(keep="none", compression=9, effort=10))
            return
        assert path.exists(), f"no golden {path.name}: make it with `{UPDATE}`, look at it, then commit it"
        wanted = read(path.read_bytes())
        fault = compare(name, found, wanted, max_difference=max_difference, mean_difference=mean_difference)
        assert not fault, fault

    return check


def compare(name: str, found: Pixels, wanted: Pixels, *, max_difference: float, mean_difference: float) -> str:
    """Return why two pictures are not alike, or nothing; what differs is saved as a picture."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"{name}: {found.shape} of {found.dtype}, the golden has {wanted.shape} of {wanted.dtype}; {_remedy()}"
    far = np.abs(found.astype(float) - wanted) / (257 if found.dtype == np.uint16 else 1)
    if far.max() <= max_difference and far.mean() <= mean_difference:
        return ""
    saved = FOLDER / "diff" / f"{name}.png"
    saved.parent.mkdir(exist_ok=True)
    saved.write_bytes(_sheet(found, wanted, far).pngsave_buffer())
    return (
        f"{name}: differs by at most {far.max():.1f} and {far.mean():.3f} on average of 255; "
        f"allowed are {max_difference} and {mean_difference}; "
        f"golden, output and difference side by side: {saved.relative_to(FOLDER.parents[1])}; {_remedy()}"
    )


def _remedy() -> str:
    return f"if the new picture is right: `{UPDATE}`"


def _sheet(found: Pixels, wanted: Pixels, far: Pixels) -> pyvips.Image:
    """Lay the golden, the output and their difference (8 times as strong, on black) side by side in 8-bit RGB."""
    loud = np.clip(far * 8, 0, 255).astype(np.uint8)
    return pyvips.Image.arrayjoin([_plain(wanted), _plain(found), _plain(loud)], across=3, shim=4)


def _plain(pixels: Pixels) -> pyvips.Image:
    image = vips(pixels).colourspace("srgb")
    return image.flatten(background=[255, 0, 255]) if image.hasalpha() else image
