"""Colour that is told by numbers alone: cICP in PNG, nclx in AVIF."""

from __future__ import annotations

import struct
from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest

from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
from tests.golden.pictures import ADOBE_RGB, Pixels, built_in_profile, encoded, matrix_profile, pixels_of, vips

ORANGE = np.full((32, 48, 3), (200, 120, 60), np.uint8)
NCLX = b"colrnclx"
SRGB, P3, UNKNOWN, PQ = (1, 13), (12, 13), (2, 2), (9, 16)


def png(primaries: int, transfer: int, **options: bytes) -> bytes:
    """Return a PNG with a cICP chunk behind its header. Source: PNG, third edition, 11.3.2.6."""
    body, numbers = encoded(ORANGE, "PNG", **options), bytes([primaries, transfer, 0, 1])
    chunk = b"cICP" + numbers
    return body[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", crc32(chunk)) + body[33:]


def avif(primaries: int, transfer: int, **options: bytes) -> bytes:
    body = encoded(ORANGE, "AVIF", quality=100, subsampling="4:4:4", **options)
    at = body.index(NCLX) + len(NCLX)
    return body[:at] + struct.pack(">HH", primaries, transfer) + body[at + 4 :]


def developed(body: bytes) -> Pixels:
    recipe = Recipe(name="t", renditions=(Rendition(key="o.png", resize=Resize(width=40)),))
    made = render(body, "a", recipe, Limits()).outputs[0].body
    assert isinstance(made, bytes)
    return pixels_of(made)[16, 24].astype(int)


def by(profile: bytes) -> Pixels:
    return np.asarray(vips(ORANGE, profile).icc_transform("srgb", embedded=True).numpy())[16, 24].astype(int)


@pytest.mark.parametrize("make", [png, avif])
def test_picture_in_p3_by_numbers_is_converted(make: Callable[..., bytes]) -> None:
    """Display P3 shown as sRGB looks pale: the orange must become redder than its numbers say."""
    found = developed(make(*P3))
    assert np.abs(found - by(built_in_profile("p3"))).max() <= 3
    assert found[0] > 200 + 5


@pytest.mark.parametrize("numbers", [SRGB, UNKNOWN, PQ])
@pytest.mark.parametrize("make", [png, avif])
def test_picture_in_srgb_or_by_other_numbers_keeps_its_colors(
    make: Callable[..., bytes], numbers: tuple[int, int]
) -> None:
    """What is not known is taken for sRGB, as before there were such numbers."""
    assert np.abs(developed(make(*numbers)) - (200, 120, 60)).max() <= 3


def test_numbers_outrank_the_profile_in_png_and_not_in_avif() -> None:
    """As the third edition of PNG says in 4.3, and as browsers read AVIF."""
    adobe = matrix_profile(ADOBE_RGB, 2.19921875)
    assert np.abs(developed(png(*P3, icc_profile=adobe)) - by(built_in_profile("p3"))).max() <= 3
    body = encoded(ORANGE, "AVIF", quality=100, subsampling="4:4:4", icc_profile=adobe)
    if NCLX in body:
        body = avif(*P3, icc_profile=adobe)
    assert np.abs(developed(body) - by(adobe)).max() <= 3


def test_avif_whose_pictures_disagree_is_taken_for_srgb() -> None:
    """Which of several numbers is the picture's own would be a guess."""
    body = avif(*P3)
    at = body.index(NCLX) - 4
    box = body[at : at + struct.unpack_from(">I", body, at)[0]]
    other = box.replace(struct.pack(">HH", *P3), struct.pack(">HH", *SRGB))
    assert np.abs(developed(_with_property(body, at, other)) - (200, 120, 60)).max() <= 3


def _with_property(body: bytes, at: int, box: bytes) -> bytes:
    """Add a box behind all properties; the boxes around grow, and the picture's data move."""
    grown = bytearray(body)
    properties = body.index(b"ipco") - 4
    end = properties + struct.unpack_from(">I", body, properties)[0]
    for name in (b"meta", b"iprp", b"ipco"):
        place = body.index(name) - 4
        struct.pack_into(">I", grown, place, struct.unpack_from(">I", body, place)[0] + len(box))
    data = body.index(b"mdat") + 4
    offset = body.index(struct.pack(">I", data), body.index(b"iloc"))
    struct.pack_into(">I", grown, offset, data + len(box))
    assert at < end
    return bytes(grown[:end] + box + grown[end:])
