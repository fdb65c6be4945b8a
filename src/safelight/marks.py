"""Watermarks ready to be laid on: logos and fonts are read once and kept for the life of the process."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
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


def font(body: bytes) -> Path:
    """Prepare a font that a recipe names.

    Raises:
        InvalidRecipe: it is no font.
    """
    if not _prepared(body).exists():  # the system cleans its folder for temporary files now and then
        _prepared.cache_clear()
    return _prepared(body)


@cache
def _prepared(body: bytes) -> Path:
    # Not needed where no recipe brings a font of its own; it would slow down every start of the function on AWS.
    import tempfile  # noqa: PLC0415

    return typeface.prepare(body, font_folder(Path(tempfile.gettempdir())))


def font_folder(parent: Path) -> Path:
    """Return the folder of prepared fonts: one for all processes of a user, since workers are killed, not ended.

    Fonts are named after their bytes, so that it holds each once. Whatever another user has put in its place is not
    trusted; then the process has a folder of its own.
    """
    import tempfile  # noqa: PLC0415 -- as above

    folder = parent / f"safelight-fonts-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if ours else Path(tempfile.mkdtemp(prefix="safelight-fonts-", dir=parent))


@lru_cache(maxsize=KEPT_TEXTS)
def _drawn(lettering: Lettering, face: Path, width: int) -> pyvips.Image:
    return text.draw(lettering, face, width).copy_memory()
