"""What every step keeps of every kind of image: 8 and 16 bit, grey and colored, with alpha and without."""

from collections.abc import Callable

import numpy as np
import pytest
import pyvips

from safelight.steps.blur import Blur, blur
from safelight.steps.flatten import Flatten, flatten
from safelight.steps.flip import flip, flop
from safelight.steps.gamma import gamma
from safelight.steps.greyscale import greyscale
from safelight.steps.modulate import Modulate, modulate
from safelight.steps.pad import Pad, pad
from safelight.steps.region import Crop, region
from safelight.steps.rotate import Rotate, rotate
from safelight.steps.sharpen import Sharpen, sharpen
from safelight.steps.trim import Trim, trim
from safelight.steps.watermark import Watermark, watermark

Step = Callable[[pyvips.Image], pyvips.Image]
KINDS = {
    "grey": ("uchar", 1),
    "grey-alpha": ("uchar", 2),
    "rgb": ("uchar", 3),
    "rgb-alpha": ("uchar", 4),
    "grey-deep": ("ushort", 1),
    "grey-alpha-deep": ("ushort", 2),
    "rgb-deep": ("ushort", 3),
    "rgb-alpha-deep": ("ushort", 4),
}


def picture(kind: str, width: int = 40, height: int = 24, seed: int = 1) -> pyvips.Image:
    """Return a smooth picture of a kind, its alpha between a quarter and full."""
    form, bands = KINDS[kind]
    full = 65535 if form == "ushort" else 255
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    layers = [0.5 + 0.4 * np.sin(3 * x * (band + seed) + 2 * y * (3 - band)) for band in range(bands)]
    if bands in (2, 4):
        layers[-1] = 0.25 + 0.75 * x
    pixels = (np.dstack(layers) * full).round().astype(np.uint16 if form == "ushort" else np.uint8)
    image = pyvips.Image.new_from_array(pixels)
    color = {"uchar": ("b-w", "srgb"), "ushort": ("grey16", "rgb16")}[form][bands >= 3]
    return image.copy(interpretation=color)


def logo() -> pyvips.Image:
    """Return a small red logo, half of it half clear."""
    return picture("rgb-alpha", 12, 8, seed=2)


KEEPING: dict[str, Step] = {
    "blur": lambda image: blur(image, Blur(sigma=1.5)),
    "blur wide": lambda image: blur(image, Blur(sigma=30)),
    "sharpen": lambda image: sharpen(image, Sharpen(sigma=1, edges=3, flat=1)),
    "modulate": lambda image: modulate(image, Modulate(brightness=1.1, saturation=1.3, hue_deg=20)),
    "gamma": lambda image: gamma(image, 1.8),
    "flip": flip,
    "flop": flop,
    "watermark": lambda image: watermark(image, logo(), Watermark(image="logo.png")),
    "watermark tiled": lambda image: watermark(image, logo(), Watermark(image="logo.png", tile=True, rotate_deg=30)),
}
RESHAPING: dict[str, Step] = {
    "crop": lambda image: region(image, Crop(aspect="1:1", position="attention")),
    "trim": lambda image: trim(image, Trim()),
    "pad": lambda image: pad(image, Pad(all="10%", background="#808080")),
    "pad edge": lambda image: pad(image, Pad(all=3, extend="edge")),
    "pad mirror": lambda image: pad(image, Pad(all=3, extend="mirror")),
    "quarter turn": lambda image: rotate(image, Rotate(angle_deg=-90)),
    "turn": lambda image: rotate(image, Rotate(angle_deg=10, background="black")),
}
ALL = KEEPING | RESHAPING | {"greyscale": greyscale, "flatten": lambda image: flatten(image, Flatten())}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", KEEPING)
def test_step_on_any_kind_keeps_size_bands_and_format(step: str, kind: str) -> None:
    """A step that changes tones or lays something over keeps everything else about the image."""
    before = picture(kind)
    after = KEEPING[step](before)
    assert (after.width, after.height) == (before.width, before.height)
    assert (after.bands, after.format, after.interpretation) == (before.bands, before.format, before.interpretation)
    assert after.avg() > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", RESHAPING)
def test_step_on_any_kind_keeps_bands_and_format(step: str, kind: str) -> None:
    """A step that changes the shape keeps the kind of the image, as long as its colors have room in it."""
    before = picture(kind)
    after = RESHAPING[step](before)
    assert (after.bands, after.format, after.interpretation) == (before.bands, before.format, before.interpretation)
    assert after.avg() > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ALL)
def test_step_on_one_pixel_gives_a_picture(step: str, kind: str) -> None:
    """The smallest picture passes through every step."""
    after = ALL[step](picture(kind, 1, 1)).copy_memory()
    assert after.width >= 1
    assert after.height >= 1


@pytest.mark.parametrize("step", ALL)
def test_step_leaves_its_input_alone(step: str) -> None:
    """A step changes nothing about the image that it is given."""
    image = picture("rgb-alpha")
    before = (image.numpy().tobytes(), image.get_fields())
    ALL[step](image).copy_memory()
    assert (image.numpy().tobytes(), image.get_fields()) == before


@pytest.mark.parametrize("step", [*KEEPING, *RESHAPING])
def test_step_on_16_bits_agrees_with_8_bits(step: str) -> None:
    """Numbers of options mean the same for 8 and 16 bits: the results differ by rounding only."""
    shallow = ALL[step](picture("rgb-alpha")).numpy().astype(float)
    deep = ALL[step](picture("rgb-alpha").colourspace("rgb16")).numpy() / 257
    assert shallow.shape == deep.shape
    shown = np.minimum(shallow, deep)[..., 3] > 8  # the color of what is clear means nothing
    assert np.abs(shallow - deep)[shown].max() <= 6


@pytest.mark.parametrize("step", ["blur", "sharpen", "modulate", "gamma"])
def test_step_on_16_bits_keeps_more_tones_than_8_bits_have(step: str) -> None:
    """Nothing on the way is 8 bits wide: a ramp of 2,000 tones keeps most of them."""
    ramp = pyvips.Image.new_from_array(np.arange(20000, 22000, dtype=np.uint16).reshape(1, -1))
    after = ALL[step](ramp.copy(interpretation="grey16")).numpy()
    assert len(np.unique(after)) > 900
