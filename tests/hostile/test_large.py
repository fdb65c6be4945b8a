"""Pictures far larger than the usual limit, in processes that may not have more memory than they are meant to need."""

from pathlib import Path

import pytest

from bench.large import BOMBS, bomb, developed, made

LARGE = (10_000, 6_000)
MEMORY_MB = 160
"""Less than the 180 MB of the decoded picture; Python and libvips alone take 85."""
SCARCE_MB = 200


@pytest.mark.parametrize("file", ["baseline.jpg", "plain.png"])
def test_large_picture_from_a_path_is_developed_in_little_memory(tmp_path: Path, file: str) -> None:
    """A picture that can be read in strips takes memory for strips, not for its 60 million pixels (180 MB)."""
    found = developed(made(tmp_path, file, *LARGE), MEMORY_MB)
    assert found.ending == "developed to 1280 x 768"
    assert found.peak_mb < MEMORY_MB


def test_large_progressive_jpeg_over_the_memory_limit_is_refused(tmp_path: Path) -> None:
    """A progressive JPEG needs all its coefficients at once (180 MB here); it is refused, and the process lives."""
    found = developed(made(tmp_path, "progressive.jpg", *LARGE), SCARCE_MB)
    assert found.ending == "refused: too_many_pixels"
    assert found.peak_mb < MEMORY_MB


@pytest.mark.parametrize("file", BOMBS)
def test_animation_of_a_thousand_large_frames_is_refused_at_once(tmp_path: Path, file: str) -> None:
    """16 billion pixels in less than a megabyte: the header and a count of frames are enough to say no."""
    path = bomb(tmp_path, file)
    assert path.stat().st_size < 1_000_000
    found = developed(path, MEMORY_MB)
    assert found.ending in ("refused: too_many_frames", "refused: too_many_pixels")
    assert found.cpu_s < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("file", ["baseline.jpg", "plain.png"])
def test_picture_of_300_megapixels_is_developed_within_512_mb(tmp_path: Path, file: str) -> None:
    """The figure that the project promises, with `limits.pixels` raised."""
    found = developed(made(tmp_path, file, 20_000, 15_000), 512)
    assert found.ending == "developed to 1280 x 960"
    assert found.peak_mb < 512
