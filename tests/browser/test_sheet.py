"""The HTML sheet in a real browser: it shows every picture, loads nothing, and its slider and viewer work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvips

from safelight.entry.sheet import Picture, View, render_sheet
from safelight.job import Outcome, Output, Problem, Source, Status, Upload

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>.jpg"

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium; Debian's package chromium has it"),
    pytest.mark.xdist_group("browser"),
]


def encoded(kind: str, width: int, height: int) -> View:
    ramp = pyvips.Image.xyz(width, height) * (255 / max(width, height))
    image = ramp.bandjoin(90).cast("uchar").copy(interpretation="srgb")
    return View(content_type=f"image/{kind}", body=image.write_to_buffer(f".{kind}"))


def outcome(key: str, *outputs: tuple[str, int, int], **facts: Any) -> Outcome:
    upload = Upload(bucket="in", key=key, version="1", etag="1", size=90_000, arrived_at="2026-11-22T00:00:00Z")
    known = {"status": Status.SUCCEEDED, "source": Source(format="jpeg", width=1200, height=800)} | facts
    made = tuple(
        Output(key=f"{key}-{width}.{kind}", format=kind, width=width, height=height, size=9_000, quality=80)
        for kind, width, height in outputs
    )
    return Outcome(id="job_1", recipe="web", recipe_digest="d", upload=upload, renditions=made, **known)


def picture(result: Outcome) -> Picture:
    views = {each.key: encoded(each.format, each.width, each.height) for each in result.renditions}
    source = encoded("jpeg", 1200, 800) if result.source else None
    return Picture(outcomes=(result,), source=source, renditions=views)


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page with a picture of a hostile name in four formats, one more, and a rejected one."""
    problem = Problem(code="truncated", message="the file ends before its picture does", remedy="Upload it again.")
    results = (
        outcome(EVIL, ("webp", 900, 600), ("avif", 600, 400), ("png", 300, 300), ("jpeg", 450, 300), warnings=("w",)),
        outcome("folder/" + "long" * 40 + ".jpg", ("webp", 900, 600)),
        outcome("cut.jpg", status=Status.REJECTED, source=None, error=problem),
    )
    path = tmp_path_factory.mktemp("sheet") / "sheet.html"
    path.write_text(render_sheet([picture(each) for each in results]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """One open page, with what it complained of and what it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def visit(browser: Any, sheet: Path) -> Iterator[Callable[..., Tab]]:
    contexts = []

    def _visit(width: int = 1280, height: int = 800, **options: Any) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = Tab(context.new_page())
        tab.page.goto(sheet.as_uri())
        return tab

    yield _visit
    for context in contexts:
        context.close()


def test_sheet_in_a_browser_shows_every_picture_and_loads_nothing(visit: Callable[..., Tab]) -> None:
    """Each image decodes in its own format, the policy is not broken, and only the page itself was asked for."""
    tab = visit()
    images = tab.page.locator("main img")
    sizes = images.evaluate_all(
        "all => Promise.all(all.map(i => i.decode().then(() => [i.naturalWidth, i.naturalHeight])))"
    )
    assert sizes == [[1200, 800], [900, 600], [600, 400], [300, 300], [450, 300], [1200, 800], [900, 600]]
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [tab.page.url]


def test_sheet_of_a_hostile_name_runs_nothing_of_it(visit: Callable[..., Tab]) -> None:
    """Markup in a name is text, also in the viewer, whose heading comes from a script."""
    tab = visit()
    tab.page.locator(".rendition .look").first.click()
    assert tab.page.locator("#caption").text_content() == f"{EVIL}-900.webp"
    assert tab.page.title() == "Pictures and their renditions - Safelight"
    assert tab.complaints == []


def test_slider_moved_by_keys_and_pointer_shows_more_of_the_source(visit: Callable[..., Tab]) -> None:
    """The source lies over the rendition, cut where the slider is."""
    tab = visit()
    tab.page.locator(".compare").first.click()
    cut = "document.getElementById('pair').style.getPropertyValue('--cut')"
    assert tab.page.evaluate(cut) == "50%"
    tab.page.keyboard.press("ArrowRight")
    assert tab.page.evaluate(cut) == "50.5%"
    box = tab.page.locator("#slider").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    assert float(tab.page.evaluate(cut).rstrip("%")) == pytest.approx(25, abs=1)
    same = "id => document.getElementById(id).getBoundingClientRect().toJSON()"
    assert tab.page.evaluate(same, "before") == tab.page.evaluate(same, "after")


def test_compare_is_offered_only_where_the_whole_source_is_shown(visit: Callable[..., Tab]) -> None:
    """A square crop has no slider; in the viewer its button is gone too."""
    tab = visit()
    cards = tab.page.locator("article").first.locator(".rendition")
    assert [cards.nth(i).locator(".compare").count() for i in range(4)] == [1, 1, 0, 1]
    cards.nth(2).locator(".look").click()
    assert not tab.page.locator("#slide").is_visible()


def test_viewer_at_100_percent_shows_one_pixel_for_one(visit: Callable[..., Tab]) -> None:
    """A picture opens to fit the window; 100 % is its own size, and Escape closes it."""
    tab = visit(700, 500)
    tab.page.locator(".rendition .look").first.click()
    width = "document.getElementById('after').getBoundingClientRect().width"
    tab.page.wait_for_function(f"{width} > 300 && {width} <= 700")
    tab.page.locator("#zoom").click()
    assert tab.page.evaluate(width) == 900
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#viewer").is_visible()


def test_sheet_on_a_phone_needs_no_sideways_scrolling(visit: Callable[..., Tab]) -> None:
    """Even the longest name wraps."""
    tab = visit(360, 700)
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 360


def test_sheet_in_the_dark_is_dark(visit: Callable[..., Tab]) -> None:
    """The page follows the reader's light or dark."""
    color = "getComputedStyle(document.body).backgroundColor"
    assert visit(color_scheme="light").page.evaluate(color) == "rgb(245, 244, 241)"
    assert visit(color_scheme="dark").page.evaluate(color) == "rgb(22, 23, 26)"


def test_sheet_without_scripts_still_shows_everything(visit: Callable[..., Tab]) -> None:
    """Where scripts are off, no button promises what cannot work."""
    tab = visit(java_script_enabled=False)
    assert tab.page.locator("main img").count() == 7
    assert tab.page.locator(".compare:visible").count() == 0
