"""Picture files full of planted metadata, made by programs that are not ours."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, ImageSequence, PngImagePlugin, TiffImagePlugin

SECRET = b"PLANTED-SECRET"
TEXT = SECRET.decode()
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>{TEXT}</rdf:li></rdf:Seq></dc:creator>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


Pixels = Callable[[bytes], list[np.ndarray]]


class Sample(NamedTuple):
    """A file with `SECRET` in each kind of metadata that its format has."""

    name: str
    format: str
    data: bytes


def scene(mode: str = "RGB", seed: int = 1) -> Image.Image:
    """Return a small picture of slopes and noise."""
    noise = np.random.default_rng(seed).integers(0, 60, (36, 50, 4))
    slope = np.linspace(0, 190, 50)[None, :, None] * np.ones((36, 1, 4))
    pixels = (noise + slope).astype(np.uint8)
    return Image.fromarray(pixels[..., :3]).convert(mode) if mode != "RGBA" else Image.fromarray(pixels)


def exif(orientation: int = 6) -> bytes:
    """Return EXIF with a place, a maker note and an owner."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x013B], tags[0x8298] = orientation, TEXT, TEXT, TEXT
    tags.get_ifd(0x8825).update({1: "N", 2: (59.0, 19.0, 3.0), 29: TEXT})
    tags.get_ifd(0x8769).update({0x927C: SECRET * 4, 0x9286: b"ASCII\0\0\0" + SECRET})
    return tags.tobytes()


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    scene(mode).save(out, "JPEG", exif=exif(), xmp=XMP, comment=SECRET, icc_profile=ICC, **options)
    plain = out.getvalue()
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + (19).to_bytes(4, "big") + b"\x1c\x02\x50\0\x0e" + SECRET + b"\0"
    planted = [
        (0xED, photoshop),
        (0xE0, b"JFXX\0\x10" + SECRET),
        (0xEB, b"JP" + SECRET),
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + SECRET),
    ]
    sof = plain.index(b"\xff\xdb")
    head = plain[:sof] + b"".join(jpeg_segment(*one) for one in planted) + plain[sof:]
    preview = BytesIO()
    scene(seed=9).save(preview, "JPEG", comment=SECRET)
    return head + preview.getvalue() + SECRET


def jpeg_with_comments_between_scans() -> bytes:
    plain = jpeg(progressive=True)
    second_scan = plain.index(b"\xff\xda", plain.index(b"\xff\xda") + 2)
    return plain[:second_scan] + jpeg_segment(0xFE, b"\xff\xd9" + SECRET) + plain[second_scan:]


def jpeg_with_preview() -> bytes:
    out = BytesIO()
    scene().save(out, "MPO", save_all=True, append_images=[scene(seed=5)], exif=exif(), comment=SECRET, icc_profile=ICC)
    return out.getvalue()


def png(image: Image.Image | None = None, **options: object) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", TEXT)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    text.add_itxt("Comment", TEXT)
    text.add(b"prVt", SECRET)
    out = BytesIO()
    chosen = {"icc_profile": ICC, **options}
    (image or scene("RGBA")).save(out, "PNG", pnginfo=text, exif=exif(), dpi=(300, 300), **chosen)
    return out.getvalue() + SECRET


def png16() -> bytes:
    wide = np.asarray(scene("L"), np.uint16) * 257 + np.arange(50, dtype=np.uint16)
    return png(Image.fromarray(wide), icc_profile=None)


def apng() -> bytes:
    return png(scene(), save_all=True, append_images=[scene(seed=n) for n in (2, 3)], duration=80)


def webp(mode: str = "RGB", *, animated: bool = False, **options: object) -> bytes:
    out = BytesIO()
    more = {"save_all": True, "append_images": [scene(mode, n) for n in (2, 3)]} if animated else {}
    scene(mode).save(out, "WEBP", exif=exif(), xmp=XMP, icc_profile=ICC, **more, **options)
    plain = out.getvalue() + b"prVt" + len(SECRET).to_bytes(4, "little") + SECRET
    return b"RIFF" + (len(plain) - 8).to_bytes(4, "little") + plain[8:] + SECRET


def gif() -> bytes:
    out = BytesIO()
    frames = [scene(seed=n).quantize(32) for n in (1, 2, 3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=3, duration=90, comment=SECRET)
    plain = out.getvalue()
    xmp = b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0"
    text = b"\x21\xf9\x04\0\x05\0\0\0\x21\x01\x0c" + bytes(12) + bytes([len(SECRET)]) + SECRET + b"\0"
    first = plain.index(b"\x21\xf9")
    return plain[:first] + xmp + text + plain[first:] + SECRET


def tiff(mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (270, 271, 272, 305, 306, 315, 33432, 269, 316, 42016):
        info[tag] = TEXT
    info[700], info[33723], info[34377], info[274] = XMP, SECRET, SECRET, 6
    info.tagtype[700] = info.tagtype[33723] = info.tagtype[34377] = 7
    info.tagtype[34853] = info.tagtype[34665] = 4
    if "compression" not in options:  # Pillow writes sub-directories only where libtiff does not help
        info[34853], info[34665] = {29: TEXT}, {0x9003: TEXT, 0x927C: SECRET * 9}
    scene(mode).save(out, "TIFF", tiffinfo=info, icc_profile=ICC, dpi=(300, 300), **options)
    return out.getvalue() + SECRET


def tiff_tiled_big() -> bytes:
    image = pyvips.Image.new_from_buffer(tiff(), "")
    return bytes(image.tiffsave_buffer(bigtiff=True, tile=True, tile_width=16, tile_height=16, compression="deflate"))


def avif(*, animated: bool = False) -> bytes:
    out = BytesIO()
    more = {"save_all": True, "append_images": [scene(seed=2)], "duration": 80} if animated else {}
    # With an orientation libavif aborts the process on an animation.
    tags = exif(1 if animated else 6)
    scene().save(out, "AVIF", exif=tags, xmp=XMP, icc_profile=ICC, speed=10, **more)
    uuid = (24 + len(SECRET)).to_bytes(4, "big") + b"uuid" + bytes(16) + SECRET
    return out.getvalue() + uuid


MAKERS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "jpeg-baseline": ("jpeg", jpeg),
    "jpeg-progressive": ("jpeg", lambda: jpeg(progressive=True)),
    "jpeg-between-scans": ("jpeg", jpeg_with_comments_between_scans),
    "jpeg-mpf": ("jpeg", jpeg_with_preview),
    "jpeg-restarts": ("jpeg", lambda: jpeg(restart_marker_blocks=2)),
    "jpeg-gray": ("jpeg", lambda: jpeg("L")),
    "jpeg-cmyk": ("jpeg", lambda: jpeg("CMYK")),
    "png-alpha": ("png", png),
    "png-palette": ("png", lambda: png(scene().quantize(16), transparency=3)),
    "png-16": ("png", png16),
    "png-animated": ("png", apng),
    "webp-lossy": ("webp", webp),
    "webp-lossless": ("webp", lambda: webp("RGBA", lossless=True)),
    "webp-alpha": ("webp", lambda: webp("RGBA")),
    "webp-animated": ("webp", lambda: webp("RGBA", animated=True)),
    "gif-animated": ("gif", gif),
    "tiff-raw": ("tiff", tiff),
    "tiff-lzw": ("tiff", lambda: tiff(compression="tiff_lzw")),
    "tiff-jpeg": ("tiff", lambda: tiff(compression="jpeg")),
    "tiff-cmyk": ("tiff", lambda: tiff("CMYK")),
    "tiff-pages": ("tiff", lambda: tiff(save_all=True, append_images=[scene(seed=2), scene("L", 3)])),
    "tiff-big": ("tiff", lambda: tiff(big_tiff=True)),
    "tiff-big-tiles": ("tiff", tiff_tiled_big),
    "avif": ("avif", avif),
    "avif-animated": ("avif", lambda: avif(animated=True)),
}


@pytest.fixture(scope="session")
def samples() -> dict[str, Sample]:
    """Every sample by its name."""
    return {name: Sample(name, kind, make()) for name, (kind, make) in MAKERS.items()}


@pytest.fixture(params=MAKERS)
def sample(request: pytest.FixtureRequest, samples: dict[str, Sample]) -> Sample:
    """One sample after the other."""
    return samples[request.param]


@pytest.fixture(scope="session")
def secret() -> bytes:
    return SECRET


@pytest.fixture(scope="session")
def icc() -> bytes:
    return ICC


@pytest.fixture(scope="session")
def pixels() -> Pixels:
    """Decode with Pillow and with libvips: all frames of both, as they are stored."""

    def jpeg_like(data: bytes) -> bool:
        return data[:3] == b"\xff\xd8\xff"

    def decode(data: bytes) -> list[np.ndarray]:
        with Image.open(BytesIO(data)) as image:
            # A JPEG's further pictures are previews: they are meant to go.
            frames = [np.asarray(frame) for frame in ImageSequence.Iterator(image)][: 1 if jpeg_like(data) else None]
        if data[8:12] == b"avis":
            return frames  # libvips has no loader for AVIF image sequences
        # libvips joins only pages of one size and kind, and knows no pages of JPEG and PNG.
        paged = not jpeg_like(data) and data[:4] != b"\x89PNG" and len({frame.shape for frame in frames}) == 1
        options = {"n": -1} if paged else {}
        return [*frames, pyvips.Image.new_from_buffer(data, "", fail_on="error", **options).numpy()]

    return decode
