"""Numbers of the steps that change tones: each against arithmetic written out here."""

import numpy as np
import pytest
import pyvips

from safelight.steps.alpha import over
from safelight.steps.blur import Blur, blur
from safelight.steps.flatten import Flatten, flatten
from safelight.steps.gamma import gamma
from safelight.steps.greyscale import greyscale
from safelight.steps.modulate import Modulate, modulate
from safelight.steps.paint import ink, rgba, with_room
from safelight.steps.sharpen import Sharpen, sharpen


def plain(*values: float, size: tuple[int, int] = (4, 4), deep: bool = False) -> pyvips.Image:
    """Return an image of one color."""
    image = pyvips.Image.black(*size, bands=len(values)) + list(values)
    names = ("grey16", "rgb16") if deep else ("b-w", "srgb")
    return image.cast("ushort" if deep else "uchar").copy(interpretation=names[len(values) >= 3])


def noise(width: int, height: int) -> pyvips.Image:
    """Return grey noise over a step."""
    random = np.random.default_rng(7).integers(0, 120, (height, width))
    random[:, width // 2 :] += 120
    return pyvips.Image.new_from_array(random.astype(np.uint8)).copy(interpretation="b-w")


def gauss(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by the definition: a Gaussian of five sigma, edges going on."""
    reach = int(5 * sigma) + 1
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    wide = np.pad(pixels.astype(float), reach, mode="edge")
    rows = np.apply_along_axis(np.convolve, 1, wide, weights, "valid")
    return np.apply_along_axis(np.convolve, 0, rows, weights, "valid")


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 5.9, 6, 10, 25, 150])
def test_blur_of_any_width_is_the_gaussian(sigma: float) -> None:
    """The fast way for wide blurs shows nowhere: two steps of 255 at most from the definition, and no shift."""
    image = noise(120, 70)
    off = blur(image, Blur(sigma=sigma)).numpy() - gauss(image.numpy(), sigma)
    assert np.abs(off).max() < 2
    assert abs(off.mean()) < 0.3


def test_blur_beside_clear_pixels_takes_no_color_from_them() -> None:
    """What lies under alpha 0 does not bleed into what is seen."""
    red = plain(200, 10, 10, 255, size=(20, 20))
    image = plain(0, 255, 0, 0, size=(40, 20)).insert(red, 0, 0)
    after = blur(image, Blur(sigma=2)).numpy()
    seen = after[after[..., 3] > 10]
    assert seen[:, 1].max() <= 11
    assert seen[:, 0].min() >= 198


def test_greyscale_weighs_linear_light_by_bt_709() -> None:
    """Luminance is the sum of linear red, green and blue with the weights of BT.709."""
    red, green, blue = 200, 90, 30

    def linear(value: float) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    light = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    wanted = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert greyscale(plain(red, green, blue)).getpoint(0, 0) == pytest.approx([wanted], abs=1.1)


def test_greyscale_with_alpha_keeps_alpha_and_one_band() -> None:
    """The colors become one band; alpha is as it was, in 8 and in 16 bits."""
    assert greyscale(plain(200, 90, 30, 77)).getpoint(0, 0)[1:] == [77]
    deep = greyscale(plain(50000, 9000, 3000, 30001, deep=True))
    assert (deep.bands, deep.interpretation, deep.getpoint(0, 0)[1]) == (2, "grey16", 30001)


def test_gamma_raises_to_the_inverse_power_and_keeps_alpha() -> None:
    """A gamma of 2.2 takes 64 to 255 x (64/255)^(1/2.2); black, white and alpha stay."""
    after = gamma(plain(0, 64, 255, 64), 2.2).getpoint(0, 0)
    assert after == pytest.approx([0, 255 * (64 / 255) ** (1 / 2.2), 255, 64], abs=0.6)


def test_modulate_without_saturation_is_grey_of_equal_lightness() -> None:
    """Chroma 0 leaves three equal bands, of the lightness that was there."""
    before = plain(180, 90, 40)
    after = modulate(before, Modulate(saturation=0))
    red, green, blue = after.getpoint(0, 0)
    assert max(red, green, blue) - min(red, green, blue) <= 1
    assert after.colourspace("lab").getpoint(0, 0)[0] == pytest.approx(
        before.colourspace("lab").getpoint(0, 0)[0], abs=0.5
    )


def test_modulate_brightness_multiplies_the_lightness() -> None:
    """Brightness 1.5 makes L of CIE Lab half as much again, and hue and alpha stay."""
    before = plain(90, 80, 70, 99)
    light, _, hue = before.colourspace("lch").getpoint(0, 0)[:3]
    after = modulate(before, Modulate(brightness=1.5))
    assert after.colourspace("lch").getpoint(0, 0)[0] == pytest.approx(1.5 * light, abs=0.5)
    assert after.colourspace("lch").getpoint(0, 0)[2] == pytest.approx(hue, abs=4)
    assert after.getpoint(0, 0)[3] == 99


def test_modulate_hue_turned_all_around_is_the_same_picture() -> None:
    """360 degrees of hue change nothing."""
    before = plain(180, 90, 40)
    assert modulate(before, Modulate(hue_deg=360)).getpoint(0, 0) == pytest.approx(before.getpoint(0, 0), abs=1)


def test_sharpen_of_an_edge_makes_it_steeper_without_color() -> None:
    """An edge overshoots on both sides; a grey edge gets no hue; alpha is untouched."""
    dark, bright = plain(80, 80, 80, 200, size=(10, 8)), plain(160, 160, 160, 200, size=(10, 8))
    edge = dark.join(bright, "horizontal").gaussblur(0.8)
    after = sharpen(edge, Sharpen(sigma=1, edges=4)).numpy().astype(int)
    assert after[..., 0].max() > 162
    assert after[..., 0].min() < 78
    assert np.ptp(after[..., :3], axis=2).max() <= 1
    assert set(after[..., 3].ravel()) == {200}


def test_sharpen_at_its_smallest_sigma_still_sharpens() -> None:
    """The allowed range has no value at which the option does nothing."""
    image = noise(40, 40)
    assert (sharpen(image, Sharpen(sigma=0.5)) - image).abs().avg() > 0.5


def test_flatten_puts_the_color_behind() -> None:
    """Half a red over blue is half of each; the result has no alpha."""
    after = flatten(plain(200, 0, 0, 128), Flatten(background="#0000ff"))
    share = 128 / 255
    assert after.getpoint(0, 0) == pytest.approx([200 * share, 0, 255 * (1 - share)], abs=1)


def test_flatten_of_grey_on_a_color_shows_the_color() -> None:
    """A grey picture becomes sRGB when the color behind it asks for that, and stays grey otherwise."""
    clear = plain(120, 0)
    assert flatten(clear, Flatten(background="#ff0000")).getpoint(0, 0) == [255, 0, 0]
    assert flatten(clear, Flatten(background="gray")).getpoint(0, 0) == [128]


def test_flatten_of_16_bits_uses_the_whole_scale() -> None:
    """White behind a 16-bit picture is 65535, not 255."""
    assert flatten(plain(0, 0, 0, 0, deep=True), Flatten()).getpoint(0, 0) == [65535, 65535, 65535]


@pytest.mark.parametrize("alpha", [0, 1, 77, 128, 255])
def test_over_is_porter_and_duff(alpha: int) -> None:
    """Laying over follows the formula within one step, on an opaque picture and on a clear one."""
    above = plain(200, 100, 50, alpha)
    share = alpha / 255
    wanted = [top * share + low * (1 - share) for top, low in zip((200, 100, 50), (10, 20, 30), strict=True)]
    assert over(plain(10, 20, 30), above).getpoint(0, 0) == pytest.approx(wanted, abs=1)
    assert over(plain(0, 0, 0, 0), above).getpoint(0, 0)[3] == alpha


@pytest.mark.parametrize(
    ("color", "numbers"),
    [
        ("#0a6cff", (10, 108, 255, 255)),
        ("#0a6cff80", (10, 108, 255, 128)),
        ("#f80", (255, 136, 0, 255)),
        ("white", (255, 255, 255, 255)),
        ("transparent", (255, 255, 255, 0)),
    ],
)
def test_color_as_written_is_its_numbers(color: str, numbers: tuple[int, ...]) -> None:
    """The notation is that of CSS."""
    assert rgba(color) == numbers


def test_ink_fits_the_bands_and_the_depth() -> None:
    """A color has one number for each band, on the scale of the format."""
    assert ink(plain(0, 0, 0, deep=True), "#0a6cff") == [2570, 27756, 65535]
    assert ink(plain(0, 0), "white") == [255, 255]


def test_room_for_a_color_is_made_only_when_needed() -> None:
    """Grey in grey needs nothing; a color needs sRGB; a clear color needs alpha."""
    grey = plain(7)
    assert with_room(grey, "black").bands == 1
    assert with_room(grey, "#ff0000").bands == 3
    assert with_room(grey, "#ff000080").bands == 4
    assert with_room(plain(7, deep=True), "#ff0000").interpretation == "rgb16"
