"""Drawings that are small and cost much."""

from __future__ import annotations

import pytest

from safelight.errors import Corrupt
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render


def bomb() -> bytes:
    """Return a drawing of 10^9 circles: each group uses the one before it ten times."""
    groups = [b'<g id="g0"><circle r="1"/></g>']
    groups += [b'<g id="g%d">%s</g>' % (i, b'<use href="#g%d"/>' % (i - 1) * 10) for i in range(1, 10)]
    return b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">' + b"".join(groups) + b"</svg>"


def test_svg_that_uses_itself_again_and_again_has_a_coded_error() -> None:
    """Librsvg counts what it draws, and gives up."""
    with pytest.raises(Corrupt):
        render(
            bomb(),
            "a.svg",
            Recipe(name="r", allow=("svg",), renditions=(Rendition(key="a.png", format="png"),)),
            Limits(),
        )
