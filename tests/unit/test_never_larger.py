"""An output is never larger than it need be: re-encoding that does not pay is not done."""

from __future__ import annotations

import numpy as np
import pyvips

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import Rendered, render
from safelight.steps.resize import Resize


def noise(quality: int) -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels, interpretation="srgb").jpegsave_buffer(Q=quality)


def made(body: bytes, rendition: Rendition) -> Rendered:
    return render(body, "x.jpg", Recipe(name="a", renditions=(rendition,)), Limits()).outputs[0]


def test_same_format_at_a_higher_quality_keeps_the_source_and_says_so() -> None:
    """A JPEG of quality 40 does not get better by being stored at 95."""
    source = noise(40)
    output = made(source, Rendition(key="y.jpg", quality=95))
    assert len(output.body) <= len(source)
    assert output.note == "kept the source: re-encoding was not smaller"
    assert output.quality is None


def test_same_format_at_a_lower_quality_is_encoded() -> None:
    """Where it pays, the picture is encoded as asked."""
    output = made(noise(95), Rendition(key="y.jpg", quality=40))
    assert output.note is None
    assert output.quality == 40


def test_changed_size_or_format_is_never_the_source() -> None:
    """The source cannot stand for a picture of another size or format, however small it is."""
    source = noise(20)
    assert made(source, Rendition(key="y.jpg", resize=Resize(width=110), quality=100)).width == 110
    assert made(source, Rendition(key="y.png", format="png")).format == "png"
