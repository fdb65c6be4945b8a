"""From bytes to an image: what is refused, and when; what counts as whole."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from safelight.decode import decode, open_upload
from safelight.errors import Corrupt, Empty, FormatNotEnabled, TooLarge, TooManyFrames, TooManyPixels, UnknownFormat
from safelight.recipe.model import Limits
from safelight.validate import validate
from tests.golden.pictures import animated, encoded, noise, scene, vips

GIF_FRAME = b"\x21\xf9\4\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"


def gif(width: int, height: int, frames: int) -> bytes:
    """Return an animation of one-pixel frames on a canvas of any size."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff" + GIF_FRAME * frames + b";"


def pages(*sizes: tuple[int, int]) -> bytes:
    """Return a TIFF with pages of these sizes."""
    first, *others = [Image.fromarray(scene(*size)) for size in sizes]
    return encoded(first, "TIFF", save_all=True, append_images=others)


@pytest.mark.parametrize("as_path", [False, True])
def test_open_upload_of_no_bytes_is_empty(tmp_path: Path, as_path: bool) -> None:  # noqa: FBT001
    """A file without bytes is told apart from one of an unknown format."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    with pytest.raises(Empty):
        open_upload(path if as_path else b"", Limits())


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (b"\0", UnknownFormat, "no picture"),
        (b"Dear Sir, this is a letter.", UnknownFormat, "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", FormatNotEnabled, "svg"),
        (b"%PDF-1.7\n", FormatNotEnabled, "pdf"),
        (encoded(scene(), "BMP"), FormatNotEnabled, "bmp"),
        (b"\xff\x0a\0\0", FormatNotEnabled, "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0", FormatNotEnabled, "jxl"),
    ],
    ids=["one-byte", "text", "svg", "pdf", "bmp", "jxl", "jxl-box"],
)
def test_open_upload_of_no_enabled_picture_says_what_it_is(body: bytes, error: type[Exception], said: str) -> None:
    """The bytes decide, and a known format that is not read is named."""
    with pytest.raises(error, match=said):
        open_upload(body, Limits())


def test_open_upload_over_the_megabytes_is_too_large() -> None:
    """The size of the file is checked before anything is read."""
    with pytest.raises(TooLarge, match=r"1\.1 MB; the limit is 1 MB"):
        open_upload(b"\xff\xd8\xff" + bytes(1_100_000), Limits(megabytes=1))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_open_upload_over_the_pixels_is_refused_and_at_the_limit_taken(format_: str) -> None:
    """Width times height counts, to the pixel."""
    body = encoded(Image.fromarray(scene(40, 25)).quantize(8) if format_ == "GIF" else scene(40, 25), format_)
    assert open_upload(body, Limits(pixels=1000)).source.width == 40
    with pytest.raises(TooManyPixels, match="40 x 25"):
        open_upload(body, Limits(pixels=999))


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_open_upload_of_an_animation_counts_every_frame(format_: str) -> None:
    """Frames count by themselves and into the pixels."""
    body = animated(format_, count=4)
    assert open_upload(body, Limits(frames=4)).source.frames == 4
    with pytest.raises(TooManyFrames, match="4 frames; the limit is 3"):
        open_upload(body, Limits(frames=3))
    with pytest.raises(TooManyPixels, match="x 4 frames"):
        open_upload(body, Limits(pixels=240 * 160 * 4 - 1))


def test_open_upload_of_a_gif_with_countless_frames_is_refused() -> None:
    """Frames beyond what the structure check is ready to count are still frames."""
    with pytest.raises(TooManyFrames, match="110000 frames"):
        open_upload(gif(8, 8, 110_000), Limits())


def test_open_upload_of_a_huge_canvas_of_tiny_frames_counts_the_canvas() -> None:
    """What is drawn for each frame is the whole canvas."""
    with pytest.raises(TooManyPixels, match="x 400 frames"):
        open_upload(gif(2000, 2000, 400), Limits())


@pytest.mark.parametrize("progressive", [False, True])
def test_open_upload_of_a_progressive_jpeg_checks_its_coefficients(progressive: bool) -> None:  # noqa: FBT001
    """A progressive JPEG needs memory for all of its coefficients at once; a baseline one does not."""
    body = vips(np.full((7000, 7000, 3), 200, np.uint8)).jpegsave_buffer(interlace=progressive)
    if progressive:
        with pytest.raises(TooManyPixels, match="progressive JPEG of 7000 x 7000 needs 177 MB"):
            open_upload(body, Limits(memory=128))
    else:
        assert open_upload(body, Limits(memory=128)).source.width == 7000


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_open_upload_with_an_unknown_orientation_takes_it_for_upright(orientation: int) -> None:
    """EXIF knows the orientations 1 to 8."""
    block = Image.Exif()
    block[0x0112] = orientation
    assert open_upload(encoded(scene(), "JPEG", exif=block.tobytes()), Limits()).source.orientation == 1


@pytest.mark.parametrize("needed", [(1001, 1003), (501, 502), (500, 501), (250, 250), (126, 125), (125, 125), (1, 1)])
def test_decode_of_a_jpeg_is_never_smaller_than_needed(needed: tuple[int, int]) -> None:
    """Shrinking on load keeps at least as many pixels as a rendition wants."""
    opened = open_upload(encoded(scene(1001, 1003), "JPEG"), Limits())
    image = decode(opened, least_width=needed[0], least_height=needed[1])
    assert image.width >= needed[0]
    assert image.height >= needed[1]


@pytest.mark.parametrize("progressive", [False, True])
def test_validate_of_a_jpeg_that_misses_data_is_corrupt(progressive: bool) -> None:  # noqa: FBT001
    """A JPEG cut in its middle and ended properly is not whole, though decoders fill the rest with grey."""
    whole = encoded(noise(), "JPEG", progressive=progressive)
    with pytest.raises(Corrupt):
        validate(open_upload(whole[: len(whole) // 2] + b"\xff\xd9", Limits()))


def test_validate_of_a_jpeg_with_stray_bytes_between_segments_passes() -> None:
    """Bytes between header segments cost no pixel: decoders skip them, and so do we."""
    whole = encoded(scene(), "JPEG")
    scan = whole.index(b"\xff\xda")
    validate(open_upload(whole[:scan] + b"\0\0\0" + whole[scan:], Limits()))


@pytest.mark.parametrize("tail", [b"\0" * 20, b"\xff" * 20], ids=["zeros", "fill"])
def test_validate_of_a_jpeg_padded_at_its_end_passes(tail: bytes) -> None:
    """Cameras pad the coded data; no pixel is missing."""
    whole = encoded(scene(), "JPEG")
    validate(open_upload(whole[:-2] + tail + b"\xff\xd9", Limits()))


def test_validate_of_pages_of_different_sizes_passes() -> None:
    """Pages of a TIFF need not be alike."""
    validate(open_upload(pages((60, 40), (30, 50), (8, 8)), Limits()))


def test_validate_of_pages_counts_their_pixels() -> None:
    """All pages are decoded, so all count, though only the first is developed."""
    opened = open_upload(pages((60, 40), (60, 40)), Limits(pixels=4799))
    with pytest.raises(TooManyPixels, match="2 pages"):
        validate(opened)


def test_validate_of_a_damaged_later_page_is_corrupt() -> None:
    """A copy of a TIFF is checked to its last page."""
    first, second = Image.fromarray(scene()), Image.fromarray(noise())
    body = bytearray(encoded(first, "TIFF", save_all=True, append_images=[second], compression="tiff_adobe_deflate"))
    body[-9000:-8000] = bytes(1000)
    opened = open_upload(bytes(body), Limits())
    decode(opened, least_width=1, least_height=1).avg()
    with pytest.raises(Corrupt):
        validate(opened)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_open_upload_of_a_path_is_the_same_as_of_bytes(tmp_path: Path, format_: str) -> None:
    """Whether a picture is in memory or in a file changes nothing; its name neither."""
    body = encoded(Image.fromarray(scene()).quantize(16) if format_ == "GIF" else scene(), format_)
    path = tmp_path / "picture.txt[page=3]"
    path.write_bytes(body)
    there, here = open_upload(path, Limits()), open_upload(body, Limits())
    assert there.source == here.source
    sizes = {"least_width": 60, "least_height": 40}
    assert decode(there, **sizes).write_to_memory() == decode(here, **sizes).write_to_memory()


def test_open_upload_of_a_picture_renamed_goes_by_its_bytes() -> None:
    """A JPEG behind other bytes is none, whatever follows."""
    with pytest.raises(UnknownFormat):
        open_upload(b"MZ" + encoded(scene(), "JPEG"), Limits())
    polyglot = encoded(scene(), "JPEG") + b"<svg/><script>alert(1)</script>%PDF-1.4"
    assert open_upload(polyglot, Limits()).format == "jpeg"
    assert Image.open(BytesIO(polyglot)).format == "JPEG"
