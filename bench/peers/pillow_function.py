"""Job A as tutorials and Lambda examples write it with Pillow."""

import platform
from pathlib import Path
from typing import Any

import PIL
from PIL import Image, ImageOps, features

from bench.job import OUTPUTS
from bench.peers.serve import serve

SAVE: dict[str, dict[str, Any]] = {
    "jpeg": {"subsampling": "4:2:0", "optimize": False, "progressive": False},
    "webp": {"method": 4},
}


def develop(photo: Path, out: Path) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    with Image.open(photo) as opened:
        image = ImageOps.exif_transpose(opened)
    for output in OUTPUTS:
        copy = image.copy()
        copy.thumbnail((output.box_px, output.box_px), Image.Resampling.LANCZOS)
        copy = copy.convert("RGB")
        copy.save(out / output.file, quality=output.quality, **SAVE[output.format])


if __name__ == "__main__":
    codecs = {f"pillow's {name}": str(features.version(name)) for name in ("libjpeg_turbo", "webp")}
    serve(develop, {"python": platform.python_version(), "pillow": PIL.__version__, **codecs})
