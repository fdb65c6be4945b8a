"""From an image to bytes: what each format holds, and that other programs read it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import pyvips
from PIL import Image

from safelight.encode import ENCODERS, Encoding, Format, encode
from safelight.errors import SizeNotEncodable
from tests.golden.pictures import Pixels, deep, scene, vips, with_alpha

FORMATS: tuple[Format, ...] = ("jpeg", "png", "webp", "avif")


def opened(image: pyvips.Image, kind: Format, quality: int | None = 95, effort: int | None = None) -> Image.Image:
    """Encode, and open with Pillow."""
    return Image.open(BytesIO(encode(image, kind, Encoding(quality=quality, effort=effort), "none")))


def far(found: Image.Image, wanted: Pixels) -> float:
    return float(np.abs(np.asarray(found.convert("RGB")).astype(float) - wanted).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_encode_of_a_picture_is_read_by_another_program(kind: Format) -> None:
    """Format, size and colors are what was asked for."""
    found = opened(vips(scene()), kind)
    assert (found.format, found.size) == (kind.upper(), (240, 160))
    assert far(found, scene()) < 2


@pytest.mark.parametrize("kind", FORMATS)
def test_encode_of_grey_stays_grey_to_the_eye(kind: Format) -> None:
    """Grey needs no color, and must not get one."""
    grey = np.asarray(Image.fromarray(scene()).convert("L"))
    assert far(opened(vips(grey), kind), grey[..., None].repeat(3, axis=2)) < 2


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("depth", [8, 16])
def test_encode_of_alpha_keeps_it_or_lays_the_picture_on_white(kind: Format, depth: int) -> None:
    """JPEG alone has no alpha: what was clear is white there."""
    pixels = with_alpha(scene())
    found = opened(vips(pixels if depth == 8 else pixels.astype(np.uint16) * np.uint16(257)), kind)
    if kind == "jpeg":
        cover = pixels[..., 3:] / 255
        assert far(found, pixels[..., :3] * cover + 255 * (1 - cover)) < 2
        return
    assert np.abs(np.asarray(found.getchannel("A")).astype(float) - pixels[..., 3]).mean() < 1
    opaque = pixels[..., 3] == 255
    assert np.abs(np.asarray(found.convert("RGB")).astype(float) - pixels[..., :3])[opaque].mean() < 2


def test_encode_of_16_bit_keeps_every_bit_in_png() -> None:
    """PNG is the one format here that holds 16 bits."""
    body = encode(vips(deep(scene())), "png", Encoding(), "none")
    assert np.array_equal(pyvips.Image.pngload_buffer(body).numpy(), deep(scene()))


@pytest.mark.parametrize("bands", [1, 3])
def test_encode_of_16_bit_rounds_to_8(bands: int) -> None:
    """Half a step too much or too little on average would darken or lighten every such picture."""
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    pixels = ramp if bands == 1 else np.dstack([ramp] * 3)
    body = encode(vips(pixels), "webp", Encoding(quality=100), "none")
    found = np.asarray(Image.open(BytesIO(body)).convert("RGB"))[..., 1].astype(float)
    assert abs((found - ramp / 257).mean()) < 0.3


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_encode_of_lower_quality_is_smaller(kind: Format) -> None:
    """Quality is the encoder's own number, and the default is applied."""
    sizes = [len(encode(vips(scene()), kind, Encoding(quality=quality), "none")) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)
    default = encode(vips(scene()), kind, Encoding(), "none")
    assert default == encode(
        vips(scene()), kind, Encoding(quality=ENCODERS[kind].quality, effort=ENCODERS[kind].effort), "none"
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_encode_with_every_effort_gives_the_same_picture(kind: Format) -> None:
    """Effort costs time, never the picture."""
    for effort in (0, ENCODERS[kind].max_effort):
        assert far(opened(vips(scene(64, 48)), kind, effort=effort), scene(64, 48)) < 6


@pytest.mark.parametrize(("kind", "side"), [("jpeg", 65500), ("webp", 16383), ("avif", 16384), ("png", 100_000)])
def test_encode_of_the_longest_side_works_and_one_more_is_refused(kind: Format, side: int) -> None:
    """What a format cannot hold is said before its library fails."""
    assert opened(pyvips.Image.black(side, 1), kind, effort=0).size == (side, 1)
    with pytest.raises(SizeNotEncodable, match=f"do not fit into {kind}"):
        encode(pyvips.Image.black(ENCODERS[kind].max_side + 1, 1), kind, Encoding(effort=0), "none")


@pytest.mark.parametrize("kind", FORMATS)
def test_encode_of_one_pixel_works(kind: Format) -> None:
    """The smallest picture is a picture."""
    assert opened(vips(scene(1, 1)), kind).size == (1, 1)
