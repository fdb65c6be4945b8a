"""Animations: every frame goes the way of a picture, one after the other, and all of them the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyvips
from msgspec import Struct
from msgspec.structs import replace

from safelight.decode import Opened, load
from safelight.errors import SizeNotEncodable
from safelight.fields import numbers, with_numbers
from safelight.lead import Lead, begin
from safelight.pyramid import develop_sizes
from safelight.recipe.model import Rendition, Step
from safelight.steps import region
from safelight.steps.crop import corner_of, focus_of
from safelight.steps.resize import SMART, plan, resize
from safelight.steps.trim import trim
from safelight.transform import transform

if TYPE_CHECKING:
    from collections.abc import Mapping

Box = tuple[int, int, int, int]


class Track(Struct, frozen=True, kw_only=True):
    """The way of every frame; `trimmed` is the part that trimming leaves, once the first frame was seen."""

    rendition: Rendition
    lead: Lead
    trimmed: Box | None = None


def develop_frames(opened: Opened, tracks: list[Track], assets: Mapping[str, bytes]) -> list[pyvips.Image]:
    """Develop every frame of an animation in each of the ways; delays and the count of loops stay.

    What the pixels decide (trim, entropy, attention), the first frame decides for all, so that nothing jumps.

    Returns:
        One image for each way: its frames one below the other, with `page-height`, `delay` and `loop`.

    Raises:
        SizeNotEncodable: the frames of one way together are over the limit.
    """
    film, height = load(opened.body, opened.format, n=-1), opened.source.height
    count = film.height // height
    strips: list[list[pyvips.Image]] = [[] for _ in tracks]
    for number in range(count):
        frame = film.crop(0, number * height, film.width, height)
        sizes = develop_sizes(opened, [track.lead.scaled for track in tracks], streams=False, frame=frame)
        if number == 0:
            tracks = [_settled(sizes[track.lead.scaled], track, assets) for track in tracks]
        for track, strip in zip(tracks, strips, strict=True):
            strip.append(_developed(sizes[track.lead.scaled], track, assets))
            _check_pixels(strip[0], count, opened.limits.pixels)
    return [_joined(strip, film) for strip in strips]


def _developed(image: pyvips.Image, track: Track, assets: Mapping[str, bytes]) -> pyvips.Image:
    image = begin(image, track.lead)
    for name in track.lead.rest:
        image = _step(image.copy_memory(), name, track, assets)
    return image.copy_memory()


def _step(image: pyvips.Image, name: Step, track: Track, assets: Mapping[str, bytes]) -> pyvips.Image:
    if name == "trim" and track.trimmed:
        return image.crop(*track.trimmed)
    return transform(image, (name,), track.rendition, assets)


def _check_pixels(frame: pyvips.Image, count: int, limit: int) -> None:
    if frame.width * frame.height * count > limit:
        raise SizeNotEncodable(
            f"an animation of {frame.width} x {frame.height} x {count} frames is over limits.pixels",
            remedy="Make its pad or resize smaller, or raise limits.pixels.",
        )


def _joined(strip: list[pyvips.Image], film: pyvips.Image) -> pyvips.Image:
    known = {field: found for field in ("delay", "loop") if (found := numbers(film, field)) is not None}
    return with_numbers(pyvips.Image.arrayjoin(strip, across=1), {**known, "page-height": strip[0].height})


def _settled(image: pyvips.Image, track: Track, assets: Mapping[str, bytes]) -> Track:
    """Return the way with everything in numbers that this frame's pixels decide."""
    lead = track.lead
    if lead.region and lead.region.corner is None:
        part = replace(lead.region, corner=corner_of(image, lead.region.size, lead.looks))
        lead = replace(lead, region=part)
    if lead.geometry and lead.geometry.crop and lead.position in SMART:
        whole = begin(image, replace(lead, geometry=None))
        lead = replace(lead, position=focus_of(whole, lead.geometry.crop, lead.position))
    track, image = replace(track, lead=lead), begin(image, lead)
    for name in lead.rest:
        image = image.copy_memory()
        track = _looked(image, name, track)
        image = _step(image, name, track, assets)
    return track


def _looked(image: pyvips.Image, name: Step, track: Track) -> Track:
    """Return the way with the numbers of one step, if it is one that looks at the pixels."""
    rendition = track.rendition
    if name == "trim" and rendition.trim:
        left = trim(image.copy(xoffset=0, yoffset=0), rendition.trim)
        return replace(track, trimmed=(-left.xoffset, -left.yoffset, left.width, left.height))
    if name == "crop" and rendition.crop and rendition.crop.position in SMART:
        size = region.resolve(rendition.crop, image.width, image.height).size
        focus = focus_of(image, size, rendition.crop.position)
        return replace(track, rendition=replace(rendition, crop=replace(rendition.crop, position=focus)))
    if name == "resize" and rendition.resize and rendition.resize.position in SMART:
        geometry = plan(rendition.resize, image.width, image.height)
        if geometry.crop:
            focus = focus_of(resize(image, geometry.scaled).copy_memory(), geometry.crop, rendition.resize.position)
            return replace(track, rendition=replace(rendition, resize=replace(rendition.resize, position=focus)))
    return track
