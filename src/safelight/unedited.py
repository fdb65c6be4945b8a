"""What may be passed through: an upload whose own picture stands for an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from safelight.metadata import Policy, policy_of, undress
from safelight.steps.orient import upright_size

if TYPE_CHECKING:
    from safelight.decode import Opened
    from safelight.ports import Body
    from safelight.recipe.model import Recipe, Rendition


class Unedited(Struct, frozen=True, kw_only=True):
    """An upload and the proof that a rendition edits none of its pixels.

    An output takes the upload's own picture from here and from nowhere else, and only `unedited` makes one: an edit
    that is known there, such as the blur of a face, can never meet a pass-through.
    """

    opened: Opened
    policy: Policy

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as a viewer sees them."""
        source = self.opened.source
        return upright_size(source.width, source.height, source.orientation)

    def body(self) -> Body:
        """Return the upload's bytes less the metadata that the recipe drops."""
        return undress(self.opened, self.policy)


def unedited(opened: Opened, rendition: Rendition, recipe: Recipe) -> Unedited | None:
    """Return the upload for passing it through, or None where the rendition edits its pixels."""
    if rendition.steps or rendition.colors:
        return None
    return Unedited(opened=opened, policy=policy_of(rendition, recipe))
