"""The rules of single formats, on hand-made structures."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from safelight.containers import exif
from safelight.containers.strip import strip
from safelight.errors import Corrupt, Truncated

NOTE = exif.build(orientation=8, copyright="(c)")


def plain(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise((40, 30), 50).convert(mode).save(out, kind, **options)
    return out.getvalue()


def cut(data: bytes, kind: str, block: bytes | None = None) -> bytes:
    return b"".join(strip(data, kind, block))


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def test_jpeg_gain_map_and_previews_go() -> None:
    """Whatever follows the primary picture's end goes, a gain map too: one start, one end."""
    data = plain("JPEG")
    out = cut(data + data + b"junk", "jpeg")
    assert out == cut(data, "jpeg")
    assert out.count(b"\xff\xd8\xff") == 1
    assert out.endswith(b"\xff\xd9")


def test_jpeg_jfif_thumbnail_goes_and_density_stays() -> None:
    """JFIF's own thumbnail shows what was cropped away; its density is kept."""
    data = plain("JPEG", dpi=(300, 300))
    fat = data[:2] + segment(0xE0, data[6:18] + b"\2\2" + b"THUMBNAIL..!") + data[20:]
    out = cut(fat, "jpeg")
    assert out == cut(data, "jpeg")
    with Image.open(BytesIO(out)) as image:
        assert image.info["dpi"] == (300, 300)


def test_jpeg_bytes_between_segments_go() -> None:
    """A decoder passes over what is no segment; it could hold anything, so it is dropped."""
    data = plain("JPEG")
    assert cut(data[:20] + b"hidden\xff\xff" + data[20:], "jpeg") == cut(data, "jpeg")


def test_jpeg_exif_comes_after_jfif() -> None:
    """Both want to be first; everybody reads JFIF, then EXIF."""
    out = cut(plain("JPEG"), "jpeg", NOTE)
    assert out[2:4] == b"\xff\xe0"
    assert out[20:22] == b"\xff\xe1"
    assert out.index(b"Exif\0\0II*\0") == 24


@pytest.mark.parametrize("marker", [0xF0, 0xC8, 0xFD, 0x02])
def test_jpeg_unknown_marker_is_corrupt(marker: int) -> None:
    """A segment of unknown meaning may be metadata or needed: we guess neither."""
    data = plain("JPEG")
    with pytest.raises(Corrupt, match=f"FF{marker:02X}"):
        strip(data[:2] + segment(marker, b"?") + data[2:], "jpeg")


def test_jpeg_without_end_is_truncated() -> None:
    """There is no half result."""
    with pytest.raises(Truncated, match="FFD9"):
        strip(plain("JPEG")[:-2], "jpeg")


def test_png_unknown_critical_chunk_is_corrupt() -> None:
    """A chunk with a capital letter is needed to decode, so it can be neither kept blindly nor dropped."""
    data = plain("PNG")
    body = b"CgBI" + bytes(4)
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(Corrupt, match="CgBI"):
        strip(data[:33] + chunk + data[33:], "png")


def test_png_exif_comes_before_pixels() -> None:
    """Readers that stop at the pixels find it."""
    out = cut(plain("PNG"), "png", NOTE)
    assert 0 < out.index(b"eXIf") < out.index(b"IDAT")
    with Image.open(BytesIO(out)) as image:
        image.load()
        assert image.getexif()[274] == 8


@pytest.mark.parametrize(("mode", "lossless"), [("RGB", False), ("RGB", True), ("RGBA", True)])
def test_webp_simple_file_becomes_extended_for_exif(mode: str, lossless: bool) -> None:  # noqa: FBT001
    """A file without VP8X gets one with the right canvas and alpha; without EXIF it stays as it is."""
    data = plain("WEBP", mode, lossless=lossless)
    assert data[12:16] != b"VP8X"
    out = cut(data, "webp", NOTE)
    assert out[12:16] == b"VP8X"
    with Image.open(BytesIO(out)) as image, Image.open(BytesIO(data)) as before:
        assert image.size == (40, 30)
        assert image.tobytes() == before.tobytes()
        assert image.getexif()[274] == 8
    assert cut(data, "webp") == data
    assert cut(out, "webp")[12:16] == b"VP8X"


def test_webp_unknown_chunk_in_a_frame_goes() -> None:
    """Frames may hold chunks of their own; unknown ones are dropped there too."""
    out = BytesIO()
    frames = [Image.effect_noise((40, 30), sigma).convert("RGB") for sigma in (10, 90)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    data = out.getvalue()
    at = data.index(b"ANMF")
    size = struct.unpack_from("<I", data, at + 4)[0]
    grown = data[: at + 4] + struct.pack("<I", size + 14) + data[at + 8 : at + 8 + size] + b"note\6\0\0\0hidden"
    grown += data[at + 8 + size :]
    grown = b"RIFF" + struct.pack("<I", len(grown) - 8) + grown[8:]
    assert cut(grown, "webp") == data


def test_webp_chunk_beyond_the_riff_is_corrupt() -> None:
    """Sizes that contradict each other are not guessed at."""
    data = bytearray(plain("WEBP"))
    data[16:20] = struct.pack("<I", len(data))
    with pytest.raises(Corrupt, match="VP8"):
        strip(bytes(data), "webp")


def test_gif_loop_count_stays() -> None:
    """How often an animation runs is no metadata."""
    out = BytesIO()
    frames = [Image.effect_noise((40, 30), sigma).quantize(8) for sigma in (10, 90)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=5, comment=b"hello")
    kept = cut(out.getvalue(), "gif")
    assert b"hello" not in kept
    with Image.open(BytesIO(kept)) as image:
        assert image.info["loop"] == 5


def tiff(*entries: tuple[int, int, int, int], data: bytes = b"") -> bytes:
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + bytes(4) + data


GRAY = ((256, 3, 1, 4), (257, 3, 1, 2), (258, 3, 1, 8), (262, 3, 1, 1))


def test_tiff_orphaned_directory_is_wiped() -> None:
    """Programs that append a new directory leave the old one's metadata behind: it goes."""
    picture = tiff(*GRAY, (273, 4, 1, 88), (279, 4, 1, 8), data=b"\0\0PIXELS!!" + b"old metadata")
    out = cut(picture, "tiff")
    assert out == picture.replace(b"old metadata", bytes(12))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((*GRAY, (259, 3, 1, 6), (273, 4, 1, 90), (279, 4, 1, 8)), "old-style JPEG"),
        ((*GRAY, (273, 4, 1, 90)), "but not 279"),
        ((*GRAY, (273, 4, 1, 90), (279, 4, 1, 0)), "no bytes"),
        ((*GRAY, (273, 4, 1, 90), (279, 4, 1, 7)), "too small"),
        ((*GRAY, (273, 4, 1, 4), (279, 4, 1, 8)), "shares bytes"),
        ((*GRAY, (273, 4, 1, 80), (279, 4, 1, 8)), "shares bytes"),
        (GRAY, "no strips"),
    ],
)
def test_tiff_that_needs_guessing_is_corrupt(entries: tuple[tuple[int, int, int, int], ...], why: str) -> None:
    """Where libtiff would guess, wiping the rest could wipe pixels."""
    with pytest.raises(Corrupt, match=why):
        strip(tiff(*entries, data=bytes(40)), "tiff")
