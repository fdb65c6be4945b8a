"""Decode all that a file holds, to see that it is whole; the pixels are thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyvips

from safelight import heic
from safelight.decode import ANIMATED, PAGES, Opened, decode, load, load_jpeg
from safelight.errors import Corrupt, SafelightError, TooManyFrames, TooManyPixels
from safelight.fields import number

if TYPE_CHECKING:
    from collections.abc import Iterator


def validate(opened: Opened) -> None:
    """Decode every frame and page to the end and throw the pixels away.

    Raises:
        Corrupt, TooManyFrames, TooManyPixels: the last two of the pages of a TIFF.
    """
    try:
        for image in _everything(opened):
            image.avg()
    except pyvips.Error as err:
        raise undecodable(opened) from err


def _everything(opened: Opened) -> Iterator[pyvips.Image]:
    match opened.format:
        case "heic":
            yield heic.decode(opened.body)
        case "svg":
            yield decode(opened, least_width=opened.source.width, least_height=opened.source.height)
        case "jpeg":
            # At full size, though less would read the same data: libvips looks for warnings before each strip of 8
            # rows, so that the last strip goes unseen, which of a smaller picture is more.
            image = load_jpeg(opened, shrink=1)
            # Rows come from the top on, so the last one needs all of them; averaging those would be a third of the CPU.
            yield image.crop(0, image.height - 1, image.width, 1)
        case "tiff":
            yield from _pages(opened)
        case kind:
            yield load(opened.body, kind, **({"n": -1} if kind in ANIMATED else {}))


def _pages(opened: Opened) -> Iterator[pyvips.Image]:
    """Yield the pages of a TIFF, which need not be alike. All count, since all are decoded."""
    count, limits, pixels = number(opened.header, PAGES) or 1, opened.limits, 0
    if count > limits.frames:
        raise TooManyFrames(f"{count} pages; the limit is {limits.frames}")
    for page in range(count):
        image = load(opened.body, "tiff", page=page)
        pixels += image.width * image.height
        if pixels > limits.pixels:
            raise TooManyPixels(
                f"the first {page + 1} pages have more than {limits.pixels / 1e6:g} million pixels, the limit"
            )
        yield image


def undecodable(opened: Opened) -> SafelightError:
    """Return the error for a file whose header was good and whose pixels do not decode."""
    return Corrupt(f"the {opened.format} file does not decode: its contents are damaged")
