"""From the bytes of an upload to an image: limits first, then pixels."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Collection
from os import SEEK_END
from pathlib import Path
from typing import Any, cast

import pyvips
from msgspec import Struct

from safelight import heic, svg
from safelight.containers import complete, isobmff, jpeg, png
from safelight.containers.sniff import sniff
from safelight.errors import (
    Corrupt,
    Empty,
    FormatNotEnabled,
    TooLarge,
    TooManyFrames,
    TooManyPixels,
    Truncated,
    UnknownFormat,
)
from safelight.fields import number, with_blobs
from safelight.job import Source
from safelight.recipe.model import Limits
from safelight.shrink import jpeg_factor, webp_scale
from safelight.steps.icc import profile_of

# Process-wide on purpose, so that no entry can forget them: AVIF's bytes depend on the number of threads, a cache
# only costs memory where no operation is repeated, and libvips picks a loader by bytes, so every loader but the
# ones we name stays shut (CVE-2026-66066 was exactly an open loader).
pyvips.voperation.concurrency_set(1)
pyvips.cache_set_max(0)
pyvips.operation_block_set("VipsForeignLoad", state=True)

LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "webp": "webpload",
    "avif": "heifload",
    "gif": "gifload",
    "tiff": "tiffload",
}
"""What libvips may read, by the format that the bytes show."""

if sys.platform == "linux":
    # glibc keeps freed pictures in an arena for each thread that ever decoded; with one arena the peak over a day's
    # pictures halves, at the same CPU (bench/). Another libc has no such call or ignores it.
    _mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if _mallopt:
        _mallopt(-8, 1)  # M_ARENA_MAX, malloc.h

for _open in ("Jpeg", "Png", "Webp", "Heif", "Nsgif", "Tiff"):
    pyvips.operation_block_set(f"VipsForeignLoad{_open}", state=False)

READABLE = (*LOADERS, "heic")
ON_REQUEST = ("svg",)
"""Read only where a recipe allows it."""
ANIMATED = ("gif", "webp")
"""Formats whose loader takes `n`: how many frames to read."""
PAGES = "n-pages"
HEADER_BYTES = 4096
STILL = "Convert the animation to WebP or GIF, or save one of its pictures."
DECODED_WHOLE = {"avif": 16, "heic": 9, "webp": 9, "gif": 6}
"""Bytes for each pixel that a decoder holds at once, as measured with libvips 8.18; the others go row by row."""
MEMORY_SHARE = 0.9
"""How much of the memory limit a decoder may take; the rest is the program."""


class Opened(Struct, frozen=True, kw_only=True):
    """An upload whose header was read and found within the limits; no pixel is decoded yet.

    `header` is the image as the loader describes it; `width` and `height` in `source` are those of one frame.
    """

    body: bytes | Path
    view: memoryview
    source: Source
    header: pyvips.Image
    limits: Limits

    @property
    def format(self) -> str:
        """The format that the bytes show."""
        return self.source.format


def open_upload(body: bytes | Path, limits: Limits, allow: Collection[str] = ()) -> Opened:
    """Read an upload's header and check it against the limits.

    Args:
        body: the file.
        limits: what it may cost.
        allow: formats that are read on request only.

    Raises:
        Empty, UnknownFormat, FormatNotEnabled, Truncated, Corrupt, TooLarge, TooManyFrames, TooManyPixels, Unsafe
    """
    view = _view(body)
    check_bytes(len(view), limits)
    kind = _format(view, allow)
    if not complete.is_complete(view, kind):
        raise Truncated(f"the {kind} file ends before its picture does")
    header = _header(body, view, kind, limits)
    source = _source(header, kind, _frames(view, header, kind))
    check_size(source, limits)
    _check_memory(view, header, source, limits)
    return Opened(body=body, view=view, source=source, header=header, limits=limits)


def _header(body: bytes | Path, view: memoryview, kind: str, limits: Limits) -> pyvips.Image:
    for raster in svg.rasters(view) if kind == "svg" else ():
        open_upload(raster, limits)  # whoever draws the SVG decodes these too
    try:
        if kind == "heic":
            return heic.header(body, view)
        return svg.header(body) if kind == "svg" else load(body, kind)
    except (pyvips.Error, Corrupt) as err:
        if kind in ("avif", "heic") and isobmff.is_film(view):
            raise FormatNotEnabled(f"the file is an image sequence ({kind}), which is not read", remedy=STILL) from err
        raise Corrupt(f"the header of the {kind} file does not decode") from err


def load(body: bytes | Path, kind: str, **options: Any) -> pyvips.Image:
    """Open one frame of a file for one pass from top to bottom; errors in the pixels show while they are read."""
    name = LOADERS[kind]
    options = {"access": "sequential", "fail_on": "error", **options}
    if isinstance(body, Path):
        return cast("pyvips.Image", getattr(pyvips.Image, name)(str(body), **options))
    return cast("pyvips.Image", getattr(pyvips.Image, name + "_buffer")(body, **options))


def decode(opened: Opened, *, least_width: int, least_height: int) -> pyvips.Image:
    """Decode the first frame, no smaller than the given size, as stored (not upright, any colour space).

    A JPEG and a WebP are shrunk while they are decoded, but not so far that too little is left to resample. An SVG
    is drawn in the size.
    """
    if opened.format == "heic":
        return heic.decode(opened.body)
    if opened.format == "svg":
        return svg.decode(opened.body, opened.header, (least_width, least_height), opened.limits.pixels)
    if opened.format == "jpeg":
        return load_jpeg(opened, shrink=jpeg_shrink(opened, least_width, least_height))
    if opened.format == "webp" and opened.source.frames == 1:
        size = (opened.source.width, opened.source.height)
        return load(opened.body, "webp", scale=webp_scale(size, (least_width, least_height)))
    return _with_profile(load(opened.body, opened.format), opened)


def _with_profile(image: pyvips.Image, opened: Opened) -> pyvips.Image:
    """Give a picture whose color space is told by numbers alone the profile that says the same."""
    if opened.format == "png":
        told = png.code_points(opened.view)
    elif opened.format == "avif" and not image.get_typeof("icc-profile-data"):
        told = isobmff.code_points(opened.view)
    else:
        return image
    profile = profile_of(told)
    return with_blobs(image, {"icc-profile-data": profile}) if profile else image


def jpeg_shrink(opened: Opened, least_width: int, least_height: int) -> int:
    """Return the factor by which `decode` shrinks a JPEG for that size; 1 for other formats.

    Where it does not divide a side, the image lacks the last column or row, of which the picture has only a part.
    """
    if opened.format != "jpeg":
        return 1
    return jpeg_factor((opened.source.width, opened.source.height), (least_width, least_height))


def load_jpeg(opened: Opened, *, shrink: int) -> pyvips.Image:
    """Open a JPEG; data that are missing are an error."""
    # To libjpeg, lost data are no error but a warning, after which it fills the rest with grey. So is what is odd in
    # the header, though it costs no pixel.
    fail_on = "error" if jpeg.has_odd_header(opened.view) else "warning"
    return load(opened.body, "jpeg", shrink=shrink, fail_on=fail_on)


def check_bytes(size: int, limits: Limits) -> None:
    """Check how many bytes a file has; it need not be at hand.

    Raises:
        TooLarge
    """
    if size > limits.megabytes * 1_000_000:
        raise TooLarge(f"{size / 1e6:.1f} MB; the limit is {limits.megabytes} MB")


def check_size(source: Source, limits: Limits) -> None:
    """Check what the header announces.

    Raises:
        TooManyFrames, TooManyPixels
    """
    if source.frames > limits.frames:
        raise TooManyFrames(f"{source.frames} frames; the limit is {limits.frames}")
    pixels = source.width * source.height * source.frames
    if pixels > limits.pixels:
        times = f" x {source.frames} frames" if source.frames > 1 else ""
        raise TooManyPixels(
            f"{source.width} x {source.height}{times} = {pixels / 1e6:.0f} million pixels; "
            f"the limit is {limits.pixels / 1e6:g} million"
        )


def _check_memory(view: memoryview, header: pyvips.Image, source: Source, limits: Limits) -> None:
    """Refuse a picture that its decoder holds all at once and that would not fit beside the rest."""
    needed, most = _decoder_bytes(view, header, source) / 1e6, limits.memory * MEMORY_SHARE
    if needed > most:
        kind = "progressive JPEG" if source.format == "jpeg" else source.format
        raise TooManyPixels(
            f"a {kind} of {source.width} x {source.height} needs {needed:.0f} MB to decode; the limit is {most:.0f} MB",
            remedy="Save the picture as a baseline JPEG, make it smaller, or raise limits.memory.",
        )


def _decoder_bytes(view: memoryview, header: pyvips.Image, source: Source) -> float:
    pixels = source.width * source.height
    if source.format == "jpeg":
        return jpeg.coefficient_bytes(view) * 1.2
    if source.format == "png" and number(header, "interlaced"):
        return pixels * header.bands * (2.4 if header.format == "ushort" else 1.2)
    return pixels * DECODED_WHOLE.get(source.format, 0)


def _view(body: bytes | Path) -> memoryview:
    if isinstance(body, bytes):
        return memoryview(body)
    import mmap  # noqa: PLC0415 - only large files come as a path

    with body.open("rb") as file:
        if not file.seek(0, SEEK_END):
            return memoryview(b"")  # which cannot be mapped
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _format(view: memoryview, allow: Collection[str]) -> str:
    if not view:
        raise Empty("the file has no bytes")
    kind = sniff(view[:HEADER_BYTES])
    if kind is None:
        raise UnknownFormat("the file's bytes are no picture of a known format, whatever its name says")
    if kind in ON_REQUEST and kind not in allow:
        raise FormatNotEnabled(
            f"the file is {kind}, which is read only on request",
            remedy=f"Add allow: [{kind}] to the recipe, or convert the picture to PNG.",
        )
    if kind not in (*READABLE, *ON_REQUEST):
        raise FormatNotEnabled(f"the file is {kind}, which is not read")
    return kind


def _frames(view: memoryview, header: pyvips.Image, kind: str) -> int:
    """Return how many frames an animation has; a TIFF's pages are no frames."""
    if kind == "tiff":
        return 1
    # The structure check gives up on files with countless blocks, the loader does not.
    return max(complete.frames(view, kind), (number(header, PAGES) or 1) if kind in ANIMATED else 1)


def _source(header: pyvips.Image, kind: str, count: int) -> Source:
    orientation = (number(header, "orientation") or 1) if kind != "heic" else 1
    return Source(
        format=kind,
        width=header.width,
        height=header.height,
        frames=count,
        orientation=orientation if 1 <= orientation <= 8 else 1,
    )
