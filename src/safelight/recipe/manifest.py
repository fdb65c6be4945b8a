"""Check the key of a recipe's manifest, which is one output more and belongs to no rendition."""

from __future__ import annotations

from collections.abc import Iterator

from safelight.errors import InvalidKey
from safelight.recipe import wording
from safelight.recipe.keys import ending, key_remedy, manifest_key, placeholders, template_faults
from safelight.recipe.model import Recipe

OF_RENDITIONS = ("width", "height", "format")
"""Placeholders that each rendition fills for itself."""


def remarks(recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with the key, as errors."""
    template = recipe.manifest
    if template is None:
        return
    for fault in _faults(recipe, template):
        yield f"manifest={wording.shown(template, quoted=True)}; {fault}"


def _faults(recipe: Recipe, template: str) -> Iterator[str]:
    wrong = [*template_faults(template)]
    wrong += [
        f"{{{word}}} belongs to a rendition, and a manifest lists them all; remove it"
        for word in placeholders(template)
        if word in OF_RENDITIONS
    ]
    if ending(template) != "json":
        wrong.append("a manifest is JSON; end it with .json")
    yield from wrong or _place(recipe)


def _place(recipe: Recipe) -> Iterator[str]:
    """Yield why the key would lead to no place in a folder or bucket."""
    try:
        for upload in ("a.jpg", "a/b.jpg"):
            manifest_key(recipe, upload)
    except InvalidKey as error:
        yield error.message + key_remedy(recipe.manifest or "")
