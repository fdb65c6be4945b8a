"""Draw the results of all jobs as one SVG: for each job a panel, for each engine a bar of its CPU time."""

from __future__ import annotations

from bench.chart import HEAD, STEP, STYLE, WIDTH, Bar, panel, text
from bench.engines import PILLOW, SAFELIGHT
from bench.jobs import JobResult, Line, Results

TOP, GAP = 84, 18


def draw(results: Results) -> str:
    """Return the chart as an SVG document."""
    y, parts = TOP, []
    for job in results.jobs:
        parts += panel(y, job.title, [_bar(line) for line in job.lines])
        y += HEAD + STEP * len(job.lines) + GAP
    rounds = "1 round" if results.rounds == 1 else f"{results.rounds} rounds"
    head = [
        text(24, 36, "CPU time per picture, all threads: shorter is better", "title"),
        text(24, 58, f"{rounds}, engines interleaved, equal encoder settings. Beside: the ratio to Pillow.", "quiet"),
        text(24, y + 14, f"{results.machine.cores} cores, {results.machine.cpu}. {results.command}", "quiet"),
    ]
    height = y + 34
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">\n'
        f"<title>{_title(results.jobs)}</title>\n<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join([*head, *parts]) + "\n</svg>\n"
    )


def _title(jobs: tuple[JobResult, ...]) -> str:
    return f"CPU time at {len(jobs)} jobs"


def _bar(line: Line) -> Bar:
    share = f" · {line.against[PILLOW].median:.2f}" if PILLOW in line.against else ""
    return Bar(label=line.label, value=line.cpu_ms, text=f"{line.cpu_ms:.0f} ms{share}", ours=line.name == SAFELIGHT)
