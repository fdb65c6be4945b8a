"""Compress a finished picture as its rendition asks: at a fixed quality, or at one that this picture needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import pyvips
from msgspec import Struct
from msgspec.structs import replace

from safelight import sample
from safelight.decode import load
from safelight.drawing import is_drawing
from safelight.encode import encode, fitted, quality_of
from safelight.fields import number, without
from safelight.figures import change_text
from safelight.quality import CURVES, Choice, Codec, choose
from safelight.similarity import compare, measure
from safelight.target import Aim

if TYPE_CHECKING:
    from safelight.encode import Format
    from safelight.recipe.model import Rendition

Searched = Literal["auto"] | Aim
"""A quality that depends on the picture."""
FILM = ("page-height", "n-pages", "delay", "loop")
"""Fields of an animation."""
FRAMES = 4
"""So many frames of an animation are looked at."""
KEPT_WHOLE = "drawn, not photographed: every pixel is kept, since that takes no more bytes"
ALIKE = 1.0


class Compressed(Struct, frozen=True, kw_only=True):
    """The file of a rendition; `score` is how alike it looks where that was measured, `note` what is odd about it."""

    body: bytes
    quality: int | None = None
    score: float | None = None
    note: str | None = None


def compress(image: pyvips.Image, kind: Format, rendition: Rendition, keep: str) -> Compressed:
    """Encode a picture or an animation as the rendition asks; without a quality of its own the format's default counts.

    Args:
        image: as `encode` takes it.
        kind: the format; one that keeps every pixel has no use for `quality: auto`, ssim and max_bytes.
        rendition: its quality and the encoder's options.
        keep: as `encode` takes it.

    Raises:
        CannotMeetSize: quality 1 takes more than max_bytes.
        SizeNotEncodable: the format cannot hold so large a picture.
    """
    target = rendition.quality
    if target is None or isinstance(target, int) or kind not in CURVES:
        return _fixed(image, kind, rendition, keep)
    image = fitted(image, kind).copy_memory()
    choice = _chosen(image, kind, rendition, target, keep)
    drawn = kind in ("webp", "jpeg") and is_drawing(_sheet(image))
    if drawn and kind == "webp":
        whole = encode(image, kind, replace(rendition.encoding, lossless=True, quality=None), keep)
        if len(whole) <= len(choice.body):
            return Compressed(body=whole, score=ALIKE, note=KEPT_WHOLE)
    score = choice.score
    if score is None and rendition.score:
        score = _score(image, choice.body, kind)
    note = _advice(image, rendition, len(choice.body), keep) if drawn and kind == "jpeg" else None
    return Compressed(body=choice.body, quality=choice.quality, score=_rounded(score), note=note)


def _fixed(image: pyvips.Image, kind: Format, rendition: Rendition, keep: str) -> Compressed:
    how = rendition.encoding
    if rendition.score:
        image = fitted(image, kind).copy_memory()
    body, quality = encode(image, kind, how, keep), quality_of(kind, how)
    if not rendition.score:
        return Compressed(body=body, quality=quality)
    exact = quality is None and not how.colors and kind != "gif"
    return Compressed(body=body, quality=quality, score=ALIKE if exact else _rounded(_score(image, body, kind)))


def _chosen(image: pyvips.Image, kind: Format, rendition: Rendition, target: Searched, keep: str) -> Choice:
    """Choose on the picture itself; for likeness, an animation is looked at as one sheet of frames."""

    def encoded(part: pyvips.Image, quality: int) -> bytes:
        return encode(part, kind, replace(rendition.encoding, quality=quality), keep)

    codec = Codec(encode=encoded, decode=lambda body: load(body, kind).copy_memory(), curve=CURVES[kind])
    sheet = _sheet(image)
    choice = choose(image if _by_size(target) else sheet, codec, target)
    return choice if sheet is image or _by_size(target) else replace(choice, body=encoded(image, choice.quality))


def _by_size(target: Searched) -> bool:
    return target != "auto" and target.max_bytes is not None


def _frames(image: pyvips.Image) -> list[pyvips.Image]:
    height = number(image, "page-height") or image.height
    return [image.crop(0, top, image.width, height) for top in range(0, image.height, height)]


def _busiest(image: pyvips.Image) -> list[int]:
    """Return which frames have the most to lose; blank ones, as of a fade, would make up for what others lose."""
    contrast = [frame.deviate() for frame in _frames(image)]
    order = sorted(range(len(contrast)), key=contrast.__getitem__, reverse=True)
    return [each for each in order[:FRAMES] if contrast[each] >= contrast[order[0]] / 2]


def _sheet(image: pyvips.Image, numbers: list[int] | None = None) -> pyvips.Image:
    """Return frames of an animation side by side, its busiest where none are named; a still is its own sheet."""
    frames = _frames(image)
    if len(frames) == 1:
        return image
    chosen = [frames[each] for each in numbers or _busiest(image)]
    return without(pyvips.Image.arrayjoin(chosen, across=math.isqrt(len(chosen) - 1) + 1), *FILM).copy_memory()


def _advice(image: pyvips.Image, rendition: Rendition, size: int, keep: str) -> str | None:
    """Say what a drawing would gain by a format that keeps every pixel, if anything; its key says JPEG."""
    png = len(encode(image, "png", replace(rendition.encoding, effort=None, progressive=False, quality=None), keep))
    change = change_text(size, png)
    return f"drawn, not photographed: a png or lossless webp would be {change}" if png <= size else None


def _score(image: pyvips.Image, body: bytes, kind: Format) -> float:
    """Measure how alike a finished file looks, on the same sample as a search does."""
    whole = load(body, kind, **({"n": -1} if number(image, "page-height") else {})).copy_memory()
    numbers = _busiest(image)
    part, made = sample.take(_sheet(image, numbers)), sample.take(_sheet(whole, numbers))
    return compare(measure(part.inside(part.image)), made.inside(made.image))


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
