"""Colors against numbers that Pillow's LittleCMS or the standards' formulas give."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from safelight.steps.color import to_srgb
from tests.golden.pictures import (
    ADOBE_RGB,
    Pixels,
    built_in_profile,
    deep,
    grey_profile,
    matrix_profile,
    scene,
    srgb_profile,
    vips,
    with_alpha,
)

SWATCHES = np.array(
    [[255, 0, 0], [200, 40, 40], [90, 160, 70], [30, 60, 200], [128, 128, 128], [255, 255, 255]], np.uint8
)
# Linear Display P3 to linear sRGB, both D65. Source: CSS Color 4, section 18.
P3_TO_SRGB = np.array([[1.2249401, -0.2249402, 0.0], [-0.0420569, 1.0420571, 0.0], [-0.0196376, -0.0786361, 1.0982735]])


def chart(swatches: Pixels = SWATCHES) -> Pixels:
    """Return a picture with one column of 8 pixels for each swatch."""
    return np.repeat(swatches[None], 8, axis=0)


def row(image: pyvips.Image) -> Pixels:
    return np.asarray(image.numpy()).reshape(image.height, image.width, -1)[3].astype(float)


def by_pillow(swatches: Pixels, profile: bytes) -> Pixels:
    """Convert with Pillow, relative colorimetric."""
    there = ImageCms.ImageCmsProfile(BytesIO(profile))
    here = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    made = ImageCms.profileToProfile(Image.fromarray(chart(swatches)), there, here, renderingIntent=intent)
    return np.asarray(made)[3].astype(float)


def linear(encoded: Pixels) -> Pixels:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def encoded(light: Pixels) -> Pixels:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.clip(light, 0, None) ** (1 / 2.4) - 0.055)


def test_to_srgb_of_p3_by_the_formulas_of_the_standard() -> None:
    """Display P3 differs from sRGB in its primaries only: a matrix on linear light converts it."""
    expected = encoded(np.clip(linear(SWATCHES / 255) @ P3_TO_SRGB.T, 0, 1)) * 255
    found = row(to_srgb(vips(chart(), built_in_profile("p3"))))
    assert np.abs(found - expected).max() <= 2
    assert np.abs(found - SWATCHES)[1].max() > 15, "the swatch (200, 40, 40) must change, or nothing was converted"


@pytest.mark.parametrize(
    "profile", [built_in_profile("p3"), matrix_profile(ADOBE_RGB, 2.19921875)], ids=["p3", "adobe"]
)
@pytest.mark.parametrize(("bits", "tolerance"), [(8, 2), (16, 10)])
def test_to_srgb_of_a_wide_gamut_is_what_pillow_gives(profile: bytes, bits: int, tolerance: float) -> None:
    """Another program comes to the same colors; at 16 bit LittleCMS clips what is outside of sRGB softly."""
    pixels = chart() if bits == 8 else chart(SWATCHES.astype(np.uint16) * np.uint16(257))
    found = to_srgb(vips(pixels, profile))
    assert found.format == ("uchar" if bits == 8 else "ushort")
    assert np.abs(row(found) / (1 if bits == 8 else 257) - by_pillow(SWATCHES, profile)).max() <= tolerance


@pytest.mark.parametrize("profile", [srgb_profile(), built_in_profile("srgb")], ids=["lcms", "libvips"])
def test_to_srgb_of_srgb_touches_nothing(profile: bytes) -> None:
    """A picture that is sRGB already keeps every number."""
    assert np.array_equal(to_srgb(vips(scene(), profile)).numpy(), scene())


def test_to_srgb_keeps_alpha() -> None:
    """Alpha is no color: its numbers stay, at both depths."""
    for pixels in (with_alpha(scene()), with_alpha(deep(scene()))):
        assert np.array_equal(to_srgb(vips(pixels, built_in_profile("p3"))).numpy()[..., 3], pixels[..., 3])


@pytest.mark.parametrize("bits", [8, 16])
def test_to_srgb_of_grey_follows_its_profile_and_stays_grey(bits: int) -> None:
    """A grey of gamma 1.8 becomes a grey with sRGB's curve."""
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    pixels = np.repeat(steps[None], 4, axis=0)
    found = to_srgb(vips(pixels if bits == 8 else pixels.astype(np.uint16) * np.uint16(257), grey_profile(1.8)))
    assert found.bands == 1
    expected = encoded((steps / 255) ** 1.796875) * 255  # the nearest gamma that the tag can hold
    assert np.abs(row(found)[:, 0] / (1 if bits == 8 else 257) - expected).max() <= 2


BROKEN = {
    "zeros": bytes(500),
    "text": b"no profile at all " * 30,
    "header only": srgb_profile()[:128],
    "of another space": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    "of CMYK": built_in_profile("cmyk"),
    "cut": built_in_profile("p3")[:300],
    "without curves": built_in_profile("p3").replace(b"TRC", b"XXX"),
    "with an unknown curve": built_in_profile("p3").replace(b"para", b"abcd").replace(b"curv", b"abcd"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("kind", ["rgb", "grey", "rgb16"])
def test_to_srgb_with_a_broken_profile_keeps_the_colors(name: str, kind: str) -> None:
    """A profile that cannot be used is as good as none: the picture is taken for sRGB, and never refused."""
    pixels = {"rgb": scene(), "grey": scene()[..., 1].copy(), "rgb16": deep(scene())}[kind]
    found = np.asarray(to_srgb(vips(pixels, BROKEN[name])).numpy()).astype(float).reshape(pixels.shape)
    assert np.abs(found - pixels).max() <= (2 if pixels.dtype == np.uint8 else 2 * 257)


def cmyk(profile: bytes | None = None) -> pyvips.Image:
    plain = vips(scene()).icc_transform("cmyk", input_profile="srgb").copy()
    plain.remove("icc-profile-data")
    if profile:
        plain.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return plain


@pytest.mark.parametrize("name", ["none", "its own", *BROKEN])
def test_to_srgb_of_cmyk_comes_near_the_colors_it_was_made_from(name: str) -> None:
    """CMYK by its profile, or without a usable one by a usual press, is no negative and not grey."""
    profile = {"none": None, "its own": built_in_profile("cmyk")}.get(name, BROKEN.get(name))
    found = to_srgb(cmyk(profile))
    assert (found.bands, found.format) == (3, "uchar")
    assert np.abs(np.asarray(found.numpy()).astype(float) - scene()).mean() < 12  # a press has fewer colors


@pytest.mark.parametrize(
    ("name", "light"),
    [
        ("float RGB", lambda v: v.copy(interpretation="scrgb")),
        ("float grey", lambda v: v[0].copy(interpretation="b-w")),
    ],
)
def test_to_srgb_of_floating_point_counts_light_from_0_to_1(name: str, light: Any) -> None:
    """Half of the light is the sRGB number 188, in color and in grey."""
    half = (pyvips.Image.black(4, 4, bands=3) + 0.5).cast("float")
    found = to_srgb(light(half))
    assert found.format == "uchar"
    assert set(np.asarray(found.numpy()).ravel()) <= {187, 188}, name
