"""Options of a rendition that change nothing: allowed, and hardly meant."""

from __future__ import annotations

from collections.abc import Iterator

from safelight.recipe.model import Rendition
from safelight.steps.paint import rgba
from safelight.steps.rotate import QUARTERS, Rotate
from safelight.steps.watermark import Watermark

Idle = tuple[tuple[str, ...], str]
"""An option and why it changes nothing."""


def remarks(rendition: Rendition) -> Iterator[Idle]:
    """Yield the options that change nothing in any picture."""
    if rendition.gamma == 1:
        yield ("gamma",), "gamma=1 changes nothing; remove it"
    if rendition.sharpen and not rendition.sharpen.edges and not rendition.sharpen.flat:
        yield ("sharpen",), "sharpen with edges: 0 and flat: 0 changes nothing; raise one, or remove it"
    if rendition.flatten and rgba(rendition.flatten.background)[3] < 255:
        shown = rendition.flatten.background
        yield ("flatten", "background"), f"flatten.background={shown}; its alpha has no effect; write an opaque color"
    yield from _rotate(rendition.rotate)
    yield from _modulate(rendition)
    yield from _outline(rendition.watermark)


def _rotate(options: Rotate | None) -> Iterator[Idle]:
    if options is None:
        return
    angle = options.angle_deg % 360
    if angle == 0:
        yield ("rotate",), f"rotate.angle_deg={options.angle_deg:g} changes nothing; remove rotate"
    elif angle in QUARTERS and options.background != "transparent":
        yield ("rotate", "background"), "rotate.background has no effect with quarter turns, which open no corners"


def _modulate(rendition: Rendition) -> Iterator[Idle]:
    options, steps = rendition.modulate, rendition.steps
    if options is None:
        return
    if (options.brightness, options.saturation, options.hue_deg % 360) == (1, 1, 0):
        yield ("modulate",), "modulate changes nothing; give it brightness, saturation or hue_deg, or remove it"
    elif options.saturation == 0 and options.hue_deg:
        yield ("modulate", "hue_deg"), "modulate.hue_deg has no effect with saturation: 0, which leaves no color"
    elif rendition.greyscale and steps.index("greyscale") < steps.index("modulate"):
        for option, still in (("saturation", 1), ("hue_deg", 0)):
            if getattr(options, option) != still:
                yield ("modulate", option), f"modulate.{option} has no effect after greyscale; remove it"


def _outline(options: Watermark | None) -> Iterator[Idle]:
    if options and options.outline.width == 0 and options.outline.color != type(options.outline)().color:
        yield ("watermark", "outline"), "watermark.outline.color has no effect with width: 0; remove one of the two"
