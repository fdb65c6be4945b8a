"""PNG's row filters are chosen by what they bring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from safelight.encode import Encoding, encode
from tests.golden.pictures import Pixels, deep, leaves, pixels_of, scene, vips


def unfiltered(pixels: Pixels) -> int:
    return len(vips(pixels).pngsave_buffer(compression=6, filter=0x08))


def filtered(pixels: Pixels) -> int:
    return len(vips(pixels).pngsave_buffer(compression=6, filter=0xF8))


def writing() -> Pixels:
    """A drawing of hard little shapes that come again, as letters do: filters make it larger."""
    random, page = np.random.default_rng(2), np.full((320, 480, 3), 250, np.uint8)
    letters = random.random((40, 9, 7)) < 0.45
    for y in range(6, 300, 16):
        for x in range(8, 440, 9):
            page[y : y + 9, x : x + 7][letters[random.integers(40)]] = (20, 30, 40)
    return page


def test_png_of_a_photograph_is_filtered() -> None:
    """Without filters it would be larger by a quarter and more."""
    made = encode(vips(leaves(480, 320)), "png", Encoding(), "none")
    assert len(made) < 0.8 * unfiltered(leaves(480, 320))
    assert np.array_equal(pixels_of(made), leaves(480, 320))


@pytest.mark.parametrize(("draw", "plain"), [(writing, True), (scene, False)])
def test_png_of_a_drawing_is_as_small_as_either_way_makes_it(draw: Callable[[], Pixels], plain: bool) -> None:  # noqa: FBT001
    """Letters are better off without filters, slopes with them."""
    pixels = draw()
    made = len(encode(vips(pixels), "png", Encoding(), "none"))
    assert made <= min(unfiltered(pixels), filtered(pixels)) + 20
    assert (unfiltered(pixels) < filtered(pixels)) is plain


def test_png_of_16_bit_is_filtered() -> None:
    """Deep pictures are no drawings."""
    made = encode(vips(deep(leaves())), "png", Encoding(), "none")
    assert len(made) <= filtered(deep(leaves())) + 20


def test_png_with_a_palette_is_not_filtered() -> None:
    """Neighbours in a palette are no neighbours in color."""
    made = encode(vips(writing()), "png", Encoding(colors=4), "none")
    assert len(made) < len(encode(vips(writing()), "png", Encoding(), "none"))
