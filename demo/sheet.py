"""The demonstration's sheet: every picture beside its renditions, on one page."""

from __future__ import annotations

from pathlib import Path

from safelight.containers.sniff import CONTENT_TYPES
from safelight.entry.sheet import Picture, View, sheet_parts
from safelight.job import Outcome

SHOWN_BY_BROWSERS = ("jpeg", "png", "webp", "avif", "gif")
MAX_SHOWN_BYTES = 8_000_000


def write_sheet(outcomes: list[Outcome], project: Path) -> Path:
    """Write the page beside the project's folders and return where it is."""
    path = project / "sheet.html"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(sheet_parts([_picture(each, project) for each in outcomes], title="Safelight's demonstration"))
    return path


def _picture(outcome: Outcome, project: Path) -> Picture:
    views = {
        each.key: View(content_type=CONTENT_TYPES[each.format], body=project / "output" / each.key)
        for each in outcome.renditions
        if each.format in SHOWN_BY_BROWSERS
    }
    return Picture(outcomes=(outcome,), source=_source(outcome, project, views), renditions=views)


def _source(outcome: Outcome, project: Path, views: dict[str, View]) -> View | None:
    if outcome.source is None:
        return None
    if outcome.source.format in SHOWN_BY_BROWSERS and outcome.upload.size <= MAX_SHOWN_BYTES:
        return View(content_type=CONTENT_TYPES[outcome.source.format], body=project / "input" / outcome.upload.key)
    made = max((each for each in outcome.renditions if each.key in views), key=lambda each: each.width, default=None)
    if made is None:
        return None
    proxy = views[made.key]
    return View(content_type=proxy.content_type, body=proxy.body, note=f"shown as the rendition {made.key}")
