"""`python -m bench`: job A by Safelight and by what people use today."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import chart, corpus, measure, outputs, ratios, report
from bench.engines import PILLOW, ROOT, SHARP, Engine, EngineError, engines
from bench.job import SETTINGS

CACHE = ROOT / ".cache" / "bench"
RESULTS = ROOT / "bench" / "results"


def main() -> int:
    """Measure, print the table, write the result and the chart."""
    asked = _arguments()
    try:
        photos = corpus.own(asked.photos) if asked.photos else corpus.photographs(ROOT / ".cache" / "corpus")
        if asked.quick:
            photos = photos[::3]
        with tempfile.TemporaryDirectory() as folder:
            result = _measured(asked, photos, Path(folder))
    except (corpus.CorpusError, EngineError, outputs.OutputError) as err:
        print(err, file=sys.stderr)
        return 1
    _publish(result, asked.results or (CACHE if asked.quick or asked.photos else RESULTS))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench, or python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the photographs, one round: a first look")
    parser.add_argument("--rounds", type=int, default=0, help="how often each engine develops each photograph (3)")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="your pictures instead of Debian's")
    parser.add_argument("--scores", action="store_true", help="also SSIMULACRA2 of the 1280 px output (slow)")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=COMMAND", help="one more engine")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="where to write job_a.json and job_a.svg")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    return asked


def _measured(asked: argparse.Namespace, photos: Sequence[Path], folder: Path) -> report.Result:
    here = report.machine()
    if here.load > 0.5:
        print(f"Note: {here.load:.1f} other processes are busy on this machine: trust ratios, not milliseconds.")
    competitors = engines(asked.engine)
    print(f"{len(photos)} photographs, {len(competitors)} engines: {', '.join(each.name for each in competitors)}")
    samples, versions = measure.timed(
        competitors, [measure.Task(photo) for photo in photos], rounds=asked.rounds, out=folder, tell=print
    )
    rows = [_row(engine, samples, photos, folder / "kept" / engine.name, asked) for engine in competitors]
    return report.Result(
        command=" ".join(["python -m bench", *sys.argv[1:]]),
        machine=here,
        versions=versions,
        settings=SETTINGS,
        rounds=asked.rounds,
        photos=tuple(corpus.describe(photo) for photo in photos),
        rows=tuple(rows),
        samples=tuple(samples),
    )


def _row(
    engine: Engine, samples: Sequence[measure.Sample], photos: Sequence[Path], out: Path, asked: argparse.Namespace
) -> report.Row:
    print(f"memory{' and score' if asked.scores else ''} of {engine.name}")
    memory = measure.memory(engine, photos, out)
    written = outputs.check(out, photos)
    if asked.scores:
        written = msgspec.structs.replace(written, score=outputs.scores(out, photos))
    cpu_ms = ratios.mean_ms(samples, engine.name, "cpu_s")
    has_sharp = any(sample.engine == SHARP for sample in samples)
    return report.Row(
        name=engine.name,
        label=engine.label,
        cpu_ms=cpu_ms,
        wall_ms=ratios.mean_ms(samples, engine.name, "wall_s"),
        of_pillow=ratios.ratio(samples, engine.name, PILLOW),
        total_of_pillow=cpu_ms / ratios.mean_ms(samples, PILLOW, "cpu_s"),
        of_sharp=ratios.ratio(samples, engine.name, SHARP) if has_sharp else None,
        memory=memory,
        written=written,
    )


def _publish(result: report.Result, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    report.save(result, folder / "job_a.json")
    (folder / "job_a.svg").write_text(chart.draw(result))
    print(
        f"\nJob A, {result.rounds} rounds. Ratios of CPU: median of pairs [95 %]; `in all` is the ratio of the sums.\n"
    )
    print(report.table(result))
    print(f"\n{folder / 'job_a.json'} has every sample and setting; the chart is {folder / 'job_a.svg'}.")


if __name__ == "__main__":
    sys.exit(main())
