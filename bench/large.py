"""`python -m bench.large`: 300 MP within 512 MB, each in a process that may not have more; and bombs of frames."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pyvips
from msgspec import Struct

from bench import bombs, report
from bench.engines import ROOT
from bench.jobs import CACHE, RESULTS

WIDTH, HEIGHT = 20_000, 15_000
MEMORY_MB = 512
TILE_PX = 500
SAVERS = {
    "baseline.jpg": ("jpegsave", {"Q": 80}),
    "progressive.jpg": ("jpegsave", {"Q": 80, "interlace": True}),
    "plain.png": ("pngsave", {"compression": 1}),
}
SECONDS = 300
BOMBS = {"bomb.gif": bombs.gif, "bomb.webp": bombs.webp}
BOMB_PX, BOMB_FRAMES = 4000, 1000


class Large(Struct, frozen=True, kw_only=True):
    """How one picture ended: developed, or refused with a code; and what it took.

    `peak_mb` is resident memory with the mapped file and the libraries. `frames` is 1 for a still picture.
    """

    file: str
    width: int
    height: int
    ending: str
    peak_mb: float
    cpu_s: float
    wall_s: float = 0
    frames: int = 1


class Larges(Struct, frozen=True, kw_only=True):
    """All pictures, and what a process may have."""

    machine: report.Machine
    memory_mb: int
    rows: tuple[Large, ...]


def main() -> int:
    """Measure and write `large.json`; or be the child that develops one picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 MP within 256 MB; to .cache/bench")
    parser.add_argument("--child", nargs=2, metavar=("FILE", "MB"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        return _child(Path(asked.child[0]), int(asked.child[1]))
    here = report.machine()
    size, memory_mb = ((10_000, 6_000), 256) if asked.quick else ((WIDTH, HEIGHT), MEMORY_MB)
    cache = ROOT / ".cache" / "large"
    paths = [*(made(cache, file, *size) for file in SAVERS), *(bomb(cache, file) for file in BOMBS)]
    rows = tuple(developed(path, memory_mb) for path in paths)
    folder = CACHE if asked.quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    found = Larges(machine=here, memory_mb=memory_mb, rows=rows)
    (folder / "large.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    for row in rows:
        print(
            f"{row.file}, {row.width} x {row.height} x {row.frames}: {row.ending}, peak {row.peak_mb:.0f} MB, "
            f"{row.cpu_s:.2f} s CPU, {row.wall_s:.2f} s"
        )
    return 0


def made(folder: Path, file: str, width: int, height: int) -> Path:
    """Return a picture of that size, made in `folder` by one pass when it is not there yet."""
    path = folder / f"{width}x{height}-{file}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tile = pyvips.Image.sines(TILE_PX, TILE_PX, hfreq=7, vfreq=5, uchar=True)
        tile = tile.bandjoin(tile.rot90()).bandjoin(tile.invert()).copy(interpretation="srgb").copy_memory()
        picture = tile.replicate(-(-width // TILE_PX), -(-height // TILE_PX)).crop(0, 0, width, height)
        saver, options = SAVERS[file]
        part = path.with_suffix(".part")
        part.write_bytes(getattr(picture, f"{saver}_buffer")(keep="none", **options))
        part.rename(path)
    return path


def bomb(folder: Path, file: str) -> Path:
    """Return an animation of 1,000 frames of 16 MP, written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{BOMB_PX}x{BOMB_PX}x{BOMB_FRAMES}-{file}"
    path.write_bytes(BOMBS[file](BOMB_PX, BOMB_FRAMES))
    return path


def developed(path: Path, memory_mb: int) -> Large:
    """Develop the picture to 1280 px from its path, in a process with a hard limit on its memory."""
    words = [sys.executable, "-m", "bench.large", "--child", str(path), str(memory_mb)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        return _large(path, f"died with {done.returncode}: {done.stderr.strip()[-300:]}", 0, 0)
    return msgspec.json.decode(done.stdout, type=Large)


def _large(path: Path, ending: str, cpu_s: float, wall_s: float) -> Large:
    size, _, file = path.name.partition("-")
    width, height, *frames = map(int, size.split("x"))
    return Large(
        file=file,
        width=width,
        height=height,
        frames=frames[0] if frames else 1,
        ending=ending,
        peak_mb=0 if ending.startswith("died") else _peak_mb(),
        cpu_s=cpu_s,
        wall_s=wall_s,
    )


def _child(path: Path, memory_mb: int) -> int:
    from safelight.errors import SafelightError  # noqa: PLC0415 - the child's alone: its memory is what counts
    from safelight.recipe.model import Limits, Recipe, Rendition  # noqa: PLC0415
    from safelight.render import render  # noqa: PLC0415
    from safelight.steps.resize import Resize  # noqa: PLC0415

    # Anonymous and private memory; the mapped file is the kernel's to drop.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 1_000_000,) * 2)
    size = Resize(width=1280, height=1280, fit="inside")
    recipe = Recipe(name="large", renditions=(Rendition(key="small.jpg", resize=size),))
    limits = Limits(pixels=WIDTH * HEIGHT, megabytes=2000, memory=memory_mb)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    try:
        output = render(path, path.name, recipe, limits).outputs[0]
        ending = f"developed to {output.width} x {output.height}"
    except SafelightError as err:
        ending = f"refused: {err.code}"
    large = _large(path, ending, time.process_time() - cpu_s, time.perf_counter() - wall_s)
    print(msgspec.json.encode(large).decode())
    return 0


def _peak_mb() -> float:
    """Return the peak of this process; Linux' `ru_maxrss` would start with its parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    sys.exit(main())
