"""The outputs of one upload as its manifest lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from safelight.manifest.markup import Listed, url_of
from safelight.manifest.motif import motif
from safelight.recipe.model import Rendition


class Made(Protocol):
    """An output whose bytes are known."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def content_type(self) -> str: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


class Line(Struct, frozen=True):
    """A rendition and its output as it is listed."""

    rendition: Rendition
    listed: Listed


def lines(renditions: Iterable[Rendition], outputs: Iterable[Made], manifest: str) -> tuple[Line, ...]:
    """Return a line for each picture in each type and real size: a small source may give several widths one size."""
    found: dict[tuple[object, ...], Line] = {}
    for rendition, output in zip(renditions, outputs, strict=True):
        listed = Listed(
            key=output.key,
            url=url_of(output.key, manifest),
            type=output.content_type,
            width=output.width,
            height=output.height,
            bytes=output.size,
        )
        same = (rendition.copies, motif(rendition), listed.type, listed.width, listed.height)
        found.setdefault(same, Line(rendition, listed))
    return tuple(found.values())


def main(every: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines of the picture that most outputs show; of several the first.

    An upload as it came is shown where there is nothing else: it is for keeping, not for a page.
    """
    made = [line for line in every if not line.rendition.copies] or every
    motifs = [motif(line.rendition) for line in made]
    most = max(motifs, key=motifs.count)
    return tuple(line for line, each in zip(made, motifs, strict=True) if each == most)
