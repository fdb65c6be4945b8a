"""Draw the result as SVG: CPU and memory of each engine as bars."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from bench.engines import PIPELINE, SAFELIGHT
from bench.report import Result, Row

WIDTH, LABEL_X, BAR_X, BAR_WIDTH = 860, 236, 250, 430
BAR_HEIGHT, STEP, HEAD = 22, 32, 44
INK, QUIET, PEER, OURS = "#1f2328", "#59636e", "#b6bec9", "#c2410c"
STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:14px;fill:" + INK + "}"
    ".title{font-size:19px;font-weight:600}.head{font-weight:600}.quiet{fill:" + QUIET + ";font-size:12px}"
)


class Bar(Struct, frozen=True, kw_only=True):
    """One bar, with the range of its uncertainty where there is one."""

    label: str
    value: float
    text: str
    ours: bool


def draw(result: Result) -> str:
    """Return the chart as an SVG document."""
    cpu = [_bar(row, row.cpu_ms, f"{row.cpu_ms:.0f} ms · {row.total_of_pillow:.2f}") for row in result.rows]
    memory = [_bar(row, row.memory.peak_mb, f"{row.memory.peak_mb:.0f} MB") for row in result.rows]
    top = 92
    second = top + HEAD + STEP * len(cpu) + 18
    height = second + HEAD + STEP * len(memory) + 62
    parts = [
        text(24, 36, "Job A: one photograph becomes 320 px JPEG, 1280 px WebP, 2048 px JPEG", "title"),
        text(24, 58, _subject(result), "quiet"),
        text(24, 76, "Shorter is better. Medians over rounds, means over photographs.", "quiet"),
        *panel(top, "CPU time per photograph, all threads, and its share of Pillow's", cpu),
        *panel(second, "Peak resident memory of a fresh process over all photographs", memory),
        text(24, height - 36, _versions(result), "quiet"),
        text(
            24, height - 18, f"{result.machine.cores} cores, {result.machine.cpu}. Command: {result.command}", "quiet"
        ),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">\n'
        f"<title>Job A: CPU and memory of {len(result.rows)} engines</title>\n<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bar(row: Row, value: float, text: str) -> Bar:
    return Bar(label=row.label, value=value, text=text, ours=row.name in (SAFELIGHT, PIPELINE))


def panel(top: int, head: str, bars: Sequence[Bar]) -> list[str]:
    """Return a heading and its bars, from `top` downwards."""
    longest = max(bar.value for bar in bars)
    parts = [text(24, top + 24, head, "head")]
    for number, bar in enumerate(bars):
        y = top + HEAD + STEP * number
        width = bar.value / longest * BAR_WIDTH
        color = OURS if bar.ours else PEER
        parts += [
            text(LABEL_X, y + 16, bar.label, "head" if bar.ours else "", anchor="end"),
            f'<rect x="{BAR_X}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="2" fill="{color}"/>',
            text(BAR_X + width + 8, y + 16, bar.text, "head" if bar.ours else ""),
        ]
    return parts


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Return one line of text."""
    return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _subject(result: Result) -> str:
    sizes = [photo.width * photo.height / 1e6 for photo in result.photos]
    rounds = "1 round" if result.rounds == 1 else f"{result.rounds} rounds"
    spread = f"{min(sizes):.0f} to {max(sizes):.0f} MP"
    return f"{len(sizes)} photographs of {spread}, {rounds}, engines interleaved, equal encoder settings"


def _versions(result: Result) -> str:
    names = ("safelight", "libvips", "pillow", "sharp", "node", "python")
    return ", ".join(f"{name} {result.versions[name]}" for name in names if name in result.versions)
