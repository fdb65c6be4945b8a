"""A recipe from options, for who has no recipe file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click
import msgspec
from msgspec import Struct

from safelight.encode import ENCODERS, Format
from safelight.recipe.model import Recipe, Rendition
from safelight.steps.resize import Fit, Resize
from safelight.target import Target, conflicts


class Quick(Struct, frozen=True, kw_only=True):
    """The options as they were given; None where one was not."""

    width: int | None = None
    height: int | None = None
    fit: Fit | None = None
    format: Format | None = None
    quality: Target | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(value is not None for value in (self.width, self.height, self.fit, self.format, self.quality))


def _target(_context: click.Context, _option: click.Parameter, word: str | None) -> Target | None:
    """Return what `quality` of a recipe would be, written in one word."""
    if word is None:
        return None
    try:
        target: Target = msgspec.convert(_written(word), Target)
    except msgspec.ValidationError as err:
        raise click.BadParameter(f"{word!r} is none of {FORMS.replace('|', ', ')}; ssim is 0.5..0.999") from err
    for _, message in conflicts(target):
        raise click.BadParameter(message)
    return target


def _written(word: str) -> object:
    if word.startswith("ssim="):
        number = word.removeprefix("ssim=")
        return {"ssim": float(number) if re.fullmatch(r"0?\.\d+", number) else number}
    if word.isascii() and word.isdecimal():
        return int(word)
    return word if word == "auto" else {"max_bytes": word}


FORMS = "1..100|auto|ssim=0.98|200kB"
OPTIONS = (
    click.option("--width", type=click.IntRange(1, 16384), help="Wanted width in pixels."),
    click.option("--height", type=click.IntRange(1, 16384), help="Wanted height in pixels."),
    click.option("--fit", type=click.Choice(get_args(Fit)), help="How width and height are met.  [default: inside]"),
    click.option("--format", type=click.Choice(get_args(Format)), help="Format of the outputs; else the source's."),
    click.option(
        "--quality",
        metavar=FORMS,
        callback=_target,
        help="Quality of the encoder; or chosen: auto, by likeness or by size in bytes.",
    ),
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
