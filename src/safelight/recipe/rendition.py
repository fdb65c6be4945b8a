"""Check one rendition: whether its key, size, format and quality make sense together."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from safelight import encode, target
from safelight.encode import ENCODERS, LOSSY
from safelight.errors import InvalidKey
from safelight.recipe import idle, wording
from safelight.recipe.keys import (
    ENDINGS,
    ending,
    key_of,
    key_remedy,
    output_format,
    placeholders,
    template_faults,
)
from safelight.recipe.model import Match, Recipe, Rendition, Rights
from safelight.steps import pad, region, watermark
from safelight.steps.resize import COMPASS, Resize

PICTURE_ENDINGS = (*ENDINGS, "jpe", "jfif", "heic", "heif")
"""Endings that pictures come with."""
READ_ONLY = ("heic", "heif", "svg")
"""Endings of formats that are not written."""
_WRITTEN = ", ".join(f".{each}" for each in ENDINGS)


class Remark(Struct, frozen=True):
    """Something wrong with an option of a rendition; without `error` it is only a warning."""

    option: tuple[str, ...]
    message: str
    error: bool = True


def remarks(rendition: Rendition, recipe: Recipe) -> Iterator[Remark]:
    """Yield what is wrong with a rendition of `recipe`."""
    yield from _words(rendition)
    yield from _format(rendition, recipe.match)
    if rendition.resize:
        yield from _size(rendition.resize)
    for step, conflicts in (("crop", region.conflicts), ("pad", pad.conflicts), ("watermark", watermark.conflicts)):
        options = getattr(rendition, step)
        fault = conflicts(options) if options else ""
        if fault:
            yield Remark((step,), fault)
    yield from _order(rendition)
    for option, message in idle.remarks(rendition):
        yield Remark(option, message, error=False)
    yield from _encoder(rendition)
    yield from _rights(rendition, recipe)
    if not any(remark.option == ("key",) and remark.error for remark in _words(rendition)):
        yield from _place(rendition, recipe)


def _words(rendition: Rendition) -> Iterator[Remark]:
    """Yield what is wrong with the placeholders of the key."""
    used = placeholders(rendition.key)
    for fault in template_faults(rendition.key):
        yield _key(rendition, fault)
    for side in ("width", "height"):
        if side in used and not (rendition.resize and getattr(rendition.resize, side)):
            yield _key(rendition, f"{{{side}}} needs resize.{side}, which is not given; give it, or write the number")
    if "format" in used and output_format(rendition.key, rendition.format) is None:
        yield _key(rendition, "{format} needs a format, which is not given; add format: " + ", ".join(ENCODERS))


def _format(rendition: Rendition, match: Match) -> Iterator[Remark]:
    """Yield where the ending of the key and the format contradict each other."""
    literal, asked = ending(rendition.key), rendition.format
    last = next(reversed(placeholders(rendition.key)), "")
    own = rendition.key.endswith(("{filename}", "{ext}"))
    if rendition.copies:
        if literal in PICTURE_ENDINGS and not _only(match, literal):
            message = (
                f"ends with .{literal}, but with a key alone the picture is copied as it came; "
                f"add format: {ENDINGS.get(literal, 'webp')} to convert it, or end the key with {{ext}}"
            )
            yield _key(rendition, message, error=False)
    elif literal and literal not in ENDINGS:
        yield _key(rendition, f"ends with .{literal}, which is not written; must be one of {_WRITTEN}")
    elif literal and asked and ENDINGS[literal] != asked:
        message = f"format={asked}, but the key ends with .{literal}; make them agree, or remove the format"
        yield Remark(("format",), message)
    elif asked and own:
        message = (
            f"format={asked}, but {{{last}}} ends the key like the upload; end it with .{ENCODERS[asked].extensions[0]}"
        )
        yield Remark(("format",), message, error=False)
    elif own and (suffix := next((each for each in match.suffix if _name(each) in READ_ONLY), "")):
        message = (
            f"{{{last}}} ends it like the upload, but {_name(suffix)} is read and not written: a JPEG or PNG "
            f"would be called {suffix}; end it with .webp or .jpg, which also decides the format"
        )
        yield _key(rendition, message, error=False)


def _size(resize: Resize) -> Iterator[Remark]:
    """Yield what is wrong with the size, and which of its options have no effect."""
    if resize.width is None and resize.height is None:
        yield Remark(("resize",), "resize has no size; give width, height or both")
        return
    changed = {"fit": resize.fit != "cover", "position": resize.position != "center"}
    if resize.width is None or resize.height is None:
        other = "height" if resize.height is None else "width"
        for option in (option for option, is_changed in changed.items() if is_changed):
            yield _idle(option, f" has no effect with one side; give resize.{other} too, or remove it")
    elif changed["position"] and resize.fit not in ("cover", "contain"):
        yield _idle("position", f" has no effect with fit: {resize.fit}; use cover or contain, or remove it")
    elif resize.position not in COMPASS and resize.fit == "contain":
        message = f"={resize.position} has no effect with fit: contain, which crops nothing; use a compass point"
        yield _idle("position", message)


def _order(rendition: Rendition) -> Iterator[Remark]:
    """Yield which steps are ordered and not asked for."""
    for step in rendition.order:
        if step not in rendition.steps:
            yield Remark(("order",), f"order names {step}, which this rendition has not; add it, or take it out")


def _encoder(rendition: Rendition) -> Iterator[Remark]:
    """Yield what the format cannot do."""
    kind = output_format(rendition.key, rendition.format)
    for option, message in encode.conflicts(kind, rendition.encoding):
        yield Remark((option,), option + message)
    yield from _quality(rendition, kind)
    for side in ("width", "height"):
        wanted = getattr(rendition.resize, side, None)
        if kind and wanted and wanted > ENCODERS[kind].max_side:
            most = f"a {kind} has at most {ENCODERS[kind].max_side} pixels a side"
            yield Remark(("resize", side), f"resize.{side}={wanted}, but {most}; use less, or another format")
    if not rendition.animate and kind and not ENCODERS[kind].animated:
        yield Remark(("animate",), f"animate has no effect: {kind} holds one frame anyway; remove it", error=False)


def _quality(rendition: Rendition, kind: str | None) -> Iterator[Remark]:
    """Yield why a quality could not be chosen, and where a score says nothing."""
    for option, message in target.conflicts(rendition.quality):
        yield Remark(option, message)
    if rendition.quality is not None and not isinstance(rendition.quality, int):
        what = "quality=auto" if rendition.quality == "auto" else "quality"
        if rendition.lossless:
            yield Remark(("quality",), f"{what} beside lossless, which keeps every pixel; remove one of the two")
        elif kind and kind not in LOSSY:
            remedy = "remove it, or use webp, avif or jpeg"
            yield Remark(("quality",), f"{what} has nothing to choose for {kind}, whose quality is fixed; {remedy}")
    if rendition.score and rendition.copies:
        message = "score has no effect: with a key alone the picture is copied as it came; remove it"
        yield Remark(("score",), message, error=False)


def _rights(rendition: Rendition, recipe: Recipe) -> Iterator[Remark]:
    """Yield why creator, copyright and licence would not get into the output."""
    if rendition.rights is not None:
        fault = rights_fault(rendition.rights, used=(rendition.metadata or recipe.metadata) != "strip")
        if fault:
            yield Remark(("rights",), fault)
    if (rendition.rights or recipe.rights) and output_format(rendition.key, rendition.format) == "gif":
        yield Remark(("rights",), "rights are not written into gif, which has no place for them; use webp", error=False)


def rights_fault(rights: Rights, *, used: bool) -> str:
    """Say what is wrong with rights of a recipe or rendition, or nothing."""
    if rights == Rights():
        return "rights says nothing; give creator, copyright or licence"
    remedy = "use metadata: copyright, which removes all else and writes them"
    return "" if used else f"rights has no effect with metadata: strip; {remedy}"


def _place(rendition: Rendition, recipe: Recipe) -> Iterator[Remark]:
    """Yield why the key would lead to no place in a folder or bucket."""
    try:
        for upload in ("a.jpg", "a/b.jpg"):
            key_of(rendition, recipe, upload)
    except InvalidKey as error:
        yield _key(rendition, error.message + key_remedy(rendition.key))


def _only(match: Match, literal: str) -> bool:
    """Say whether all uploads that match have this ending's format by their name."""
    kinds = {ENDINGS.get(_name(each)) for each in match.suffix}
    return kinds == {ENDINGS.get(literal, "")}


def _name(suffix: str) -> str:
    return suffix.casefold().rpartition(".")[2]


def _key(rendition: Rendition, message: str, *, error: bool = True) -> Remark:
    return Remark(("key",), f"key={wording.shown(rendition.key, quoted=True)}; {message}", error)


def _idle(option: str, message: str) -> Remark:
    return Remark(("resize", option), f"resize.{option}{message}", error=False)
