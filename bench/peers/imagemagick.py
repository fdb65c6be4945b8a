"""A job with ImageMagick: one `convert` per output, the JPEG read at twice the size, as its documentation advises."""

import subprocess
import sys
from pathlib import Path

from bench.job import Output
from bench.peers.serve import Outputs, serve

PROGRAM = sys.argv[1]


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    for output in outputs:
        twice = f"{output.box_px * 2}x{output.box_px * 2}"
        read = [PROGRAM, "-limit", "thread", "1", "-define", f"jpeg:size={twice}", str(photo), "-auto-orient"]
        fit = ["-filter", "Lanczos", "-resize", f"{output.box_px}x{output.box_px}>", "-strip"]
        subprocess.run([*read, *fit, *_settings(output), str(out / output.file)], check=True)


def _settings(output: Output) -> list[str]:
    quality = ["-quality", str(output.quality)]
    match output.format:
        case "jpeg":
            return [
                *quality,
                "-sampling-factor",
                "4:2:0",
                "-interlace",
                "none",
                "-define",
                "jpeg:optimize-coding=false",
            ]
        case "webp":
            return [*quality, "-define", f"webp:method={output.effort}"]
        case "avif":
            return [*quality, "-define", f"heic:speed={9 - output.effort}", "-define", "heic:chroma=420"]
    return ["-define", f"png:compression-level={output.effort}"]


if __name__ == "__main__":
    said = subprocess.run([PROGRAM, "-version"], capture_output=True, text=True, check=True).stdout
    serve(develop, {"imagemagick": said.split()[2]})
