"""Steps that change the shape: crop, trim, pad, rotate, flip and flop."""

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.steps import pad as padding
from safelight.steps import region as regions
from safelight.steps.flip import flip, flop
from safelight.steps.length import pixels, ratio
from safelight.steps.pad import Pad, pad, padded_size
from safelight.steps.region import Crop, Region, region, resolve
from safelight.steps.rotate import Rotate, rotate
from safelight.steps.trim import Trim, trim

SHARES = st.integers(1, 100).map(lambda share: f"{share}%")
EXTENTS = st.none() | st.integers(1, 400) | SHARES
LENGTHS = st.none() | st.integers(0, 400) | SHARES
POSITIONS = st.sampled_from(["center", "northwest", "southeast", "0.5,0.33", "1,0", "attention"])


def numbered(width: int, height: int) -> pyvips.Image:
    """Return a picture in which every pixel is unlike its neighbours."""
    array = np.arange(width * height, dtype=np.uint16).reshape(height, width) * 7 % 251
    return pyvips.Image.new_from_array(array.astype(np.uint8)).copy(interpretation="b-w")


def framed(inner: tuple[int, ...], outer: tuple[int, ...], *, deep: bool = False) -> pyvips.Image:
    """Return 20 x 10 pixels of one color at (15, 12) on 60 x 40 of another."""
    kind, names = ("ushort", ("grey16", "rgb16")) if deep else ("uchar", ("b-w", "srgb"))
    name = names[len(inner) >= 3]

    def plain(values: tuple[int, ...], width: int, height: int) -> pyvips.Image:
        return (pyvips.Image.black(width, height) + list(values)).cast(kind).copy(interpretation=name)

    return plain(outer, 60, 40).insert(plain(inner, 20, 10), 15, 12)


@given(
    options=st.builds(Crop, left=LENGTHS, top=LENGTHS, width=EXTENTS, height=EXTENTS, position=POSITIONS),
    whole=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_crop_by_sides_of_anything_lies_inside_the_picture(options: Crop, whole: tuple[int, int]) -> None:
    """Whatever the numbers, the part has a pixel at least and none outside; what fits is exact."""
    part = resolve(options, *whole)
    corner = part.corner or (0, 0)
    assert min(part.size) >= 1
    assert min(corner) >= 0
    assert corner[0] + part.size[0] <= whole[0]
    assert corner[1] + part.size[1] <= whole[1]
    if options.left is None and isinstance(options.width, int) and options.width <= whole[0]:
        assert part.size[0] == options.width


@given(
    whole=st.tuples(st.integers(1, 5000), st.integers(1, 5000)), shape=st.tuples(st.integers(1, 50), st.integers(1, 50))
)
def test_crop_by_aspect_is_the_largest_part_of_that_shape(whole: tuple[int, int], shape: tuple[int, int]) -> None:
    """One side is the picture's own, and the other is off by at most half a pixel."""
    part = resolve(Crop(aspect=f"{shape[0]}:{shape[1]}"), *whole)
    assert part.size[0] == whole[0] or part.size[1] == whole[1]
    wanted = shape[0] / shape[1]
    assert abs(part.size[0] - part.size[1] * wanted) <= 0.5 * max(1, wanted) + 1e-6 or 1 in part.size


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (Crop(left="10%", top="10%", width="80%", height="80%"), Region(size=(160, 80), corner=(20, 10))),
        (Crop(left=190, width=50), Region(size=(10, 100), corner=(190, 0))),
        (Crop(width=50, height=50, position="southeast"), Region(size=(50, 50), corner=(150, 50))),
        (Crop(width=50, height=50, position="0.1,0.5"), Region(size=(50, 50), corner=(0, 25))),
        (Crop(aspect="1:1", position="west"), Region(size=(100, 100), corner=(0, 0))),
        (Crop(aspect="1/1", position="entropy"), Region(size=(100, 100), corner=None)),
    ],
)
def test_crop_of_200_by_100_is_in_pixels(options: Crop, part: Region) -> None:
    """Shares are of the picture's own side; what lies outside is left out; smart positions leave the corner open."""
    assert resolve(options, 200, 100) == part


def test_crop_takes_the_named_pixels() -> None:
    """The numbers that `resolve` gives are the pixels that stay."""
    image = numbered(30, 20)
    after = region(image, Crop(left=3, top=4, width=10, height=5))
    assert (after.numpy() == image.numpy()[4:9, 3:13]).all()


def test_crop_by_attention_finds_what_stands_out() -> None:
    """The only thing to see is inside the part."""
    grey, red = np.full((100, 300, 3), 90, np.uint8), np.full((20, 20, 3), (230, 40, 20), np.uint8)
    scene, thing = (pyvips.Image.new_from_array(each).copy(interpretation="srgb") for each in (grey, red))
    after = region(scene.insert(thing, 240, 40), Crop(aspect="1:1", position="attention"))
    assert after.extract_band(0).max() == 230


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Crop(), "keeps everything"),
        (Crop(aspect="1:1", width=10), "aspect and sides"),
        (Crop(left=1, width=10, position="entropy"), "would move"),
        (Crop(left=1, top=1, width=10, position="north"), "no meaning"),
        (Crop(left=0, top="0%", width="100%", height="100.0%"), "keeps everything"),
        (Crop(left="100%"), "left: 100%, behind which there is nothing"),
        (Crop(top="100%", height=5), "top: 100%, behind which there is nothing"),
        (Crop(left="60%", width="60%"), "left: 60% and width: 60%, which end outside"),
        (Crop(left=1, width=10, position="north"), "no side that it could move"),
        (Crop(top="10%", position="0.5,0.5"), "no side that it could move"),
        (Crop(aspect="1:1", position="entropy"), ""),
        (Crop(left=1, top=1, width=10), ""),
        (Crop(left="40%", width="60%"), ""),
        (Crop(left=1, height=10, position="north"), ""),
        (Crop(left=1), ""),
    ],
)
def test_crop_with_contradictions_says_which(options: Crop, said: str) -> None:
    """Options that exclude each other are named with what to do, and good ones pass."""
    found = regions.conflicts(options)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("inner", "outer", "deep"),
    [
        ((200, 30, 30), (250, 250, 250), False),
        ((30,), (0,), False),
        ((50000, 9000, 9000), (64000, 64000, 64000), True),
        ((200, 30, 30, 255), (250, 250, 250, 255), False),
        ((10, 10, 10, 255), (10, 10, 10, 0), False),
        ((9000, 40000), (9000, 0), True),
    ],
)
def test_trim_of_a_border_leaves_the_content(inner: tuple[int, ...], outer: tuple[int, ...], *, deep: bool) -> None:
    """The border goes, whether it has a color or is clear, and the content stays whole."""
    after = trim(framed(inner, outer, deep=deep), Trim())
    assert (after.width, after.height) == (20, 10)
    assert after.getpoint(0, 0) == list(inner)


def test_trim_with_line_art_keeps_thin_lines() -> None:
    """A line one pixel thin is noise for a photograph and content for a drawing."""
    drawing = framed((30,), (255,)).draw_line([30], 0, 35, 59, 35)
    assert trim(drawing, Trim()).height == 10
    assert trim(drawing, Trim(line_art=True)).height == 35 - 12 + 1


@pytest.mark.parametrize("deep", [False, True])
def test_trim_threshold_is_in_steps_of_8_bits(*, deep: bool) -> None:
    """A content 20 steps from the border is border for a threshold of 30, in 16 bits too."""
    scale = 257 if deep else 1
    image = framed((120 * scale,), (100 * scale,), deep=deep)
    assert trim(image, Trim(threshold=10)).width == 20
    assert trim(image, Trim(threshold=30)).width == 60


def test_trim_of_one_color_leaves_the_picture_whole() -> None:
    """A picture that is all border is not trimmed away."""
    after = trim(framed((7, 7, 7), (7, 7, 7)), Trim(threshold=0))
    assert (after.width, after.height) == (60, 40)


def test_pad_by_sides_puts_the_picture_where_it_belongs() -> None:
    """Named sides count before `all`, and the picture itself is unchanged."""
    image = numbered(20, 10)
    after = pad(image, Pad(all=2, left=5, bottom="50%", background="black"))
    assert (after.width, after.height) == (5 + 20 + 2, 2 + 10 + 5)
    assert (after.numpy()[2:12, 5:25] == image.numpy()).all()
    assert after.getpoint(0, 0) == [0]


@given(
    sides=st.tuples(LENGTHS, LENGTHS, LENGTHS, LENGTHS),
    whole=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    aspect=st.none() | st.sampled_from(["1:1", "16:9", "2/3"]),
)
@settings(max_examples=40, deadline=None)
def test_pad_of_anything_is_as_large_as_planned(
    sides: tuple[int | str | None, ...], whole: tuple[int, int], aspect: str | None
) -> None:
    """The planned size is the real one, never smaller than the picture, and an aspect is met within a pixel."""
    left, top, right, bottom = sides
    options = Pad(left=left, top=top, right=right, bottom=bottom, aspect=aspect, background="white")
    after = pad(numbered(*whole), options)
    size = (after.width, after.height)
    assert size == padded_size(options, *whole)
    assert size[0] >= whole[0]
    assert size[1] >= whole[1]
    if aspect:
        assert abs(size[0] - size[1] * ratio(aspect)) <= max(1, ratio(aspect))


def test_pad_with_a_clear_background_adds_alpha() -> None:
    """The margin is clear and the picture is not; what is clear is white beneath, for formats without alpha."""
    after = pad(numbered(4, 4), Pad(all=1))
    assert after.getpoint(0, 0) == [255, 0]
    assert after.getpoint(1, 1)[1] == 255


def test_pad_of_grey_with_a_color_becomes_srgb() -> None:
    """The margin has the color that was asked for, on a grey picture too."""
    after = pad(numbered(4, 4), Pad(all=1, background="#0a6cff"))
    assert after.getpoint(0, 0) == [10, 108, 255]
    assert after.interpretation == "srgb"


@pytest.mark.parametrize(("extend", "wanted"), [("edge", [0, 0, 0, 7]), ("mirror", [7, 0, 0, 7])])
def test_pad_by_edge_or_mirror_goes_on_with_the_picture(extend: str, wanted: list[int]) -> None:
    """Edge repeats the outermost pixel; mirror turns back at it."""
    after = pad(numbered(20, 1), Pad(left=2, extend=extend))
    assert [int(after.getpoint(x, 0)[0]) for x in range(4)] == wanted


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Pad(), "adds nothing"),
        (Pad(all="0%", left=0), "adds nothing"),
        (Pad(all=1, extend="edge", background="black"), "never shows"),
        (Pad(all=1), ""),
    ],
)
def test_pad_with_contradictions_says_which(options: Pad, said: str) -> None:
    """Options that do nothing or exclude each other are named."""
    found = padding.conflicts(options)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(("angle", "quarters"), [(90, 3), (-90, 1), (180, 2), (270, 1), (-360, 0), (0, 0)])
def test_rotate_by_quarters_moves_pixels_only(angle: float, quarters: int) -> None:
    """Quarter turns are clockwise and lose nothing."""
    image = numbered(20, 10)
    assert (rotate(image, Rotate(angle_deg=angle)).numpy() == np.rot90(image.numpy(), quarters)).all()


def test_rotate_by_an_angle_grows_the_canvas_and_shows_the_background() -> None:
    """The canvas holds the turned picture, and the corners have the color that was asked for."""
    image = framed((9, 9, 9), (9, 9, 9))
    after = rotate(image, Rotate(angle_deg=30, background="#0a6cff"))
    angle = np.radians(30)
    wanted = (60 * np.cos(angle) + 40 * np.sin(angle), 60 * np.sin(angle) + 40 * np.cos(angle))
    assert (after.width, after.height) == pytest.approx(wanted, abs=1.5)
    assert after.getpoint(0, 0) == [10, 108, 255]
    assert after.getpoint(after.width // 2, after.height // 2) == [9, 9, 9]


def test_rotate_by_an_angle_is_clockwise() -> None:
    """What was above goes to the right."""
    image = framed((0,), (0,)).draw_rect([255], 25, 0, 10, 10, fill=True)
    after = rotate(image, Rotate(angle_deg=45, background="black")).numpy().astype(float)
    _, x = np.indices(after.shape)
    assert (x * after).sum() / after.sum() > after.shape[1] / 2 + 5


def test_rotate_on_a_clear_background_lets_no_color_bleed() -> None:
    """Along the turned edge the color is the picture's own, only weaker."""
    after = rotate(framed((200, 10, 10), (200, 10, 10)), Rotate(angle_deg=20)).numpy()
    edge = after[(after[..., 3] > 20) & (after[..., 3] < 240)]
    assert len(edge) > 10
    assert edge[:, 0].min() >= 195
    assert edge[:, 1].max() <= 15


def test_flip_and_flop_mirror_the_two_ways() -> None:
    """Flip turns top to bottom, flop left to right, as sharp has them."""
    image = numbered(20, 10)
    assert (flip(image).numpy() == image.numpy()[::-1]).all()
    assert (flop(image).numpy() == image.numpy()[:, ::-1]).all()


@pytest.mark.parametrize(("length", "wanted"), [(24, 24), ("5%", 10), ("12.5%", 25), ("100%", 200), ("0%", 0)])
def test_length_of_200_is_in_pixels(length: int | str, wanted: int) -> None:
    """A number is pixels, a share is one of the side."""
    assert pixels(length, 200) == wanted
