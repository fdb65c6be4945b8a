"""A recipe from options, for who has no recipe file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click
from msgspec import Struct

from safelight.encode import ENCODERS, Format
from safelight.recipe.model import Recipe, Rendition
from safelight.steps.resize import Fit, Resize


class Quick(Struct, frozen=True, kw_only=True):
    """The options as they were given; None where one was not."""

    width: int | None = None
    height: int | None = None
    fit: Fit | None = None
    format: Format | None = None
    quality: int | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(value is not None for value in (self.width, self.height, self.fit, self.format, self.quality))


OPTIONS = (
    click.option("--width", type=click.IntRange(1, 16384), help="Wanted width in pixels."),
    click.option("--height", type=click.IntRange(1, 16384), help="Wanted height in pixels."),
    click.option("--fit", type=click.Choice(get_args(Fit)), help="How width and height are met.  [default: inside]"),
    click.option("--format", type=click.Choice(get_args(Format)), help="Format of the outputs; else the source's."),
    click.option("--quality", type=click.IntRange(1, 100), help="Quality of the encoder."),
)
NAMES = Quick.__struct_fields__


def quick_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and hand them to the command as one `quick`."""

    @wraps(command)
    def wrapped(**options: Any) -> Any:
        quick = Quick(**{name: options.pop(name) for name in NAMES})
        return command(quick=quick, **options)

    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def quick_recipe(quick: Quick) -> Recipe:
    """Return the recipe that the options ask for: one output for each file, private metadata stripped.

    Raises:
        click.UsageError: the options contradict each other.
    """
    sized = quick.width is not None or quick.height is not None
    if quick.fit and not (quick.width and quick.height):
        raise click.UsageError("--fit needs both --width and --height")
    if quick.quality is not None and quick.format and ENCODERS[quick.format].quality is None:
        raise click.UsageError(f"--quality has no meaning for {quick.format}, which has no such setting")
    resize = Resize(width=quick.width, height=quick.height, fit=quick.fit or "inside") if sized else None
    ending = ENCODERS[quick.format].extensions[0] if quick.format else None
    rendition = Rendition(
        key=f"{{dir}}{{stem}}.{ending}" if ending else "{dir}{filename}",
        resize=resize,
        format=quick.format,
        quality=quick.quality,
    )
    return Recipe(name="options", renditions=(rendition,))
