"""A manifest's picture element, pasted into a page, in a real browser."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from safelight.config import load
from safelight.recipe.model import Limits
from safelight.render import render
from tests.browser.test_sheet import ARGUMENTS, CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium; Debian's package chromium has it"),
    pytest.mark.xdist_group("browser"),
]
KEY = 'a b/it\'s <b>,"ø" 100%.jpg'
RECIPE = """
recipes:
  - name: web
    manifest: "lists/{dir}{filename}.json"
    renditions:
      - key: "{dir}web/{filename}-{width}.{format}"
        widths: [100, 200, 400, 5000]
        formats: [%s]
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serve a folder and keep no log; .avif and .webp are new to some systems."""

    extensions_map: ClassVar = {**SimpleHTTPRequestHandler.extensions_map, ".avif": "image/avif", ".webp": "image/webp"}

    def log_message(self, *_: object) -> None:
        pass


def written(folder: Path, formats: str) -> str:
    """Develop a picture into the folder and return its element."""
    (folder / "safelight.yaml").write_text(RECIPE % formats, "utf-8")
    ramp = np.linspace(0, 255, 600 * 400 * 3).reshape(400, 600, 3).astype(np.uint8)
    body = BytesIO()
    Image.fromarray(ramp).save(body, "JPEG")
    recipe = load(folder / "safelight.yaml", {}).settings.recipes[0]
    for output in render(body.getvalue(), KEY, recipe, Limits()).outputs:
        path = folder / output.key
        path.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(output.body, bytes)
        path.write_bytes(output.body)
    return str(json.loads(path.read_bytes())["picture"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve the folder; a page is put where the manifest is, so that its addresses hold."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def page(html: str) -> str:
        (tmp_path / "lists/a b/page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}", "utf-8")
        return f"http://127.0.0.1:{server.server_port}/lists/a%20b/page.html"

    yield page
    server.shutdown()
    server.server_close()


def chosen(browser: Any, address: str, *, width: int, scale: float = 1) -> dict[str, Any]:
    """Return what the browser took for the picture in a window of this width."""
    page = browser.new_context(viewport={"width": width, "height": 700}, device_scale_factor=scale).new_page()
    page.goto(address)
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
    found: dict[str, Any] = page.evaluate(
        "() => { const i = document.images[0]; const box = i.getBoundingClientRect();"
        " return {name: decodeURI(i.currentSrc).split('-').pop(), alt: i.alt, count: document.body.children.length,"
        " shape: Math.round(box.width / box.height * 100) / 100} }"
    )
    page.context.close()
    return found


@pytest.mark.parametrize(
    ("screen", "name"),
    [((90, 1), "100.avif"), ((90, 2), "200.avif"), ((390, 1), "400.avif"), ((390, 2), "5000.avif")],
)
def test_picture_in_a_page_shows_the_source_that_fits(
    browser: Any, tmp_path: Path, serve: Callable[[str], str], screen: tuple[int, int], name: str
) -> None:
    """By the room that the page gives it and the screen's density, whatever the upload is called."""
    css_px, scale = screen
    element = written(tmp_path, "avif, webp, jpeg")
    address = serve(f"<style>img {{ width: {css_px}px; height: auto }}</style>{element}")
    found = chosen(browser, address, width=1000, scale=scale)
    assert found == {"name": name, "alt": "", "count": 1, "shape": 1.5}


@pytest.mark.parametrize(("formats", "name"), [("webp, jpeg", "100.webp"), ("png, jpeg", "100.jpeg")])
def test_picture_without_avif_shows_the_next_format(
    browser: Any, tmp_path: Path, serve: Callable[[str], str], formats: str, name: str
) -> None:
    """Each browser takes the first that it knows; img is the last."""
    element = written(tmp_path, formats)
    address = serve(f"<style>img {{ width: 60px; height: auto }}</style>{element}")
    assert chosen(browser, address, width=800)["name"] == name


def test_picture_below_the_window_is_loaded_when_it_comes_into_sight(
    browser: Any, tmp_path: Path, serve: Callable[[str], str]
) -> None:
    """A page begins with what is seen, and nothing moves when the picture comes: its room is kept."""
    element = written(tmp_path, "webp, jpeg")
    page = browser.new_page()
    page.goto(serve(f"<div style='height: 20000px'></div>{element}"))
    assert page.evaluate("document.images[0].currentSrc") == ""
    assert page.evaluate("document.images[0].getBoundingClientRect().height") == 400
    page.evaluate("document.images[0].scrollIntoView()")
    page.wait_for_function("document.images[0].naturalWidth > 0")
    page.close()
