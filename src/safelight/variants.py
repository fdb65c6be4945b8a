"""A configuration file as it is by itself and in each of its environments: settings, or every error with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from yaml import Node

from safelight.naming import PRODUCTION
from safelight.placement import ENVIRONMENT_PATTERN
from safelight.recipe.check import Source, check
from safelight.recipe.fan_out import fan_out
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.merge import ENVIRONMENTS, merged, overrides
from safelight.recipe.model import Recipe, in_written_order
from safelight.recipe.parse import Reading, build, reading
from safelight.recipe.settle import Trial, settle
from safelight.settings import Settings

NAME = re.compile(ENVIRONMENT_PATTERN)
BY_ITSELF = ""
"""The variant that no environment changes."""


class Origin(Struct, frozen=True, kw_only=True):
    """What a file is called in messages, the folder that its logos and fonts are in, and what draws them once."""

    file: str
    folder: Path
    trial: Trial


class Variant(Struct, frozen=True, kw_only=True):
    """The file as one environment sees it; with errors of its own it has no settings."""

    source: Source
    settings: Settings | None = None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def variants(root: Node, origin: Origin, asked: str | None) -> dict[str, Variant]:
    """Return the file by itself, and in production, each environment that it lists, and the one that is asked for.

    What an environment shares with the file by itself is told there alone.
    """
    wrong = [error for error in reading(root, Settings, origin.file).errors if error.path[:1] == (ENVIRONMENTS,)]
    # What is wrong in one environment hides nothing that is wrong elsewhere.
    first = _read(merged(root, None) if wrong else root, origin.file)
    whole = _settled(first, origin)
    found = {BY_ITSELF: replace(whole, errors=(*whole.errors, *wrong))}
    listed = {name: group for name, group in overrides(root).items() if NAME.search(name)}
    for name in dict.fromkeys((*listed, PRODUCTION, *filter(None, [asked]))):
        if name not in listed:
            found[name] = _unchanged(whole)
            continue
        read = _read(merged(root, listed[name]), origin.file)
        same = first.settings and whole.settings and read.settings and _draws(first.settings) == _draws(read.settings)
        if same and whole.settings and read.settings:
            # Logos and fonts were tried already, which takes a while.
            read = replace(read, settings=replace(read.settings, recipes=whole.settings.recipes))
        else:
            read = _settled(read, origin)
        errors, warnings = (
            _labelled(name, read.errors, (*whole.errors, *wrong)),
            _labelled(name, read.warnings, whole.warnings),
        )
        found[name] = replace(read, errors=errors, warnings=warnings)
    return found


def _unchanged(whole: Variant) -> Variant:
    settings = replace(whole.settings, environments={}) if whole.settings else None
    return replace(whole, settings=settings, errors=(), warnings=())


def _draws(settings: Settings) -> object:
    return settings.recipes, settings.limits


def _labelled(name: str, found: Iterable[Finding], known: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what the file by itself does not have, with the environment's name."""
    places = {(each.line, each.column) for each in known if each.column}
    told = {(each.line, each.message) for each in known}
    here = f"environment {name!r}"
    return tuple(
        replace(each, where=", ".join(filter(None, (here, each.where))))
        for each in found
        if (each.line, each.column) not in places and (each.line, each.message) not in told
    )


def _read(tree: Node, file: str) -> Variant:
    found = reading(tree, Settings, file)
    written = Source(file=file, lines=found.lines)
    fanned = fan_out(found.plain, {error.path[:2] for error in found.errors}, written)
    found = _ordered(replace(found, plain=fanned.plain, errors=(*found.errors, *fanned.errors)))
    source = replace(written, entries=fanned.entries)
    checked = check(_sound_recipes(found, file), source)
    errors = (*found.errors, *checked.errors)
    settings = None if errors else build(found.plain, Settings, file)
    return Variant(source=source, settings=settings, errors=errors, warnings=checked.warnings)


def _settled(read: Variant, origin: Origin) -> Variant:
    """Return the variant with the digests of the files that its recipes name, or with what is wrong with those."""
    settings = read.settings
    if settings is None:
        return read
    try:
        recipes = settle(settings.recipes, origin.folder, read.source, settings.limits, origin.trial)
    except InvalidFile as err:
        return replace(read, settings=None, errors=err.errors)
    return replace(read, settings=replace(settings, recipes=recipes))


def _ordered(found: Reading) -> Reading:
    """Keep the order in which the steps of each rendition are written."""
    recipes = found.plain.get("recipes")
    if not isinstance(recipes, list):
        return found
    return replace(found, plain={**found.plain, "recipes": [_ordered_recipe(recipe) for recipe in recipes]})


def _ordered_recipe(recipe: object) -> object:
    if not isinstance(recipe, dict) or not isinstance(recipe.get("renditions"), list):
        return recipe
    renditions = [in_written_order(each) if isinstance(each, dict) else each for each in recipe["renditions"]]
    return {**recipe, "renditions": renditions}


def _sound_recipes(found: Reading, file: str) -> list[Recipe | None]:
    """Return the recipes without errors of their own, so that all errors of a file are seen at once."""
    broken = {error.path[:2] for error in found.errors}
    recipes = found.plain.get("recipes") or []
    return [
        build(plain, Recipe, file) if isinstance(plain, dict) and ("recipes", i) not in broken else None
        for i, plain in enumerate(recipes)
    ]


def sound(found: Mapping[str, Variant]) -> dict[str, Settings]:
    """Return the settings of each environment that has some."""
    return {name: each.settings for name, each in found.items() if name != BY_ITSELF and each.settings is not None}
