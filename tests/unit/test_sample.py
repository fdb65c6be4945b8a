import pytest
import pyvips

from safelight import sample


def image(width: int, height: int) -> pyvips.Image:
    return pyvips.Image.xyz(width, height)[0].cast("ushort").copy_memory()


@pytest.mark.parametrize(
    "size", [(1, 1), (160, 160), (640, 480), (800, 600), (1280, 960), (4000, 3000), (50_000, 40), (100, 9000)]
)
def test_take_any_size_stays_within_half_a_megapixel(size: tuple[int, int]) -> None:
    """A sample never costs more than half a megapixel, and is never larger than its picture."""
    part = sample.take(image(*size))
    assert part.image.width * part.image.height <= min(sample.MOST, size[0] * size[1])


@pytest.mark.parametrize("size", [(1, 1), (300, 200), (640, 480)])
def test_take_small_picture_is_its_own_sample(size: tuple[int, int]) -> None:
    """Tiles of a small picture would save nothing."""
    assert sample.take(image(*size)).whole


def test_take_large_picture_spreads_its_tiles() -> None:
    """Tiles come from both ends of the picture, and start where blocks of JPEG start."""
    part = sample.take(image(4000, 3000))
    starts = [part.image.getpoint(0, y)[0] for y in range(0, part.image.height, sample.TILE)]
    assert min(starts) < 600
    assert max(starts) > 3000
    assert all(start % 16 == 0 for start in starts)


def test_inside_drops_the_margins_of_every_tile() -> None:
    """What counts is the tiles without what lies along their seams."""
    part = sample.take(image(4000, 3000))
    inside = part.inside(part.image)
    side = sample.TILE - 2 * sample.MARGIN
    assert (inside.width, inside.height) == (part.tiles * side, side)
    assert inside.getpoint(side, 0)[0] == part.image.getpoint(sample.MARGIN, sample.TILE + sample.MARGIN)[0]
