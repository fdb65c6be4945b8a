"""HEIC in: libvips' wheel has no HEVC decoder, so pi-heif reads these files; imported when one comes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyvips

from safelight.errors import Corrupt
from safelight.fields import with_blobs


def header(body: bytes | Path) -> pyvips.Image:
    """Return an image of the right size whose pixels are blank.

    Raises:
        Corrupt
    """
    picture = _primary(body)
    return pyvips.Image.black(*picture.size, bands=3)


def decode(body: bytes | Path) -> pyvips.Image:
    """Decode the primary picture, upright (libheif applies the file's own rotation), with its ICC profile.

    Raises:
        Corrupt
    """
    picture = _primary(body)
    try:
        pixels = bytes(picture.data)
    except (ValueError, OSError, RuntimeError, EOFError, SyntaxError) as err:
        raise Corrupt("the heic file does not decode: its contents are damaged") from err
    bands = len(picture.mode.split(";")[0])
    width, height = picture.size
    row = width * bands
    if picture.stride != row:
        pixels = b"".join(pixels[y * picture.stride : y * picture.stride + row] for y in range(height))
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar").copy(interpretation="srgb")
    return with_blobs(
        image,
        {
            "icc-profile-data": picture.info.get("icc_profile"),
            "exif-data": picture.info.get("exif"),
            "xmp-data": picture.info.get("xmp"),
        },
    )


def _primary(body: bytes | Path) -> Any:
    from pi_heif.heif import open_heif  # noqa: PLC0415 - brings Pillow: 80 ms for HEIC files alone

    try:
        container = open_heif(body if isinstance(body, Path) else io.BytesIO(body), convert_hdr_to_8bit=True)
        return container[container.primary_index]
    except (ValueError, OSError, RuntimeError, EOFError, SyntaxError, IndexError) as err:
        raise Corrupt("the header of the heic file does not decode") from err
