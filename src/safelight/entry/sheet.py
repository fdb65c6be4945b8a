"""One self-contained HTML page that shows pictures beside their renditions: a pure function of the results."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from msgspec import Struct

from safelight.entry import sheet_facts as facts
from safelight.job import Outcome, Output
from safelight.ports import Body

WEB = Path(__file__).parents[1] / "web"
MARKER = "<!-- safelight sheet 1 -->"
"""Stands near the start of every sheet, so that a sheet is known from a page of somebody else's."""


class View(Struct, frozen=True, kw_only=True):
    """A picture as a browser gets it: bytes, or a file that is read when its turn comes.

    `note` says what a reader should know of it, such as that it stands for a larger file.
    """

    content_type: str
    body: Body
    note: str = ""


class Picture(Struct, frozen=True, kw_only=True):
    """One upload, what became of it by each recipe, and what there is to look at.

    `renditions` holds a view for each output key; `source` is None where there is nothing that a browser could show.
    """

    outcomes: tuple[Outcome, ...]
    source: View | None
    renditions: Mapping[str, View]


def render_sheet(pictures: Sequence[Picture], *, title: str = "") -> str:
    """Return the page. It holds every picture four thirds of its size: for many, write `sheet_parts` one by one."""
    return "".join(sheet_parts(pictures, title=title))


def sheet_parts(pictures: Sequence[Picture], *, title: str = "") -> Iterator[str]:
    """Yield the page piece by piece; a view's bytes are read when they are due, and held no longer.

    Args:
        pictures: in the order of the page.
        title: heads the page; without it the name of the only picture does.
    """
    before, after = _frame(title or facts.title(pictures[0].outcomes if len(pictures) == 1 else ()))
    yield before
    every = [picture.outcomes for picture in pictures]
    if len(pictures) > 1:
        yield facts.contents(every)
    for number, picture in enumerate(pictures, 1):
        yield from _picture(picture, number, headed=len(pictures) > 1)
    yield facts.total(every) if len(pictures) > 1 else ""
    yield after


def _frame(title: str) -> tuple[str, str]:
    """Return the page before and after the pictures."""
    style, script = ((WEB / name).read_text(encoding="utf-8") for name in ("sheet.css", "sheet.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    page = Template((WEB / "sheet.html").read_text(encoding="utf-8")).substitute(
        marker=MARKER, policy=policy, title=facts.text(title), style=style, script=script, pictures="\0"
    )
    before, _, after = page.partition("\0")
    return before, after


def _digest(inline: str) -> str:
    """Return the source expression that allows one inline element. Source: CSP level 3, 2.3.1."""
    return "sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()


def _picture(picture: Picture, number: int, *, headed: bool) -> Iterator[str]:
    yield f'<article class="picture" id="p{number}">\n'
    yield facts.heading(picture.outcomes, headed=headed)
    yield facts.callouts(picture.outcomes)
    if picture.source or any(each.renditions for each in picture.outcomes):
        yield from _beside(picture, number)
    yield "</article>\n"


def _beside(picture: Picture, number: int) -> Iterator[str]:
    yield '<div class="beside">\n'
    yield from _source(picture, number)
    yield '<div class="renditions">\n'
    for outcome in picture.outcomes:
        if len(picture.outcomes) > 1 and outcome.renditions:
            yield f"<h3>Recipe {facts.text(outcome.recipe)}</h3>\n"
        for output in outcome.renditions:
            if output.width:  # a manifest has none and is no picture
                yield from _rendition(picture, outcome, output, number)
    yield "</div>\n</div>\n"


def _source(picture: Picture, number: int) -> Iterator[str]:
    outcome = facts.informed(picture.outcomes)
    yield '<figure class="source card">\n'
    if picture.source:
        size = facts.upright(outcome.source) if outcome.source else None
        yield from _image(picture.source, f'id="s{number}"', "Source", size)
    else:
        yield '<div class="blank"><p>Not shown: the file is gone, or no browser shows it.</p></div>\n'
    note = picture.source.note if picture.source else ""
    yield f"<figcaption>\n{facts.source(outcome, note)}</figcaption>\n</figure>\n"


def _rendition(picture: Picture, outcome: Outcome, output: Output, number: int) -> Iterator[str]:
    view = picture.renditions.get(output.key)
    compared = _comparable(picture, view, outcome, output)
    yield '<figure class="rendition card">\n'
    if view:
        yield from _image(
            view, f'data-source="s{number}"' if compared else "", output.key, (output.width, output.height)
        )
    else:
        yield '<div class="blank"><p>Not shown: no browser shows this format.</p></div>\n'
    caption = facts.rendition(outcome, output, view.note if view else "")
    button = (
        '<button class="compare" type="button" title="Compare with the source" hidden>Compare</button>\n'
        if compared
        else ""
    )
    yield f"<figcaption>\n{caption}{button}</figcaption>\n</figure>\n"


def _comparable(picture: Picture, view: View | None, outcome: Outcome, output: Output) -> bool:
    """Say whether the two views show the same part of the picture and are not the same view."""
    if view is None or picture.source is None or outcome.source is None:
        return False
    return view is not picture.source and facts.same_aspect(output, outcome.source)


def _image(view: View, mark: str, name: str, size: tuple[int, int] | None) -> Iterator[str]:
    """Yield an image that opens at full size; `mark` tells the script which source belongs to which rendition."""
    width, height = size or (0, 0)
    sides = f' width="{width}" height="{height}"' if size else ""
    label, clear = facts.text(name), "" if view.content_type == "image/jpeg" else ' class="clear"'
    yield f'<button class="look" type="button" title="Show at full size">\n<img{clear} {mark}{sides} alt="{label}"'
    yield f' src="data:{escape(view.content_type)};base64,'
    yield base64.b64encode(view.body if isinstance(view.body, bytes) else view.body.read_bytes()).decode("ascii")
    yield '"></button>\n'
