"""Color: every picture becomes sRGB or grey, so that viewers that ignore profiles show it right."""

from __future__ import annotations

import pyvips

from safelight.fields import blob
from safelight.steps.icc import is_srgb

DEEP = ("rgb16", "grey16")
PLAIN = ("srgb", "b-w", *DEEP)
PROFILE = "icc-profile-data"
SPACES = {"srgb": b"RGB ", "rgb16": b"RGB ", "b-w": b"GRAY", "grey16": b"GRAY", "cmyk": b"CMYK"}
"""What a profile must be for. Source: ICC.1:2022, 7.2.6."""


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Convert to sRGB or grey, 8 bit or 16 as the image is; alpha stays.

    An embedded profile is honoured (a broken one is ignored), CMYK without one is taken for a coated press.
    """
    if image.interpretation == "cmyk":
        return _from_profile(image) or image.icc_transform("srgb", input_profile="cmyk", depth=8)
    if image.format in ("float", "double") and image.interpretation == "b-w" and image.bands == 1:
        # Such a TIFF counts light from 0 to 1, as one in colour does, for which libvips has a name.
        image = image.bandjoin(image).bandjoin(image).copy(interpretation="scrgb").colourspace("b-w")
    if image.format not in ("uchar", "ushort") or image.interpretation not in PLAIN:
        return image.colourspace("srgb")
    return _from_profile(image) or image


def _from_profile(image: pyvips.Image) -> pyvips.Image | None:
    """Convert by the embedded profile; None when there is none that would change anything, or it cannot be used."""
    profile = blob(image, PROFILE)
    if profile is None or profile[16:20] != SPACES[str(image.interpretation)] or is_srgb(profile):
        return None
    deep = image.format == "ushort"
    grey = image.interpretation in ("b-w", "grey16")
    try:
        converted = image.icc_transform("srgb", embedded=True, depth=16 if deep else 8)
    except pyvips.Error:
        return None
    if not grey:
        return converted
    return converted.colourspace("grey16" if deep else "b-w")
