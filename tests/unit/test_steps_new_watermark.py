"""The watermark: where it lies, how large it is and how strong."""

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from safelight.steps import watermark as watermarks
from safelight.steps.resize import COMPASS
from safelight.steps.text import Outline
from safelight.steps.watermark import Watermark, mark_width, watermark

BARE = Watermark(image="logo.png", margin=0, opacity=1, scale=0.1)


def plain(size: tuple[int, int], *values: int) -> pyvips.Image:
    """Return an 8-bit image of one color."""
    pixels = np.full((size[1], size[0], len(values)), values, np.uint8)
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb" if len(values) > 2 else "b-w")


def where(image: pyvips.Image, ground: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what is not `ground`."""
    pixels = image.numpy().reshape(image.height, image.width, -1)[..., 0]
    rows, columns = np.nonzero(pixels != ground)
    return columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1


@pytest.mark.parametrize("position", COMPASS)
def test_watermark_at_each_compass_point_keeps_its_margin(position: str) -> None:
    """At 200 x 100, a mark of 20 x 10 with a margin of 5 stands where the compass says."""
    options = replace(BARE, position=position, margin=5)
    after = watermark(plain((200, 100), 0, 0, 0), plain((20, 10), 255, 0, 0), options)
    x, y = COMPASS[position]
    assert where(after, 0) == (5 + round(170 * x), 5 + round(80 * y), 20, 10)


def test_watermark_margin_as_a_share_is_one_of_the_shorter_side() -> None:
    """5 % of 200 x 100 are 5 pixels on both sides."""
    after = watermark(plain((200, 100), 0, 0, 0), plain((20, 10), 255, 0, 0), replace(BARE, margin="5%"))
    assert where(after, 0)[:2] == (175, 85)


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.5, 1.0])
def test_watermark_scale_is_a_share_of_the_width(scale: float) -> None:
    """The mark is that share of the picture's width, and its shape is the logo's."""
    after = watermark(plain((200, 200), 0, 0, 0), plain((20, 10), 255, 0, 0), replace(BARE, scale=scale))
    assert where(after, 0)[2:] == (200 * scale, 100 * scale)
    assert mark_width(replace(BARE, scale=scale), 200) == 200 * scale


@pytest.mark.parametrize("opacity", [0.01, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_watermark_opacity_is_the_share_of_the_logo_that_shows(opacity: float, alpha: int) -> None:
    """A pixel is (1 - s) of the picture and s of the logo; s is opacity times the logo's alpha."""
    after = watermark(
        plain((40, 40), 40, 80, 120), plain((8, 8), 250, 150, 50, alpha), replace(BARE, scale=1, opacity=opacity)
    )
    share = opacity * alpha / 255
    wanted = [low * (1 - share) + top * share for low, top in zip((40, 80, 120), (250, 150, 50), strict=True)]
    assert after.getpoint(20, 20) == pytest.approx(wanted, abs=1.5)


def test_watermark_on_a_clear_picture_adds_to_its_alpha() -> None:
    """Where the picture is clear the mark alone shows, as opaque as it is; elsewhere all stays."""
    after = watermark(plain((40, 40), 0, 0, 0, 0), plain((8, 8), 250, 150, 50), replace(BARE, scale=0.5, opacity=0.6))
    assert after.getpoint(35, 35) == pytest.approx([250, 150, 50, 153], abs=1)
    assert after.getpoint(5, 5) == [0, 0, 0, 0]


def test_watermark_in_16_bits_keeps_the_tones_between() -> None:
    """Neither the picture nor the blend goes through 8 bits."""
    ramp = np.arange(20000, 22000, dtype=np.uint16).reshape(40, 50)
    image = pyvips.Image.new_from_array(ramp).copy(interpretation="grey16")
    after = watermark(image, plain((8, 8), 255, 255, 255), replace(BARE, scale=1, opacity=0.5)).numpy()
    assert after[-1, 10:] == pytest.approx((ramp[-1, 10:].astype(float) + 65535) / 2, abs=150)
    assert len(np.unique(after)) > 1000


def test_watermark_outside_the_mark_changes_nothing() -> None:
    """Only the pixels under the mark are touched."""
    noise = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    image = pyvips.Image.new_from_array(noise).copy(interpretation="srgb")
    after = watermark(image, plain((8, 8), 255, 0, 0), replace(BARE, position="northwest")).numpy()
    assert (after[8:] == noise[8:]).all()
    assert (after[:, 8:] == noise[:, 8:]).all()
    assert (after[:8, :8] == (255, 0, 0)).all()


def test_watermark_larger_than_the_picture_is_made_smaller() -> None:
    """A tall logo at full width is brought into the picture, with its shape and the margin."""
    after = watermark(plain((100, 50), 0, 0, 0), plain((10, 40), 255, 0, 0), replace(BARE, scale=1, margin=5))
    assert where(after, 0) == (85, 5, 10, 40)


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    logo=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    options=st.builds(
        Watermark,
        image=st.just("logo.png"),
        position=st.sampled_from([*COMPASS]),
        margin=st.integers(0, 100) | st.sampled_from(["0%", "50%", "100%"]),
        spacing=st.integers(0, 100),
        scale=st.floats(0.01, 1),
        opacity=st.floats(0.01, 1),
        rotate_deg=st.floats(-360, 360),
        tile=st.booleans(),
    ),
)
@settings(max_examples=60, deadline=None)
def test_watermark_of_any_size_fits_any_picture(
    size: tuple[int, int], logo: tuple[int, int], options: Watermark
) -> None:
    """No picture, logo, margin, angle or spacing is too small or too large, and the picture keeps its size."""
    after = watermark(plain(size, 10, 20, 30), plain(logo, 200, 100, 50, 200), options).copy_memory()
    assert (after.width, after.height, after.bands) == (*size, 3)


def test_watermark_tiled_covers_every_quarter_of_the_picture() -> None:
    """Repeats stand all over the picture, with room between, every other row half a step on."""
    options = replace(BARE, tile=True, spacing=10)
    after = watermark(plain((200, 200), 0, 0, 0), plain((20, 10), 255, 0, 0), options).numpy()[..., 0] > 0
    assert after.mean() == pytest.approx((20 * 10) / (30 * 20), abs=0.02)
    assert min(after[y : y + 100, x : x + 100].mean() for x in (0, 100) for y in (0, 100)) > 0.3
    assert (after[0:20] == np.roll(after[20:40], 15, axis=1))[:, 15:].all()


def test_watermark_turned_shows_no_box() -> None:
    """What a turn adds around the logo is clear."""
    after = watermark(
        plain((100, 100), 0, 0, 0),
        plain((20, 20), 255, 0, 0),
        replace(BARE, position="center", scale=0.4, rotate_deg=45),
    ).numpy()[..., 0]
    assert after[50, 50] == 255
    assert after[50 - 24, 50 - 24] == 0
    assert (after > 127).sum() == pytest.approx(40 * 40, rel=0.06)


def test_watermark_on_a_stream_reads_it_once() -> None:
    """A picture that is read from top to bottom can be marked at its top, at its middle and all over."""
    body = plain((600, 3000), 90, 120, 150).jpegsave_buffer()
    for options in (replace(BARE, position="northwest"), replace(BARE, position="center"), replace(BARE, tile=True)):
        stream = pyvips.Image.new_from_buffer(body, "", access="sequential")
        marked = watermark(stream, plain((20, 10), 255, 0, 0), options).jpegsave_buffer()
        assert pyvips.Image.new_from_buffer(marked, "").height == 3000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Watermark(), "either image or text"),
        (Watermark(image="a.png", text="a"), "either image or text"),
        (Watermark(image="a.png", font="a.ttf"), "font, which only a text shows"),
        (Watermark(image="a.png", outline=Outline(width=0)), "outline, which only a text shows"),
        (Watermark(text="a", tile=True, position="north"), "position, which has no meaning"),
        (Watermark(text="a", spacing=4), "needs tile: true"),
        (Watermark(text="a", color="black", tile=True, spacing=4), ""),
        (Watermark(image="a.png", position="north", margin=3), ""),
    ],
)
def test_watermark_with_contradictions_says_which(options: Watermark, said: str) -> None:
    """Options that exclude each other are named with what to do, and good ones pass."""
    found = watermarks.conflicts(options)
    assert said in found
    assert bool(found) == bool(said)
