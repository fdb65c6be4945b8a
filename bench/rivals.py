"""`python -m bench.rivals`: install the peers that live in environments of their own; and find those that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.engines import BENCH, PEERS, Engine, module
from bench.job import JOBS

FLOOR = "floor"
BUILD_LIBRARIES = ("gcc", "libc6-dev", "libjpeg62-turbo-dev", "zlib1g-dev", "libwebp-dev")
"""Debian's packages that pillow-simd is compiled with; it has no AVIF, whose library is too old there."""


def main() -> int:
    """Install thumbor, pillow-simd, ImageMagick and the floor's codecs; say what cannot be had. Never fails."""
    _debian(*BUILD_LIBRARIES)
    for name in ("thumbor", "pillow-simd"):
        reason = _environment(name)
        print(f"{name}: {'not installed: ' + reason if reason else 'installed in ' + str(PEERS / name)}")
    print(f"with `make bench-all` run: {', '.join(engine.name for engine in rivals())}")
    return 0


def rivals() -> list[Engine]:
    """Return the engines beside Pillow, sharp and Safelight; install the ones that every run has, where possible."""
    floor = _environment(FLOOR)
    if floor:
        print(f"Skipping the floor: {floor}.")
    found = [*_imagemagick(), *_pillow_simd(), *_thumbor()]
    if not floor:
        jobs = tuple(name for name in JOBS if name != "png")
        label = "the floor: codecs alone"
        found.append(
            Engine(
                name=FLOOR, label=label, command=module("floor", python=_python(FLOOR)), jobs=jobs, holds_pixels=True
            )
        )
    return found


def _imagemagick() -> list[Engine]:
    program = _magick()
    if not program:
        _debian("imagemagick")
        program = _magick()
    if not program:
        print(
            "Skipping ImageMagick: it is not installed, and apt-get did not install it; `apt-get install imagemagick`."
        )
        return []
    command = module("imagemagick", program)
    return [Engine(name="imagemagick", label="ImageMagick, jpeg:size", command=command, spawns=True)]


def _magick() -> str | None:
    # Debian's own names first: `convert` may be a wrapper, whose start would count.
    return next(filter(None, map(shutil.which, ("magick", "convert-im6.q16", "convert-im7.q16"))), None)


def _pillow_simd() -> list[Engine]:
    python = _python("pillow-simd")
    if not python.exists():
        print("Skipping pillow-simd: it is not installed; `make bench-peers` does that.")
        return []
    formats = {"jpeg", "png", *(kind for kind in ("webp", "avif") if _has_codec(python, kind))}
    jobs = tuple(name for name in JOBS if _formats_of(name) <= formats)
    command = module("pillow_function", "pillow-simd", python=python)
    return [Engine(name="pillow-simd", label="pillow-simd, same function", command=command, jobs=jobs)]


def _formats_of(job: str) -> set[str]:
    """Return the formats that a job needs an encoder or a decoder for, beside JPEG's decoder."""
    source = {JOBS[job].source} & {"png", "webp"}
    return source | {output.format for output in JOBS[job].outputs}


def _has_codec(python: Path, kind: str) -> bool:
    asked = f"from PIL import features; raise SystemExit(not features.check({kind!r}))"
    return subprocess.run([python, "-c", asked], capture_output=True, check=False).returncode == 0


def _thumbor() -> list[Engine]:
    python = _python("thumbor")
    if not python.exists():
        print("Skipping thumbor: it is not installed; `make bench-peers` does that.")
        return []
    command = module("thumbor_engine", python=python)
    return [Engine(name="thumbor", label="thumbor's engine, per output", command=command)]


def _python(name: str) -> Path:
    return PEERS / name / "bin" / "python"


def _environment(name: str) -> str | None:
    """Install what `requirements/NAME.txt` pins, unless it is there, and return why that cannot be had."""
    done = PEERS / name / "installed.txt"
    pinned = BENCH / "peers" / "requirements" / f"{name}.txt"
    if done.exists() and done.read_text() == pinned.read_text():
        return None
    print(f"Installing {name} in {PEERS / name} ...")
    words = ["-m", "pip", "-q", "install", "--disable-pip-version-check", "-r", str(pinned)]
    for command in ([sys.executable, "-m", "venv", "--clear", str(PEERS / name)], [str(_python(name)), *words]):
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **_compiler()})
        if ran.returncode:
            shutil.rmtree(PEERS / name, ignore_errors=True)
            return f"pip could not install it: {ran.stderr.strip()[-300:]}"
    shutil.copyfile(pinned, done)
    return None


def _compiler() -> dict[str, str]:
    """Return what makes pillow-simd use AVX2; without it, it takes SSE4."""
    cpuinfo = Path("/proc/cpuinfo")
    return {"CC": "cc -mavx2"} if cpuinfo.exists() and " avx2 " in cpuinfo.read_text() else {}


def _debian(*packages: str) -> None:
    """Install Debian packages where that is possible without asking; whether it was shows later."""
    if not shutil.which("apt-get") or os.geteuid():
        return
    print(f"Installing Debian's {', '.join(packages)} ...")
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-qq", *words], capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
