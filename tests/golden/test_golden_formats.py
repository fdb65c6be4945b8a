"""What each format and option makes of one scene, and a drawing, against pictures that somebody looked at."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageSequence

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
from tests.golden.conftest import Check
from tests.golden.pictures import animated, deep, encoded, scene, vips, with_alpha

SAME = {"max_difference": 2.0, "mean_difference": 0.1}
PALETTE = {"max_difference": 24.0, "mean_difference": 1.5}
"""Another version of a quantiser may choose other colors."""
DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 40">
<linearGradient id="a"><stop stop-color="#fc3"/><stop offset="1" stop-color="#c36" stop-opacity="0.5"/></linearGradient>
<rect x="4" y="4" width="52" height="32" rx="8" fill="url(#a)"/><path d="M12 30 30 8 48 30Z" fill="none" stroke="#236"/>
<text x="22" y="29" font-size="9" fill="#236">Fx</text></svg>"""


def developed(body: bytes, **options: Any) -> bytes:
    rendition = Rendition(**{"resize": Resize(width=96)} | options)
    recipe = Recipe(name="golden", allow=("svg",), renditions=(rendition,))
    made = render(body, "in", recipe, Limits()).outputs[0].body
    assert isinstance(made, bytes)
    return made


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("png-colors-16", {"key": "o.png", "colors": 16}, PALETTE),
        ("png-colors-256", {"key": "o.png", "colors": 256}, PALETTE),
        ("gif", {"key": "o.gif"}, PALETTE),
        ("gif-colors-8", {"key": "o.gif", "colors": 8}, PALETTE),
        ("webp-lossless", {"key": "o.webp", "lossless": True}, SAME),
        ("webp-near-lossless", {"key": "o.webp", "lossless": True, "quality": 40}, SAME | {"max_difference": 8.0}),
        ("tiff", {"key": "o.tiff"}, SAME),
        ("tiff-lzw", {"key": "o.tif", "compression": "lzw"}, SAME),
        ("jpeg-progressive", {"key": "o.jpg", "progressive": True, "quality": 95}, {"max_difference": 16.0}),
    ],
)
def test_option_of_a_format_matches_golden(
    check_golden: Check, name: str, options: dict[str, Any], tolerance: dict[str, float]
) -> None:
    """A palette dithers, lossless loses nothing, progressive is the same picture; clear edges stay clear."""
    body = bytes(vips(with_alpha(scene())).pngsave_buffer())
    check_golden(f"option-{name}", developed(body, **options), **{"mean_difference": 0.8} | tolerance)


def test_tiff_of_16_bit_matches_golden(check_golden: Check) -> None:
    """16 bits stay 16 bits."""
    check_golden("option-tiff-16", developed(bytes(vips(deep(scene())).pngsave_buffer()), key="o.tiff"), **SAME)


@pytest.mark.parametrize("width", [30, 240])
def test_drawing_matches_golden(check_golden: Check, width: int) -> None:
    """Edges are as sharp as the size allows, and letters are those of the shipped font."""
    out = developed(DRAWING, key="o.png", resize=Resize(width=width))
    check_golden(f"svg-{width}", out, max_difference=12.0, mean_difference=0.5)


@pytest.mark.parametrize("key", ["o.gif", "o.webp"])
def test_frames_of_an_animation_match_golden(check_golden: Check, key: str) -> None:
    """All frames side by side: each is the whole scene, a quarter further."""
    body = developed(animated("WEBP", lossless=True), key=key, **({"quality": 95} if key == "o.webp" else {}))
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(Image.open(BytesIO(body)))]
    strip = Image.new("RGB", (96 * len(frames), 64))
    for number, frame in enumerate(frames):
        strip.paste(frame, (96 * number, 0))
    check_golden(f"animation-{key[2:]}", encoded(strip, "PNG"), **PALETTE)
