"""`widths` and `formats`: one entry of the file stands for many renditions, which all that follows sees one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any

from msgspec import Struct

from safelight.encode import FITTING, LOSSY
from safelight.recipe import wording
from safelight.recipe.check import Source
from safelight.recipe.finding import Finding, Path
from safelight.recipe.keys import placeholders

MOST = 64
"""Outputs that a recipe may have with these options: each is one more encode of every upload."""
LOOSE = "beside widths, where each height follows its width; remove it, and give a shape with crop: {aspect: '16:9'}"

Entry = dict[str, Any]
"""A rendition of the file as plain data."""
Fault = tuple[Path, str]
"""An option of an entry, and what is wrong with it."""


class FannedOut(Struct, frozen=True, kw_only=True):
    """A file as plain data with each rendition by itself, and which entry of the file it was."""

    plain: dict[str, Any]
    entries: Mapping[Path, int] = {}
    errors: tuple[Finding, ...] = ()


def fan_out(plain: dict[str, Any], broken: Collection[Path], source: Source) -> FannedOut:
    """Return the file with `widths` and `formats` written out, one rendition for each pair.

    Args:
        plain: the file as plain data.
        broken: the paths of recipes with errors of their own, which are left as they are.
        source: where the file was read.
    """
    recipes, entries, errors = [], dict[Path, int](), list[Finding]()
    for at, recipe in enumerate(plain.get("recipes") or ()):
        path: Path = ("recipes", at)
        if path in broken or not any(_stands_for_many(entry) for entry in recipe["renditions"]):
            recipes.append(recipe)
            continue
        faults = [source.finding(message, (*path, *option), where) for option, message, where in _faults(recipe)]
        errors += faults
        made = [] if faults else [(i, one) for i, entry in enumerate(recipe["renditions"]) for one in _each(entry)]
        entries |= {(*path, "renditions", place): i for place, (i, _) in enumerate(made)}
        recipes.append(recipe if faults else {**recipe, "renditions": [one for _, one in made]})
    return FannedOut(plain={**plain, "recipes": recipes} if recipes else plain, entries=entries, errors=tuple(errors))


def _stands_for_many(entry: Entry) -> bool:
    return bool(entry.get("widths") or entry.get("formats"))


def _each(entry: Entry) -> Iterator[Entry]:
    """Yield the renditions that an entry stands for; the options keep the order in which they are written."""
    for width, kind in product(entry.get("widths") or (None,), entry.get("formats") or (None,)):
        size = {"resize": {**(entry.get("resize") or {}), "width": width}}
        one: Entry = {}
        for option, value in entry.items():
            if option == "widths" or (option == "resize" and width):
                one |= size if width else {}
            elif option == "formats":
                one |= {"format": kind} if kind else {}
            elif not _is_for_others(option, kind, entry):
                one[option] = value
        yield one


def _is_for_others(option: str, kind: str | None, entry: Entry) -> bool:
    """Say whether only other formats of the entry know an option, such as jpeg `progressive` beside webp."""
    knowing = FITTING.get(option, LOSSY if option == "quality" else ())
    if kind is None or kind in knowing or (option == "quality" and kind == "png" and entry.get("colors")):
        return False
    return any(each in knowing for each in entry["formats"])


def _faults(recipe: Entry) -> Iterator[tuple[Path, str, str]]:
    """Yield each option that contradicts another one, what is wrong with it, and in which rendition."""
    total = 0
    for i, entry in enumerate(recipe["renditions"]):
        where = f"recipe {recipe['name']!r}, rendition {i + 1}"
        before, total = total, total + sum(1 for _ in _each(entry))
        if _stands_for_many(entry):
            for option, message in _entry_faults(entry):
                yield ("renditions", i, *option), message, where
        if before <= MOST < total:
            yield (
                ("renditions", i),
                f"brings the recipe to {total} outputs; must be at most {MOST}; leave some out",
                where,
            )


def _entry_faults(entry: Entry) -> Iterator[Fault]:
    widths, formats = entry.get("widths"), entry.get("formats")
    if widths:
        yield from _size_faults(entry.get("resize") or {})
    if formats and entry.get("format"):
        yield ("format",), f"format={entry['format']} beside formats; keep one of the two"
    yield from _key_faults(entry["key"], widths or (), formats or ())


def _size_faults(resize: Entry) -> Iterator[Fault]:
    if resize.get("width"):
        yield ("resize", "width"), f"resize.width={resize['width']} beside widths; keep one of the two"
    for option in ("height", "fit", "position"):
        if resize.get(option):
            yield ("resize", option), f"resize.{option}={resize[option]} {LOOSE}"


def _key_faults(key: str, widths: list[int] | tuple[()], formats: list[str] | tuple[()]) -> Iterator[Fault]:
    used = placeholders(key)
    shown = f"key={wording.shown(key, quoted=True)};"
    if len(widths) > 1 and "width" not in used:
        yield ("key",), f"{shown} {len(widths)} widths would share it; put {{width}} into it"
    if len(formats) > 1 and not key.endswith(".{format}"):
        yield ("key",), f"{shown} {len(formats)} formats would share its ending; end it with .{{format}}"
