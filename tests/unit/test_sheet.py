"""The HTML sheet, read by a parser: what it holds, and that nothing of a result can become markup."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from safelight.entry.cli.preview import MARKED_BYTES
from safelight.entry.sheet import MARKER, Picture, View, render_sheet, sheet_parts
from safelight.job import Outcome, Output, Problem, Source, Status, Upload

EVIL = "<img src=x onerror=alert(1)>\"'&\u202e\x1b[2J\udc80.jpg"


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, its text, and what stands inside style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inline: dict[str, str] = {}
        self.text = ""
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("style", "script"):
            self.inline[self._open] = self.inline.get(self._open, "") + data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def pictures(self) -> list[dict[str, str]]:
        return [image for image in self.all("img") if "src" in image]


def outcome(key: str = "a.jpg", *outputs: Output, recipe: str = "web", **facts: object) -> Outcome:
    known: dict[str, object] = {
        "status": Status.SUCCEEDED,
        "source": Source(format="jpeg", width=4000, height=3000),
        "duration_ms": 212.4,
        "peak_mb": 96,
    }
    upload = Upload(bucket="in", key=key, version="1", etag="1", size=1_000_000, arrived_at="2026-11-22T00:00:00Z")
    return Outcome(id="job_1", recipe=recipe, recipe_digest="d", upload=upload, renditions=outputs, **(known | facts))


def output(key: str = "a.webp", width: int = 1600, height: int = 1200, **facts: object) -> Output:
    return Output(
        **({"key": key, "format": "webp", "width": width, "height": height, "size": 250_000, "quality": 80} | facts)
    )


def picture(*outcomes: Outcome) -> Picture:
    views = {each.key: view(each.key) for outcome in outcomes for each in outcome.renditions}
    rejected = all(each.source is None for each in outcomes)
    return Picture(outcomes=outcomes, source=None if rejected else view("the source"), renditions=views)


def view(text: str) -> View:
    return View(content_type="image/webp", body=text.encode("utf-8", "replace"))


def test_sheet_of_a_picture_names_every_fact_of_a_rendition() -> None:
    """Key, format, pixels, bytes, saving, quality and time are on the page."""
    page = Page(render_sheet([picture(outcome("a.jpg", output()))]))
    for words in (
        "a.jpg",
        "a.webp",
        "webp",
        "1600 \N{MULTIPLICATION SIGN} 1200",
        "250 kB",
        "75 % smaller",
        "80",
        "0.2 s",
        "96 MB",
        "4000 \N{MULTIPLICATION SIGN} 3000",
    ):
        assert words in page.text, words


def test_sheet_as_written_refers_to_nothing_outside() -> None:
    """Every reference is a data: address or leads to the same page, and the style sheet imports nothing."""
    page = Page(render_sheet([picture(outcome("a.jpg", output())), picture(outcome("b.jpg", output("b.webp")))]))
    references = [(name, value) for _, each in page.elements for name, value in each.items() if name in ("src", "href")]
    assert references
    assert all(value.startswith(("data:image/webp;base64,", "#p")) for _, value in references)
    assert not re.search(r"url\(|@import|https?:", page.inline["style"] + page.inline["script"])


def test_sheet_policy_allows_just_its_own_style_and_script() -> None:
    """The policy names the digests of the very texts that stand in the page, and no element has style or handlers."""
    page = Page(render_sheet([picture(outcome("a.jpg", output()))]))
    [policy] = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.inline[kind].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}


def test_sheet_of_hostile_texts_shows_them_as_text() -> None:
    """Markup in keys, recipes, notes, warnings and errors stays text; what would reorder or hide it is made visible."""
    problem = Problem(code="<b>c</b>", message="<script>m()</script>", remedy="<a href=x>r</a>")
    hostile = outcome(EVIL, output(EVIL, note="<i>n</i>"), recipe="<u>", warnings=("</main><h1>w",), error=problem)
    plain = Page(render_sheet([picture(outcome("a.jpg", output(note="n"), warnings=("w",), error=problem))], title="t"))
    page = Page(render_sheet([picture(hostile)], title=EVIL))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    for words in ("<img src=x onerror=alert(1)>\"'&��[2J�.jpg", "<script>m()</script>", "<a href=x>r</a>", "<i>n</i>"):
        assert words in page.text, words


def test_sheet_text_with_placeholders_of_the_template_leaves_them() -> None:
    """A name that looks like a placeholder of the page's template is a name."""
    page = Page(render_sheet([picture(outcome("$script $pictures.jpg", output("$style")))]))
    assert "$script $pictures.jpg" in page.text
    assert "$style" in page.text


def test_sheet_of_several_pictures_lists_them_first() -> None:
    """Each row of the table leads to its picture, and a last line adds up what was developed."""
    rejected = outcome(
        "b.jpg", status=Status.REJECTED, source=None, error=Problem(code="truncated", message="m", remedy="r")
    )
    page = Page(render_sheet([picture(outcome("a.jpg", output())), picture(rejected)]))
    links = [each["href"].removeprefix("#") for each in page.all("a")]
    assert links == [each["id"] for each in page.all("article")] == ["p1", "p2"]
    assert "1 of 2 pictures developed into 1 rendition: 1.0 MB in, 250 kB out, 75 % smaller." in page.text


def test_sheet_of_a_rejected_picture_says_why_and_shows_nothing() -> None:
    """Code, message and remedy are there; the bytes that were refused are not given to the browser."""
    problem = Problem(code="truncated", message="the file ends early", remedy="Upload it again.")
    page = Page(render_sheet([picture(outcome(status=Status.REJECTED, source=None, error=problem))]))
    for words in ("rejected", "truncated", "the file ends early", "Upload it again."):
        assert words in page.text, words
    assert page.pictures() == []


def test_sheet_of_two_recipes_holds_the_source_once() -> None:
    """A picture that two recipes took stands there once, with the renditions of both under their recipes."""
    page = Page(
        render_sheet([picture(outcome("a.jpg", output("1.webp")), outcome("a.jpg", output("2.webp"), recipe="thumbs"))])
    )
    source = base64.b64encode(b"the source").decode()
    assert [each["src"].endswith(source) for each in page.pictures()] == [True, False, False]
    assert "Recipe web" in page.text
    assert "Recipe thumbs" in page.text


@pytest.mark.parametrize(
    ("width", "height", "orientation", "compared"),
    [
        (1600, 1200, 1, True),
        (333, 250, 1, True),  # 333 x 249.75
        (320, 320, 1, False),
        (1200, 1600, 1, False),
        (1200, 1600, 6, True),
        (1600, 1200, 6, False),
    ],
)
def test_rendition_of_the_whole_source_can_be_compared(
    width: int, height: int, orientation: int, *, compared: bool
) -> None:
    """Only a rendition with the upright source's aspect offers the slider, and it names its source."""
    source = Source(format="jpeg", width=4000, height=3000, orientation=orientation)
    page = Page(render_sheet([picture(outcome("a.jpg", output("a.webp", width, height), source=source))]))
    [button] = [[each for each in page.all("button") if each.get("class") == "compare"]]
    assert bool(button) is compared
    ids = [each["id"] for each in page.pictures() if "id" in each]
    assert [each["data-source"] for each in page.pictures() if "data-source" in each] == (ids if compared else [])


def test_rendition_that_is_called_source_is_still_a_rendition() -> None:
    """The page tells source and renditions apart by their place, not by their names."""
    page = Page(render_sheet([picture(outcome("a.jpg", output("Source")))]))
    assert [each.get("data-source", "") for each in page.pictures()] == ["", "s1"]


def test_rendition_without_a_view_is_said_to_be_hidden() -> None:
    """What no browser shows has its facts all the same."""
    bare = Picture(
        outcomes=(outcome("a.heic", output("b.heic", format="heic", quality=None)),), source=None, renditions={}
    )
    page = Page(render_sheet([bare]))
    assert "no browser shows" in page.text
    assert "untouched" in page.text


def test_sheet_parts_read_files_when_they_are_due(tmp_path: Path) -> None:
    """A page of many pictures holds the bytes of one view at a time: a later file is not opened early."""
    (tmp_path / "1").write_bytes(b"one")
    pictures = [
        Picture(outcomes=(outcome(name),), source=View(content_type="image/png", body=tmp_path / name), renditions={})
        for name in ("1", "2")
    ]
    parts = sheet_parts(pictures)
    so_far = ""
    while base64.b64encode(b"one").decode() not in so_far:
        so_far += next(parts)
    (tmp_path / "2").write_bytes(b"two")  # not there before: it was not opened yet
    assert base64.b64encode(b"two").decode() in so_far + "".join(parts)


def test_sheet_begins_with_its_marker() -> None:
    """`preview` knows its own pages by their first bytes."""
    assert MARKER in render_sheet([picture(outcome())])[:MARKED_BYTES]
