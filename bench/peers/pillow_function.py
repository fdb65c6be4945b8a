"""A job as tutorials and Lambda examples write it with Pillow. The word after the module names the Pillow (`-simd`)."""

import platform
import sys
from pathlib import Path
from typing import Any

import PIL
from PIL import Image, ImageOps, features

from bench.job import Output
from bench.peers.serve import Outputs, serve


def options(output: Output) -> dict[str, Any]:
    """Return what `save` is told."""
    match output.format:
        case "jpeg":
            return {"quality": output.quality, "subsampling": "4:2:0", "optimize": False, "progressive": False}
        case "webp":
            return {"quality": output.quality, "method": output.effort}
        case "avif":
            return {"quality": output.quality, "subsampling": "4:2:0", "speed": 9 - output.effort, "max_threads": 1}
    return {"compress_level": output.effort}


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    with Image.open(photo) as opened:
        image = ImageOps.exif_transpose(opened)
    for output in outputs:
        copy = image.copy()
        copy.thumbnail((output.box_px, output.box_px), Image.Resampling.LANCZOS)
        copy = copy.convert("RGB")
        copy.save(out / output.file, **options(output))


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "pillow"
    codecs = {f"{name}'s {codec}": str(features.version(codec)) for codec in ("libjpeg_turbo", "webp", "avif")}
    serve(develop, {"python": platform.python_version(), name: PIL.__version__, **codecs})
