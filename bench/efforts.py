"""`python -m bench.efforts`: what AVIF's effort costs and brings, so that the default is a choice that was measured."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import msgspec
import pyvips
from msgspec import Struct

from bench import corpus, measure, outputs, ratios, report
from bench.engines import ROOT
from bench.jobs import CACHE, RESULTS
from safelight.encode import ENCODERS, Encoding, encode

EFFORTS = (0, 1, 2, 3, 4)
LIBVIPS_DEFAULT = 4
QUALITY = 63
BOX_PX = 1280
PICTURES = (
    "Garden.jpg",
    "LadyBird.jpg",
    "Wine_by_Jakkub_Mede.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "phone-12mp-o1-bridge.jpg",
)


class Effort(Struct, frozen=True, kw_only=True):
    """One effort: CPU and bytes a picture, its CPU against libvips' default, its SSIMULACRA2."""

    effort: int
    cpu_ms: float
    of_default: ratios.Ratio
    kilobytes: float
    score: float


class Efforts(Struct, frozen=True, kw_only=True):
    """The whole table. `ours` is Safelight's default."""

    machine: report.Machine
    libvips: str
    rounds: int
    photos: tuple[str, ...]
    ours: int
    rows: tuple[Effort, ...]


def main() -> int:
    """Measure and write `efforts.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench.efforts", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two pictures, one round; to .cache/bench")
    quick = parser.parse_args().quick
    here = report.machine()
    photos = ROOT / ".cache" / "corpus"
    chosen = [path for path in corpus.photographs(photos) if path.name in PICTURES][: 2 if quick else None]
    rounds = 1 if quick else 3
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(chosen, rounds, Path(folder))
    found = Efforts(
        machine=here,
        libvips=".".join(str(pyvips.version(part)) for part in range(3)),
        rounds=rounds,
        photos=tuple(path.name for path in chosen),
        ours=ENCODERS["avif"].effort,
        rows=rows,
    )
    folder_out = CACHE if quick else RESULTS
    folder_out.mkdir(parents=True, exist_ok=True)
    (folder_out / "efforts.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    for row in rows:
        print(f"{row.effort}: {row.cpu_ms:.0f} ms, {row.of_default} of 4, {row.kilobytes:.1f} KB, {row.score:.2f}")
    return 0


def _rows(photos: Sequence[Path], rounds: int, folder: Path) -> tuple[Effort, ...]:
    images = {photo.name: _reduced(photo) for photo in photos}
    samples: list[measure.Sample] = []
    order = random.Random(22)  # noqa: S311 - a shuffle, no secret
    for number in range(rounds):
        for name, image in images.items():
            samples += [_sample(image, name, effort, number, folder) for effort in order.sample(EFFORTS, len(EFFORTS))]
    return tuple(_row(effort, images, samples, folder) for effort in EFFORTS)


def _reduced(photo: Path) -> pyvips.Image:
    image = pyvips.Image.thumbnail(str(photo), BOX_PX, height=BOX_PX, size="down").copy_memory()
    image.remove("orientation")
    return image


def _sample(image: pyvips.Image, name: str, effort: int, number: int, folder: Path) -> measure.Sample:
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    body = encode(image, "avif", Encoding(quality=QUALITY, effort=effort), "none")
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    (folder / f"{name}-{effort}.avif").write_bytes(body)
    return measure.Sample(engine=str(effort), photo=name, round=number, cpu_s=cpu_s, wall_s=wall_s)


def _row(effort: int, images: dict[str, pyvips.Image], samples: Sequence[measure.Sample], folder: Path) -> Effort:
    made = {name: folder / f"{name}-{effort}.avif" for name in images}
    return Effort(
        effort=effort,
        cpu_ms=ratios.mean_ms(samples, str(effort), "cpu_s"),
        of_default=ratios.ratio(samples, str(effort), str(LIBVIPS_DEFAULT)),
        kilobytes=fmean(path.stat().st_size for path in made.values()) / 1000,
        score=fmean(_score(image, made[name], folder) for name, image in images.items()),
    )


def _score(image: pyvips.Image, made: Path, folder: Path) -> float:
    """Compare with the very pixels that were encoded: only the encoder is on trial."""
    reference, decoded = folder / "reference.png", folder / "decoded.png"
    image.write_to_file(str(reference), compression=1, keep="none")
    pyvips.Image.heifload(str(made)).write_to_file(str(decoded), compression=1, keep="none")
    return outputs.similarity(reference, decoded)


if __name__ == "__main__":
    sys.exit(main())
