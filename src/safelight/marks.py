"""Watermarks ready to be laid on: logos and fonts are read once and kept for the life of the process."""

from __future__ import annotations

import os
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyvips

from safelight.decode import decode, open_upload
from safelight.errors import InvalidRecipe, SafelightError
from safelight.recipe.model import Limits
from safelight.steps import text, typeface
from safelight.steps.color import to_srgb
from safelight.steps.orient import orient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safelight.steps.text import Lettering
    from safelight.steps.watermark import Watermark

# Process-wide on purpose: libvips reads the setting once, and the machine's hinting would move the edges of letters.
text.isolate(os.environ)

KEPT_TEXTS = 64
"""Drawn texts that are kept: one for each width of picture that comes again and again."""


def mark_of(options: Watermark, width: int, assets: Mapping[str, bytes]) -> pyvips.Image:
    """Return the logo, or the text drawn `width` pixels wide: sRGB or grey.

    Raises:
        InvalidRecipe: the logo or the font cannot be used.
    """
    lettering = options.lettering
    if lettering is None:
        return logo(assets[options.image or ""])
    return _drawn(lettering, font(assets[options.font]) if options.font else text.SHIPPED_FONT, width)


@cache
def logo(body: bytes) -> pyvips.Image:
    """Read a logo.

    Raises:
        InvalidRecipe: it is no picture.
    """
    try:
        opened = open_upload(body, Limits())
        image = to_srgb(decode(opened, least_width=opened.source.width, least_height=opened.source.height))
        return orient(image.copy_memory(), opened.source.orientation).copy_memory()
    except (SafelightError, pyvips.Error) as err:
        reason = err.message if isinstance(err, SafelightError) else "it does not decode"
        raise InvalidRecipe(f"the logo of a watermark cannot be used: {reason}") from err


@cache
def font(body: bytes) -> Path:
    """Prepare a font that a recipe names.

    Raises:
        InvalidRecipe: it is no font.
    """
    return typeface.prepare(body, _font_folder())


@cache
def _font_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="safelight-fonts-"))


@lru_cache(maxsize=KEPT_TEXTS)
def _drawn(lettering: Lettering, face: Path, width: int) -> pyvips.Image:
    return text.draw(lettering, face, width).copy_memory()
