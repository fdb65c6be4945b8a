"""Which profiles are sRGB."""

from __future__ import annotations

import struct

import pytest
from PIL import ImageCms

from safelight.steps.icc import is_srgb
from tests.golden.pictures import ADOBE_RGB, SRGB, built_in_profile, grey_profile, matrix_profile, srgb_profile


def with_curve(values: list[int]) -> bytes:
    """Return a profile with sRGB's colorants and a curve of 16-bit points, as the common sRGB profile of 1998 has."""
    plain = matrix_profile(SRGB, 1.0)
    curve = b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)
    out = bytearray(plain + curve)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        struct.pack_into(">II", out, plain.index(name) + 4, len(plain), len(curve))
    struct.pack_into(">I", out, 0, len(out))
    return bytes(out)


def srgb_points(count: int) -> list[int]:
    places = (number / (count - 1) for number in range(count))
    return [round(65535 * (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)) for x in places]


@pytest.mark.parametrize(
    "profile",
    [srgb_profile(), built_in_profile("srgb"), with_curve(srgb_points(1024)), with_curve(srgb_points(4096))],
    ids=["lcms", "libvips", "1024 points", "4096 points"],
)
def test_is_srgb_of_common_srgb_profiles_is_true(profile: bytes) -> None:
    """A formula or a table of points, both forms are recognised."""
    assert is_srgb(profile)


@pytest.mark.parametrize(
    "profile",
    [
        built_in_profile("p3"),
        built_in_profile("cmyk"),
        matrix_profile(ADOBE_RGB, 2.19921875),
        matrix_profile(SRGB, 1.0),
        matrix_profile(SRGB, 1.8),
        matrix_profile(SRGB, 2.2),
        grey_profile(2.2),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
    ids=["p3", "cmyk", "adobe", "linear", "1.8", "2.2", "grey", "lab"],
)
def test_is_srgb_of_other_profiles_is_false(profile: bytes) -> None:
    """Other primaries or another curve are converted; even gamma 2.2 differs visibly in the shadows."""
    assert not is_srgb(profile)


def test_is_srgb_of_any_beginning_or_damage_never_raises() -> None:
    """Profiles come from strangers: what cannot be read is no sRGB."""
    whole = srgb_profile()
    assert not any(is_srgb(whole[:size]) for size in range(0, 400, 7))
    for at in range(len(whole)):
        assert is_srgb(whole[:at] + b"\xff" + whole[at + 1 :]) in (True, False)
    assert not is_srgb(with_curve([0]).replace(b"curv\0\0\0\0\0\0\0\x01", b"curv\0\0\0\0\0\0\0\x02"))
