"""What the sheet says about results, as HTML: every text of theirs is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from safelight.figures import change_text, size_text, time_text
from safelight.job import Outcome, Output, Source, Status
from safelight.steps.orient import upright_size

LOSSLESS = ("png", "gif", "tiff")
FULL_BAR = 100

Outcomes = Sequence[Outcome]
"""What became of one upload: one outcome for each recipe that took it."""


def text(value: str) -> str:
    """Return text that is safe in HTML and quoted attributes; what cannot be seen becomes visible."""
    return escape("".join(letter if letter.isprintable() else "�" for letter in value))


def title(outcomes: Outcomes) -> str:
    """Return what a page is called."""
    return outcomes[0].upload.key.rpartition("/")[2] if outcomes else "Pictures and their renditions"


def informed(outcomes: Outcomes) -> Outcome:
    """Return the outcome that knows most of the source."""
    return next((each for each in outcomes if each.source), outcomes[0])


def pixels(width: int, height: int) -> str:
    """Return a size as people write it."""
    return f"{width} \N{MULTIPLICATION SIGN} {height}"


def upright(source: Source) -> tuple[int, int]:
    """Return the source's width and height as a viewer sees them."""
    return upright_size(source.width, source.height, source.orientation)


def same_aspect(output: Output, source: Source) -> bool:
    """Say whether a rendition shows the whole source undistorted, as far as whole pixels allow."""
    width, height = upright(source)
    # Both sides of a rendition are rounded by up to half a pixel.
    return abs(output.width * height / width - output.height) <= 0.5 * (1 + height / width)


def heading(outcomes: Outcomes, *, headed: bool) -> str:
    """Return the name of a picture and one line about how it went."""
    key = outcomes[0].upload.key
    name = f"<h2>{text(key)}</h2>\n" if headed or "/" in key else ""
    return f'<header>\n{name}<p class="summary">{_status(outcomes)} {" · ".join(_summary(outcomes))}</p>\n</header>\n'


def _summary(outcomes: Outcomes) -> list[str]:
    outputs = [output for outcome in outcomes for output in outcome.renditions]
    size, written = outcomes[0].upload.size, sum(output.size for output in outputs)
    parts = [f"recipe {' and '.join(text(each.recipe) for each in outcomes)}"]
    if outputs:
        together = "" if len(outputs) == 1 else " together"
        parts.append(f"{_count(outputs)}, {size_text(written)}{together}, {change_text(size, written)}")
        parts.append(f"developed in {time_text(sum(each.duration_ms or 0 for each in outcomes))}")
        parts.append(f"{max(each.peak_mb or 0 for each in outcomes)} MB of memory at the peak")
    else:
        parts.append(size_text(size))
    return parts


def _count(outputs: Sequence[Output]) -> str:
    return f"{len(outputs)} rendition{'s' if len(outputs) != 1 else ''}"


def _status(outcomes: Outcomes) -> str:
    worst = next((each.status for each in outcomes if each.status is not Status.SUCCEEDED), Status.SUCCEEDED)
    return f'<span class="status {worst.value}">{worst.value}</span>'


def callouts(outcomes: Outcomes) -> str:
    """Return the warnings and errors, each with what to do."""
    said = [f'<p class="callout warning">{text(words)}</p>\n' for each in outcomes for words in each.warnings]
    for each in outcomes:
        if each.error:
            recipe = f"Recipe {text(each.recipe)}: " if len(outcomes) > 1 else ""
            said.append(
                f'<div class="callout error"><p>{recipe}<code>{text(each.error.code)}</code> '
                f'{text(each.error.message)}</p><p class="remedy">{text(each.error.remedy)}</p></div>\n'
            )
    return "".join(said)


def source(outcome: Outcome, note: str) -> str:
    """Return the caption of the source."""
    found = outcome.source
    pairs = [("size", size_text(outcome.upload.size))]
    if found:
        width, height = upright(found)
        pairs = [("format", found.format), ("pixels", pixels(width, height)), *pairs]
        if found.orientation > 1:
            pairs.append(("turned", f"upright, by EXIF orientation {found.orientation}"))
        if found.frames > 1:
            pairs.append(("frames", str(found.frames)))
    return f'<p class="name"><strong>Source</strong></p>\n{_list(pairs)}{_note(note)}'


def rendition(outcome: Outcome, output: Output, note: str) -> str:
    """Return the caption of a rendition."""
    pairs = [
        ("format", output.format),
        ("pixels", pixels(output.width, output.height)),
        ("size", size_text(output.size)),
        ("change", change_text(outcome.upload.size, output.size)),
        ("quality", _quality(output)),
    ]
    if output.score is not None:
        pairs.append(("likeness", f"{output.score:.3f}"))
    bar = _bar(outcome.upload.size, output.size)
    return (
        f'<p class="name"><strong>{text(output.key)}</strong></p>\n{bar}{_list(pairs)}{_note(output.note)}{_note(note)}'
    )


def _quality(output: Output) -> str:
    if output.quality is not None:
        return str(output.quality)
    # A score is measured of what was encoded; the upload's own picture has none.
    return "lossless" if output.score is not None or output.format in LOSSLESS else "untouched"


def _bar(before: int, after: int) -> str:
    """Draw how large a rendition is beside its source; an attribute, since the policy allows no inline style."""
    share = min(FULL_BAR, max(1, round(after / before * FULL_BAR))) if before else FULL_BAR
    kind = "larger" if after > before else "smaller"
    return (
        f'<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="whole" width="100" height="1"/><rect class="share" width="{share}" height="1"/></svg>\n'
    )


def _list(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return f"<dl>{rows}</dl>\n"


def _note(words: str | None) -> str:
    return f'<p class="note">{text(words)}</p>\n' if words else ""


def contents(every: Sequence[Outcomes]) -> str:
    """Return a table of the pictures of a page, each row leading to its picture."""
    names = ("Picture", "Status", "Outputs", "In", "Out", "Change")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(_row(outcomes, number) for number, outcomes in enumerate(every, 1))
    return f'<nav class="card"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></nav>\n'


def _row(outcomes: Outcomes, number: int) -> str:
    outputs = [output for outcome in outcomes for output in outcome.renditions]
    size, written = outcomes[0].upload.size, sum(output.size for output in outputs)
    cells = (size_text(written), change_text(size, written)) if outputs else ("", "")
    figures = "".join(f"<td>{cell}</td>" for cell in (len(outputs) or "", size_text(size), *cells))
    link = f'<a href="#p{number}">{text(outcomes[0].upload.key)}</a>'
    return f"<tr><td>{link}</td><td>{_status(outcomes)}</td>{figures}</tr>\n"


def total(every: Sequence[Outcomes]) -> str:
    """Return one line about all pictures that gave something."""
    good = [outcomes for outcomes in every if any(each.renditions for each in outcomes)]
    size = sum(outcomes[0].upload.size for outcomes in good)
    outputs = [output for outcomes in good for each in outcomes for output in each.renditions]
    written = sum(output.size for output in outputs)
    words = f"{len(good)} of {len(every)} pictures developed into {_count(outputs)}"
    figures = f": {size_text(size)} in, {size_text(written)} out, {change_text(size, written)}" if good else ""
    return f'<p class="total">{words}{figures}.</p>\n'
