"""What the engines wrote: its sizes, and how near it is to the photograph."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from msgspec import Struct
from PIL import Image, ImageOps

from bench.job import OUTPUTS, SCORED

SLACK_PX = 1
"""Engines round the shorter side differently."""


class OutputError(Exception):
    """An engine did something else than job A, so that its cost means nothing."""


class Written(Struct, frozen=True, kw_only=True):
    """The outputs of one engine: their mean size, and the mean SSIMULACRA2 of the 1280 px output."""

    kilobytes: float
    score: float | None = None


def check(out: Path, photos: Sequence[Path]) -> Written:
    """Check format, pixel size and chroma subsampling of every output in `out`.

    Raises:
        OutputError
    """
    total = sum(_checked(out / photo.name / output.file, photo) for photo in photos for output in OUTPUTS)
    return Written(kilobytes=total / len(photos) / 1000)


def scores(out: Path, photos: Sequence[Path]) -> float:
    """Return the mean SSIMULACRA2 of the 1280 px outputs; the package is in the development environment.

    The reference is a bicubic reduction of the whole photograph, which is no engine's own way.
    """
    from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped] # noqa: PLC0415 - slow to import

    with tempfile.TemporaryDirectory() as folder:
        reference, output = Path(folder) / "reference.png", Path(folder) / "output.png"
        found = []
        for photo in photos:
            with Image.open(out / photo.name / SCORED.file) as made, Image.open(photo) as original:
                made.convert("RGB").save(output, compress_level=1)
                upright = ImageOps.exif_transpose(original).convert("RGB")
                upright.resize(made.size, Image.Resampling.BICUBIC).save(reference, compress_level=1)
            found.append(float(compute_ssimulacra2(str(reference), str(output))))
    return fmean(found)


def _checked(path: Path, photo: Path) -> int:
    output = next(output for output in OUTPUTS if output.file == path.name)
    with Image.open(path) as made, Image.open(photo) as original:
        expected = ImageOps.contain(_upright_blank(original), (output.box_px, output.box_px)).size
        if max(original.size) <= output.box_px:
            expected = _upright_blank(original).size
        off = max(abs(made.width - expected[0]), abs(made.height - expected[1]))
        if off > SLACK_PX or made.format != output.format.upper():
            raise OutputError(
                f"{path}: {made.format} of {made.width} x {made.height}; "
                f"expected {output.format.upper()} of {expected[0]} x {expected[1]}"
            )
        if made.format == "JPEG":
            _check_jpeg(made, path)
    return path.stat().st_size


def _upright_blank(original: Image.Image) -> Image.Image:
    size = original.size[::-1] if original.getexif().get(274, 1) >= 5 else original.size
    return Image.new("1", size)


def _check_jpeg(made: Image.Image, path: Path) -> None:
    sampling = [layer[1:3] for layer in made.layer]  # type: ignore[attr-defined]
    # A grey picture has one component, where an engine keeps it grey.
    if (len(sampling) > 1 and sampling != [(2, 2), (1, 1), (1, 1)]) or made.info.get("progressive"):
        raise OutputError(
            f"{path}: sampling {sampling}, progressive {made.info.get('progressive')}; expected baseline 4:2:0"
        )
