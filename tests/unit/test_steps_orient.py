"""Turning upright, against Pillow and against itself."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from safelight.steps.orient import orient, upright_size
from tests.golden.pictures import scene, vips

PILLOW = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orient_turns_as_pillow_does(orientation: int) -> None:
    """Pixel by pixel the same as the table of Pillow's exif_transpose."""
    picture = Image.fromarray(scene(24, 16))
    upright = picture.transpose(PILLOW[orientation]) if orientation > 1 else picture
    found = orient(vips(scene(24, 16)), orientation)
    assert np.array_equal(found.numpy(), np.asarray(upright))
    assert upright_size(24, 16, orientation) == upright.size == (found.width, found.height)
