"""Files that ask for more than they are worth: refused by their headers, at next to no cost."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import pyvips

from safelight.decode import DECODED_WHOLE
from tests.golden.pictures import encoded, heic, scene, vips
from tests.hostile.conftest import Run
from tests.hostile.files import chunk, png

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
Develop = Callable[..., Run]
GIF_FRAME = b"\x21\xf9\4\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"


def black(side: int) -> pyvips.Image:
    return pyvips.Image.black(side, side, bands=3).copy(interpretation="srgb")


def gif(width: int, height: int, frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff"
    return head + GIF_FRAME * frames + b";"


def tiff_header(side: int) -> bytes:
    """Return a TIFF of one strip that announces any size."""
    rows = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, side), (279, 8)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in rows)
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(rows)) + table + bytes(4)


def with_size(body: bytes, mark: bytes, offset: int, size: bytes) -> bytes:
    at = body.index(mark) + offset
    return body[:at] + size + body[at + len(size) :]


OVERSIZED: dict[str, Callable[[], bytes]] = {
    "png": lambda: with_size(png(8, 8), b"IHDR", 4, struct.pack(">II", 65535, 65535)),
    "png of 2^31 a side": lambda: with_size(png(8, 8), b"IHDR", 4, struct.pack(">II", 2**31 - 1, 2**31 - 1)),
    "jpeg": lambda: with_size(encoded(scene(), "JPEG"), b"\xff\xc0", 5, struct.pack(">HH", 65500, 65500)),
    "webp": lambda: with_size(encoded(scene(), "WEBP", exif=b"II*\0"), b"VP8X", 12, b"\xfe\x3f\0\xfe\x3f\0"),
    "avif": lambda: with_size(encoded(scene(), "AVIF"), b"ispe", 8, struct.pack(">II", 60000, 60000)),
    "heic": lambda: with_size(heic(scene()), b"ispe", 8, struct.pack(">II", 16000, 16000)),
    "tiff": lambda: tiff_header(100_000),
    "gif of many frames": lambda: gif(64, 64, 501),
    "gif of countless frames": lambda: gif(8, 8, 150_000),
    "gif of large frames": lambda: gif(2000, 2000, 400),
}
REFUSALS = {"too_many_pixels", "too_many_frames", "corrupt", "truncated"}


@pytest.mark.parametrize("kind", ["small", "copy"])
@pytest.mark.parametrize("name", OVERSIZED)
def test_header_over_the_limits_is_refused_before_decoding(develop_apart: Develop, name: str, kind: str) -> None:
    """It costs well under a second and no memory to speak of."""
    run = develop_apart(OVERSIZED[name](), kind)
    assert run.code in REFUSALS
    assert run.cpu_s < (2 if "countless" in name else 0.4)
    assert run.grown_mb < 60


def test_png_of_4_gigapixels_in_half_a_megabyte_says_too_many_pixels(develop_apart: Develop) -> None:
    """The example of every talk on decompression bombs."""
    body = png(65535, 65535)
    assert 400_000 < len(body) < 600_000
    run = develop_apart(body)
    assert run.code == "too_many_pixels"
    assert run.cpu_s < 0.2
    assert run.grown_mb < 20


BOMB = zlib.compress(bytes(300_000_000), 9)
PIECE = zlib.compress(bytes(3_000_000), 9)
BOMBS: dict[str, Callable[[], bytes]] = {
    "icc profile of 300 MB": lambda: png(64, 64, before=[chunk(b"iCCP", b"x\0\0" + BOMB)]),
    "text of 300 MB": lambda: png(64, 64, before=[chunk(b"zTXt", b"x\0\0" + BOMB)]),
    "xmp of 300 MB": lambda: png(64, 64, before=[chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)]),
    "text of 300 MB in many": lambda: png(
        64, 64, before=[chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(3_000_000)))] * 100
    ),
}


@pytest.mark.parametrize("kind", ["small", "copy"])
@pytest.mark.parametrize("name", BOMBS)
def test_metadata_that_unpacks_to_much_costs_little(develop_apart: Develop, name: str, kind: str) -> None:
    """Whether the picture is taken without it or refused, its packed metadata is not unpacked without end."""
    run = develop_apart(BOMBS[name](), kind)
    assert run.code in {"ok", "corrupt"}
    assert run.cpu_s < 2
    assert run.grown_mb < 120


ROW_BY_ROW: dict[str, Callable[[], bytes]] = {
    "png": lambda: png(9900, 9900, color=2, bits=8),
    "jpeg": lambda: black(9900).jpegsave_buffer(),
    "tiff": lambda: black(9900).tiffsave_buffer(compression="deflate"),
}


@pytest.mark.parametrize("name", ROW_BY_ROW)
def test_picture_that_is_read_row_by_row_takes_little_memory(develop_apart: Develop, name: str) -> None:
    """98 million pixels are 294 MB, and never there at once."""
    run = develop_apart(ROW_BY_ROW[name]())
    assert run.code == "ok"
    assert run.grown_mb < 60


WHOLE: dict[str, Callable[[], bytes]] = {
    "gif": lambda: vips(np.zeros((4000, 4000), np.uint8)).gifsave_buffer(effort=1),
    "webp": lambda: black(4000).webpsave_buffer(effort=0),
    "avif": lambda: black(4000).heifsave_buffer(compression="av1", effort=0),
    "heic": lambda: heic(np.zeros((2000, 2000, 3), np.uint8)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_picture_that_is_held_whole_takes_no_more_memory_than_it_is_judged_by(
    develop_apart: Develop, name: str
) -> None:
    """The limit on memory counts with so many bytes for each pixel: they must be enough."""
    run = develop_apart(WHOLE[name]())
    assert run.code == "ok"
    megapixels = 4 if name == "heic" else 16
    assert run.grown_mb * 1.048576 < DECODED_WHOLE[name] * megapixels + 20


@pytest.mark.parametrize(
    "body",
    [
        with_size(encoded(scene(), "AVIF"), b"ispe", 8, struct.pack(">II", 7700, 7700)),
        with_size(png(8, 8, color=6, bits=16), b"IHDR", 4, struct.pack(">IIBBBBB", 9900, 9900, 16, 6, 0, 0, 1)),
    ],
    ids=["avif", "png interlaced"],
)
def test_picture_that_would_fill_the_memory_is_refused_before(develop_apart: Develop, body: bytes) -> None:
    """A clear refusal is better than a worker that passes its memory limit and dies, three times."""
    run = develop_apart(body)
    assert run.code == "too_many_pixels"
    assert run.cpu_s < 0.4
    assert run.grown_mb < 60


def test_avif_larger_inside_than_its_box_says_costs_what_it_says(develop_apart: Develop) -> None:
    """The size in the header is what the limits are checked by, so the coded picture must not be another."""
    body = black(5000).heifsave_buffer(compression="av1", effort=0)
    run = develop_apart(with_size(body, b"ispe", 8, struct.pack(">II", 64, 64)))
    assert run.code == "corrupt" or run.grown_mb < 120
