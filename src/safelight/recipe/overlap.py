"""Refuse a configuration whose outputs would be uploads again: loops must be impossible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from safelight.encode import Format
from safelight.errors import InvalidRecipe
from safelight.recipe.keys import Piece, output_format, pieces
from safelight.recipe.model import Match, Recipe

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
        f"recipe {recipe.name!r}: {option}={template!r}; its output would be an upload for the "
        f"recipe {other.name!r} again"
        for recipe in recipes
        for option, template, kind in _outputs(recipe)
        for other in recipes
        if _may_match((template, kind), recipe.match, other.match, inside)
    ]
    if faults:
        raise InvalidRecipe("\n".join(dict.fromkeys(faults)), remedy=REMEDY)


def _outputs(recipe: Recipe) -> Iterator[tuple[str, str, Format | None]]:
    """Yield every template of a recipe with the option that it is written in and the format of its output."""
    for rendition in recipe.renditions:
        yield "key", rendition.key, output_format(rendition.key, rendition.format)
    if recipe.manifest:
        yield "manifest", recipe.manifest, None


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


def _may_match(output: tuple[str, Format | None], own: Match, other: Match, inside: str) -> bool:
    """Say whether the output of an upload that `own` takes could be an upload that `other` takes."""
    template, kind = output
    found = pieces(template)
    start = (inside + _start(found[0], own)).casefold()
    prefix = other.prefix.casefold()
    if not (start.startswith(prefix) or prefix.startswith(start)):
        return False
    tails = [tail.casefold() for tail in _tails(found[-1], kind, own)]
    suffixes = [suffix.casefold() for suffix in other.suffix] or [""]
    return any(tail.endswith(suffix) or suffix.endswith(tail) for tail in tails for suffix in suffixes)


def _start(first: Piece, own: Match) -> str:
    """Return what is certain about the beginning of the key."""
    if not first.placeholder:
        return first.text
    return own.prefix[: own.prefix.rfind("/") + 1] if first.text == "dir" else ""


def _tails(last: Piece, kind: Format | None, own: Match) -> Sequence[str]:
    """Return what is certain about the end of the key: one of these, where a blank one is anything."""
    if not last.placeholder:
        return (last.text,)
    if last.text == "filename":
        return tuple(suffix.rpartition("/")[2] for suffix in own.suffix) or ("",)
    return (kind or "",) if last.text == "format" else ("",)
