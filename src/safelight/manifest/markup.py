"""`srcset` and the picture element of a group of outputs that show the same.

Source: HTML Living Standard, 4.8.4.2 (srcset, sizes) and 4.8.3 (loading, decoding).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import dirname, relpath
from urllib.parse import quote

from msgspec import Struct

OFFERED = ("avif", "webp")
"""What the element offers before its fallback, the smaller first: a browser takes the first that it can show."""
FALLBACKS = ("jpeg", "png", "gif", "webp", "avif")
"""What `img` itself shows, the most widely known first."""
SIZES = "auto, 100vw"
"""`auto` is the laid-out width of a lazy picture; browsers that do not know it take the window's."""
NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters, which no URL can hold."""


class Listed(Struct, frozen=True, kw_only=True):
    """One output as a manifest lists it; `url` is relative to the manifest."""

    key: str
    url: str
    type: str
    width: int
    height: int
    bytes: int


def url_of(key: str, manifest: str) -> str:
    """Return the address of an output relative to the manifest's, percent-encoded (RFC 3986)."""
    path = relpath(f"/{key}", dirname(f"/{manifest}"))
    # A name of a file may hold bytes that are no UTF-8; they are U+DC80 to U+DCFF here, and the bytes again in a URL.
    return quote(NO_TEXT.sub("?", path).encode("utf-8", "surrogateescape"))


def srcsets(group: Sequence[Listed]) -> dict[str, str]:
    """Return a srcset for each format of the group that browsers know, the narrowest picture first."""
    found: dict[str, list[Listed]] = {}
    for each in sorted(group, key=lambda each: each.width):
        found.setdefault(format_of(each), []).append(each)
    return {
        kind: ", ".join(f"{each.url} {each.width}w" for each in found[kind])
        for kind in dict.fromkeys((*OFFERED, *FALLBACKS))
        if kind in found
    }


def format_of(listed: Listed) -> str:
    """Return the format's word in recipes."""
    return listed.type.removeprefix("image/")


def picture(group: Sequence[Listed]) -> str | None:
    """Return an element to paste into a page, or None when no browser shows any of the group.

    Nothing in it needs escaping: what is quoted for a URL holds no `&`, `<` or quotation mark.
    """
    sets = srcsets(group)
    last = next((kind for kind in FALLBACKS if kind in sets), None)
    if last is None:
        return None
    sources = [
        f'  <source type="image/{kind}" srcset="{sets[kind]}" sizes="{SIZES}">'
        for kind in OFFERED
        if kind in sets and kind != last
    ]
    largest = max((each for each in group if format_of(each) == last), key=lambda each: each.width)
    img = (
        f'  <img loading="lazy" decoding="async" src="{largest.url}" srcset="{sets[last]}" sizes="{SIZES}" '
        f'width="{largest.width}" height="{largest.height}" alt="">'
    )
    return "\n".join(("<picture>", *sources, img, "</picture>"))
