"""HEIC in: libvips' wheel has no HEVC decoder, so pi-heif reads these files; imported when one comes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyvips

from safelight.containers import isobmff
from safelight.errors import Corrupt
from safelight.fields import with_blobs
from safelight.steps.icc import profile_of


class Layout(NamedTuple):
    """How pi-heif lays out the pixels of a mode, in libvips' words."""

    bands: int
    format: str
    interpretation: str


LAYOUTS = {
    "L": Layout(1, "uchar", "b-w"),
    "I;16": Layout(1, "ushort", "grey16"),
    "RGB": Layout(3, "uchar", "srgb"),
    "RGBA": Layout(4, "uchar", "srgb"),
    "RGBa": Layout(4, "uchar", "srgb"),
    "RGB;16": Layout(3, "ushort", "rgb16"),
    "RGBA;16": Layout(4, "ushort", "rgb16"),
    "RGBa;16": Layout(4, "ushort", "rgb16"),
}
PREMULTIPLIED = ("RGBa", "RGBa;16")
FAULTS = (ValueError, OSError, RuntimeError, EOFError, SyntaxError, IndexError, KeyError)
"""What pi-heif raises for broken files."""


def header(body: bytes | Path, view: memoryview) -> pyvips.Image:
    """Return an image of the right size and bands whose pixels are blank.

    Raises:
        Corrupt
    """
    _check_names(view)
    picture = _primary(body)
    layout = LAYOUTS[picture.mode]
    return (
        pyvips.Image.black(*picture.size, bands=layout.bands)
        .cast(layout.format)
        .copy(interpretation=layout.interpretation)
    )


def decode(body: bytes | Path) -> pyvips.Image:
    """Decode the primary picture, upright (libheif applies the file's own rotation), with its ICC profile.

    Raises:
        Corrupt
    """
    picture = _primary(body)
    layout = LAYOUTS[picture.mode]
    try:
        pixels = bytes(picture.data)  # a copy: the view does not keep the picture's memory alive
        width, height = picture.size
        image = pyvips.Image.new_from_memory(pixels, width, height, layout.bands, layout.format)
    except (*FAULTS, pyvips.Error) as err:
        raise Corrupt("the heic file does not decode: its contents are damaged") from err
    image = image.copy(interpretation=layout.interpretation)
    if layout.format == "ushort":
        image = _filled(image, picture.info["bit_depth"])
    if picture.mode in PREMULTIPLIED:
        image = image.unpremultiply().rint().cast(layout.format)
    return with_blobs(
        image,
        {
            "icc-profile-data": picture.info.get("icc_profile") or profile_of(_code_points(picture.info)),
            "exif-data": picture.info.get("exif"),
            "xmp-data": picture.info.get("xmp"),
        },
    )


def _filled(image: pyvips.Image, bits: int) -> pyvips.Image:
    """Fill the low bits, which pi-heif leaves empty, with the high ones: or white would not be white."""
    return image | (image >> bits)


def _code_points(info: Mapping[str, Any]) -> tuple[int, int] | None:
    told = info.get("nclx_profile")
    return (told["color_primaries"], told["transfer_characteristics"]) if told else None


def _primary(body: bytes | Path) -> Any:
    from pi_heif import options  # noqa: PLC0415 - costs 80 ms, and few uploads are HEIC
    from pi_heif.heif import open_heif  # noqa: PLC0415

    # What is not looked at cannot do harm; and the service decides how many threads work.
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    options.DECODE_THREADS = 1
    try:
        container = open_heif(body if isinstance(body, Path) else io.BytesIO(body), convert_hdr_to_8bit=False)
        picture = container[container.primary_index]
    except FAULTS as err:
        raise Corrupt("the header of the heic file does not decode") from err
    if picture.mode not in LAYOUTS or min(picture.size) < 1:
        raise Corrupt(f"the heic file announces {picture.size[0]} x {picture.size[1]} pixels of kind {picture.mode}")
    return picture


def _check_names(view: memoryview) -> None:
    """Refuse items whose type or name is no text: pi-heif 1.4 does not fail there but ends the process.

    Raises:
        Corrupt
    """
    meta = next((box for box in isobmff.boxes(view) if box.kind == b"meta"), None)
    info = isobmff.children(view, meta).get(b"iinf") if meta else None
    if info is None:
        return
    first = info.body + (6 if view[info.body] == 0 else 8)
    for box in isobmff.boxes(view, first, info.end):
        names = view[box.body + (8 if view[box.body] == 2 else 10) : box.end].tobytes()
        try:
            names.decode()
        except UnicodeDecodeError as err:
            raise Corrupt(f"the heic file names an item {names[:4]!r}, which is no text") from err
