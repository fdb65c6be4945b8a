"""Which renditions show the same picture, so that a browser may choose among them."""

from __future__ import annotations

from math import gcd

from safelight.recipe.model import Rendition
from safelight.steps.resize import Resize

Motif = tuple[tuple[str, object], ...]
"""What is done to the picture, apart from its size."""


def motif(rendition: Rendition) -> Motif:
    """Return what two renditions share that differ in size, format and quality alone."""
    steps = ((name, getattr(rendition, name)) for name in rendition.steps)
    shaped = ((name, _shape(options) if isinstance(options, Resize) else options) for name, options in steps)
    return tuple((name, options) for name, options in shaped if options is not None)


def _shape(resize: Resize) -> object:
    """Return what a resize does beside the size: nothing where the whole picture keeps its shape."""
    if resize.width is None or resize.height is None or resize.fit in ("inside", "outside"):
        return None
    common = gcd(resize.width, resize.height)
    return resize.width // common, resize.height // common, resize.fit, resize.position
