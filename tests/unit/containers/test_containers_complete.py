"""Telling truncated files from whole ones, and counting frames."""

from __future__ import annotations

import mmap
import struct
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from safelight.containers import jpeg
from safelight.containers.complete import frames, is_complete

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.containers.conftest import Sample


def test_is_complete_whole_file_is_true(sample: Sample) -> None:
    """A file that its maker closed is whole, whatever follows its end."""
    assert is_complete(sample.data, sample.format)
    assert is_complete(memoryview(sample.data), sample.format)
    assert is_complete(sample.data + bytes(7), sample.format)


@pytest.mark.parametrize("tenths", range(10))
def test_is_complete_cut_file_is_false(sample: Sample, tenths: int) -> None:
    """A file that lost a part of its picture is truncated."""
    # What is planted behind the picture may go without harm: cut before it.
    end = {"jpeg": jpeg_end, "png": png_end, "webp": webp_end, "gif": gif_end}.get(sample.format, whole)(sample.data)
    assert not is_complete(sample.data[: end * tenths // 10], sample.format)


def jpeg_end(data: bytes) -> int:
    return list(jpeg.segments(memoryview(data)))[-1].end - 1


def png_end(data: bytes) -> int:
    return data.index(b"IEND") + 7


def webp_end(data: bytes) -> int:
    return int.from_bytes(data[4:8], "little") + 7


def gif_end(data: bytes) -> int:
    # Between two images a cut cannot be seen, so the cuts are made in the first.
    return data.index(b"\x2c", data.index(b"\x21\xf9", 800)) + 300


def whole(data: bytes) -> int:
    return len(data) - 60


@pytest.mark.parametrize("name", ["jpeg-baseline", "jpeg-progressive", "png-alpha", "webp-lossy"])
def test_is_complete_last_byte_missing_is_false(samples: dict[str, Sample], name: str) -> None:
    """The last byte counts where the format has an end mark or a length."""
    sample = samples[name]
    end = {"jpeg": jpeg_end, "png": png_end, "webp": webp_end}[sample.format](sample.data)
    assert not is_complete(sample.data[:end], sample.format)
    assert is_complete(sample.data[: end + 1], sample.format)


def test_is_complete_gif_without_trailer_is_true(samples: dict[str, Sample]) -> None:
    """GIF decoders do without the trailer, so we do; within an image's data the file may not end."""
    data = samples["gif-animated"].data
    end = data.rindex(b"\0\x3b")
    assert is_complete(data[: end + 1], "gif")
    assert not is_complete(data[:end], "gif")


def test_is_complete_jpeg_with_only_a_thumbnail_whole_is_false(samples: dict[str, Sample]) -> None:
    """An end mark inside a segment (a thumbnail's) is not the picture's."""
    thumbnail = b"\xff\xd8\xff\xda\0\2\1\xff\xd9"
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = samples["jpeg-gray"].data
    assert not is_complete(data[:2] + exif + data[2 : jpeg_end(data)], "jpeg")


def test_is_complete_unknown_format_is_true() -> None:
    """Of what we cannot read we do not say that it is truncated."""
    assert is_complete(b"anything", "svg")


def test_is_complete_damaged_but_whole_file_is_true(samples: dict[str, Sample]) -> None:
    """Damage is the decoder's finding: only a missing end is truncation."""
    data = bytearray(samples["jpeg-gray"].data)
    at = data.index(b"\xff\xdb")
    data[at + 2 : at + 4] = b"\0\0"
    assert is_complete(bytes(data), "jpeg")


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "tiff", "avif", "heic"])
def test_is_complete_empty_or_blank_never_raises(kind: str) -> None:
    """Any bytes are answered, also none."""
    for data in (b"", b"\0", bytes(100), b"\xff" * 100):
        assert is_complete(data, kind) in (True, False)
        assert frames(data, kind) == 1


@pytest.mark.parametrize(("name", "count"), [("png-animated", 3), ("webp-animated", 3), ("gif-animated", 3)])
def test_frames_animation_counts_images(samples: dict[str, Sample], name: str, count: int) -> None:
    """An animation's frames are counted without decoding."""
    assert frames(samples[name].data, samples[name].format) == count


@pytest.mark.parametrize(("name", "count"), [("tiff-pages", 3), ("tiff-big", 1), ("jpeg-baseline", 1), ("avif", 1)])
def test_frames_still_or_pages_counts_pages(samples: dict[str, Sample], name: str, count: int) -> None:
    """A still picture is one frame, a TIFF has its pages."""
    assert frames(samples[name].data, samples[name].format) == count


def test_is_complete_large_mapped_file_is_not_copied(tmp_path: Path, samples: dict[str, Sample]) -> None:
    """A file of many megabytes is looked at in place, and can be closed afterwards."""
    data = samples["jpeg-gray"].data
    end = jpeg_end(data) - 1
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.write(data[:end])
        file.seek(64_000_000, 1)
        file.write(b"\0")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        tracemalloc.start()
        assert not is_complete(mapped, "jpeg")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4_000_000


def classic_tiff(entries: list[tuple[int, int, int, int]], next_ifd: int = 0) -> bytes:
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + struct.pack("<I", next_ifd)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(classic_tiff([(256, 3, 1, 5)], next_ifd=8), True, id="directories in a circle"),
        pytest.param(classic_tiff([(330, 4, 1, 8)]), True, id="a directory inside itself"),
        pytest.param(classic_tiff([(273, 4, 0x7FFFFFFF, 8), (279, 4, 0x7FFFFFFF, 8)]), False, id="endless strips"),
        pytest.param(classic_tiff([(273, 4, 1, 50), (279, 4, 1, 9000)]), False, id="a strip beyond the end"),
        pytest.param(classic_tiff([(305, 2, 9000, 50)]), True, id="a comment beyond the end"),
    ],
)
def test_is_complete_hostile_tiff_ends(data: bytes, expected: bool) -> None:  # noqa: FBT001 a parameter of the table
    """Circles and lies end quickly; only what the picture needs must be there."""
    assert is_complete(data, "tiff") is expected


def test_jpeg_header_progressive_tells_memory(samples: dict[str, Sample]) -> None:
    """A progressive 4:2:0 picture of 50 x 36 has 4 x 3 MCUs of six blocks of 64 coefficients of 2 bytes."""
    data = samples["jpeg-progressive"].data
    assert jpeg.is_progressive(data)
    assert jpeg.coefficient_bytes(data) == 4 * 3 * 6 * 64 * 2


def test_jpeg_header_baseline_needs_no_memory(samples: dict[str, Sample]) -> None:
    """A baseline picture in one scan is decoded row by row."""
    data = samples["jpeg-baseline"].data
    assert not jpeg.is_progressive(data)
    assert jpeg.coefficient_bytes(data) == 0


def test_jpeg_header_component_by_component_tells_memory() -> None:
    """A sequential picture with a scan for each component is held as a whole too."""
    frame = b"\xff\xc0\0\x11\x08\0\x10\0\x10\3\1\x11\0\2\x11\0\3\x11\0"
    assert jpeg.coefficient_bytes(b"\xff\xd8" + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0") == 2 * 2 * 3 * 64 * 2


def test_jpeg_header_missing_tells_nothing() -> None:
    """No header, no guess."""
    assert jpeg.coefficient_bytes(b"\xff\xd8\xff\xd9") == 0
    assert not jpeg.is_progressive(b"")
