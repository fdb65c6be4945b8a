"""Whole renditions against pictures that somebody looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import COMPASS, Resize
from tests.golden.conftest import Check, compare
from tests.golden.pictures import (
    ADOBE_RGB,
    built_in_profile,
    deep,
    encoded,
    exif,
    grey_profile,
    heic,
    matrix_profile,
    scene,
    vips,
    with_alpha,
)

SAME = {"max_difference": 2.0, "mean_difference": 0.1}
"""For lossless outputs: another libvips may round otherwise."""
LOSSY = {"max_difference": 16.0, "mean_difference": 0.8}
"""For JPEG, WebP and AVIF: another version of an encoder may decide otherwise."""
SMALL, LARGE = (100, 90), (150, 140)


def developed(body: bytes, key: str = "out.png", **resize: Any) -> bytes:
    quality = None if key.endswith("png") else 95  # less of it turns the smallest change into another pattern
    recipe = Recipe(name="golden", renditions=(Rendition(key=key, resize=Resize(**resize), quality=quality),))
    made = render(body, "in", recipe, Limits()).outputs[0].body
    assert isinstance(made, bytes)
    return made


def grey(pixels: Any) -> Any:
    return np.asarray(Image.fromarray(pixels).convert("L"))


@pytest.mark.parametrize("fit", ["cover", "contain", "fill", "inside", "outside"])
@pytest.mark.parametrize(
    ("name", "box", "enlarge"), [("small", SMALL, False), ("large", LARGE, False), ("enlarged", LARGE, True)]
)
def test_fit_matches_golden(check_golden: Check, fit: str, name: str, box: tuple[int, int], enlarge: bool) -> None:  # noqa: FBT001
    """Each fit gives its own size and part of the picture; only `enlarge` makes a small picture larger."""
    source = encoded(scene(120, 80) if name != "small" else scene(), "PNG")
    out = developed(source, width=box[0], height=box[1], fit=fit, enlarge=enlarge)
    check_golden(f"fit-{fit}-{name}", out, **SAME)


@pytest.mark.parametrize("position", [*COMPASS, "entropy", "attention", "0,0", "0.75,0.25", "0.3,0.9", "1,1"])
@pytest.mark.parametrize(("shape", "box"), [("tall", (40, 80)), ("wide", (120, 40))])
def test_position_of_cover_matches_golden(check_golden: Check, position: str, shape: str, box: tuple[int, int]) -> None:
    """A crop keeps the part that its position names."""
    out = developed(encoded(scene(), "PNG"), width=box[0], height=box[1], position=position)
    check_golden(f"cover-{shape}-{position}", out, **SAME)


@pytest.mark.parametrize("position", ["northwest", "center", "southeast"])
@pytest.mark.parametrize(("shape", "box"), [("tall", (60, 80)), ("wide", (120, 50))])
def test_position_of_contain_matches_golden(
    check_golden: Check, position: str, shape: str, box: tuple[int, int]
) -> None:
    """A margin goes to the side opposite to the position, and is clear."""
    out = developed(encoded(scene(), "PNG"), width=box[0], height=box[1], fit="contain", position=position)
    check_golden(f"contain-{shape}-{position}", out, **SAME)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_matches_golden(check_golden: Check, orientation: int) -> None:
    """A picture comes out upright as its EXIF tells, once."""
    source = encoded(scene(), "JPEG", quality=95, exif=exif(orientation))
    check_golden(f"orientation-{orientation}", developed(source, width=80), **SAME)


@pytest.mark.parametrize(
    ("key", "tolerance"), [("out.png", SAME), ("out.jpg", LOSSY), ("out.webp", LOSSY), ("out.avif", LOSSY)]
)
@pytest.mark.parametrize("depth", [8, 16])
def test_alpha_matches_golden(check_golden: Check, key: str, tolerance: dict[str, float], depth: int) -> None:
    """Alpha stays where the format has it and lies on white where not; colours of clear pixels never show."""
    pixels = with_alpha(scene() if depth == 8 else deep(scene()))
    source = bytes(vips(pixels).pngsave_buffer())
    check_golden(f"alpha-{depth}-{key[4:]}", developed(source, key, width=96), **tolerance)


SOURCES: dict[str, Callable[[], bytes]] = {
    "png-16": lambda: vips(deep(scene())).pngsave_buffer(),
    "png-grey-16": lambda: vips(deep(scene())[..., 1].copy()).pngsave_buffer(),
    "png-palette": lambda: encoded(Image.fromarray(scene()).quantize(24, dither=Image.Dither.NONE), "PNG"),
    "png-palette-clear": lambda: encoded(
        Image.fromarray(scene()).quantize(24, dither=Image.Dither.NONE), "PNG", transparency=3
    ),
    "png-1-bit": lambda: encoded(Image.fromarray(scene()).convert("1"), "PNG"),
    "grey": lambda: encoded(grey(scene()), "JPEG", quality=95),
    "grey-profile": lambda: vips(grey(scene()), grey_profile(1.2)).pngsave_buffer(),
    "grey-alpha": lambda: encoded(Image.fromarray(scene()).convert("LA"), "PNG"),
    "cmyk": lambda: encoded(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95),
    "cmyk-profile": lambda: (
        vips(scene()).icc_transform("cmyk", input_profile="srgb").jpegsave_buffer(Q=95, subsample_mode="off")
    ),
    "p3": lambda: vips(scene(), built_in_profile("p3")).pngsave_buffer(),
    "p3-alpha-16": lambda: vips(with_alpha(deep(scene())), built_in_profile("p3")).pngsave_buffer(),
    "adobe-rgb": lambda: encoded(
        scene(), "JPEG", quality=95, subsampling=0, icc_profile=matrix_profile(ADOBE_RGB, 2.19921875)
    ),
    "webp-lossless": lambda: encoded(scene(), "WEBP", lossless=True),
    "avif": lambda: encoded(scene(), "AVIF", quality=90),
    "gif": lambda: encoded(Image.fromarray(scene()).quantize(64), "GIF"),
    "tiff-tiled": lambda: vips(scene()).tiffsave_buffer(tile=True, tile_width=64, tile_height=64, compression="lzw"),
    "heic": lambda: heic(scene(), quality=90),
}


@pytest.mark.parametrize("name", SOURCES)
def test_source_matches_golden(check_golden: Check, name: str) -> None:
    """Every kind of source becomes true sRGB or grey, as deep as it was."""
    tolerance = SAME | (
        {"max_difference": 4.0, "mean_difference": 0.3} if name in ("avif", "heic", "cmyk-profile") else {}
    )
    check_golden(f"source-{name}", developed(SOURCES[name](), width=96), **tolerance)


@pytest.mark.parametrize("key", ["out.jpg", "out.webp", "out.avif"])
@pytest.mark.parametrize("name", ["rgb", "grey"])
def test_output_format_matches_golden(check_golden: Check, key: str, name: str) -> None:
    """Lossy formats show the same picture, grey ones too."""
    source = encoded(scene() if name == "rgb" else grey(scene()), "PNG")
    check_golden(f"format-{name}-{key[4:]}", developed(source, key, width=120), **LOSSY)


def test_compare_of_a_shifted_picture_names_the_difference_and_saves_it() -> None:
    """The comparison itself sees a shift by one pixel, says how large it is, and how to accept it."""
    wanted = scene(48, 32)
    fault = compare("selftest", np.roll(wanted, 1, axis=1), wanted, **SAME)
    assert "--update-goldens" in fault
    assert "tests/golden/diff/selftest.png" in fault
    assert compare("selftest", wanted ^ np.uint8(1), wanted, max_difference=2, mean_difference=1.0) == ""


def test_compare_of_another_size_says_both() -> None:
    """A picture of another size never matches."""
    assert "(32, 48, 3)" in compare("selftest", scene(48, 32), scene(48, 33), **SAME)
