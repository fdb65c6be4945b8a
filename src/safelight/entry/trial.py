"""Draw every watermark once before anything starts: a logo or font that fails must fail now, not at some picture."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import pyvips
from pebble import ProcessPool

from safelight import marks
from safelight.entry import worker
from safelight.entry.pool import error_of
from safelight.errors import InvalidRecipe, SafelightError
from safelight.recipe.model import Limits
from safelight.steps import text, typeface
from safelight.steps.watermark import Watermark

PATIENCE_S = 60
"""A logo or a text takes a fraction of a second, also on a busy machine."""
NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>'
"""Under this, nothing stands in for a font that cannot be read."""


def faults(watermarks: Sequence[Watermark], bodies: Mapping[str, bytes], limits: Limits) -> list[str]:
    """Say of each watermark why it cannot be drawn, or nothing.

    They are drawn in other processes, with the memory of a worker: a hostile file can kill those only. Each font has
    one for itself, so that none stands in for another.

    Args:
        watermarks: with the characters that their fonts have.
        bodies: the files that they name.
        limits: those of the project.
    """
    found = {
        mark: said
        for font in dict.fromkeys(mark.font for mark in watermarks)
        for mark, said in _tried([mark for mark in watermarks if mark.font == font], bodies, limits)
    }
    return [found[mark] for mark in watermarks]


def _tried(
    watermarks: Sequence[Watermark], bodies: Mapping[str, bytes], limits: Limits
) -> Iterator[tuple[Watermark, str]]:
    spawn = multiprocessing.get_context("spawn")  # a forked child of a process that used libvips hangs
    with ProcessPool(1, initializer=worker.protect, initargs=(limits, os.getpid()), context=spawn) as pool:
        tries = [pool.schedule(fault, args=(each, bodies), timeout=PATIENCE_S) for each in watermarks]
        yield from zip(watermarks, map(_said, tries), strict=True)


def _said(tried: Future[str]) -> str:
    error = error_of(tried, PATIENCE_S)
    if error is None:
        return tried.result()
    if isinstance(error, SafelightError):
        return f"it cannot be drawn with: {error.message}; use a smaller file, or save it again"
    raise error


def fault(watermark: Watermark, bodies: Mapping[str, bytes]) -> str:
    """Say why a watermark cannot be drawn, or nothing; for a process that does nothing else and knows no other font."""
    try:
        if watermark.image:
            marks.logo(bodies[watermark.image])
            return ""
        return _text_fault(watermark.text or "", bodies[watermark.font] if watermark.font else None)
    except InvalidRecipe as err:
        return f"{err.message}; save it again as a small PNG, or name another file"


def _text_fault(words: str, font: bytes | None) -> str:
    with tempfile.TemporaryDirectory(prefix="safelight-trial-") as folder:
        settings = Path(folder) / "fonts.conf"
        settings.write_text(NO_FONTS, "utf-8")
        os.environ["FONTCONFIG_FILE"] = str(settings)  # this process is ours alone; libvips reads it once
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # Pango's own words on a broken font
        face = typeface.prepare(font, Path(folder)) if font else text.SHIPPED_FONT
        if _reads(face, words):
            return ""
    return (
        "the font draws nothing of the text; fetch it again from its source"
        if font
        else "nothing of it shows; give characters that do"
    )


def _reads(face: Path, words: str) -> bool:
    try:
        return text.reads(face, words)
    except pyvips.Error:  # there is not one pixel of ink
        return False
