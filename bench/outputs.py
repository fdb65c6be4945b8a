"""What the engines wrote: its sizes, and how near it is to the photograph."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from msgspec import Struct
from PIL import Image, ImageOps

from bench.job import JOB_A, Job, Output

SLACK_PX = 1
"""Engines round the shorter side differently."""


class OutputError(Exception):
    """An engine did something else than the job, so that its cost means nothing."""


class Written(Struct, frozen=True, kw_only=True):
    """The outputs of one engine: their mean size, and of the 1280 px output alone its mean SSIMULACRA2 and size."""

    kilobytes: float
    score: float | None = None
    scored_kilobytes: float | None = None


def check(out: Path, photos: Sequence[Path], job: Job = JOB_A) -> Written:
    """Check format, pixel size and chroma subsampling of every output in `out`.

    Raises:
        OutputError
    """
    sizes = {
        output: sum(_checked(out / photo.name / output.file, output, photo) for photo in photos) / len(photos) / 1000
        for output in job.outputs
    }
    return Written(kilobytes=sum(sizes.values()), scored_kilobytes=sizes[job.scored])


def scores(out: Path, photos: Sequence[Path], job: Job = JOB_A) -> float:
    """Return the mean SSIMULACRA2 of the 1280 px outputs."""
    return fmean(score(photo, out / photo.name / job.scored.file) for photo in photos)


def score(photo: Path, output: Path) -> float:
    """Return the SSIMULACRA2 of a reduced picture.

    The reference is a Lanczos reduction of the whole photograph, by Pillow: what every engine here is asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        reference, decoded = Path(folder) / "reference.png", Path(folder) / "output.png"
        with Image.open(output) as made, Image.open(photo) as original:
            made.convert("RGB").save(decoded, compress_level=1)
            upright = ImageOps.exif_transpose(original).convert("RGB")
            upright.resize(made.size, Image.Resampling.LANCZOS).save(reference, compress_level=1)
        return similarity(reference, decoded)


def similarity(reference: Path, decoded: Path) -> float:
    """Return the SSIMULACRA2 of two PNG files; the package is in the development environment."""
    from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped] # noqa: PLC0415 - slow to import

    return float(compute_ssimulacra2(str(reference), str(decoded)))


def _checked(path: Path, output: Output, photo: Path) -> int:
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
