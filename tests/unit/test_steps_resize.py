"""Sizes, and the pixels that resampling gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from safelight.steps.resize import Fit, Resize, plan, resize
from tests.golden.pictures import Pixels, deep, scene, vips, with_alpha


@pytest.mark.parametrize(
    ("fit", "enlarge", "scaled", "crop", "canvas"),
    [
        ("cover", False, (150, 100), (100, 100), None),
        ("cover", True, (150, 100), (100, 100), None),
        ("contain", False, (100, 67), None, (100, 100)),
        ("fill", False, (100, 100), None, None),
        ("inside", False, (100, 67), None, None),
        ("outside", False, (150, 100), None, None),
    ],
)
def test_plan_of_a_smaller_box_keeps_to_the_fit(
    fit: Fit,
    enlarge: bool,  # noqa: FBT001
    scaled: tuple[int, int],
    crop: tuple[int, int] | None,
    canvas: tuple[int, int] | None,
) -> None:
    """240 x 160 into 100 x 100."""
    found = plan(Resize(width=100, height=100, fit=fit, enlarge=enlarge), 240, 160)
    assert (found.scaled, found.crop, found.canvas) == (scaled, crop, canvas)


@pytest.mark.parametrize(
    ("fit", "size", "enlarged"),
    [
        ("cover", (160, 160), (400, 400)),
        ("contain", (400, 400), (400, 400)),
        ("fill", (160, 160), (400, 400)),
        ("inside", (240, 160), (400, 267)),
        ("outside", (240, 160), (600, 400)),
    ],
)
def test_plan_of_a_larger_box_enlarges_only_when_asked(
    fit: Fit, size: tuple[int, int], enlarged: tuple[int, int]
) -> None:
    """240 x 160 into 400 x 400: without `enlarge` cover and fill give the largest box of the same shape."""
    assert plan(Resize(width=400, height=400, fit=fit), 240, 160).size == size
    assert plan(Resize(width=400, height=400, fit=fit, enlarge=True), 240, 160).size == enlarged


@pytest.mark.parametrize(
    ("width", "height", "wanted", "size"),
    [
        (10000, 1, Resize(width=320), (320, 1)),
        (1, 10000, Resize(width=320), (1, 10000)),
        (1, 10000, Resize(height=320), (1, 320)),
        (10000, 1, Resize(width=320, height=320), (1, 1)),
        (10000, 1, Resize(width=320, height=320, fit="inside"), (320, 1)),
        (10000, 1, Resize(width=320, height=320, fit="contain"), (320, 320)),
        (1, 1, Resize(width=1, height=16384, fit="fill"), (1, 1)),
        (5000, 3, Resize(width=2), (2, 1)),
        (3, 2, Resize(width=2), (2, 1)),
    ],
)
def test_plan_of_extreme_shapes_never_comes_to_nothing(
    width: int, height: int, wanted: Resize, size: tuple[int, int]
) -> None:
    """A side is at least one pixel."""
    assert plan(wanted, width, height).size == size


sides = st.integers(1, 20000)
boxes = st.builds(
    Resize,
    width=st.integers(1, 16384),
    height=st.integers(1, 16384),
    fit=st.sampled_from(["cover", "contain", "fill", "inside", "outside"]),
    enlarge=st.booleans(),
)


@given(boxes, sides, sides)
def test_plan_of_any_picture_keeps_what_each_fit_promises(wanted: Resize, width: int, height: int) -> None:
    """No side below one pixel, none over the box where the fit says so, nothing enlarged unasked, no crop outside."""
    found = plan(wanted, width, height)
    assert min(*found.scaled, *found.size) >= 1
    if not wanted.enlarge:
        assert found.scaled[0] <= width
        assert found.scaled[1] <= height
    if wanted.fit != "outside":
        assert found.size[0] <= (wanted.width or 0)
        assert found.size[1] <= (wanted.height or 0)
    if found.crop:
        assert found.crop[0] <= found.scaled[0]
        assert found.crop[1] <= found.scaled[1]
    if found.canvas:
        assert found.canvas == (wanted.width, wanted.height)
    if wanted.enlarge and wanted.fit in ("cover", "fill", "contain"):
        assert found.size == (wanted.width, wanted.height)


@pytest.mark.parametrize("size", [(1, 1), (1, 160), (240, 1), (7, 11), (239, 159), (240, 160), (241, 161), (1000, 3)])
def test_resize_gives_exactly_the_size(size: tuple[int, int]) -> None:
    """Down and up, in both directions at once."""
    found = resize(vips(scene()), size)
    assert (found.width, found.height) == size
    assert found.copy_memory().format == "uchar"


@pytest.mark.parametrize("depth", [8, 16])
def test_resize_with_alpha_lets_no_clear_color_bleed_and_keeps_the_rest(depth: int) -> None:
    """Opaque parts come out as without alpha; the bright green under clear pixels is seen nowhere."""
    plain = scene() if depth == 8 else deep(scene())
    one = 1 if depth == 8 else 257
    clear = np.asarray(resize(vips(with_alpha(plain)), (60, 40)).numpy()).astype(float)
    opaque = np.asarray(resize(vips(plain).cast("float"), (60, 40)).numpy())
    whole = np.zeros(clear.shape[:2], bool)
    whole[:, 36:] = True  # beyond the reach of the slope, which ends at 30
    assert (clear[whole][:, 3] == 255 * one).all()
    limited = np.clip(opaque, 0, 255 * one)  # Lanczos swings over at hard edges
    assert np.abs(clear[..., :3] - limited)[whole].max() <= 0.51 * one
    assert abs((clear[..., :3] - limited)[whole].mean()) < 0.1, "no bias: rounded, not cut off"
    some = clear[..., 3] > 60 * one
    assert np.abs(clear[..., :3] - opaque)[some].mean() < 3 * one


def reference(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resample with Pillow, Lanczos 3."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)).astype(float)


@pytest.mark.parametrize("size", [(239, 159), (160, 107), (120, 80), (97, 61), (31, 20), (480, 320)])
def test_resize_is_near_pillows_lanczos(size: tuple[int, int]) -> None:
    """Hard edges are the worst case: at most a tenth apart there, a level on average; nothing is shifted."""
    found = np.asarray(resize(vips(scene()), size).numpy()).astype(float)
    far = np.abs(found - reference(scene(), size))
    assert far.max() <= (26 if size[0] < 240 else 100)  # libvips enlarges with bicubic
    assert far.mean() <= (1 if size[0] < 240 else 2)
