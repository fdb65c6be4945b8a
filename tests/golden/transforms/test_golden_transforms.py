"""Each transform against a picture that somebody looked at."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import pyvips

from safelight.steps.blur import Blur, blur
from safelight.steps.flatten import Flatten, flatten
from safelight.steps.flip import flip, flop
from safelight.steps.gamma import gamma
from safelight.steps.greyscale import greyscale
from safelight.steps.modulate import Modulate, modulate
from safelight.steps.pad import Pad, pad
from safelight.steps.region import Crop, region
from safelight.steps.rotate import Rotate, rotate
from safelight.steps.sharpen import Sharpen, sharpen
from safelight.steps.text import SHIPPED_FONT, Outline, draw, isolate
from safelight.steps.trim import Trim, trim
from safelight.steps.watermark import Watermark, mark_width, watermark
from tests.golden.conftest import Check
from tests.golden.pictures import deep, scene, vips, with_alpha

Step = Callable[[pyvips.Image], pyvips.Image]
SAME = {"max_difference": 2.0, "mean_difference": 0.1}
"""Another libvips may round otherwise."""
DRAWN = {"max_difference": 40.0, "mean_difference": 0.2}
"""Another FreeType may cover the pixels along an edge otherwise."""


def with_text(image: pyvips.Image, options: Watermark) -> pyvips.Image:
    """Draw the text of a watermark and lay it over."""
    assert options.lettering
    isolate(os.environ)
    return watermark(image, draw(options.lettering, SHIPPED_FONT, mark_width(options, image.width)), options)


def with_logo(image: pyvips.Image, options: Watermark) -> pyvips.Image:
    """Lay a small clear-edged picture over."""
    return watermark(image, vips(with_alpha(scene(96, 48)[:, ::-1])), options)


STEPS: dict[str, Step] = {
    "crop-box": lambda image: region(image, Crop(left="10%", top="10%", width="50%", height=100)),
    "crop-aspect": lambda image: region(image, Crop(aspect="1:1", position="east")),
    "crop-focus": lambda image: region(image, Crop(aspect="2:3", position="0.3,0.5")),
    "crop-attention": lambda image: region(image, Crop(width=80, height=80, position="attention")),
    "crop-entropy": lambda image: region(image, Crop(width=80, height=80, position="entropy")),
    "trim": lambda image: trim(pad(image, Pad(all=20, right=60, background="white")), Trim()),
    "pad-color": lambda image: pad(image, Pad(all="5%", bottom="20%", background="#0a6cff")),
    "pad-clear": lambda image: pad(image, Pad(aspect="1:1")),
    "pad-edge": lambda image: pad(image, Pad(all=20, extend="edge")),
    "pad-mirror": lambda image: pad(image, Pad(all=20, extend="mirror")),
    "rotate-90": lambda image: rotate(image, Rotate(angle_deg=90)),
    "rotate-12": lambda image: rotate(image, Rotate(angle_deg=12, background="#222222")),
    "rotate-12-clear": lambda image: rotate(image, Rotate(angle_deg=-12)),
    "flip": flip,
    "flop": flop,
    "sharpen": lambda image: sharpen(image, Sharpen()),
    "sharpen-strong": lambda image: sharpen(image, Sharpen(sigma=1.5, edges=5, flat=1)),
    "blur": lambda image: blur(image, Blur(sigma=2)),
    "blur-wide": lambda image: blur(image, Blur(sigma=20)),
    "greyscale": greyscale,
    "modulate": lambda image: modulate(image, Modulate(brightness=1.1, saturation=0.5)),
    "modulate-hue": lambda image: modulate(image, Modulate(hue_deg=120)),
    "gamma": lambda image: gamma(image, 1.8),
    "watermark-logo": lambda image: with_logo(image, Watermark(image="logo.png", opacity=1)),
    "watermark-tiled": lambda image: with_logo(
        image, Watermark(image="logo.png", tile=True, rotate_deg=-30, opacity=0.5, scale=0.2)
    ),
}
TEXTS = {
    "text": Watermark(text="© Owner 2026", scale=0.5),
    "text-lines": Watermark(text="Foto: Ørsted\nПривет Φως", scale=0.4, position="northeast", opacity=1),  # noqa: RUF001
    "text-bare": Watermark(text="Owner", color="#ffcc00", outline=Outline(width=0), rotate_deg=90, position="west"),
    "text-tiled": Watermark(text="SAMPLE", tile=True, rotate_deg=-30, opacity=0.5, spacing="8%"),
}


@pytest.mark.parametrize("name", STEPS)
def test_transform_matches_golden(check_golden: Check, name: str) -> None:
    """A transform of a plain picture gives the pixels that were looked at."""
    check_golden(f"transform-{name}", STEPS[name](vips(scene())).pngsave_buffer(), **SAME)


@pytest.mark.parametrize(
    "name", ["blur", "sharpen-strong", "rotate-12-clear", "modulate-hue", "greyscale", "pad-color"]
)
def test_transform_of_16_bits_with_alpha_matches_golden(check_golden: Check, name: str) -> None:
    """The bright green under clear pixels shows nowhere, and both bytes of each value count."""
    image = vips(with_alpha(deep(scene(120, 80))))
    check_golden(f"transform-{name}-alpha-16", STEPS[name](image).pngsave_buffer(), **SAME)


def test_flatten_matches_golden(check_golden: Check) -> None:
    """Clear parts show the color behind them."""
    after = flatten(vips(with_alpha(scene())), Flatten(background="#0a6cff"))
    check_golden("transform-flatten", after.pngsave_buffer(), **SAME)


@pytest.mark.parametrize("name", TEXTS)
def test_text_matches_golden(check_golden: Check, name: str) -> None:
    """Letters, outline, place and strength are those that were looked at."""
    check_golden(f"transform-{name}", with_text(vips(scene()), TEXTS[name]).pngsave_buffer(), **DRAWN)
