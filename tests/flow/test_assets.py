"""A logo or a font that cannot be drawn with stops everything at its start: `lint`, `up`, `run` and `preview`."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips

from safelight.entry.trial import faults
from safelight.recipe.model import Limits
from safelight.steps.text import SHIPPED_FONT
from safelight.steps.watermark import Watermark
from tests.flow.running import Project

Picture = Callable[..., bytes]

RECIPE = """\
recipes:
  - name: marked
    renditions:
      - key: "{dir}{filename}-marked.webp"
        watermark: {image: logo.png}
"""


def undecodable() -> bytes:
    """Return a PNG that is whole by its structure, checksums and all, and whose pixels are noise."""
    whole = bytes(pyvips.Image.black(64, 48).pngsave_buffer())
    start = whole.index(b"IDAT")
    (size,) = struct.unpack_from(">I", whole, start - 4)
    body = b"IDAT" + os.urandom(size)
    return whole[:start] + body + struct.pack(">I", zlib.crc32(body)) + whole[start + 8 + size :]


def font_without(table: bytes) -> bytes:
    """Return the shipped font with one of its tables blank."""
    font = bytearray(SHIPPED_FONT.read_bytes())
    place = font.index(table, 12)
    offset, length = struct.unpack_from(">II", font, place + 8)
    font[offset : offset + length] = bytes(length)
    return bytes(font)


def blank(width: int, height: int) -> bytes:
    return bytes(pyvips.Image.black(width, height, bands=3).copy(interpretation="srgb").pngsave_buffer())


def test_trial_of_files_that_decoders_refuse_says_why() -> None:
    """Whole in structure is not enough; what is sound is not accused, whatever its neighbours are."""
    bodies = {
        "good.png": blank(40, 30),
        "noise.png": undecodable(),
        "huge.png": blank(20_000, 6_000),
        "swells.png": blank(9_000, 9_000),
        "good.ttf": SHIPPED_FONT.read_bytes(),
        "head.ttf": font_without(b"head"),
        "glyf.ttf": font_without(b"glyf"),
    }
    asked = {
        Watermark(image="good.png"): "",
        Watermark(image="noise.png"): "cannot be used: it does not decode",
        Watermark(image="huge.png"): "20000 x 6000 = 120 million pixels; the limit is 100 million",
        Watermark(image="swells.png"): "needed more memory than limits.memory",
        Watermark(text="© Owner"): "",
        Watermark(text="\u200b"): "nothing of it shows",
        Watermark(text="Owner", font="good.ttf"): "",
        Watermark(text="Owner", font="head.ttf"): "the font draws nothing of the text",
        Watermark(text="Owner", font="glyf.ttf"): "the font draws nothing of the text",
    }
    said = dict(zip(asked, faults(list(asked), bodies, Limits(memory=220)), strict=True))
    assert {mark for mark, words in said.items() if not words} == {mark for mark, words in asked.items() if not words}
    assert all(words in said[mark] for mark, words in asked.items())


@pytest.mark.parametrize("verb", ["lint", "up", "run", "preview"])
def test_logo_that_does_not_decode_starts_nothing(
    project: Project, picture: Picture, tmp_path: Path, verb: str
) -> None:
    """Exit code 2 and the line of the recipe, before the first picture; nothing is written."""
    project.config.write_text(RECIPE)
    (project.folder / "logo.png").write_bytes(undecodable())
    project.drop("a.png", picture(1))
    photo = str(project.folder / "input" / "a.png")
    words = {"run": (photo, "--out", str(tmp_path / "made")), "preview": (photo,)}.get(verb, ())
    said = project.cli(verb, *words, code=2)
    assert "watermark.image='logo.png'; the logo of a watermark cannot be used: it does not decode" in said
    assert "safelight.yaml:5" in said
    assert not (tmp_path / "made").exists()
    assert not (project.folder / ".safelight").exists()
