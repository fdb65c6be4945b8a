"""HEIC in: the pixels, their layout, and what a broken file may not do."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageOps

from safelight.decode import decode, open_upload
from safelight.errors import Corrupt
from safelight.fields import blob
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
from safelight.validate import validate
from tests.golden.pictures import Pixels, built_in_profile, encoded, exif, heic, scene, vips, with_alpha

GREY = np.asarray(Image.fromarray(scene()).convert("L"))


def pixels_in(body: bytes) -> Pixels:
    opened = open_upload(body, Limits())
    image = decode(opened, least_width=1, least_height=1)
    return np.asarray(image.numpy()).reshape(image.height, image.width, -1)


def wide(pixels: Pixels) -> Pixels:
    return pixels.astype(np.uint16) * np.uint16(257)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (heic(scene(), quality=95), scene()),
        (heic(with_alpha(scene()), quality=95), with_alpha(scene())),
        (heic(GREY, quality=95), GREY[..., None]),
        (heic(wide(scene()), mode="RGB;16", quality=95), wide(scene())),
        (heic(wide(with_alpha(scene())), mode="RGBA;16", quality=95), wide(with_alpha(scene()))),
        (heic(wide(GREY), mode="L;16", quality=95), wide(GREY)[..., None]),
    ],
    ids=["rgb", "alpha", "grey", "10 bit", "alpha 10 bit", "grey 10 bit"],
)
def test_decode_of_heic_gives_the_pixels(body: bytes, expected: Pixels) -> None:
    """Color, alpha, grey and more than 8 bits all come out as they went in."""
    found = pixels_in(body)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    scale = 257 if expected.dtype == np.uint16 else 1
    shown = ... if expected.shape[2] != 4 else expected[..., 3] == 255 * scale
    assert np.abs(found[shown].astype(float) - expected[shown]).mean() / scale < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_of_any_orientation_comes_out_upright_once(orientation: int) -> None:
    """The file's own properties have turned the pixels already; the EXIF tag that says the same must not count."""
    body = heic(scene(), quality=95, exif=exif(orientation))
    assert open_upload(body, Limits()).source.orientation == 1
    recipe = Recipe(name="t", renditions=(Rendition(key="o.png", resize=Resize(width=5000)),), metadata="keep")
    found = Image.open(BytesIO(bytes(render(body, "a", recipe, Limits()).outputs[0].body)))  # type: ignore[arg-type]
    upright = ImageOps.exif_transpose(Image.open(BytesIO(encoded(scene(), "PNG", exif=exif(orientation)))))
    assert found.getexif().get(0x0112, 1) == 1
    assert found.size == upright.size
    assert np.abs(np.asarray(found).astype(float) - np.asarray(upright)).mean() < 1.5


def test_decode_of_heic_hands_over_its_profile() -> None:
    """A telephone's pictures are Display P3; they are converted like all others."""
    body = heic(scene(), quality=95, icc_profile=built_in_profile("p3"))
    image = decode(open_upload(body, Limits()), least_width=1, least_height=1)
    assert blob(image, "icc-profile-data") == built_in_profile("p3")


def test_heic_with_alpha_and_no_format_becomes_what_holds_alpha() -> None:
    """A format that is not written is replaced by one that loses nothing."""
    recipe = Recipe(name="t", renditions=(Rendition(key="{filename}", resize=Resize(width=50)),))
    assert render(heic(with_alpha(scene())), "a.heic", recipe, Limits()).outputs[0].format == "png"
    assert render(heic(scene()), "a.heic", recipe, Limits()).outputs[0].format == "jpeg"


def test_open_upload_of_heic_without_size_is_corrupt() -> None:
    """A picture of no pixels is none."""
    body = heic(scene())
    size = body.index(b"ispe") + 8
    with pytest.raises(Corrupt):
        open_upload(body[:size] + bytes(8) + body[size + 8 :], Limits())


def test_open_upload_of_heic_whose_item_has_no_name_of_text_is_corrupt() -> None:
    """pi-heif ends the process over such a type of item; run apart, so that a crash is seen as one."""
    body = heic(scene(), exif=exif(6)).replace(b"Exif\0", b"\xff\xfe\xfd\xfc\0", 1)
    code = (
        "import sys; from safelight.decode import open_upload; from safelight.recipe.model import Limits\n"
        "from safelight.errors import Corrupt\n"
        "try: open_upload(sys.stdin.buffer.read(), Limits())\n"
        "except Corrupt: print('corrupt')"
    )
    run = subprocess.run([sys.executable, "-c", code], input=body, capture_output=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, b"corrupt"), run.stderr[-500:]


def test_validate_of_heic_with_other_pictures_looks_at_the_primary() -> None:
    """Several pictures in one file are an album; the primary one is developed."""
    import pillow_heif  # noqa: PLC0415 -- loads an encoder of 20 MB

    album = pillow_heif.from_pillow(Image.fromarray(GREY))
    album.add_from_pillow(Image.fromarray(scene()))
    out = BytesIO()
    album.save(out, quality=95, primary_index=1)
    opened = open_upload(out.getvalue(), Limits())
    validate(opened)
    assert opened.header.bands == 3


@pytest.mark.parametrize("mode", ["RGB;16", "L;16"])
def test_decode_of_heic_of_10_bits_has_a_true_white(mode: str) -> None:
    """The brightest of 10 bits is the brightest of 16."""
    white = np.full((32, 48, 3) if mode == "RGB;16" else (32, 48), 65535, np.uint16)
    assert pixels_in(heic(white, mode=mode, quality=95)).min() > 65535 - 257


def test_heic_of_10_bits_stays_deep_in_png() -> None:
    """What a format can hold is kept."""
    slope = np.tile(np.linspace(0, 65535, 512).astype(np.uint16)[None, :, None], (16, 1, 3))
    recipe = Recipe(name="t", renditions=(Rendition(key="o.png", format="png"),))
    body = render(heic(slope, mode="RGB;16", quality=-1), "a", recipe, Limits()).outputs[0].body
    assert isinstance(body, bytes)
    image = pyvips.Image.pngload_buffer(body)
    assert image.format == "ushort"
    assert len(np.unique(image.numpy()[8, :, 1])) > 400


def pixel_of(body: bytes) -> Pixels:
    recipe = Recipe(name="t", renditions=(Rendition(key="o.png", format="png"),))
    made = render(body, "a", recipe, Limits()).outputs[0].body
    assert isinstance(made, bytes)
    return np.asarray(Image.open(BytesIO(made)))[16, 24]


def test_heic_whose_color_space_is_told_by_numbers_is_converted() -> None:
    """Display P3 without a profile is still no sRGB: its red is beyond it, its orange redder than the number says."""
    orange = np.full((32, 48, 3), (200, 120, 60), np.uint8)
    plain, wide_gamut = (
        heic(orange, quality=-1, color_primaries=primaries, transfer_characteristics=13, save_nclx_profile=True)
        for primaries in (1, 12)
    )
    found = [pixel_of(body) for body in (plain, wide_gamut)]
    assert np.abs(found[0].astype(int) - (200, 120, 60)).max() <= 3
    right = vips(orange, built_in_profile("p3")).icc_transform("srgb", embedded=True).numpy()[16, 24]
    assert np.abs(found[1].astype(int) - right).max() <= 3
    assert int(found[1][0]) > int(found[0][0]) + 5
