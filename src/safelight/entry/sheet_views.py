"""What a browser can be shown of results: the files themselves, and smaller proxies of sources that it cannot show."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from safelight.containers.sniff import CONTENT_TYPES
from safelight.entry import batch
from safelight.entry.sheet import Picture, View
from safelight.entry.sheet_facts import informed, pixels, upright
from safelight.figures import size_text
from safelight.job import Outcome, Output, Source, Status, Upload
from safelight.local.ports import World
from safelight.recipe.model import Recipe, Rendition
from safelight.settings import Settings
from safelight.steps.resize import Resize

SHOWN = ("jpeg", "png", "webp", "avif", "gif")
"""The formats that every browser of today shows."""

MOST_BYTES = 8_000_000
"""A larger source makes a page that a phone does not like to open."""

PROXY_SIDE_PX = 2000
PROXY = Recipe(
    name="sheet",
    renditions=(
        # WebP, not JPEG: it keeps transparency.
        Rendition(
            key="{dir}{filename}.webp",
            resize=Resize(width=PROXY_SIDE_PX, height=PROXY_SIDE_PX, fit="inside"),
            format="webp",
            quality=88,
        ),
    ),
)

Place = tuple[str, str]
"""Bucket and key of an upload."""


@contextmanager
def pictured(world: World, outcomes: Sequence[Outcome], *, workers: int = 1) -> Iterator[list[Picture]]:
    """Give one picture for each upload, in the order of the outcomes, as long as the context lasts.

    A source that browsers do not show, or too large a one, is developed once more, into a smaller WebP.
    """
    grouped: dict[Place, list[Outcome]] = {}
    for each in outcomes:
        grouped.setdefault((each.upload.bucket, each.upload.key), []).append(each)
    needing = [informed(each).upload for each in grouped.values() if _needs_proxy(informed(each))]
    with tempfile.TemporaryDirectory(prefix="safelight-sheet-") as folder:
        proxies = _proxies(world, needing, Path(folder), workers)
        yield [_picture(world, group, proxies) for group in grouped.values()]


def _needs_proxy(outcome: Outcome) -> bool:
    return bool(outcome.source and _reason(outcome.source, outcome.upload.size))


def _reason(source: Source, size: int) -> str:
    """Say why a source cannot be shown as it is, or nothing."""
    if source.format not in SHOWN:
        return f"browsers do not show {source.format}"
    if size > MOST_BYTES:
        return f"the file is larger than {size_text(MOST_BYTES)}"
    # Browsers agree on turning by EXIF for JPEG only.
    return "browsers turn it differently" if source.orientation > 1 and source.format != "jpeg" else ""


def _proxies(world: World, uploads: Sequence[Upload], folder: Path, workers: int) -> dict[Place, View]:
    if not uploads:
        return {}
    made: list[Outcome] = []
    settings = Settings(limits=world.settings.limits, recipes=(PROXY,))
    with batch.passing_local(settings, world.inputs, folder) as local:
        batch.develop_all(local, uploads, workers, made.extend)
    return {(each.upload.bucket, each.upload.key): _proxy(each, folder) for each in made if each.renditions}


def _proxy(outcome: Outcome, folder: Path) -> View:
    [output] = outcome.renditions
    reason = _reason(outcome.source, outcome.upload.size) if outcome.source else ""
    note = f"Shown as a smaller WebP, {pixels(output.width, output.height)}, since {reason}."
    return View(content_type=CONTENT_TYPES[output.format], body=folder / output.key, note=note)


def _picture(world: World, outcomes: Sequence[Outcome], proxies: dict[Place, View]) -> Picture:
    known = informed(outcomes)
    proxy = proxies.get((known.upload.bucket, known.upload.key))
    return Picture(
        outcomes=tuple(outcomes),
        source=proxy or _source(world, known),
        renditions=dict(_renditions(world, outcomes, proxy)),
    )


def _source(world: World, outcome: Outcome) -> View | None:
    if outcome.source is None or _needs_proxy(outcome):
        return None
    return _view(dict(world.inputs)[outcome.upload.bucket] / outcome.upload.key, outcome.source.format)


def _renditions(world: World, outcomes: Sequence[Outcome], proxy: View | None) -> Iterator[tuple[str, View]]:
    for outcome in outcomes:
        if outcome.status is not Status.SUCCEEDED or outcome.source is None:
            continue
        for output in outcome.renditions:
            same = proxy is not None and _shows_the_source(output, outcome.source)
            view = proxy if same else _view(world.output / output.key, output.format)
            if view:
                yield output.key, view


def _shows_the_source(output: Output, source: Source) -> bool:
    """Say whether an output has the source's very pixels, so that what stands for the source stands for it."""
    return (
        output.quality is None and output.format == source.format and (output.width, output.height) == upright(source)
    )


def _view(path: Path, format: str) -> View | None:  # noqa: A002 - the recipe's word
    if format not in SHOWN or not path.is_file():
        return None
    return View(content_type=CONTENT_TYPES[format], body=path)
