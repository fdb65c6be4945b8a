"""Pictures drawn for tests: the same pixels everywhere, no corner like another, so that flips and offsets show."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvips
from PIL import Image, ImageCms

Pixels = npt.NDArray[Any]
WIDTH, HEIGHT = 240, 160
# Colorants (rXYZ, gXYZ, bXYZ) adapted to D50, from the profiles of their makers.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def scene(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Return a landscape in 8-bit RGB: slopes everywhere, a sun, a tree, stripes, and a white letter F top left."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    pixels = np.stack([60 + 120 * y, 90 + 90 * x, 220 - 120 * y], -1)
    _fill(pixels, y > 0.7 + 0.1 * np.sin(9 * x), (70, 130, 50))
    _fill(pixels, (x - 0.75) ** 2 * 2.25 + (y - 0.25) ** 2 < 0.02, (250, 210, 40))
    _fill(pixels, (abs(x - 0.3) < 0.02) & (y > 0.5) & (y < 0.8), (90, 50, 20))
    _fill(pixels, (abs(x - 0.3) < 0.12 * (y - 0.2) / 0.35) & (y > 0.2) & (y < 0.55), (190, 30, 40))
    _fill(pixels, (x > 0.85) & (y > 0.75) & ((x * 60).astype(int) % 2 == 0), (250, 250, 250))
    letter = ((x > 0.03) & (x < 0.05)) | ((x > 0.03) & (x < 0.12) & (abs(y - 0.05) < 0.02))
    _fill(
        pixels, (letter | ((x > 0.03) & (x < 0.1) & (abs(y - 0.16) < 0.02))) & (y > 0.03) & (y < 0.28), (255, 255, 255)
    )
    return pixels.round().astype(np.uint8)


def _fill(pixels: Pixels, where: Pixels, color: tuple[int, int, int]) -> None:
    pixels[where] = color


def noise(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Pixels:
    """Return 8-bit RGB noise, which no encoder makes small."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def leaves(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Return detail of every size down to few pixels, as leaves and grass have it: what resampling is judged by."""
    random, pixels = np.random.default_rng(3), np.zeros((height, width, 3))
    for cell in (64, 32, 16, 8, 4):
        spots = random.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        pixels += np.asarray(Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    return (pixels / 5).astype(np.uint8)


def with_alpha(pixels: Pixels) -> Pixels:
    """Add alpha: a clear left edge, a slope, and an opaque right half. Under clear pixels hides bright green."""
    height, width = pixels.shape[:2]
    top = 65535 if pixels.dtype == np.uint16 else 255
    alpha = np.clip(np.linspace(-0.5, 2.5, width), 0, 1) * top
    out = np.dstack([pixels, np.tile(alpha.astype(pixels.dtype), (height, 1))])
    out[out[..., 3] == 0, :3] = (0, top, 0)
    return out


def deep(pixels: Pixels) -> Pixels:
    """Return 16-bit pixels whose low bytes are used."""
    fine = np.arange(pixels.shape[1], dtype=np.uint16) % 100
    return (pixels.astype(np.uint16) * 257 - np.minimum(fine.reshape(1, -1, 1), pixels * np.uint16(257))).astype(
        np.uint16
    )


def vips(pixels: Pixels, profile: bytes | None = None) -> pyvips.Image:
    """Return a libvips image of grey or RGB pixels, with or without alpha, 8 or 16 bit."""
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    wide = pixels.dtype == np.uint16
    kind = ("grey16" if wide else "b-w") if bands < 3 else ("rgb16" if wide else "srgb")
    format_ = "ushort" if wide else "uchar"
    memory = np.ascontiguousarray(pixels).tobytes()
    image = pyvips.Image.new_from_memory(memory, pixels.shape[1], pixels.shape[0], bands, format_)
    image = image.copy(interpretation=kind)
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def encoded(pixels: Pixels | Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    """Return a file written by Pillow, which is not the library under test."""
    out = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(out, format, **options)
    return out.getvalue()


def animated(format: str, count: int = 4, **options: Any) -> bytes:  # noqa: A002
    """Return an animation whose first frame is the scene; the others are turned round by a quarter each."""
    frames = [Image.fromarray(np.roll(scene(), 60 * number, axis=1)) for number in range(count)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=80, **options)


def heic(pixels: Pixels, *, mode: str | None = None, **options: Any) -> bytes:
    """Return a HEIC file; `mode` is pillow-heif's word for 16-bit pixels, such as `RGB;16`."""
    import pillow_heif  # noqa: PLC0415 -- loads an encoder of 20 MB, and few tests need it

    if mode is None:
        container = pillow_heif.from_pillow(Image.fromarray(pixels))
    else:
        container = pillow_heif.from_bytes(
            mode, (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes()
        )
    out = BytesIO()
    container.save(out, **options)
    return out.getvalue()


def exif(orientation: int = 1, **tags: Any) -> bytes:
    """Return an EXIF block of Pillow's making; `tags` are `copyright` and `artist`."""
    block = Image.Exif()
    block[0x0112] = orientation
    for name, number in (("artist", 0x013B), ("copyright", 0x8298)):
        if name in tags:
            block[number] = tags[name]
    return block.tobytes()


def pixels_of(body: bytes) -> Pixels:
    """Decode with Pillow."""
    return np.asarray(Image.open(BytesIO(body)))


def srgb_profile() -> bytes:
    """Return LittleCMS's own sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def built_in_profile(name: str) -> bytes:
    """Return a profile that libvips carries: `srgb`, `p3`, `cmyk`."""
    black = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    return bytes(black.icc_transform(name, input_profile="srgb").get("icc-profile-data"))


def matrix_profile(colorants: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """Return an RGB profile of three colorants and one gamma. Source: ICC.1:2001-04, 6 and 8.2."""
    tags = {name: _xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
    return _profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma)))


def grey_profile(gamma: float) -> bytes:
    """Return a profile for grey pictures."""
    return _profile(b"GRAY", {b"kTRC": _gamma(gamma)})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {
        b"desc": text.ljust(100, b"\0"),
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        **tags,
    }
    table, values, at = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(values), len(value))
        values += value
    size = at + len(values)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", space, b"XYZ ")
    date, d50 = struct.pack(">6H", 2024, 1, 1, 0, 0, 0), struct.pack(">3i", 63190, 65536, 54061)
    head += date + b"acsp" + bytes(28) + d50
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + values
