"""Files as accidents and enemies make them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable

from PIL import Image

from tests.golden.pictures import animated, encoded, heic, noise, scene, vips, with_alpha

MAGIC = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "tiff": b"II*\0",
    "bigtiff": b"MM\0+",
    "webp": b"RIFF\xf8\x0f\0\0WEBP",
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
}


def mixed(width: int = 150, height: int = 100) -> Image.Image:
    """Return the scene under noise, so that every part of a file matters."""
    return Image.blend(Image.fromarray(scene(width, height)), Image.fromarray(noise(width, height)), 0.4)


SAMPLES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(mixed(), "JPEG"),
    "jpeg-progressive": lambda: encoded(mixed(), "JPEG", progressive=True),
    "jpeg-restart": lambda: encoded(mixed(), "JPEG", restart_marker_rows=1),
    "jpeg-cmyk": lambda: encoded(mixed().convert("CMYK"), "JPEG"),
    "png": lambda: encoded(mixed(), "PNG"),
    "png-palette": lambda: encoded(mixed().quantize(32), "PNG"),
    "png-interlaced": lambda: vips(scene(150, 100)).pngsave_buffer(interlace=True),
    "png-animated": lambda: animated("PNG"),
    "webp": lambda: encoded(mixed(), "WEBP"),
    "webp-lossless": lambda: encoded(mixed(), "WEBP", lossless=True),
    "webp-alpha": lambda: encoded(with_alpha(scene(150, 100)), "WEBP"),
    "webp-animated": lambda: animated("WEBP"),
    "avif": lambda: encoded(mixed(), "AVIF"),
    "gif": lambda: encoded(mixed().quantize(64), "GIF"),
    "gif-animated": lambda: animated("GIF"),
    "tiff": lambda: encoded(mixed(), "TIFF"),
    "tiff-lzw": lambda: encoded(mixed(), "TIFF", compression="tiff_lzw"),
    "tiff-tiled": lambda: vips(scene(150, 100)).tiffsave_buffer(tile=True, tile_width=64, compression="deflate"),
    "tiff-jpeg": lambda: vips(scene(150, 100)).tiffsave_buffer(compression="jpeg"),
    "heic": lambda: heic(scene(150, 100)),
}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, color: int = 0, bits: int = 1, before: Iterable[bytes] = ()) -> bytes:
    """Return a black PNG of any size, packed row by row; `before` are chunks that stand before the pixels."""
    channels = {0: 1, 2: 3, 6: 4}[color]
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * bits * channels + 7) // 8)
    block = max(1, (1 << 20) // len(row))
    packed = [packer.compress(row * min(block, height - done)) for done in range(0, height, block)]
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(before) + chunk(b"IDAT", b"".join([*packed, packer.flush()]))
    return MAGIC["png"] + body + chunk(b"IEND", b"")


def recut(png_file: bytes, share: float) -> bytes:
    """Return a PNG whose pixel data ends early while its chunks and their sums are in order."""
    head, data, at = png_file[:8], b"", 8
    while at < len(png_file):
        length, kind = struct.unpack_from(">I4s", png_file, at)
        if kind == b"IDAT":
            data += png_file[at + 8 : at + 8 + length]
        elif kind != b"IEND" and not data:
            head += png_file[at : at + 12 + length]
        at += 12 + length
    return head + chunk(b"IDAT", data[: int(len(data) * share)]) + chunk(b"IEND", b"")


def recut_webp(webp: bytes, share: float) -> bytes:
    """Return a simple WebP whose only chunk ends early while all lengths are in order."""
    body = webp[20 : 20 + int((len(webp) - 20) * share) // 2 * 2]
    return b"RIFF" + struct.pack("<I", len(body) + 12) + webp[8:16] + struct.pack("<I", len(body)) + body
