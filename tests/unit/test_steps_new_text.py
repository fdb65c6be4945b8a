"""Text: the same pixels in every process and on every machine, at the width that was asked for."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from safelight.errors import InvalidRecipe
from safelight.steps import text as lettering
from safelight.steps.sfnt import missing_glyphs, renamed
from safelight.steps.text import FONTS_CONF, SHIPPED_FONT, Lettering, Outline, Words, draw, isolate
from safelight.steps.typeface import prepare

SAMPLE = "© Owner Ωμέγα Привет"
DRAWING = """
import hashlib, os, sys
from pathlib import Path
from safelight.steps.text import SHIPPED_FONT, Lettering, draw, isolate
if sys.argv[1] == "isolated":
    isolate(os.environ)
image = draw(Lettering(text=sys.argv[2]), Path(sys.argv[3]), 300)
print(image.width, image.height, hashlib.sha256(image.write_to_memory()).hexdigest())
"""
HINTED = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><match target="font">
<edit name="hinting" mode="assign"><bool>true</bool></edit><edit name="hintstyle" mode="assign"><const>hintfull</const>
</edit><edit name="autohint" mode="assign"><bool>true</bool></edit></match></fontconfig>"""
EMPTY = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>'


def drawn(mode: str, environ: dict[str, str], font: Path = SHIPPED_FONT) -> str:
    """Draw in a process of its own and return size and digest."""
    source = str(Path(lettering.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", DRAWING, mode, SAMPLE, str(font)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(autouse=True)
def _isolated() -> None:
    isolate(os.environ)


def test_text_in_isolated_processes_is_the_same_whatever_the_machine_says(tmp_path: Path) -> None:
    """Neither the font settings nor the fonts nor the home of a machine change a pixel."""
    hinted = tmp_path / "hinted.conf"
    hinted.write_text(HINTED)
    machines = [{}, {"FONTCONFIG_FILE": str(hinted)}, {"HOME": str(tmp_path), "LANG": "de_DE.UTF-8"}]
    assert len({drawn("isolated", machine) for machine in machines}) == 1


def test_text_with_an_empty_font_configuration_is_drawn(tmp_path: Path) -> None:
    """The font file alone is enough: no font of the machine is needed."""
    empty = tmp_path / "empty.conf"
    empty.write_text(EMPTY)
    assert drawn("as it is", {"FONTCONFIG_FILE": str(empty)}).startswith("300 ")


def test_text_of_a_named_font_is_drawn_from_that_file(tmp_path: Path) -> None:
    """A font of a recipe is drawn under a name of its own, with its own shapes."""
    ready = prepare(SHIPPED_FONT.read_bytes(), tmp_path)
    digest = hashlib.sha256(SHIPPED_FONT.read_bytes()).hexdigest()[:16]
    assert ready == tmp_path / f"safelight-{digest}.ttf"
    assert drawn("isolated", {}, ready) == drawn("isolated", {})


def test_prepared_font_that_is_broken_is_written_again(tmp_path: Path) -> None:
    """Half a copy that a crash left behind is replaced, and no draft stays."""
    body = SHIPPED_FONT.read_bytes()
    prepare(body, tmp_path).write_bytes(b"half")
    assert prepare(body, tmp_path).read_bytes()[:4] == body[:4]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("width_px", [1, 2, 7, 40, 333, 2000])
@pytest.mark.parametrize("width", [0, 0.1, 0.5])
def test_text_is_exactly_as_wide_as_asked(width_px: int, width: float) -> None:
    """The drawing has the wanted width to the pixel, outline included, and fills it."""
    image = draw(Lettering(text="© Owner", outline=Outline(width=width)), SHIPPED_FONT, width_px)
    assert (image.width, image.bands, image.format, image.interpretation) == (width_px, 4, "uchar", "srgb")
    columns = np.nonzero(image.numpy()[..., 3].max(axis=0) > 8)[0]
    assert np.ptp(columns) + 1 >= width_px * 0.93 - 2


def test_text_has_its_color_inside_and_its_outline_around() -> None:
    """The letters are of the one color, opaque; around them lies the other, so that they read on any ground."""
    image = draw(
        Lettering(text="I", color="#ffcc00", outline=Outline(color="#102030", width=0.1)), SHIPPED_FONT, 60
    ).numpy()
    middle = image[image.shape[0] // 2]
    assert tuple(middle[30]) == (255, 204, 0, 255)
    dark = middle[(middle[:, 3] > 200) & (middle[:, 0] < 40)]
    assert len(dark) >= 6
    assert tuple(dark[0][:3]) == pytest.approx((16, 32, 48), abs=2)


def test_text_without_outline_is_letters_only() -> None:
    """Width 0, or a clear color, draws no outline."""
    for outline in (Outline(width=0), Outline(color="transparent")):
        image = draw(Lettering(text="Owner", outline=outline), SHIPPED_FONT, 200).numpy()
        assert (image[image[..., 3] > 0][:, :3] == 255).all()


def test_text_that_looks_like_markup_is_drawn_as_it_is_written() -> None:
    """Signs that mean something to the shaper are plain letters to us."""
    plain, tagged = (draw(Lettering(text=text), SHIPPED_FONT, 400) for text in ("Owner & Co", "<b>Owner & Co</b>"))
    assert tagged.height < plain.height * 0.9


def test_text_of_two_lines_is_higher_than_one() -> None:
    """A line feed begins a new line."""
    one, two = (draw(Lettering(text=text), SHIPPED_FONT, 200) for text in ("Owner", "Owner\nOwner"))
    assert two.height > 1.7 * one.height


@pytest.mark.parametrize("words", ["© Owner", "a\nb", " a ", "&", "写真"])
def test_words_that_show_are_taken(words: str) -> None:
    """Any text with something to see is a text."""
    assert msgspec.convert(words, Words) == words


@pytest.mark.parametrize("words", ["", " ", "\n", "a\0b", "a\tb", "\u3000", "\u00a0", "x" * 501])
def test_words_that_cannot_be_drawn_are_refused(words: str) -> None:
    """Blank texts, control characters and novels are refused where the recipe is read."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(words, Words)


def test_missing_glyphs_are_named_once_in_order() -> None:
    """The shipped font has Latin, Greek and Cyrillic; what it lacks is told."""
    font = SHIPPED_FONT.read_bytes()
    assert missing_glyphs("© 2026 Łukasz Ťažký Ελλάδα Їжак Ångström „x“ € №", font) == ""
    assert missing_glyphs("写真 by 写 \U0001f4f7", font) == "写真\U0001f4f7"


def test_missing_glyphs_of_what_is_not_drawn_are_none() -> None:
    """Joiners, marks of direction and line feeds need no glyph; a composed letter may be drawn from its parts."""
    font = SHIPPED_FONT.read_bytes()
    assert missing_glyphs("a\u200db\u200e\n\ufe0fe\u0301", font) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"wOF2" + bytes(100),
        b"ttcf" + bytes(100),
        SHIPPED_FONT.read_bytes()[:1000],
        b"\0\1\0\0\0\x01" + bytes(6) + b"cmap" + bytes(4) + b"\0\0\0\x1c\0\0\0\x04" + b"\0\0\xff\xff",
    ],
)
def test_file_that_is_no_font_is_refused(body: bytes, tmp_path: Path) -> None:
    """What we cannot draw with is an error of the recipe, found at the start."""
    with pytest.raises(InvalidRecipe, match="font"):
        missing_glyphs("a", body)


def test_renamed_font_keeps_its_tables_and_sums() -> None:
    """Only the name changes, and the sums of the tables are right: other programs read the copy too."""
    font, other = SHIPPED_FONT.read_bytes(), renamed(SHIPPED_FONT.read_bytes(), "other")
    count = int.from_bytes(other[4:6], "big")
    for i in range(count):
        entry = other[12 + 16 * i : 28 + 16 * i]
        tag, total, offset, length = entry[:4], *(int.from_bytes(entry[j : j + 4], "big") for j in (4, 8, 12))
        body = other[offset : offset + length]
        padded = body + bytes(-length % 4)
        words = np.frombuffer(padded, ">u4")
        assert int(words.sum(dtype=np.uint64)) & 0xFFFFFFFF == total
        assert tag == b"name" or body in font
    assert "other".encode("utf-16-be") in other


def test_shipped_font_is_small_and_licensed() -> None:
    """The font costs little, its licence lies beside it, and the configuration names no folder of the machine."""
    assert SHIPPED_FONT.stat().st_size < 400_000
    assert "SIL OPEN FONT LICENSE" in SHIPPED_FONT.with_name("OFL.txt").read_text(encoding="utf-8")
    assert re.findall("<dir.*", FONTS_CONF.read_text(encoding="utf-8")) == ['<dir prefix="relative">.</dir>'], (
        "no font of the machine is seen"
    )
