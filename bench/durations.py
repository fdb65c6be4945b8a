"""`python -m bench.durations`: CPU of each stage for each megapixel, which `safelight cost` reckons with.

It writes src/safelight/deploy/durations.toml. Means over pictures of the median of the rounds, each stage alone, by
Safelight's own functions; CPU time, so that others on the machine show less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean, median

import pyvips

from bench import corpus, report
from bench.engines import ROOT
from safelight.compress import compress
from safelight.decode import Opened, decode, load_jpeg, open_upload
from safelight.deploy.durations import FILE
from safelight.deploy.forecast import SAMPLE_MP
from safelight.encode import Format
from safelight.recipe.model import Limits, Rendition
from safelight.steps.color import to_srgb
from safelight.steps.resize import resize
from safelight.validate import validate

LIMITS = Limits()
SOURCES = ("jpeg", "png", "webp", "avif")
OUTPUTS: tuple[Format, ...] = ("jpeg", "webp", "avif", "png")
SEARCHED: tuple[Format, ...] = ("jpeg", "webp", "avif")
OUTPUT_PX = 1280
PHONES = 2
"""The first JPEGs are as phones write them; wallpapers are smoother and take fewer bytes."""
AROUND = """
[around]
# invocation_ms: CPU of everything but the image work (bench.function.beside). init_ms: under AWS's emulator
# (bench.function.emulated, wall, on a busy machine, so rather too long). Both measured 2026-11-25, bench/README.md.
invocation_ms = 6.4
init_ms = 723
# Not measured, since no AWS is at hand: what a call, an object and a MB take inside a region, how fast arm64 is, the
# share of cold starts on a busy day (AWS found under 1 %: AWS Compute Blog, "AWS Lambda standardizes billing for INIT
# Phase"), and for how many seconds an idle function stays warm.
call_ms = 6
object_ms = 25
mb_ms = 15
arm_factor = 1.0
cold_share = 0.01
keep_warm_s = 600
"""


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(prog="python -m bench.durations", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each stage runs on each picture (3)")
    parser.add_argument("--out", type=Path, default=FILE, help="the file to write")
    asked = parser.parse_args()
    here = report.machine()
    pictures = _pictures(ROOT / ".cache" / "corpus")
    resampled, sources = _sources(pictures, asked.rounds)
    lines = [
        "# Written by python -m bench.durations; do not edit. CPU ms and MB for each megapixel.",
        f"dated = {datetime.now(UTC).date()}",
        f'command = "python -m bench.durations --rounds {asked.rounds}"',
        f'machine = "{here.cores} cores, {here.cpu}, {here.system}, load {here.load:.1f}"',
        f"resize_ms = {resampled:.2f}",
        *sources,
        *_outputs(pictures["jpeg"][:4], asked.rounds),
    ]
    asked.out.write_text("\n".join(lines) + "\n" + AROUND, encoding="utf-8")


def _pictures(cache: Path) -> dict[str, list[bytes]]:
    """Return some pictures of each format; AVIF is made of a few photographs, as phones and converters do it."""
    found = corpus.sources(cache)
    phones = [path for path in found["photos"] if path.name.startswith("phone-12mp")]
    jpegs = [path.read_bytes() for path in (*phones[:PHONES], *found["few"][:4])]
    avifs = [bytes(_pixels(body).heifsave_buffer(compression="av1", effort=2, Q=63)) for body in jpegs[2:4]]
    few = {kind: [path.read_bytes() for path in found[kind][:3]] for kind in ("png", "webp")}
    return {"jpeg": jpegs, **few, "avif": avifs}


def _pixels(body: bytes) -> pyvips.Image:
    image = pyvips.Image.new_from_buffer(body, "").resize(0.5)
    return image.colourspace("srgb").copy_memory()


def _sources(pictures: dict[str, list[bytes]], rounds: int) -> tuple[float, list[str]]:
    lines: list[str] = []
    resampled: list[float] = []
    for kind in SOURCES:
        opened = [open_upload(body, LIMITS) for body in pictures[kind]]
        check = fmean(_cpu_ms(partial(validate, each), rounds) / _mp(each) for each in opened)
        mb = fmean(len(each.view) / 1e6 / _mp(each) for each in opened[:PHONES])
        decoded = {factor: _decoding(opened, factor, rounds) for factor in ((1, 2, 4, 8) if kind == "jpeg" else (1,))}
        factors = ", ".join(f"{factor} = {ms:.2f}" for factor, ms in decoded.items())
        lines += ["", f"[source.{kind}]", f"mb = {mb:.3f}", f"check_ms = {check:.2f}", f"decode_ms = {{ {factors} }}"]
        if kind == "jpeg":
            resampled = [_resampling(each, rounds) for each in opened]
    return fmean(resampled), lines


def _decoding(opened: Sequence[Opened], factor: int, rounds: int) -> float:
    def work(each: Opened) -> None:
        if factor == 1:
            decode(each, least_width=each.source.width, least_height=each.source.height).copy_memory()
        else:
            load_jpeg(each, shrink=factor).copy_memory()

    return fmean(_cpu_ms(partial(work, each), rounds) / _mp(each) for each in opened)


def _resampling(each: Opened, rounds: int) -> float:
    """Return the CPU of halving a picture and of its way into sRGB, for each megapixel that goes in."""
    image = decode(each, least_width=each.source.width, least_height=each.source.height).copy_memory()
    half = (image.width // 2, image.height // 2)
    return _cpu_ms(lambda: to_srgb(resize(image, half)).copy_memory(), rounds) / (image.width * image.height / 1e6)


def _outputs(bodies: Iterable[bytes], rounds: int) -> list[str]:
    images = [pyvips.Image.thumbnail_buffer(body, OUTPUT_PX).colourspace("srgb").copy_memory() for body in bodies]
    lines: list[str] = []
    for kind in OUTPUTS:
        made = [(image, *_encoding(image, kind, None, rounds)) for image in images]
        encode_ms = fmean(ms / _area(image) for image, ms, _ in made)
        mb = fmean(size / 1e6 / _area(image) for image, _, size in made)
        lines += ["", f"[output.{kind}]", f"encode_ms = {encode_ms:.2f}", f"mb = {mb:.3f}"]
        if kind in SEARCHED:
            searched = [_encoding(image, kind, "auto", 1)[0] - ms for image, ms, _ in made]
            pairs = zip(images, searched, strict=True)
            lines.append(f"search_ms = {fmean(ms / min(_area(image), SAMPLE_MP) for image, ms in pairs):.2f}")
    return lines


def _encoding(image: pyvips.Image, kind: Format, quality: str | None, rounds: int) -> tuple[float, int]:
    rendition = Rendition(key="a", quality="auto" if quality else None)
    body = compress(image, kind, rendition, "none").body
    return _cpu_ms(lambda: compress(image, kind, rendition, "none"), rounds), len(body)


def _cpu_ms(work: Callable[[], object], rounds: int) -> float:
    spent: list[float] = []
    for _ in range(rounds):
        begin_s = time.process_time()
        work()
        spent.append(time.process_time() - begin_s)
    return median(spent) * 1000


def _mp(opened: Opened) -> float:
    return opened.source.width * opened.source.height / 1e6


def _area(image: pyvips.Image) -> float:
    return image.width * image.height / 1e6


if __name__ == "__main__":
    main()
