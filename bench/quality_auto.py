"""Measure `quality: auto`: what it saves, how even its results look, and what it costs.

    python -m bench.quality_auto PHOTOS [--width 960] [--runs 3]

PHOTOS is a folder that holds the photographs of TWENTY, which are in the packages that bench/corpus.py names. Each
is scaled to WIDTH and saved by auto and by the one fixed quality whose worst picture looks as auto's worst does.
Looks are measured by SSIMULACRA2 (package ssimulacra2), which shares no code with our own metric.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyvips
from msgspec import Struct
from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]

from safelight.encode import Encoding, Format, encode
from safelight.quality import CURVES, Choice, Codec, choose
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
from safelight.target import Target

TWENTY = (
    "Bridge_by_Sander_Klootwijk.jpg",
    "Kleiber_by_Lukas_Baubkus.jpg",
    "Picture_0B_by_freespace.jpg",
    "Wine_by_Jakkub_Mede.jpg",
    "analogpattern_by_Peter_Nerlich.jpg",
    "free_by_Peter_Nerlich.jpg",
    "friends_by_Aitzol_Berasategi.jpg",
    "greentock_by_Peter_Nerlich.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "Aqua.jpg",
    "Blinds.jpg",
    "Dune.jpg",
    "Garden.jpg",
    "GreenMeadow.jpg",
    "LadyBird.jpg",
    "RainDrops.jpg",
    "TwoWings.jpg",
    "Wood.jpg",
    "YellowFlower.jpg",
    "seeding_by_Clements_Engelhardt.jpg",
)
"""None of them served to find the metric's weights."""
FORMATS: tuple[Format, ...] = ("jpeg", "webp", "avif")
T = TypeVar("T")
BRACKET = (40, 96)


class Result(Struct, frozen=True, kw_only=True):
    """One format over all photographs."""

    kind: str
    choices: list[Choice]
    looks: list[float]
    fixed_quality: int
    fixed_bytes: int
    job_cpu: float
    encode_cpu: float


class Work(Struct, frozen=True, kw_only=True):
    """What is timed: `runs` interleaved pairs of auto and the fixed quality at `width` pixels."""

    kind: Format
    codec: Codec
    width: int
    runs: int
    fixed: int


def main() -> None:
    """Run the measurement and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--width", type=int, default=960)
    parser.add_argument("--runs", type=int, default=3, help="CPU is the median ratio of this many interleaved pairs")
    options = parser.parse_args()
    found = {path.name: path for path in options.photos.rglob("*.jpg")}
    if missing := [name for name in TWENTY if name not in found]:
        parser.error(f"{options.photos} lacks {', '.join(missing)}; unpack the packages of bench/corpus.py there")
    paths = [found[name] for name in TWENTY]
    _print([_measured(kind, paths, options.width, options.runs) for kind in FORMATS], options.width)


def _measured(kind: Format, paths: list[Path], width: int, runs: int) -> Result:
    images = [_scaled(path, width) for path in paths]
    codec = _codec(kind)
    choices = [choose(image, codec, "auto") for image in images]
    looks = [_look(image, choice.body) for image, choice in zip(images, choices, strict=True)]
    fixed = _fixed_quality(codec, images, looks)
    fixed_bytes = sum(len(codec.encode(image, fixed)) for image in images)
    sizes = Work(kind=kind, codec=codec, width=width, runs=runs, fixed=fixed)
    ratios = [_ratios(sizes, path) for path in paths]
    return Result(
        kind=kind,
        choices=choices,
        looks=looks,
        fixed_quality=fixed,
        fixed_bytes=fixed_bytes,
        job_cpu=statistics.median(job for job, _ in ratios),
        encode_cpu=statistics.median(encoding for _, encoding in ratios),
    )


def _scaled(path: Path, width: int) -> pyvips.Image:
    return pyvips.Image.thumbnail(str(path), width, height=width, size="down").copy_memory()


def _codec(kind: Format) -> Codec:
    return Codec(
        encode=lambda image, quality: encode(image, kind, Encoding(quality=quality), "none"),
        decode=lambda body: pyvips.Image.new_from_buffer(body, ""),
        curve=CURVES[kind],
    )


def _look(image: pyvips.Image, body: bytes) -> float:
    saved = pyvips.Image.new_from_buffer(body, "")
    pair = (io.BytesIO(each.pngsave_buffer(compression=0)) for each in (image, saved))
    return float(compute_ssimulacra2(*pair))


def _fixed_quality(codec: Codec, images: list[pyvips.Image], looks: list[float]) -> int:
    """Return the lowest quality at which no picture looks worse than auto's worst, which is looked at first."""
    low, high = BRACKET
    order = sorted(range(len(images)), key=looks.__getitem__)
    while low < high:
        middle = (low + high) // 2
        failed = next((n for n in order if _look(images[n], codec.encode(images[n], middle)) < min(looks)), None)
        if failed is None:
            high = middle
        else:
            low = middle + 1
            order.remove(failed)
            order.insert(0, failed)
    return low


def _ratios(work: Work, path: Path) -> tuple[float, float]:
    """Return the CPU of auto against the fixed quality: of the whole rendition, and of encoding alone."""
    body, image = path.read_bytes(), _scaled(path, work.width)
    jobs = [(_job(body, work, "auto"), _job(body, work, work.fixed)) for _ in range(work.runs)]
    encodes = [(_encode(image, work, "auto"), _encode(image, work, work.fixed)) for _ in range(work.runs)]
    return _median_ratio(jobs), _median_ratio(encodes)


def _median_ratio(pairs: list[tuple[float, float]]) -> float:
    return statistics.median(auto / plain for auto, plain in pairs)


def _job(body: bytes, work: Work, target: Target) -> float:
    """Return the CPU of developing a photograph as `safelight run` does: decode, scale, colour, compress."""
    size = Resize(width=work.width, height=work.width, fit="inside")
    rendition = Rendition(key="o", format=work.kind, resize=size, quality=target)
    return _clocked(lambda: render(body, "a.jpg", Recipe(name="a", renditions=(rendition,)), Limits()))[1]


def _encode(image: pyvips.Image, work: Work, target: Target) -> float:
    return _clocked(lambda: choose(image, work.codec, target))[1]


def _clocked(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def _print(results: list[Result], width: int) -> None:
    print(f"{len(TWENTY)} photographs at {width} px, one thread\n")
    print("| format | qualities | SSIMULACRA2: mean, sd, lowest | same lowest at | bytes saved ", end="")
    print("| probes: mean, most | CPU from the file on | CPU of encoding alone |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for each in results:
        print(_row(each))


def _row(each: Result) -> str:
    qualities = [choice.quality for choice in each.choices]
    probes = [choice.encodes - 1 for choice in each.choices]
    saved = 1 - sum(len(choice.body) for choice in each.choices) / each.fixed_bytes
    looks = f"{statistics.mean(each.looks):.1f}, {statistics.stdev(each.looks):.1f}, {min(each.looks):.1f}"
    return (
        f"| {each.kind} | {min(qualities)}..{max(qualities)} | {looks} | {each.fixed_quality} | {saved:.1%} "
        f"| {statistics.mean(probes):.1f}, {max(probes)} | {each.job_cpu:.2f} | {each.encode_cpu:.2f} |"
    )


if __name__ == "__main__":
    main()
