"""Refuse a configuration whose outputs would be uploads again: loops must be impossible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safelight.errors import InvalidRecipe
from safelight.recipe.keys import Piece, output_format, pieces
from safelight.recipe.model import Match, Recipe, Rendition

REMEDY = (
    "Give the output a bucket or folder of its own, or keep them apart by name: match.prefix: originals/ and keys "
    "that begin with developed/."
)


def check_overlap(recipes: Sequence[Recipe], *, input: str, output: str) -> None:  # noqa: A002 -- the world's word
    """Do nothing when no output can start a job.

    Args:
        recipes: all of the configuration.
        input: the name of a bucket, or the absolute path of a folder.
        output: the same for the outputs.

    Raises:
        InvalidRecipe: an output of a recipe would match a recipe, or the input folder is inside the output folder.
    """
    inside = _inside(input, output)
    if inside is None:
        return
    faults = [
        f"recipe {recipe.name!r}, rendition {i + 1}: key={rendition.key!r}; its output would be an upload for the "
        f"recipe {other.name!r} again"
        for recipe in recipes
        for i, rendition in enumerate(recipe.renditions)
        for other in recipes
        if _may_match(rendition, recipe.match, other.match, inside)
    ]
    if faults:
        raise InvalidRecipe("\n".join(faults), remedy=REMEDY)


def _inside(source: str, target: str) -> str | None:
    """Return what the key of an output begins with when it is seen as an upload; None: it is never seen."""
    if not (Path(source).is_absolute() and Path(target).is_absolute()):
        return "" if source == target else None
    source_folder, target_folder = Path(source).resolve(), Path(target).resolve()
    if source_folder == target_folder:
        return ""
    if target_folder.is_relative_to(source_folder):
        return target_folder.relative_to(source_folder).as_posix() + "/"
    if source_folder.is_relative_to(target_folder):
        raise InvalidRecipe("the input folder is inside the output folder; they must be apart", remedy=REMEDY)
    return None


def _may_match(rendition: Rendition, own: Match, other: Match, inside: str) -> bool:
    """Say whether the output of an upload that `own` takes could be an upload that `other` takes."""
    found = pieces(rendition.key)
    start = (inside + _start(found[0], own)).casefold()
    prefix = other.prefix.casefold()
    if not (start.startswith(prefix) or prefix.startswith(start)):
        return False
    tails = [tail.casefold() for tail in _tails(found[-1], rendition, own)]
    suffixes = [suffix.casefold() for suffix in other.suffix] or [""]
    return any(tail.endswith(suffix) or suffix.endswith(tail) for tail in tails for suffix in suffixes)


def _start(first: Piece, own: Match) -> str:
    """Return what is certain about the beginning of the key."""
    if not first.placeholder:
        return first.text
    return own.prefix[: own.prefix.rfind("/") + 1] if first.text == "dir" else ""


def _tails(last: Piece, rendition: Rendition, own: Match) -> Sequence[str]:
    """Return what is certain about the end of the key: one of these, where a blank one is anything."""
    if not last.placeholder:
        return (last.text,)
    if last.text == "filename":
        return tuple(suffix.rpartition("/")[2] for suffix in own.suffix) or ("",)
    return (output_format(rendition.key, rendition.format) or "",) if last.text == "format" else ("",)
