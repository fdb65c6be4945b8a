"""Color: every picture becomes sRGB or grey, so that viewers that ignore profiles show it right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safelight.fields import blob
from safelight.steps.icc import is_srgb

if TYPE_CHECKING:
    import pyvips

DEEP = ("rgb16", "grey16")
PLAIN = ("srgb", "b-w", *DEEP)
PROFILE = "icc-profile-data"


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Convert to sRGB or grey, 8 bit or 16 as the image is; alpha stays.

    An embedded profile is honoured (a broken one is ignored), CMYK without one is taken for a coated press.
    """
    if image.interpretation == "cmyk":
        return image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=8)
    if image.format not in ("uchar", "ushort") or image.interpretation not in PLAIN:
        return image.colourspace("srgb")
    profile = blob(image, PROFILE)
    if profile is None or is_srgb(profile):
        return image
    return _from_profile(image)


def _from_profile(image: pyvips.Image) -> pyvips.Image:
    deep = image.format == "ushort"
    grey = image.interpretation in ("b-w", "grey16")
    converted = image.icc_transform("srgb", embedded=True, depth=16 if deep else 8)
    if not grey:
        return converted
    return converted.colourspace("grey16" if deep else "b-w")
