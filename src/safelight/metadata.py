"""What an output keeps of EXIF, IPTC and XMP. Colour and orientation are true under every policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from safelight.containers import exif, strip
from safelight.containers.rights import rights
from safelight.decode import Opened
from safelight.fields import blob, with_blobs, with_text, without

if TYPE_CHECKING:
    from pathlib import Path

    import pyvips

    from safelight.encode import Metadata

STALE = ("orientation", "exif-ifd0-Orientation", "jpeg-thumbnail-data", "exif-ifd4-InteroperabilityIndex")
"""Fields that no longer hold once pixels were turned, resized and made sRGB (the last may say that they are Adobe RGB);
the thumbnail also shows what was cropped away."""
COLOR_SPACE = ("exif-ifd2-ColorSpace", "1 (sRGB, Short, 1 components, 2 bytes)")
XMP = "xmp-data"
XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[2-8](?=\s*["'<])""")
"""As an attribute or as an element. Some programs believe it rather than EXIF."""


def dress(image: pyvips.Image, policy: Metadata, opened: Opened) -> tuple[pyvips.Image, str]:
    """Return the image with the metadata that `policy` lets through, and what the encoder must keep of it."""
    if policy == "strip":
        return image, "none"
    if policy == "keep":
        return _true_again(without(image, *STALE)), "exif:xmp:iptc"
    block = _rights(opened, orientation=1)
    if block is None:
        return image, "none"
    image = without(image, *(field for field in image.get_fields() if field.startswith("exif-")), *STALE)
    return with_text(with_blobs(image, {"exif-data": b"Exif\0\0" + block}), *COLOR_SPACE), "exif"


def _true_again(image: pyvips.Image) -> pyvips.Image:
    """Make the kept EXIF and XMP say what the pixels are now: sRGB and upright."""
    if image.get_typeof("exif-data"):
        image = with_text(image, *COLOR_SPACE)
    packet = blob(image, XMP)
    return with_blobs(image, {XMP: XMP_ORIENTATION.sub(rb"\g<1>1", packet)}) if packet else image


def undress(opened: Opened, policy: Metadata) -> bytes | Path:
    """Return the upload's own bytes less the metadata that `policy` drops; pixels are not touched.

    Raises:
        Corrupt: the file's structure does not show where its metadata ends.
    """
    if policy == "keep":
        return opened.body
    # A turned picture's EXIF orientation is part of how it looks, so it stays under every policy.
    if policy == "copyright":
        block = _rights(opened, orientation=opened.source.orientation)
    else:
        block = exif.build(orientation=opened.source.orientation)
    return b"".join(strip.strip(opened.view, opened.format, block))


def _rights(opened: Opened, *, orientation: int) -> bytes | None:
    """Return an EXIF block with the source's creator and copyright, or None when there is nothing to say."""
    found = rights(opened.view, opened.format)
    return exif.build(orientation=orientation, artist=found.creator, copyright=found.copyright)
