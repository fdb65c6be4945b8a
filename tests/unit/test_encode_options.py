"""What each format offers beside quality: that it does what it says, read by another program."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageSequence

from safelight.encode import ENCODERS, Encoding, Format, conflicts, encode, quality_of
from safelight.recipe.model import DEFAULT_RECIPE, Recipe, Rendition, digest
from tests.golden.pictures import Pixels, deep, scene, vips, with_alpha


def opened(pixels: Pixels, kind: Format, **how: object) -> Image.Image:
    """Encode, and open with Pillow."""
    return Image.open(BytesIO(encode(vips(pixels), kind, Encoding(**how), "none")))  # type: ignore[arg-type]


def test_encode_jpeg_progressive_has_the_marker_of_one() -> None:
    """Only who asks for it gets a progressive JPEG; effort 2 is one anyway."""
    assert "progressive" not in opened(scene(), "jpeg").info
    assert opened(scene(), "jpeg", progressive=True).info["progressive"]
    assert opened(scene(), "jpeg", effort=2).info["progressive"]


@pytest.mark.parametrize("colors", [2, 4, 16, 256])
def test_encode_png_with_colors_is_a_palette_no_larger_than_asked(colors: int) -> None:
    """The palette fits into the bits of the file."""
    found = opened(scene(), "png", colors=colors)
    assert found.mode == "P"
    assert len(np.unique(np.asarray(found))) <= colors


@pytest.mark.parametrize("colors", [2, 8, 64, 256])
def test_encode_gif_with_colors_has_no_more_than_asked(colors: int) -> None:
    """GIF has palettes of every power of two."""
    found = opened(scene(), "gif", colors=colors)
    assert found.format == "GIF"
    assert len(np.unique(np.asarray(found.convert("RGB")).reshape(-1, 3), axis=0)) <= colors


def test_encode_png_with_colors_at_a_lower_quality_uses_fewer() -> None:
    """Quality means something once a PNG loses colors."""
    few, many = (len(np.unique(np.asarray(opened(scene(), "png", colors=256, quality=q)))) for q in (20, 100))
    assert few < many


def test_encode_png_with_colors_keeps_alpha() -> None:
    """A palette holds clear colors too."""
    found = np.asarray(opened(with_alpha(scene()), "png", colors=256).convert("RGBA"))
    assert np.abs(found[..., 3].astype(float) - with_alpha(scene())[..., 3]).mean() < 3


def test_encode_webp_lossless_keeps_every_pixel() -> None:
    """Not one bit is lost, alpha included."""
    pixels = with_alpha(scene())
    found = np.asarray(opened(pixels, "webp", lossless=True))
    assert (found[..., 3] == pixels[..., 3]).all()
    assert (found[pixels[..., 3] > 0] == pixels[pixels[..., 3] > 0]).all()


def test_encode_webp_lossless_with_a_quality_is_near() -> None:
    """Near-lossless changes pixels, but by very little."""
    found = np.asarray(opened(scene(), "webp", lossless=True, quality=60)).astype(int)
    assert 0 < np.abs(found - scene()).max() <= 4
    exact = np.asarray(opened(scene(), "webp", lossless=True, quality=100))
    assert (exact == scene()).all()


@pytest.mark.parametrize(("compression", "said"), [(None, "tiff_adobe_deflate"), ("lzw", "tiff_lzw")])
def test_encode_tiff_packs_as_asked_and_keeps_every_pixel(compression: str | None, said: str) -> None:
    """Both packings are without loss."""
    found = opened(scene(), "tiff", compression=compression)
    assert found.info["compression"] == said
    assert (np.asarray(found) == scene()).all()


def test_encode_tiff_of_16_bit_keeps_every_bit() -> None:
    """What came deep stays deep."""
    grey = deep(scene())[..., 1].copy()
    assert (np.asarray(opened(grey, "tiff")) == grey).all()


def test_encode_avif_of_16_bit_has_10_and_of_8_has_8() -> None:
    """More bits than 8 stay where AVIF holds them."""
    for pixels, bits in ((scene(), 8), (deep(scene()), 10)):
        body = encode(vips(pixels), "avif", Encoding(quality=90), "none")
        assert pyvips.Image.heifload_buffer(body).get("bits-per-sample") == bits
        assert np.abs(np.asarray(Image.open(BytesIO(body)).convert("RGB")).astype(float) - scene()).mean() < 2


def test_encode_gif_of_clear_pixels_keeps_them_clear() -> None:
    """GIF's alpha is all or nothing."""
    found = np.asarray(next(ImageSequence.Iterator(opened(with_alpha(scene()), "gif"))).convert("RGBA"))
    assert set(np.unique(found[..., 3])) == {0, 255}


def test_encode_effort_beyond_the_format_is_its_most() -> None:
    """Where the upload decides on the format, an effort of another one must not fail."""
    for kind in ENCODERS:
        assert encode(vips(scene(32, 20)), kind, Encoding(effort=9), "none")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["gif", "tiff"])
def test_quality_of_a_format_without_is_none(kind: Format) -> None:
    """A job must not tell a quality that nothing had."""
    assert quality_of(kind, Encoding()) is None
    assert quality_of("webp", Encoding(lossless=True)) is None
    assert quality_of("webp", Encoding()) == 80


@pytest.mark.parametrize(
    ("kind", "how", "said"),
    [
        ("png", Encoding(quality=80), "add colors: 256"),
        ("gif", Encoding(quality=80), "quality=80, but gif keeps every pixel"),
        ("tiff", Encoding(quality=80), "use webp"),
        ("jpeg", Encoding(lossless=True), "lossless is for webp, but this is jpeg; add format: webp"),
        (None, Encoding(lossless=True), "without a format the upload decides"),
        ("webp", Encoding(colors=16), "colors is for png and gif"),
        ("png", Encoding(colors=32), "colors=32; must be one of 2, 4, 16, 256 for png"),
        ("gif", Encoding(colors=100), "colors=100; must be one of 2, 4, 8"),
        ("avif", Encoding(progressive=True), "progressive is for jpeg"),
        ("png", Encoding(compression="lzw"), "compression is for tiff"),
        ("tiff", Encoding(compression="lzw", effort=3), "effort=3, but lzw knows none"),
        ("webp", Encoding(effort=7), "effort=7; must be 0..6 for webp"),
    ],
)
def test_conflicts_of_an_option_for_another_format_say_so(kind: Format | None, how: Encoding, said: str) -> None:
    """What has no effect is refused, with what to do instead."""
    found = [option + message for option, message in conflicts(kind, how)]
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("png", Encoding(colors=16, quality=80)),
        ("webp", Encoding(lossless=True, quality=60, effort=6)),
        ("jpeg", Encoding(progressive=True, effort=2)),
        ("tiff", Encoding(compression="deflate", effort=9)),
        ("gif", Encoding(colors=32, effort=9)),
        (None, Encoding(quality=80, effort=9)),
    ],
)
def test_conflicts_of_options_that_fit_are_none(kind: Format | None, how: Encoding) -> None:
    """What makes sense is not talked about."""
    assert list(conflicts(kind, how)) == []


def test_digest_of_a_recipe_without_new_options_is_as_it_was() -> None:
    """An option that nobody uses must not develop a bucket anew."""
    assert digest(DEFAULT_RECIPE) == "194887f530491f74"
    given = Recipe(name="a", renditions=(Rendition(key="x.png", format="png", colors=None, animate=True),))
    assert digest(given) == digest(Recipe(name="a", renditions=(Rendition(key="x.png", format="png"),)))


@pytest.mark.parametrize("option", [{"animate": False}, {"lossless": True}, {"colors": 2}, {"progressive": True}])
def test_rendition_with_an_option_of_the_encoder_is_no_copy(option: dict[str, object]) -> None:
    """Who asks for an encoding gets one."""
    assert Rendition(key="x").copies
    assert not Rendition(key="x", **option).copies  # type: ignore[arg-type]
