"""Take the metadata out of a picture file without touching a pixel."""

from __future__ import annotations

from collections.abc import Iterator

from safelight.containers import exif as exif_block
from safelight.containers import gif, isobmff_strip, jpeg, png, svg, tiff_strip, webp
from safelight.containers.buffer import Blocks, Buffer, Part, pieces, view_of
from safelight.errors import FormatNotEnabled

REWRITTEN = ("jpeg", "png", "webp")
"""Formats that take any metadata without a change of their pictures."""


def strip(
    buffer: Buffer,
    format: str,  # noqa: A002 the field's word
    exif: bytes | None = None,
    *,
    xmp: bytes | None = None,
    iptc: bytes | None = None,
) -> Iterator[bytes | memoryview]:
    """Return the pieces of the new file; most are slices of the old one, so keep it open while they are used.

    The structure is read to its end before the first piece comes: there is no half result.

    `exif` is a TIFF structure (`exif.build`) to put in place of the old EXIF. GIF and SVG have no place for one. AVIF
    and HEIC take it when it fits into the old one's bytes. A TIFF keeps its own Orientation, and its own Artist and
    Copyright where `exif` has those tags. JPEG, PNG and WebP also take `xmp`, and JPEG takes `iptc` (Photoshop's
    resources, as `iptc.resources` makes them).

    Raises:
        Corrupt, Truncated: the structure is not fully understood, so that metadata might remain.
        FormatNotEnabled: there is no way to strip this format.
    """
    view = view_of(buffer)
    return pieces(view, _parts(view, format, Blocks(exif, xmp, iptc)))


def rewrite(buffer: Buffer, format: str, new: Blocks) -> Iterator[bytes | memoryview]:  # noqa: A002
    """Return the pieces of the file with the blocks of `new` in place of its own; nothing else changes.

    Raises:
        Corrupt, Truncated: the structure is not fully understood, or must not be moved.
        FormatNotEnabled: the format is none of `REWRITTEN`.
    """
    view = view_of(buffer)
    match format:
        case "jpeg":
            return pieces(view, jpeg.rewrite(view, new))
        case "png":
            return pieces(view, png.rewrite(view, new))
        case "webp":
            return pieces(view, webp.rewrite(view, new))
    raise FormatNotEnabled(f"metadata of a {format} file cannot be changed; {', '.join(REWRITTEN)} are possible")


def _parts(view: memoryview, format: str, new: Blocks) -> list[Part]:  # noqa: A002, PLR0911 the field's word; one for each format
    match format:
        case "jpeg":
            return jpeg.strip(view, new)
        case "png":
            return png.strip(view, new)
        case "webp":
            return webp.strip(view, new)
        case "gif":
            return gif.strip(view)
        case "svg":
            return svg.strip(view)
        case "tiff":
            return tiff_strip.strip(view, exif_block.read(new.exif or b""))
        case "avif" | "heic":
            return isobmff_strip.strip(view, new.exif)
    raise FormatNotEnabled(
        f"metadata of a {format} file cannot be stripped; jpeg, png, webp, gif, tiff, svg, avif and heic are possible"
    )
