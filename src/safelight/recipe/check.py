"""Check what no single option shows: the options of a recipe together, and the recipes among themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations

from msgspec import Struct

from safelight.errors import InvalidKey
from safelight.recipe import manifest
from safelight.recipe.finding import Finding, Path
from safelight.recipe.keys import key_of, manifest_key
from safelight.recipe.model import Match, Recipe, Rendition
from safelight.recipe.rendition import PICTURE_ENDINGS, remarks, rights_fault

ON_REQUEST = ("svg",)
"""Endings of formats that a recipe must allow."""


class Checked(Struct, frozen=True, kw_only=True):
    """The findings of a check: errors refuse the configuration, warnings do not."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


SHORT_FOR: Mapping[str | int, str] = {"resize": "widths", "format": "formats"}
"""The option that gives another one where that is not written itself."""


class Source(Struct, frozen=True, kw_only=True):
    """Where recipes were read: the file's name and the line of each of its values, where known.

    `entries` tells of renditions that `fan_out` made by which entry of the file they were asked for.
    """

    file: str
    lines: Mapping[Path, int]
    entries: Mapping[Path, int] = {}

    def written(self, path: Path) -> Path:
        """Return where the file has what is at `path` of the recipes."""
        if path[:4] not in self.entries:
            return path
        path = (*path[:3], self.entries[path[:4]], *path[4:])
        many = SHORT_FOR.get(path[4]) if len(path) > 4 else None
        return (*path[:4], many) if many and path[:5] not in self.lines else path

    def rendition(self, recipe: Recipe, path: Path) -> str:
        """Return what a person calls the rendition at `path`."""
        return f"recipe {recipe.name!r}, rendition {int(self.written(path)[3]) + 1}"

    def finding(self, message: str, path: Path, where: str) -> Finding:
        """Return a finding about the option at `path`, on its line or that of the group it is in."""
        path = self.written(path)
        known = (self.lines[path[:length]] for length in range(len(path), -1, -1) if path[:length] in self.lines)
        return Finding(file=self.file, message=message, where=where, path=path, line=next(known, 0))


Note = tuple[Finding, bool]
"""A finding, and whether it is an error."""


def check(recipes: Sequence[Recipe | None], source: Source) -> Checked:
    """Check recipes, in the order of the file; None stands for one that has errors already."""
    sound = [(position, recipe) for position, recipe in enumerate(recipes) if recipe]
    notes = [note for position, recipe in sound for note in _recipe(recipe, position, source)]
    broken = {finding.path[:4] for finding, is_error in notes if is_error}
    outputs = [each for at, recipe in sound for each in _outputs(recipe, at, source) if each.entry not in broken]
    notes += [(finding, True) for finding in (*_same_names(sound, source), *_same_keys(outputs, source))]
    first = {output.entry: output for output in reversed(outputs)}.values()
    notes += [(finding, False) for output in first for finding in _shared_by_uploads(output, source)]
    # What one entry of the file stands for has its faults many times over.
    unique = dict.fromkeys(notes)
    return Checked(
        errors=tuple(finding for finding, is_error in unique if is_error),
        warnings=tuple(finding for finding, is_error in unique if not is_error),
    )


class _Output(Struct, frozen=True):
    """An output of a recipe: its rendition (none of a manifest), its path, and that of its entry of the file."""

    path: Path
    entry: Path
    name: str
    recipe: Recipe
    rendition: Rendition | None = None

    @property
    def where(self) -> str:
        return f"recipe {self.recipe.name!r}, {self.name}"

    @property
    def option(self) -> Path:
        return (*self.path, "key") if self.rendition else self.path

    @property
    def shown(self) -> str:
        return f"key={self.rendition.key!r}" if self.rendition else f"manifest={self.recipe.manifest!r}"

    def key_of(self, upload: str) -> str:
        """Return the key that the upload's output would get; blank when the upload's own key allows none."""
        try:
            return key_of(self.rendition, self.recipe, upload) if self.rendition else manifest_key(self.recipe, upload)
        except InvalidKey:
            return ""


def _outputs(recipe: Recipe, position: int, source: Source) -> Iterator[_Output]:
    path: Path = ("recipes", position)
    for i, rendition in enumerate(recipe.renditions):
        place = (*path, "renditions", i)
        entry = source.written(place)
        yield _Output(place, entry, f"rendition {int(entry[3]) + 1}", recipe, rendition)
    if recipe.manifest:
        place = (*path, "manifest")
        yield _Output(place, place, "the manifest", recipe)


def _recipe(recipe: Recipe, position: int, source: Source) -> Iterator[Note]:
    path: Path = ("recipes", position)
    where = f"recipe {recipe.name!r}"
    for option, message in (*_match(recipe.match), *_on_request(recipe)):
        yield source.finding(message, (*path, "match", *option), where), False
    if recipe.rights is not None:
        used = any((each.metadata or recipe.metadata) != "strip" for each in recipe.renditions)
        if fault := rights_fault(recipe.rights, used=used):
            yield source.finding(fault, (*path, "rights"), where), True
    for message in manifest.remarks(recipe):
        yield source.finding(message, (*path, "manifest"), where), True
    for i, rendition in enumerate(recipe.renditions):
        place = (*path, "renditions", i)
        for remark in remarks(rendition, recipe):
            found = source.finding(remark.message, (*place, *remark.option), source.rendition(recipe, place))
            yield found, remark.error


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
        elif name not in (*PICTURE_ENDINGS, *ON_REQUEST):
            known = ", ".join(f".{each}" for each in PICTURE_ENDINGS)
            yield ("suffix", i), f"{what} is no ending of a picture; known are {known}"


def _on_request(recipe: Recipe) -> Iterator[tuple[Path, str]]:
    """Yield which uploads would match only to be rejected."""
    for i, suffix in enumerate(recipe.match.suffix):
        name = suffix.casefold().rpartition(".")[2]
        if name in ON_REQUEST and name not in recipe.allow:
            yield ("suffix", i), f"match.suffix={suffix!r}; {name} is read only on request; add allow: [{name}]"


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
    """Yield each output whose key an earlier one of the same upload has, once for each two entries of the file."""
    shared = cache(_uploads)
    key_at = cache(lambda number, upload: outputs[number].key_of(upload))
    told: set[tuple[Path, Path]] = set()
    for (i, first), (j, second) in combinations(enumerate(outputs), 2):
        for upload in shared(first.recipe.match, second.recipe.match):
            key = key_at(i, upload)
            if key and key == key_at(j, upload) and (first.entry, second.entry) not in told:
                told.add((first.entry, second.entry))
                same = "" if first.recipe is second.recipe else f"recipe {first.recipe.name!r}, "
                message = (
                    f"{second.shown}; {same}{first.name} has the same key: "
                    f"{upload} would give two times {key}; give each its own key"
                )
                yield source.finding(message, second.option, second.where)


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
                f"{output.shown}; {one} and {other} would both give {key}, and the second would be "
                f"rejected; put {placeholder} into the key"
            )
            yield source.finding(message, output.option, output.where)
            return


def _rivals(match: Match) -> Iterator[tuple[str, str, str]]:
    """Yield pairs of uploads that differ in one thing, with the placeholder that tells them apart."""
    suffixes = match.suffix or (".jpg", ".png")
    yield f"{match.prefix}a{suffixes[0]}", f"{match.prefix}b{suffixes[0]}", "{filename}"
    for one, other in combinations(suffixes, 2):
        yield f"{match.prefix}a{one}", f"{match.prefix}a{other}", "{filename} or {ext}"
    yield f"{match.prefix}x/a{suffixes[0]}", f"{match.prefix}y/a{suffixes[0]}", "{dir}"
