"""A picture that lies on its side comes out upright, once."""

from __future__ import annotations

import io

import pytest
import pyvips
from PIL import Image, ImageOps

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize


def turned(orientation: int) -> bytes:
    """A picture whose left half is red, stored with an EXIF orientation."""
    red = pyvips.Image.black(40, 60, bands=3).linear([1, 1, 1], [250, 0, 0])
    image = red.join(pyvips.Image.black(40, 60, bands=3), "horizontal").cast("uchar").copy(interpretation="srgb")
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image.jpegsave_buffer(Q=95)


@pytest.mark.parametrize("metadata", ["strip", "keep", "copyright"])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_picture_in_every_format_is_turned_once(orientation: int, ending: str, metadata: str) -> None:
    """What a viewer shows, its own turning included, is what it showed of the source."""
    body = turned(orientation)
    rendition = Rendition(key=f"x.{ending}", resize=Resize(width=40, height=40, fit="inside"))
    made = render(body, "x.jpg", Recipe(name="a", metadata=metadata, renditions=(rendition,)), Limits()).outputs[0]
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(made.body))).convert("RGB")
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(body))).convert("RGB").resize(shown.size)
    assert (made.width, made.height) == shown.size
    for corner in ((3, 3), (shown.width - 4, 3), (3, shown.height - 4), (shown.width - 4, shown.height - 4)):
        assert abs(shown.getpixel(corner)[0] - wanted.getpixel(corner)[0]) < 60
