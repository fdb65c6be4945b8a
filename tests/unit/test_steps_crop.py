"""Which part is kept, and where a picture lies on its canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.steps.crop import crop, place
from safelight.steps.resize import COMPASS, POSITIONS
from tests.golden.pictures import deep, scene, vips, with_alpha

# Left and top of a 100 x 60 box on 240 x 160.
CORNERS = {
    "northwest": (0, 0),
    "north": (70, 0),
    "northeast": (140, 0),
    "west": (0, 50),
    "center": (70, 50),
    "east": (140, 50),
    "southwest": (0, 100),
    "south": (70, 100),
    "southeast": (140, 100),
    "0,0": (0, 0),
    "1,1": (140, 100),
    "0.5,0.5": (70, 50),
    "0.25,.75": (10, 90),
    "0.9,0.1": (140, 0),
}


@pytest.mark.parametrize("position", CORNERS)
def test_crop_keeps_the_part_that_its_position_names(position: str) -> None:
    """The focal point comes as near to the middle as the edges let it."""
    left, top = CORNERS[position]
    found = crop(vips(scene()), (100, 60), position)
    assert np.array_equal(found.numpy(), scene()[top : top + 60, left : left + 100])


@given(
    st.floats(0, 1, allow_subnormal=False).map(lambda x: f"{x:.3f}"),
    st.floats(0, 1, allow_subnormal=False).map(lambda y: f"{y:.3f}"),
    st.integers(1, 24),
    st.integers(1, 16),
)
def test_crop_at_any_focal_point_stays_inside(x: str, y: str, width: int, height: int) -> None:
    """No box reaches over an edge."""
    found = crop(vips(scene(24, 16)), (width, height), f"{x},{y}")
    assert (found.width, found.height) == (width, height)


@pytest.mark.parametrize("position", ["entropy", "attention"])
@pytest.mark.parametrize("kind", ["rgb", "rgba", "grey", "rgb16", "rgba16", "one pixel"])
def test_crop_by_content_works_for_every_kind_of_picture(position: str, kind: str) -> None:
    """What is looked at may be grey, deep, clear in parts or tiny."""
    pixels = {
        "rgb": scene(),
        "rgba": with_alpha(scene()),
        "grey": scene()[..., 0].copy(),
        "rgb16": deep(scene()),
        "rgba16": with_alpha(deep(scene())),
        "one pixel": scene(1, 1),
    }[kind]
    size = (1, 1) if kind == "one pixel" else (50, 60)
    found = crop(vips(pixels), size, position)
    assert (found.width, found.height, found.format) == (*size, vips(pixels).format)
    assert np.asarray(found.numpy()).tobytes() in {
        np.ascontiguousarray(pixels[y : y + size[1], x : x + size[0]]).tobytes()
        for y in range(pixels.shape[0] - size[1] + 1)
        for x in range(pixels.shape[1] - size[0] + 1)
    }, "the part must be the picture's own pixels"


@pytest.mark.parametrize("position", POSITIONS)
def test_place_puts_the_picture_on_a_clear_canvas(position: str) -> None:
    """What is not a compass point has no meaning for a margin and means the middle."""
    found = np.asarray(place(vips(scene(24, 16)), (40, 30), position).numpy())
    x, y = COMPASS.get(position, (0.5, 0.5))
    left, top = round(x * 16), round(y * 14)
    assert found.shape == (30, 40, 4)
    assert np.array_equal(found[top : top + 16, left : left + 24, :3], scene(24, 16))
    assert (found[..., 3] == 255).sum() == 24 * 16
    assert not found[found[..., 3] == 0].any()


def test_place_of_16_bit_is_opaque_where_the_picture_is() -> None:
    """Opaque is 65535 there, not 255."""
    found = np.asarray(place(vips(deep(scene(24, 16))), (24, 20), "center").numpy())
    assert (found[2:18, :, 3] == 65535).all()
