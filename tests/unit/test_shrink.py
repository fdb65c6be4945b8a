"""Shrink on load: cheaper, and neither coarser nor shifted against a full decode that Lanczos reduces."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]

from safelight.decode import decode, jpeg_shrink, open_upload
from safelight.pyramid import develop_sizes
from safelight.recipe.model import Limits
from safelight.shrink import JPEG_MARGIN, MOST_EXTRA, MOST_SHIFT, grid, jpeg_factor, webp_scale
from safelight.steps.resize import resize
from tests.golden.pictures import encoded, leaves, with_alpha

Size = tuple[int, int]


@pytest.mark.parametrize(
    ("source", "wanted", "factor"),
    [
        ((4032, 3024), (2048, 1536), 1),
        ((4032, 3024), (1280, 960), 2),
        ((4032, 3024), (640, 480), 4),
        ((4032, 3024), (320, 240), 8),
        ((6000, 4000), (2000, 1333), 2),
        ((6000, 4000), (2001, 1334), 1),
        ((6000, 4000), (300, 2000), 1),
        ((1203, 805), (400, 268), 2),
        ((1203, 805), (200, 134), 1),  # 300.75 pixels and 200 in a ratio near 3 : 2 stay far from whole numbers
    ],
)
def test_jpeg_factor_leaves_enough_for_the_resampler(source: Size, wanted: Size, factor: int) -> None:
    """Half as many pixels again as are wanted, in both directions, and a way to resample without a shift."""
    assert jpeg_factor(source, wanted) == factor


@pytest.mark.parametrize(
    ("wanted", "scale"), [((1280, 800), 1.0), ((600, 375), 1.0), ((512, 320), 0.6), ((256, 160), 0.3), ((2560, 160), 1)]
)
def test_webp_scale_leaves_thrice_the_pixels(wanted: Size, scale: float) -> None:
    """2560 x 1600, of which the smaller reduction counts."""
    assert webp_scale((2560, 1600), wanted) == pytest.approx(scale)


@given(st.integers(1, 20000), st.integers(1, 20000), st.sampled_from([2, 4, 8]))
def test_grid_of_any_side_keeps_the_place_of_every_pixel(side: int, wanted: int, factor: int) -> None:
    """The last wanted pixel lies where it belongs, and what is made beside it is little."""
    part = side / factor
    if part < wanted * JPEG_MARGIN:
        return
    found = grid(part, wanted)
    if found:
        assert abs(wanted * found.pixels / found.made / (part / wanted) - wanted) <= MOST_SHIFT
        assert found.pixels >= int(part)
        assert 0 <= found.made - wanted <= MOST_EXTRA
    assert found or side % factor, "whole pixels always fit"


def score(image: pyvips.Image, reference: Image.Image, folder: Path) -> float:
    """Return the SSIMULACRA2 of an image."""
    image.pngsave(str(folder / "image.png"))
    reference.save(folder / "reference.png")
    return float(compute_ssimulacra2(str(folder / "reference.png"), str(folder / "image.png")))


@pytest.mark.parametrize(
    ("source", "width", "shrink"),
    [((600, 402), 180, 2), ((603, 405), 180, 2), ((1203, 805), 110, 4), ((1203, 803), 97, 8)],
)
def test_reduced_jpeg_is_near_a_full_decode_by_lanczos(tmp_path: Path, source: Size, width: int, shrink: int) -> None:
    """Also where the factor does not divide the sides: a picture shifted by a quarter pixel has 60 to 75."""
    body = encoded(leaves(*source), "JPEG", quality=95)
    size = (width, round(source[1] * width / source[0]))
    opened = open_upload(body, Limits())
    assert jpeg_shrink(opened, *size) == shrink
    full = Image.open(BytesIO(body)).resize(size, Image.Resampling.LANCZOS)
    image = develop_sizes(opened, [size], streams=True)[size]
    assert (image.width, image.height) == size
    found = score(image, full, tmp_path)
    assert found >= (90 if shrink < 8 else 80)
    if any(side % shrink for side in source):
        shifted = resize(decode(opened, least_width=size[0], least_height=size[1]), size)
        assert score(shifted, full, tmp_path) < found - 10


def test_reduced_webp_is_near_a_full_decode_by_lanczos(tmp_path: Path) -> None:
    """The decoder's own filter is coarse, so that it does a part only."""
    body = encoded(leaves(1200, 801), "WEBP", quality=95)
    opened, size = open_upload(body, Limits()), (200, 134)
    assert decode(opened, least_width=200, least_height=134).width == 602
    full = Image.open(BytesIO(body)).resize(size, Image.Resampling.LANCZOS)
    found = score(develop_sizes(opened, [size], streams=True)[size], full, tmp_path)
    assert found >= 85
    coarse = pyvips.Image.webpload_buffer(body, scale=200 / 1200)
    assert score(coarse, full, tmp_path) < found - 3, "what this test is to find"


def test_reduced_webp_with_alpha_lets_no_clear_color_bleed() -> None:
    """Bright green hides under clear pixels; the decoder that scales must weigh by alpha too."""
    grey = np.full((320, 480, 3), 128, np.uint8)
    body = encoded(with_alpha(grey), "WEBP", lossless=True, exact=True)
    found = np.asarray(develop_sizes(open_upload(body, Limits()), [(60, 40)], streams=True)[60, 40].numpy())
    seen = found[..., 3] > 40
    assert np.abs(found[..., :3][seen].astype(float) - 128).max() <= 4
