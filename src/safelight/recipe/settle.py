"""Check the logos and fonts that recipes name, when the configuration is read; they are part of a recipe's digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from safelight.containers.complete import is_complete
from safelight.containers.sniff import sniff
from safelight.errors import InvalidRecipe
from safelight.recipe.assets import file_bytes
from safelight.recipe.check import Source
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.finding import Path as Place
from safelight.recipe.model import Asset, Limits, Recipe
from safelight.steps.sfnt import missing_glyphs
from safelight.steps.text import SHIPPED_FONT
from safelight.steps.watermark import Watermark

LOGO_FORMATS = ("jpeg", "png", "webp", "avif", "gif", "tiff", "heic")

Trial = Callable[[Sequence[Watermark], Mapping[str, bytes], Limits], Sequence[str]]
"""Says of each watermark why it cannot be drawn, or nothing: what only decoders know. It is given their files."""


def untried(marks: Sequence[Watermark], _bodies: Mapping[str, bytes], _limits: Limits) -> Sequence[str]:
    """Draw nothing: the trial where no picture will be developed."""
    return [""] * len(marks)


def settle(
    recipes: Sequence[Recipe], folder: Path, source: Source, limits: Limits, trial: Trial = untried
) -> tuple[Recipe, ...]:
    """Return the recipes with the digests of the files that they name.

    Args:
        recipes: in the order of the file.
        folder: where the files are: that of the configuration.
        source: where the recipes were read.
        limits: what the trial may take.
        trial: draws what has no other fault.

    Raises:
        InvalidFile: a file is missing or broken, or a font lacks a character.
    """
    uses = [use for at, recipe in enumerate(recipes) for use in _uses(recipe, at)]
    known = {mark: _fault(mark, folder) for mark in dict.fromkeys(use.mark for use in uses)}
    sound = [mark for mark, fault in known.items() if not fault]
    bodies = {name: file_bytes(folder, name) or b"" for name in _names(sound)}
    known |= zip(sound, map(_as_fault, sound, trial(sound, bodies, limits)), strict=True)
    faults = [_finding(use, fault, source) for use in uses if (fault := known[use.mark])]
    if faults:
        raise InvalidFile(dict.fromkeys(faults))
    return tuple(replace(recipe, assets=_assets(recipe, folder)) for recipe in recipes)


class _Use(Struct, frozen=True):
    """A watermark of a rendition, and its path in the file."""

    mark: Watermark
    recipe: Recipe
    path: Place


_Fault = tuple[str, str]
"""An option of a watermark, and what is wrong with it."""


def _uses(recipe: Recipe, at: int) -> Iterator[_Use]:
    for i, rendition in enumerate(recipe.renditions):
        if rendition.watermark:
            yield _Use(rendition.watermark, recipe, ("recipes", at, "renditions", i, "watermark"))


def _assets(recipe: Recipe, folder: Path) -> tuple[Asset, ...]:
    names = _names(each.watermark for each in recipe.renditions if each.watermark)
    bodies = {name: file_bytes(folder, name) or b"" for name in names}
    return tuple(Asset(name=name, sha256=hashlib.sha256(body).hexdigest()) for name, body in bodies.items())


def _names(marks: Iterable[Watermark]) -> list[str]:
    return sorted({name for mark in marks for name in (mark.image, mark.font) if name})


def _finding(use: _Use, fault: _Fault, source: Source) -> Finding:
    option, message = fault
    return source.finding(f"watermark.{message}", (*use.path, option), source.rendition(use.recipe, use.path))


def _fault(mark: Watermark, folder: Path) -> _Fault | None:
    for option, fault in (("image", _logo_fault(mark, folder)), ("text", _text_fault(mark, folder))):
        if fault:
            return option, fault
    return None


def _as_fault(mark: Watermark, tried: str) -> _Fault | None:
    option = "image" if mark.image else "font" if mark.font else "text"
    return (option, f"{option}={getattr(mark, option)!r}; {tried}") if tried else None


def _logo_fault(mark: Watermark, folder: Path) -> str:
    if mark.image is None:
        return ""
    fault = _path_fault(mark.image, folder)
    if fault:
        return f"image={mark.image!r}; {fault}"
    body = file_bytes(folder, mark.image) or b""
    kind = sniff(body[:4096])
    if kind not in LOGO_FORMATS:
        return f"image={mark.image!r}; is no picture of a known format; use a PNG, WebP or JPEG"
    return "" if is_complete(body, kind) else f"image={mark.image!r}; the file ends before its picture does"


def _text_fault(mark: Watermark, folder: Path) -> str:
    if mark.text is None:
        return ""
    fault = _path_fault(mark.font, folder) if mark.font else ""
    if fault:
        return f"font={mark.font!r}; {fault}"
    body = (file_bytes(folder, mark.font) if mark.font else SHIPPED_FONT.read_bytes()) or b""
    try:
        missing = missing_glyphs(mark.text, body)
    except InvalidRecipe as err:
        return f"font={mark.font!r}; {err.message}"
    name = mark.font or "the shipped one"
    return f"text={mark.text!r}; the font ({name}) has no glyph for {missing!r}; name another font" if missing else ""


def _path_fault(name: str, folder: Path) -> str:
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts:
        return "must be a path inside the configuration's folder, so that it can travel with it"
    return "" if (folder / name).is_file() else "there is no such file beside the configuration"
