"""Take the metadata out of a picture file without touching a pixel."""

from __future__ import annotations

from collections.abc import Iterator

from safelight.containers import exif as exif_block
from safelight.containers import gif, isobmff_strip, jpeg, png, tiff_strip, webp
from safelight.containers.buffer import Buffer, Part, pieces, view_of
from safelight.errors import FormatNotEnabled


def strip(buffer: Buffer, format: str, exif: bytes | None = None) -> Iterator[bytes | memoryview]:  # noqa: A002 the field's word
    """Return the pieces of the new file; most are slices of the old one, so keep it open while they are used.

    The structure is read to its end before the first piece comes: there is no half result.

    `exif` is a TIFF structure (`exif.build`) to put in place of the old EXIF. GIF has no place for one. AVIF and
    HEIC take it when it fits into the old one's bytes. A TIFF keeps its own Orientation, and its own Artist and
    Copyright where `exif` has those tags.

    Raises:
        Corrupt, Truncated: the structure is not fully understood, so that metadata might remain.
        FormatNotEnabled: there is no way to strip this format.
    """
    view = view_of(buffer)
    return pieces(view, _parts(view, format, exif))


def _parts(view: memoryview, format: str, exif: bytes | None) -> list[Part]:  # noqa: A002 the field's word
    match format:
        case "jpeg":
            return jpeg.strip(view, exif)
        case "png":
            return png.strip(view, exif)
        case "webp":
            return webp.strip(view, exif)
        case "gif":
            return gif.strip(view)
        case "tiff":
            return tiff_strip.strip(view, exif_block.read(exif or b""))
        case "avif" | "heic":
            return isobmff_strip.strip(view, exif)
    raise FormatNotEnabled(
        f"metadata of a {format} file cannot be stripped; jpeg, png, webp, gif, tiff, avif and heic are possible"
    )
