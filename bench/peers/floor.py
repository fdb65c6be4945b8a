"""The floor: the codecs alone. Decode at the DCT scale, throw the pixels away, encode pixels that were made before.

JPEG is libjpeg-turbo's own (`simplejpeg`); WebP and AVIF are libwebp and libavif as Pillow calls them.
"""

from functools import cache
from pathlib import Path

import numpy as np
import PIL
import simplejpeg  # type: ignore[import-not-found] # in an environment of its own
from PIL import Image, ImageOps

from bench.job import Output
from bench.peers.pillow_function import options
from bench.peers.serve import Outputs, serve


@cache
def pixels(photo: Path, outputs: Outputs) -> dict[Output, np.ndarray]:
    """Return what each output shows."""
    with Image.open(photo) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    return {output: np.asarray(_fitted(image, output.box_px)) for output in outputs}


def _fitted(image: Image.Image, box_px: int) -> Image.Image:
    image = image.copy()
    image.thumbnail((box_px, box_px), Image.Resampling.LANCZOS)
    return image


def develop(photo: Path, out: Path, outputs: Outputs) -> None:
    """Write the outputs of `photo` to the folder `out`."""
    _decode(photo, max(output.box_px for output in outputs))
    for output, made in pixels(photo, outputs).items():
        if output.format == "jpeg":
            (out / output.file).write_bytes(simplejpeg.encode_jpeg(made, output.quality, colorsubsampling="420"))
        else:
            Image.fromarray(made).save(out / output.file, **options(output))


def _decode(photo: Path, box_px: int) -> None:
    if photo.suffix != ".jpg":
        with Image.open(photo) as image:
            image.load()
        return
    body = photo.read_bytes()
    height, width, _, _ = simplejpeg.decode_jpeg_header(body)
    # Powers of two only: other scales are not vectorised, so that they cost more than they save.
    factor = next((each for each in (8, 4, 2) if max(width, height) >= box_px * each), 1)
    simplejpeg.decode_jpeg(body, "RGB", min_width=-(-width // factor), min_height=-(-height // factor), strict=False)


if __name__ == "__main__":
    versions = {"simplejpeg": simplejpeg.__version__, "floor's pillow": PIL.__version__}
    serve(develop, versions, prepare=lambda photo, outputs: (pixels(photo, outputs), None)[1])
