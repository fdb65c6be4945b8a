"""Broken files of every format: each ends in a code, none in a half picture, a crash or a hang."""

from __future__ import annotations

import random
import time
from functools import cache

import numpy as np
import pytest

from safelight.errors import Corrupt, SafelightError, Truncated, UnknownFormat
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import Rendering, render
from safelight.steps.resize import Resize
from tests.golden.pictures import encoded, noise, pixels_of, scene
from tests.hostile.files import MAGIC, SAMPLES, recut, recut_webp

SMALL = Rendition(key="o.png", resize=Resize(width=60))
TOP = Rendition(key="o.jpg", resize=Resize(width=60, height=6, position="north"), metadata="keep")
COPY = Rendition(key="copy", metadata="copyright")
FLIPS = 60
CODES = {
    "ok",
    "truncated",
    "corrupt",
    "unknown_format",
    "format_not_enabled",
    "too_many_pixels",
    "too_many_frames",
    "too_large",
}


@cache
def sample(name: str) -> bytes:
    return SAMPLES[name]()


def developed(body: bytes, rendition: Rendition) -> Rendering:
    return render(body, "a.jpg", Recipe(name="t", renditions=(rendition,)), Limits())


def ending(body: bytes, rendition: Rendition) -> str:
    """Return how developing ended, in a word."""
    try:
        developed(body, rendition)
    except SafelightError as err:
        return err.code
    return "ok"


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_as_it_is_develops(name: str) -> None:
    """What is broken below was whole before."""
    for rendition in (SMALL, TOP, COPY):
        assert developed(sample(name), rendition).outputs


@pytest.mark.parametrize("name", SAMPLES)
def test_file_cut_anywhere_is_truncated(name: str) -> None:
    """However little is missing, the file is not whole; before its name can be read it is unknown."""
    body = sample(name)
    ends = {*range(1, 20), *np.linspace(20, len(body) - 1, 40).astype(int).tolist(), *range(len(body) - 12, len(body))}
    # Decoders of GIF do not need its last byte.
    for end in sorted(ends - ({len(body) - 1} if name.startswith("gif") else set())):
        for rendition in (SMALL, TOP, COPY):
            with pytest.raises((Truncated, Corrupt) if end >= 16 else (Truncated, Corrupt, UnknownFormat)):
                developed(body[:end], rendition)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize(
    "name", ["jpeg", "jpeg-progressive", "png", "png-interlaced", "png-palette", "webp", "webp-lossless"]
)
def test_file_cut_inside_and_closed_properly_is_corrupt(name: str, share: float) -> None:
    """A file whose structure is in order but whose pixels end early never passes with a grey bottom."""
    body = sample(name)
    if name.startswith("jpeg"):
        scan = body.index(b"\xff\xda")
        body = body[: scan + int((len(body) - scan) * share)].rstrip(b"\xff") + b"\xff\xd9"
    else:
        body = recut(body, share) if name.startswith("png") else recut_webp(body, share)
    for rendition in (Rendition(key="o.png", resize=Resize(width=5000)), COPY):
        with pytest.raises(Corrupt):
            developed(body, rendition)


@pytest.mark.parametrize("name", ["avif", "tiff-lzw", "tiff-tiled", "tiff-jpeg"])
def test_file_with_zeros_for_its_pixels_is_corrupt(name: str) -> None:
    """A disk's lost block, as far as the format can show it."""
    body = sample(name)
    start = body.index(b"mdat") + 200 if name == "avif" else 200
    end = len(body) if name == "avif" else start + 4000
    for rendition in (SMALL, TOP, COPY):
        with pytest.raises(Corrupt):
            developed(body[:start] + bytes(end - start) + body[end:], rendition)


@pytest.mark.parametrize("name", MAGIC)
def test_random_bytes_behind_the_right_beginning_are_no_picture(name: str) -> None:
    """The beginning alone convinces nobody."""
    rng = random.Random(name)
    for size in (0, 1, 10, 100, 4000):
        for rendition in (SMALL, COPY):
            with pytest.raises((Truncated, Corrupt, UnknownFormat)):
                developed(MAGIC[name] + rng.randbytes(size), rendition)


def flipped(body: bytes, rng: random.Random) -> bytes:
    """Change one to eight bytes, more often near the beginning, where the structure is."""
    out = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(min(len(out), rng.choice((64, 700, len(out)))))
        out[at] = rng.choice((out[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
    return bytes(out)


@pytest.mark.parametrize("name", SAMPLES)
def test_file_with_changed_bytes_ends_in_an_output_or_a_code(name: str) -> None:
    """Whatever a file says, only our own errors come out, the input is to blame, and it is over soon."""
    rng = random.Random(name)
    for number in range(FLIPS):
        body = flipped(sample(name), rng)
        for rendition in (SMALL, TOP, COPY):
            began = time.monotonic()
            code = ending(body, rendition)
            assert code in CODES, f"{name}, number {number}"
            assert time.monotonic() - began < 10


def test_jpeg_renamed_develops_by_its_bytes() -> None:
    """Names are not asked."""
    made = render(encoded(scene(), "JPEG"), "holiday.png", Recipe(name="t", renditions=(SMALL,)), Limits())
    assert made.source.format == "jpeg"


def test_polyglot_copied_under_strip_loses_what_is_behind_the_picture() -> None:
    """A script behind a picture's end does not come along."""
    body = encoded(scene(), "JPEG") + b"<script>alert(1)</script>" + encoded(noise(40, 40), "PNG")
    made = developed(body, Rendition(key="copy", metadata="strip")).outputs[0].body
    assert isinstance(made, bytes)
    assert b"script" not in made
    assert b"PNG" not in made
    assert np.array_equal(pixels_of(made), pixels_of(body))
