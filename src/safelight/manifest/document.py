"""The manifest: a JSON document about the outputs of one upload, a pure function of the upload and the recipe."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, to_builtins

from safelight.manifest.glance import Glance
from safelight.manifest.markup import Listed, picture, srcsets


class Original(Struct, frozen=True, kw_only=True):
    """The upload; its pixels are counted upright."""

    type: str
    width: int
    height: int
    bytes: int


def document(original: Original, listed: Sequence[Listed], shown: Sequence[Listed], looks: Glance) -> bytes:
    """Return the manifest.

    Args:
        original: the upload.
        listed: every output.
        shown: those of them that show one picture: they make up the srcset and the picture element.
        looks: what that picture looks like at a glance.
    """
    import json  # noqa: PLC0415 -- only recipes with a manifest need it

    largest = max(shown, key=lambda each: each.width)
    fields = {
        "source": original,
        "width": largest.width,
        "height": largest.height,
        "aspect": round(largest.width / largest.height, 4),
        "dominant_color": looks.color,
        "thumbhash": looks.thumbhash,
        "renditions": listed,
        "srcset": srcsets(shown),
        "picture": picture(shown),
    }
    # msgspec's JSON refuses names that are no UTF-8, which folders may hold.
    return json.dumps(to_builtins(fields), indent=2).encode() + b"\n"
