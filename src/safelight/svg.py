"""SVG in, where a recipe allows it: drawn at the size that is needed, so that it is sharp at each."""

from __future__ import annotations

from pathlib import Path

import pyvips

from safelight.containers import svg
from safelight.errors import TooManyPixels


def header(body: bytes | Path) -> pyvips.Image:
    """Return the drawing in its own size, not drawn yet; `check` comes first."""
    return _load(body, 1.0)


def decode(body: bytes | Path, drawn: pyvips.Image, least: tuple[int, int], max_pixels: int) -> pyvips.Image:
    """Draw it no smaller than `least`.

    Args:
        body: the file.
        drawn: its header.
        least: width and height in pixels.
        max_pixels: how many it may have.

    Raises:
        TooManyPixels
    """
    scale = max(least[0] / drawn.width, least[1] / drawn.height)
    width, height = round(drawn.width * scale), round(drawn.height * scale)
    if width * height > max_pixels:
        raise TooManyPixels(
            f"to fill {least[0]} x {least[1]}, the SVG would be drawn as {width} x {height} = "
            f"{width * height / 1e6:.0f} million pixels; the limit is {max_pixels / 1e6:g} million",
            remedy="Make the rendition smaller, or raise limits.pixels.",
        )
    return _load(body, scale)


def rasters(view: memoryview) -> tuple[bytes, ...]:
    """Make sure that the drawing stands by itself, and return the pictures in it.

    Raises:
        TooLarge, Truncated, Corrupt, Unsafe
    """
    return svg.read(view).rasters


def _load(body: bytes | Path, scale: float) -> pyvips.Image:
    # Opened here and not with the others, so that it stays shut in a process whose recipes allow no SVG.
    pyvips.operation_block_set("VipsForeignLoadSvg", state=False)
    # From memory, so that librsvg knows of no folder that a reference could lead to.
    read = body.read_bytes() if isinstance(body, Path) else body
    return pyvips.Image.svgload_buffer(read, scale=scale, access="sequential", fail_on="error")
