"""Check what no single option shows: the options of a recipe together, and the recipes among themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations

from msgspec import Struct

from safelight.errors import InvalidKey
from safelight.recipe.finding import Finding, Path
from safelight.recipe.keys import key_of
from safelight.recipe.model import Match, Recipe, Rendition
from safelight.recipe.rendition import PICTURE_ENDINGS, remarks


class Checked(Struct, frozen=True, kw_only=True):
    """The findings of a check: errors refuse the configuration, warnings do not."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


class Source(Struct, frozen=True, kw_only=True):
    """Where recipes were read: the file's name and the line of each of its values, where known."""

    file: str
    lines: Mapping[Path, int]

    def finding(self, message: str, path: Path, where: str) -> Finding:
        """Return a finding about the option at `path`, on its line or that of the group it is in."""
        known = (self.lines[path[:length]] for length in range(len(path), -1, -1) if path[:length] in self.lines)
        return Finding(file=self.file, message=message, where=where, path=path, line=next(known, 0))


Note = tuple[Finding, bool]
"""A finding, and whether it is an error."""


def check(recipes: Sequence[Recipe | None], source: Source) -> Checked:
    """Check recipes, in the order of the file; None stands for one that has errors already."""
    sound = [(position, recipe) for position, recipe in enumerate(recipes) if recipe]
    notes = [note for position, recipe in sound for note in _recipe(recipe, position, source)]
    broken = {finding.path[:4] for finding, is_error in notes if is_error}
    outputs = [
        _Output(("recipes", at, "renditions", i), recipe, rendition)
        for at, recipe in sound
        for i, rendition in enumerate(recipe.renditions)
        if ("recipes", at, "renditions", i) not in broken
    ]
    notes += [(finding, True) for finding in (*_same_names(sound, source), *_same_keys(outputs, source))]
    notes += [(finding, False) for output in outputs for finding in _shared_by_uploads(output, source)]
    return Checked(
        errors=tuple(finding for finding, is_error in notes if is_error),
        warnings=tuple(finding for finding, is_error in notes if not is_error),
    )


class _Output(Struct, frozen=True):
    """A rendition of a recipe, and where it stands in the file."""

    path: Path
    recipe: Recipe
    rendition: Rendition

    @property
    def where(self) -> str:
        return f"recipe {self.recipe.name!r}, rendition {int(self.path[3]) + 1}"

    def key_of(self, upload: str) -> str:
        """Return the key that the upload's output would get; blank when the upload's own key allows none."""
        try:
            return key_of(self.rendition, self.recipe, upload)
        except InvalidKey:
            return ""


def _recipe(recipe: Recipe, position: int, source: Source) -> Iterator[Note]:
    path: Path = ("recipes", position)
    for option, message in _match(recipe.match):
        yield source.finding(message, (*path, "match", *option), f"recipe {recipe.name!r}"), False
    for i, rendition in enumerate(recipe.renditions):
        output = _Output((*path, "renditions", i), recipe, rendition)
        for remark in remarks(rendition, recipe):
            yield source.finding(remark.message, (*output.path, *remark.option), output.where), remark.error


def _match(match: Match) -> Iterator[tuple[Path, str]]:
    """Yield why no upload would match, as far as names tell."""
    if match.prefix.startswith(("/", "./")):
        yield ("prefix",), f"match.prefix={match.prefix!r}; keys never begin so; write {match.prefix.lstrip('./')!r}"
    elif "*" in match.prefix:
        yield ("prefix",), f"match.prefix={match.prefix!r}; * has no meaning here; write only how the key begins"
    for i, suffix in enumerate(match.suffix):
        name = suffix.casefold().rpartition(".")[2]
        what = f"match.suffix={suffix!r};"
        if "*" in suffix:
            yield ("suffix", i), f"{what} * has no meaning here; write only how the key ends, such as .jpg"
        elif suffix.casefold() in PICTURE_ENDINGS:
            yield ("suffix", i), f"{what} takes every name that ends so; write '.{suffix}' for the ending"
        elif name not in PICTURE_ENDINGS:
            known = ", ".join(f".{each}" for each in PICTURE_ENDINGS)
            yield ("suffix", i), f"{what} is no ending of a picture; known are {known}"


def _same_names(sound: Sequence[tuple[int, Recipe]], source: Source) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for position, recipe in sound:
        path = ("recipes", position, "name")
        if recipe.name in first:
            line = source.lines.get(first[recipe.name], 0)
            message = f"name={recipe.name!r} is taken by the recipe on line {line}; give each its own"
            yield source.finding(message, path, f"recipe {recipe.name!r}")
        first.setdefault(recipe.name, path)


def _same_keys(outputs: Sequence[_Output], source: Source) -> Iterator[Finding]:
    """Yield each rendition whose key an earlier one of the same upload has."""
    shared = cache(_uploads)
    by_path = {output.path: output for output in outputs}
    key_at = cache(lambda path, upload: by_path[path].key_of(upload))
    for first, second in combinations(outputs, 2):
        for upload in shared(first.recipe.match, second.recipe.match):
            key = key_at(first.path, upload)
            if key and key == key_at(second.path, upload):
                same = "" if first.recipe is second.recipe else f"recipe {first.recipe.name!r}, "
                message = (
                    f"key={second.rendition.key!r}; {same}rendition {int(first.path[3]) + 1} has the same key: "
                    f"{upload} would give two times {key}; give each its own key"
                )
                yield source.finding(message, (*second.path, "key"), second.where)
                break


def _uploads(one: Match, other: Match) -> list[str]:
    """Return some uploads that both take."""
    prefixes = sorted((one.prefix, other.prefix), key=len)
    suffixes = one.suffix + other.suffix or (".jpg", ".png")
    names = [prefixes[-1] + folder + "a" + suffix for folder in ("", "x/") for suffix in suffixes]
    return [name for name in names if one.takes(name) and other.takes(name)]


def _shared_by_uploads(output: _Output, source: Source) -> Iterator[Finding]:
    """Yield which different uploads would get one key; the later one would be rejected: key_conflict."""
    for one, other, placeholder in _rivals(output.recipe.match):
        key = output.key_of(one)
        if key and key == output.key_of(other):
            message = (
                f"key={output.rendition.key!r}; {one} and {other} would both give {key}, and the second would be "
                f"rejected; put {placeholder} into the key"
            )
            yield source.finding(message, (*output.path, "key"), output.where)
            return


def _rivals(match: Match) -> Iterator[tuple[str, str, str]]:
    """Yield pairs of uploads that differ in one thing, with the placeholder that tells them apart."""
    suffixes = match.suffix or (".jpg", ".png")
    yield f"{match.prefix}a{suffixes[0]}", f"{match.prefix}b{suffixes[0]}", "{filename}"
    for one, other in combinations(suffixes, 2):
        yield f"{match.prefix}a{one}", f"{match.prefix}a{other}", "{filename} or {ext}"
    yield f"{match.prefix}x/a{suffixes[0]}", f"{match.prefix}y/a{suffixes[0]}", "{dir}"
