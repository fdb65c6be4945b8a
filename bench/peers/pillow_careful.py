"""A job with Pillow at its best: shrunk while it is decoded, and each output made from the one before."""

from pathlib import Path

import PIL
from PIL import Image, ImageOps

from bench.peers.pillow_function import options
from bench.peers.serve import Outputs, serve


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    largest_first = sorted(outputs, key=lambda output: -output.box_px)
    with Image.open(photo) as opened:
        opened.thumbnail((largest_first[0].box_px,) * 2, Image.Resampling.LANCZOS)
        image = ImageOps.exif_transpose(opened).convert("RGB")
    for output in largest_first:
        image.thumbnail((output.box_px, output.box_px), Image.Resampling.LANCZOS)
        image.save(out / output.file, **options(output))


if __name__ == "__main__":
    serve(develop, {"pillow": PIL.__version__})
