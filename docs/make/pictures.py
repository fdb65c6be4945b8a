"""The pictures of the reference: what the recipe of an example makes of its uploads, side by side."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pyvips

from docs.make.examples import Example
from docs.make.sources import LOGO, logo, upload
from safelight.config import load
from safelight.recipe import assets
from safelight.recipe.model import ENGINE
from safelight.render import Rendered, render
from safelight.steps.text import SHIPPED_FONT

WIDTH, GAP = 812, 16
GROUND, INK = (246, 246, 247), (60, 60, 66)
LEAST_CAPTION = 150
"""Room for a caption under a narrow picture, in pixels."""


def name(example: Example, engine: int = ENGINE) -> str:
    """Return the file of an example's picture; another example or engine gives another name."""
    told = "\0".join((str(engine), *example.uploads, example.recipe))
    return f"{example.step}-{hashlib.sha256(told.encode()).hexdigest()[:8]}.webp"


def sheet(example: Example) -> bytes:
    """Draw the picture of an example: each upload, then what its recipe makes of it."""
    page = pyvips.Image.black(WIDTH, 1, bands=3) + list(GROUND)
    for row in (row for group in _developed(example) for row in _rows([_cell(*each) for each in group])):
        page = page.join(_joined(row), "vertical", expand=True, background=list(GROUND))
    page = page.crop(0, 0, WIDTH, page.height).cast("uchar").copy(interpretation="srgb")
    page = page.embed(0, 0, WIDTH, page.height + GAP, extend="background", background=list(GROUND))
    return bytes(page.webpsave_buffer(Q=82, effort=6))


def _developed(example: Example) -> Iterator[list[tuple[pyvips.Image, str]]]:
    """Yield pictures and captions of each upload, by the file that the page shows and the product's own way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "safelight.yaml"
        path.write_text(example.recipe, "utf-8")
        (Path(folder) / LOGO).write_bytes(logo())
        settings = load(path, {}).settings
        logos = assets.read(settings.recipes, Path(folder))
        for source in example.uploads:
            body = upload(source)
            made = render(body, f"{source}.png", settings.recipes[0], settings.limits, logos)
            pictures = [pyvips.Image.new_from_buffer(file, "") for file in [body, *map(_file, made.outputs)]]
            yield list(zip(pictures, (f"the upload, {source}.png", *example.options), strict=True))


def _file(output: Rendered) -> bytes:
    return output.body if isinstance(output.body, bytes) else output.body.read_bytes()


def _cell(image: pyvips.Image, caption: str) -> pyvips.Image:
    """Return a picture with its caption below; what is clear shows a chequered ground."""
    width = max(image.width, LEAST_CAPTION)
    shown = image if image.bands >= 3 else image.colourspace("srgb")
    shown = _chequered(shown) if shown.hasalpha() else shown
    words = pyvips.Image.text(
        escape(caption, quote=False), font=f"{SHIPPED_FONT.stem}, 12", fontfile=str(SHIPPED_FONT), dpi=72, width=width
    )
    ink = words.new_from_image(list(INK)).copy(interpretation="srgb").bandjoin(words)
    cell = shown.embed(
        GAP, GAP, width + GAP, GAP + shown.height + 8 + words.height, extend="background", background=list(GROUND)
    )
    return cell.composite2(ink, "over", x=GAP, y=GAP + shown.height + 8)[:3].cast("uchar").copy_memory()


def _chequered(image: pyvips.Image) -> pyvips.Image:
    at = pyvips.Image.xyz(image.width, image.height)
    odd = ((at[0] / 8).floor() + (at[1] / 8).floor()) % 2
    ground = odd.ifthenelse([224, 224, 228], [255, 255, 255]).cast("uchar").copy(interpretation="srgb")
    return ground.composite2(image, "over")[:3].cast("uchar")


def _rows(cells: list[pyvips.Image]) -> Iterator[list[pyvips.Image]]:
    """Yield the cells in rows that fit the page."""
    row: list[pyvips.Image] = []
    for cell in cells:
        if row and sum(each.width for each in row) + cell.width + GAP > WIDTH:
            yield row
            row = []
        row.append(cell)
    yield row


def _joined(cells: list[pyvips.Image]) -> pyvips.Image:
    row = cells[0]
    for cell in cells[1:]:
        row = row.join(cell, "horizontal", expand=True, background=list(GROUND))
    return row
