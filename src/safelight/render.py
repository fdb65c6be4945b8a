"""One decode, all renditions of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pyvips
from msgspec import Struct
from msgspec.structs import replace

from safelight.animation import Track, develop_frames
from safelight.compress import compress
from safelight.containers import complete, isobmff, svg
from safelight.containers.sniff import CONTENT_TYPES
from safelight.decode import ANIMATED, PAGES, Opened, open_upload
from safelight.encode import ENCODERS, Format
from safelight.errors import CannotMeetSize, EncodeFailed, SizeNotEncodable
from safelight.fields import number
from safelight.job import Source
from safelight.lead import Lead, Size, begin, lead_of
from safelight.manifest.document import Original, document
from safelight.manifest.glance import glance, seen
from safelight.manifest.listing import lines, main
from safelight.metadata import dress, policy_of, unsigned
from safelight.ports import Body
from safelight.pyramid import develop_sizes
from safelight.recipe.keys import key_of, manifest_key, output_format
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.steps.orient import upright_size
from safelight.transform import transform
from safelight.unedited import Unedited, unedited
from safelight.validate import validate

JSON, JSON_TYPE = "json", "application/json"
"""The format of a manifest, which is no picture's."""
NO_ASSETS: Mapping[str, bytes] = MappingProxyType({})


class Rendered(Struct, frozen=True, kw_only=True):
    """One output, finished in memory (or the upload's own file) and not yet written anywhere.

    A manifest has no width and height: both are 0.
    """

    key: str
    body: bytes | Path
    format: str
    width: int = 0
    height: int = 0
    quality: int | None = None
    score: float | None = None
    note: str | None = None
    frames: int = 1

    @property
    def content_type(self) -> str:
        """The media type of `body`."""
        return JSON_TYPE if self.format == JSON else CONTENT_TYPES[self.format]

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return size_of(self.body)


class Rendering(Struct, frozen=True, kw_only=True):
    """All outputs of one upload, in the recipe's order."""

    source: Source
    outputs: tuple[Rendered, ...]
    warnings: tuple[str, ...] = ()


class Means(Struct, frozen=True, kw_only=True):
    """What developing may take, and what it may use beside the upload."""

    limits: Limits
    assets: Mapping[str, bytes]


class Plan(Struct, frozen=True, kw_only=True):
    """A rendition whose pixels change, with everything resolved that depends on the upload."""

    rendition: Rendition
    key: str
    format: Format
    lead: Lead
    animated: bool


def render(
    body: bytes | Path, key: str, recipe: Recipe, limits: Limits, assets: Mapping[str, bytes] = NO_ASSETS
) -> Rendering:
    """Develop an upload: a pure function of its bytes, its key, the recipe and the logos and fonts that this names.

    Raises:
        SafelightError: the input's fault (see `open_upload`), `SizeNotEncodable`, or `EncodeFailed`.
    """
    opened = open_upload(body, limits, recipe.allow)
    passing = {r.key: own for r in recipe.renditions if r.copies and (own := unedited(opened, r, recipe))}
    plans = [_plan(each, opened, key, recipe) for each in recipe.renditions if each.key not in passing]
    if not plans or (opened.source.frames > 1 and not any(each.animated for each in plans)):
        validate(opened)
    made = {output.key: output for output in _develop(opened, recipe, plans, Means(limits=limits, assets=assets))}
    copies = {key_of(each, recipe, key): passing[each.key] for each in recipe.renditions if each.key in passing}
    made |= {place: _own(place, own.body(), own) for place, own in copies.items()}
    outputs = [made[key_of(each, recipe, key)] for each in recipe.renditions]
    listings = [_manifest(opened, key, recipe, outputs)] if recipe.manifest else []
    return Rendering(source=opened.source, outputs=(*outputs, *listings), warnings=_warnings(opened, plans, recipe))


def _plan(rendition: Rendition, opened: Opened, key: str, recipe: Recipe) -> Plan:
    if opened.format == "svg":
        rendition = _of_any_size(rendition)
    kind = output_format(rendition.key, rendition.format) or _own_format(opened)
    size = upright_size(opened.source.width, opened.source.height, opened.source.orientation)
    return Plan(
        rendition=rendition,
        key=key_of(rendition, recipe, key),
        format=kind,
        lead=lead_of(rendition, *size),
        animated=_moves(opened) and rendition.animate and ENCODERS[kind].animated,
    )


def _of_any_size(rendition: Rendition) -> Rendition:
    """A drawing has no pixels that would be enlarged."""
    return replace(rendition, resize=replace(rendition.resize, enlarge=True)) if rendition.resize else rendition


def _moves(opened: Opened) -> bool:
    return opened.format in ANIMATED and opened.source.frames > 1


def _own_format(opened: Opened) -> Format:
    """Keep the source's format; one that is only read becomes what holds its pixels."""
    if opened.format in ENCODERS:
        return cast("Format", opened.format)
    return "png" if opened.header.hasalpha() else "jpeg"


def _develop(opened: Opened, recipe: Recipe, plans: list[Plan], means: Means) -> list[Rendered]:
    still = [each for each in plans if not each.animated]
    moving = [each for each in plans if each.animated]
    try:
        return [*_stills(opened, recipe, still, means), *_films(opened, recipe, moving, means)]
    except pyvips.Error as err:
        validate(opened)  # raises when the input is to blame
        raise EncodeFailed("the picture decodes, yet an output of it could not be made") from err


def _stills(opened: Opened, recipe: Recipe, plans: list[Plan], means: Means) -> list[Rendered]:
    if not plans:
        return []
    streams = len(plans) == 1 and plans[0].lead.streams
    images = develop_sizes(opened, [each.lead.scaled for each in plans], streams=streams)
    return [_finish(each, _transformed(each, images, means), opened, recipe) for each in plans]


def _films(opened: Opened, recipe: Recipe, plans: list[Plan], means: Means) -> list[Rendered]:
    if not plans:
        return []
    tracks = [Track(rendition=each.rendition, lead=each.lead) for each in plans]
    films = develop_frames(opened, tracks, means.assets)
    return [_finish(each, film, opened, recipe) for each, film in zip(plans, films, strict=True)]


def _transformed(each: Plan, images: Mapping[Size, pyvips.Image], means: Means) -> pyvips.Image:
    image = begin(images[each.lead.scaled], each.lead)
    image = transform(image, each.lead.rest, each.rendition, means.assets)
    if image.width * image.height > means.limits.pixels:
        raise SizeNotEncodable(
            f"a rendition of {image.width} x {image.height} pixels is over limits.pixels",
            remedy="Make its pad or resize smaller, or raise limits.pixels.",
        )
    return image


def _finish(each: Plan, image: pyvips.Image, opened: Opened, recipe: Recipe) -> Rendered:
    image, keep = dress(image, policy_of(each.rendition, recipe), opened, each.format)
    try:
        made = compress(image, each.format, each.rendition, keep)
    except (CannotMeetSize, SizeNotEncodable) as err:
        raise type(err)(f"rendition {each.rendition.key!r}: {err.message}", remedy=err.remedy) from err
    own = _stand_in(each, opened, recipe)
    if own and size_of(kept := own.body()) <= len(made.body):
        return _own(each.key, kept, own, note="kept the source: re-encoding was not smaller")
    return Rendered(
        key=each.key,
        body=made.body,
        format=each.format,
        width=image.width,
        height=number(image, "page-height") or image.height,
        quality=made.quality,
        score=made.score,
        note=made.note,
        frames=complete.frames(made.body, each.format) if each.animated else 1,
    )


def _stand_in(each: Plan, opened: Opened, recipe: Recipe) -> Unedited | None:
    """Return the upload where it could stand for the output: the same picture, and no more of it."""
    whole = each.animated or not (opened.source.frames > 1 or _left_out(opened))
    return unedited(opened, each.rendition, recipe) if whole and each.format == opened.format else None


def _own(key: str, body: Body, own: Unedited, note: str | None = None) -> Rendered:
    """Return the upload's own picture as an output."""
    width, height = own.size
    source = own.opened.source
    return Rendered(
        key=key, body=body, format=source.format, width=width, height=height, note=note, frames=source.frames
    )


def _manifest(opened: Opened, key: str, recipe: Recipe, outputs: list[Rendered]) -> Rendered:
    """Return one output more, which lists the others."""
    place = manifest_key(recipe, key)
    every = lines(recipe.renditions, outputs, place)
    shown = main(every)
    least = min(shown, key=lambda line: line.listed.width * line.listed.height)
    output = next(each for each in outputs if each.key == least.listed.key)
    looks = glance(seen(opened, least.rendition, output.body, output.format))
    width, height = upright_size(opened.source.width, opened.source.height, opened.source.orientation)
    original = Original(type=CONTENT_TYPES[opened.format], width=width, height=height, bytes=len(opened.view))
    body = document(original, [line.listed for line in every], [line.listed for line in shown], looks)
    return Rendered(key=place, body=body, format=JSON)


def size_of(body: Body) -> int:
    """Return how many bytes there are."""
    return len(body) if isinstance(body, bytes) else body.stat().st_size


def _left_out(opened: Opened) -> str:
    """Say which pictures of the file are never developed, or nothing."""
    pages = number(opened.header, PAGES) or 1
    if opened.format == "tiff" and pages > 1:
        return f"only the first of {pages} pages was developed"
    if opened.format in ("avif", "heic") and isobmff.is_film(opened.view):
        return "only the still picture of the image sequence was developed"
    return ""


def _warnings(opened: Opened, plans: list[Plan], recipe: Recipe) -> tuple[str, ...]:
    copies = [each for each in recipe.renditions if each.copies]
    found = [unsigned(opened, policy_of(each, recipe), opened.format, copied=True) for each in copies]
    found += [unsigned(opened, policy_of(each.rendition, recipe), each.format, copied=False) for each in plans]
    if opened.source.frames > 1 and not all(each.animated for each in plans):
        found.append(f"only the first of {opened.source.frames} frames was developed")
    if plans and opened.format == "svg" and svg.has_text(opened.view):
        found.append("text in an SVG is drawn in the font that Safelight ships; make it paths to keep its own")
    if plans and (left_out := _left_out(opened)):
        found.append(left_out)
    if opened.format not in ENCODERS and any(each.rendition.format is None for each in plans):
        made = sorted({each.format for each in plans})
        found.append(f"{opened.format} is read but not written: made {', '.join(made)}")
    return tuple(dict.fromkeys(filter(None, found)))
