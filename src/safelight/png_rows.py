"""PNG's row filters: what makes a photograph smaller makes many a drawing larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safelight.drawing import is_drawing

if TYPE_CHECKING:
    import pyvips

NONE, ALL = 0x08, 0xF8
"""libvips' flags: no filter, or of all the one that libpng guesses to be the best for a row."""
LOOKED_AT = 32_000_000
"""The most pixels of a picture that is looked at, for which it must be in memory; a larger one is filtered anyway."""


def save(image: pyvips.Image, **options: Any) -> bytes:
    """Encode an image, not a palette, as PNG with or without filters, as the file becomes smaller.

    Photographs are always filtered: without,
    they are 25 to 110 % larger. Drawings pack so fast that both ways are tried.
    """
    if image.format != "uchar" or image.width * image.height > LOOKED_AT:
        return bytes(image.pngsave_buffer(filter=ALL, **options))
    image = image.copy_memory()
    filtered = bytes(image.pngsave_buffer(filter=ALL, **options))
    if not is_drawing(image):
        return filtered
    return min(filtered, bytes(image.pngsave_buffer(filter=NONE, **options)), key=len)
