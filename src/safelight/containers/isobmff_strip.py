"""AVIF and HEIC without metadata, at the size they had: payloads are overwritten in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from safelight.containers.buffer import Part, Range, filling, number
from safelight.containers.isobmff import XMP_TYPE, Box, Item, boxes, children, items, places, ranges
from safelight.errors import Corrupt

_EMPTY_EXIF = b"MM\0*\0\0\0\x08" + bytes(6)
"""A TIFF header and a directory without entries."""

_EMPTY_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
_PICTURES = frozenset(b"av01 hvc1 lhv1 avc1 vvc1 jpeg j2k1 unci grid iovl iden tmap mski".split())
_KEPT = frozenset(b"ftyp meta mdat moov".split())
_META_KEPT = frozenset(b"hdlr pitm iloc iinf iprp iref idat dinf ipro grpl".split())
_FRAGMENTS = frozenset(b"moof mfra sidx styp mvex".split())
_DESCRIPTIONS = frozenset(b"udes crtt mdft altt uuid free skip".split())
_USER_DATA = frozenset(b"udta uuid free skip".split())
_TIMED = frozenset(b"mvhd tkhd mdhd".split())
_TRACKS = (b"pict", b"vide", b"auxv")
_FILM_PARENTS = {b"trak": b"moov", b"mdia": b"trak"}


class Patch(NamedTuple):
    """From `start` to `end`: first some new bytes, then equal ones."""

    start: int
    end: int
    head: bytes = b""
    fill: bytes = b"\0"


class Plan(NamedTuple):
    """What becomes of a file: boxes blanked, payloads overwritten, and bytes that no payload may touch."""

    boxes: list[Patch]
    payloads: list[Patch]
    fixed: list[Range]


def strip(view: memoryview, exif: bytes | None) -> list[Part]:
    """Return the file with blank EXIF, XMP and user data, its pictures and their order untouched.

    Orientation lives in properties (irot, imir) and stays. Thumbnails, depth maps and gain maps are pictures and
    stay too. Boxes of makers and of provenance (uuid) become free space, a film's times become zero. `exif` takes
    the place of the old EXIF when it fits there; otherwise it is left out.

    Raises:
        Corrupt, Truncated: the structure is not fully understood.
    """
    found, plan = list(boxes(view)), Plan([], [], [])
    for box in sorted(found, key=lambda box: box.kind == b"moov"):  # bytes that a film shares come once
        _plan_box(view, box, exif, plan)
    if not any(box.kind in (b"meta", b"moov") for box in found):
        raise Corrupt("HEIF: no picture is described")
    size = found[-1].end
    payloads = {(patch.start, patch.end): patch for patch in reversed(plan.payloads)}
    _check_payloads(payloads, [*plan.fixed, (size, len(view))])
    return list(_assemble(sorted([*plan.boxes, *payloads.values()]), size))


def _plan_box(view: memoryview, box: Box, exif: bytes | None, plan: Plan) -> None:
    if box.kind in _FRAGMENTS:
        raise Corrupt(f"HEIF: box {box.kind!r} at byte {box.start}: films in fragments are not known")
    if box.kind == b"mdat":
        plan.fixed.append((box.start, box.body))
        return
    if box.kind == b"meta":
        _plan_meta(view, box, exif, plan)
        return
    plan.fixed.append((box.start, box.end))
    if box.kind == b"moov":
        _plan_film(view, box, exif, plan)
    elif box.kind not in _KEPT:
        plan.boxes.append(_blank(view, box))


def _blank(view: memoryview, box: Box) -> Patch:
    """Make free space of a box."""
    return Patch(box.start + 4, box.end, b"free" + view[box.start + 8 : box.body].tobytes())


def _plan_meta(view: memoryview, meta: Box, exif: bytes | None, plan: Plan) -> None:
    inside = children(view, meta)
    for box in boxes(view, meta.body + 4, meta.end):
        if box.kind not in _META_KEPT:
            plan.boxes.append(_blank(view, box))
        elif box != inside[box.kind]:
            raise Corrupt(f"HEIF: a second {box.kind!r} at byte {box.start}; one is allowed")
    if properties := inside.get(b"iprp"):
        _plan_properties(view, properties, plan)
    idat = inside.get(b"idat")
    plan.fixed.extend([(meta.start, idat.body), (idat.end, meta.end)] if idat else [(meta.start, meta.end)])
    if b"iinf" in inside and b"iloc" in inside:
        where = places(view, inside[b"iloc"])
        for item in items(view, inside[b"iinf"]):
            if item.id in where and (item.kind not in _PICTURES or where[item.id].method <= 1):
                _plan_item(item, ranges(view, idat, where[item.id]), exif, plan)


def _plan_properties(view: memoryview, properties: Box, plan: Plan) -> None:
    for container in boxes(view, properties.body, properties.end):
        if container.kind == b"ipco":
            found = boxes(view, container.body, container.end)
            plan.boxes.extend(_blank(view, box) for box in found if box.kind in _DESCRIPTIONS)


def _plan_item(item: Item, spans: list[Range], exif: bytes | None, plan: Plan) -> None:
    if item.kind in _PICTURES:
        plan.fixed.extend(spans)
    elif item.kind == b"Exif":
        plan.payloads.extend(_exif_patches(spans, exif))
    elif item.kind in (b"mime", b"uri "):
        plan.payloads.extend(_xmp_patch(span) if item.content_type == XMP_TYPE else Patch(*span) for span in spans)
    else:
        raise Corrupt(f"HEIF: item {item.id} is of unknown kind {item.kind!r}")


def _exif_patches(spans: list[Range], exif: bytes | None) -> Iterator[Patch]:
    """Spread the new EXIF, or an empty one, over the old one's bytes; it begins with the offset of its TIFF header."""
    room = sum(end - start for start, end in spans)
    fitting = (bytes(4) + block for block in (exif, _EMPTY_EXIF) if block is not None and len(block) + 4 <= room)
    rest = next(fitting, b"")
    for start, end in spans:
        yield Patch(start, end, rest[: end - start])
        rest = rest[end - start :]


def _xmp_patch(span: Range) -> Patch:
    """Write an empty packet where it fits: readers complain of blanks alone."""
    return Patch(*span, _EMPTY_XMP if len(_EMPTY_XMP) <= span[1] - span[0] else b"", b" ")


def _plan_film(view: memoryview, outer: Box, exif: bytes | None, plan: Plan) -> None:
    for box in boxes(view, outer.body, outer.end):
        if box.kind in _FRAGMENTS or _FILM_PARENTS.get(box.kind, outer.kind) != outer.kind:
            raise Corrupt(f"HEIF: box {box.kind!r} at byte {box.start} is not known there")
        if box.kind in _USER_DATA:
            plan.boxes.append(_blank(view, box))
        elif box.kind == b"meta":
            _plan_meta(view, box, exif, plan)
        elif box.kind in _TIMED:
            wide = number(view, box.body, 4, "HEIF: a header") >> 24 == 1
            plan.boxes.append(Patch(box.body + 4, box.body + (20 if wide else 12)))
        elif box.kind in _FILM_PARENTS:
            _plan_film(view, box, exif, plan)
        elif box.kind == b"hdlr" and view[box.body + 8 : box.body + 12] not in _TRACKS:
            raise Corrupt(f"HEIF: the track at byte {outer.start} holds no pictures")


def _check_payloads(payloads: Iterable[Range], fixed: Iterable[Range]) -> None:
    """Refuse payloads that overlap anything: overwriting them would change a picture."""
    spans = [(start, end, True) for start, end in payloads] + [(start, end, False) for start, end in fixed]
    payload_end = fixed_end = 0
    for start, end, is_payload in sorted(span for span in spans if span[0] < span[1]):
        if start < payload_end or (is_payload and start < fixed_end):
            raise Corrupt(f"HEIF: the metadata near byte {start} shares bytes with something else")
        if is_payload:
            payload_end = end
        else:
            fixed_end = max(fixed_end, end)


def _assemble(patches: list[Patch], size: int) -> Iterator[Part]:
    done = 0
    for patch in patches:
        if patch.start < done or patch.end > size:
            raise Corrupt(f"HEIF: the box at byte {patch.start} is too short for its contents")
        yield (done, patch.start)
        yield patch.head
        yield from filling(patch.end - patch.start - len(patch.head), patch.fill)
        done = patch.end
    yield (done, size)
