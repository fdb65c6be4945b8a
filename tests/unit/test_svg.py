"""SVG is read where a recipe allows it, drawn at the size that is needed, and never passed on unchecked."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safelight.errors import Corrupt, FormatNotEnabled, SafelightError, TooManyPixels, Truncated, Unsafe
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import Rendering, render
from safelight.steps.resize import Resize
from tests.golden.pictures import Pixels, encoded, scene

LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">'
    b'<path d="M0 0H10V10H0Z" fill="red"/><!-- by me --><circle cx="15" cy="5" r="4"/></svg>'
)


def developed(body: bytes | Path, limits: Limits | None = None, **options: Any) -> Rendering:
    policy = options.pop("metadata", "strip")
    recipe = Recipe(name="r", metadata=policy, allow=("svg",), renditions=(Rendition(**{"key": "out.png", **options}),))
    return render(body, "a.svg", recipe, limits or Limits())


def pixels(made: Rendering) -> Pixels:
    body = made.outputs[0].body
    assert isinstance(body, bytes)
    return np.asarray(Image.open(BytesIO(body)).convert("RGBA"))


@pytest.mark.parametrize("rendition", [Rendition(key="out.svg"), Rendition(key="out.png", format="png")])
def test_svg_without_allow_is_not_read_and_never_copied(rendition: Rendition) -> None:
    """A drawing is a program to a browser: it takes a word of the recipe."""
    with pytest.raises(FormatNotEnabled) as caught:
        render(LOGO, "a.svg", Recipe(name="r", renditions=(rendition,)), Limits())
    assert "allow: [svg]" in caught.value.remedy


@pytest.mark.parametrize("as_path", [False, True])
def test_svg_is_drawn_sharp_at_the_size_that_is_asked(tmp_path: Path, as_path: bool) -> None:  # noqa: FBT001
    """It has no pixels of its own, so that nothing is enlarged: edges stay hard."""
    path = tmp_path / "a.svg"
    path.write_bytes(LOGO)
    found = pixels(developed(path if as_path else LOGO, format="png", resize=Resize(width=800)))
    assert found.shape == (400, 800, 4)
    row = found[200]
    assert tuple(row[398]) == (255, 0, 0, 255)
    assert row[402][3] == 0
    circle = row[420:800, 3]
    assert ((circle > 5) & (circle < 250)).sum() <= 4, "a blurred edge would take more pixels"


def test_svg_in_many_sizes_is_sharp_in_each() -> None:
    """One drawing in the largest size, the others made from it; shapes may differ."""
    sizes = [Resize(width=600), Resize(width=100), Resize(width=300, height=300, fit="cover")]
    renditions = tuple(Rendition(key=f"{i}.png", resize=size) for i, size in enumerate(sizes))
    made = render(LOGO, "a.svg", Recipe(name="r", allow=("svg",), renditions=renditions), Limits())
    assert [(each.width, each.height) for each in made.outputs] == [(600, 300), (100, 50), (300, 300)]


def test_svg_without_a_format_becomes_png_and_says_so() -> None:
    """It is read but not written."""
    made = developed(LOGO, key="out", resize=Resize(width=40))
    assert made.outputs[0].format == "png"
    assert made.warnings == ("svg is read but not written: made png",)


def test_svg_copied_is_checked_and_stripped() -> None:
    """Where it is allowed, a copy is the drawing without comments, under its own media type."""
    output = developed(LOGO, key="out.svg").outputs[0]
    assert output.body == LOGO.replace(b"<!-- by me -->", b"")
    assert (output.content_type, output.width, output.height) == ("image/svg+xml", 20, 10)
    assert developed(LOGO, key="out.svg", metadata="keep").outputs[0].body == LOGO


@pytest.mark.parametrize("key", ["out.svg", "out.png"])
def test_svg_with_a_script_is_neither_copied_nor_drawn(key: str) -> None:
    """The check comes before everything else."""
    with pytest.raises(Unsafe):
        developed(LOGO.replace(b"</svg>", b"<script/></svg>"), key=key, format=None)


def test_svg_carries_pictures_within_the_limits() -> None:
    """A picture within is drawn, and counts by the same limits as an upload."""
    raster = b64encode(encoded(scene(60, 40), "PNG"))
    body = LOGO.replace(b"</svg>", b'<image width="10" height="10" href="data:image/png;base64,%s"/></svg>' % raster)
    found = pixels(developed(body, format="png", resize=Resize(width=200)))
    assert len(np.unique(found[:100, :100].reshape(-1, 4), axis=0)) > 50
    with pytest.raises(TooManyPixels, match="60 x 40"):
        developed(body, Limits(pixels=2000), format="png")
    with pytest.raises(Truncated):
        developed(body.replace(raster, b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\x01\xff")), format="png")


@pytest.mark.parametrize(
    ("body", "options", "error"),
    [
        (LOGO.replace(b"viewBox", b'width="20000" height="20000" viewBox'), {}, TooManyPixels),
        (LOGO, {"resize": Resize(width=16384)}, TooManyPixels),
        (LOGO.replace(b'viewBox="0 0 20 10"', b'width="0" height="5"'), {}, Corrupt),
        (LOGO[:-8], {}, Truncated),
    ],
)
def test_svg_that_costs_too_much_has_a_coded_error(
    body: bytes, options: dict[str, Any], error: type[SafelightError]
) -> None:
    """Its own size, and the one that it would be drawn in, count."""
    with pytest.raises(error):
        developed(body, format="png", **options)


def test_svg_with_text_is_drawn_in_the_shipped_font_and_says_so() -> None:
    """No machine's fonts are seen, so letters look the same everywhere; boxes in their place would help nobody."""
    body = LOGO.replace(b"<circle", b'<text x="0" y="8" font-size="9" font-family="Arial">%s</text><circle')
    drawn = [developed(body % letters, format="png", resize=Resize(width=400)) for letters in (b"il", b"WM")]
    assert all("font that Safelight ships" in made.warnings[0] for made in drawn)
    assert (pixels(drawn[0]) != pixels(drawn[1])).any(), "letters, not boxes"
