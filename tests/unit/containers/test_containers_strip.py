"""Taking metadata out, on the files of real programs, judged by other programs."""

from __future__ import annotations

import json
import mmap
import shutil
import subprocess
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pyvips
from PIL import Image

from safelight.containers import exif
from safelight.containers.strip import strip
from safelight.errors import FormatNotEnabled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.containers.conftest import Pixels, Sample

TIFF_NEEDS = (
    *(
        "Image",
        "Bits",
        "Compression",
        "Photometric",
        "Strip",
        "Tile",
        "Samples",
        "Rows",
        "Planar",
        "Resolution",
        "Page",
    ),
    *("Orientation", "Predictor", "Subfile", "ExtraSamples", "FillOrder", "JPEGTables", "YCbCr", "ReferenceBlackWhite"),
    "SampleFormat",
)
REMAINING = {
    "SourceFile",
    "ExifTool",
    "File",
    "JFIF",
    "ICC_Profile",
    "PNG",
    "RIFF",
    "GIF",
    "Composite",
    "QuickTime",
    "APP14",
}


def stripped(sample: Sample, block: bytes | None = None) -> bytes:
    return b"".join(strip(sample.data, sample.format, block))


def test_strip_any_sample_leaves_pixels(sample: Sample, pixels: Pixels) -> None:
    """Pillow and libvips decode the same pixels, frames and order as before."""
    before, after = pixels(sample.data), pixels(stripped(sample))
    assert len(before) == len(after)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_strip_any_sample_leaves_no_metadata(sample: Sample, secret: bytes) -> None:
    """No byte of what was planted in any kind of metadata remains."""
    assert secret in sample.data
    assert secret not in stripped(sample)


def test_strip_any_sample_leaves_colour_profile(samples: dict[str, Sample]) -> None:
    """The colour profile is part of how the picture looks, and so is its resolution in print."""
    profiles = 0
    for sample in samples.values():
        if sample.name == "avif-animated":
            continue  # libvips has no loader for AVIF image sequences
        before, after = (pyvips.Image.new_from_buffer(data, "") for data in (sample.data, stripped(sample)))
        assert (before.interpretation, before.xres) == (after.interpretation, after.xres)
        held = [image.get_typeof("icc-profile-data") and image.get("icc-profile-data") for image in (before, after)]
        assert held[0] == held[1]
        profiles += bool(held[0])
    assert profiles > 15


def test_strip_twice_is_strip_once(sample: Sample) -> None:
    """What is stripped has nothing more to strip."""
    once = stripped(sample)
    assert b"".join(strip(once, sample.format)) == once


def test_strip_with_exif_puts_it_in_place(samples: dict[str, Sample], pixels: Pixels) -> None:
    """The EXIF that is given is found by us and by Pillow; the pixels do not care."""
    # GIF has no EXIF, and TIFF keeps its own.
    chosen = [sample for sample in samples.values() if sample.format not in ("gif", "tiff")]
    assert len(chosen) > 10
    for sample in chosen:
        out = stripped(sample, exif.build(orientation=3, copyright="Someone"))
        assert exif.read(exif.find(out, sample.format) or b"") == {274: 3, 33432: b"Someone"}
        with Image.open(BytesIO(out)) as image:
            assert image.getexif()[0x8298] == "Someone"
        assert all(np.array_equal(*pair) for pair in zip(pixels(sample.data), pixels(out), strict=True))


def test_strip_tiff_keeps_only_asked_tags(samples: dict[str, Sample], secret: bytes) -> None:
    """A TIFF's orientation stays; its Copyright stays when the wanted EXIF has one, and its Artist does not."""
    for name in ("tiff-raw", "tiff-big"):
        tags = exif.read(stripped(samples[name], exif.build(copyright="whoever")))
        assert tags == {274: 6, 33432: secret}
        assert exif.read(stripped(samples[name])) == {274: 6}


def test_strip_avif_keeps_orientation(samples: dict[str, Sample]) -> None:
    """AVIF is turned by a property of the picture, which stays."""
    sample = samples["avif"]
    for data in (sample.data, stripped(sample)):
        with Image.open(BytesIO(data)) as image:
            assert image.getexif()[274] == 6
        assert pyvips.Image.new_from_buffer(data, "").width == 36


def test_strip_in_place_formats_keep_their_size(samples: dict[str, Sample]) -> None:
    """Offsets into the file stay true because nothing moves."""
    chosen = [sample for sample in samples.values() if sample.format in ("tiff", "avif")]
    assert chosen
    assert all(len(stripped(sample)) == len(sample.data) for sample in chosen)


def test_strip_mapped_file_gives_slices(samples: dict[str, Sample], tmp_path: Path) -> None:
    """A mapped file is cut in place, and can be closed when the pieces are gone."""
    sample = samples["png-animated"]
    path = tmp_path / "mapped"
    path.write_bytes(sample.data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        pieces = list(strip(mapped, "png"))
        assert b"".join(pieces) == stripped(sample)
        assert any(isinstance(piece, memoryview) for piece in pieces)
        pieces.clear()


def test_strip_unknown_format_is_refused() -> None:
    """What we cannot strip we do not pass on as stripped."""
    with pytest.raises(FormatNotEnabled, match="svg"):
        strip(b"BM", "bmp")


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_strip_any_sample_exiftool_finds_nothing(samples: dict[str, Sample], tmp_path: Path) -> None:
    """ExifTool, told to show all it can find, shows structure, colour and resolution alone."""
    for sample in samples.values():
        (tmp_path / f"{sample.name}.{sample.format}").write_bytes(stripped(sample))
    command = ["exiftool", "-json", "-G0:1", "-a", "-u", "-ee", str(tmp_path)]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert len(shown) == len(samples)
    for file in shown:
        assert "Warning" not in " ".join(file), file
        foreign = {tag for tag in file if tag.split(":")[0] not in REMAINING}
        assert {tag for tag in foreign if not allowed(tag)} == set(), file["SourceFile"]


def allowed(tag: str) -> bool:
    """Whether the tag is one of those that a TIFF needs to be a picture."""
    name = tag.rpartition(":")[2]
    return tag.startswith("EXIF:") and any(word in name for word in TIFF_NEEDS)
