"""Turn an image into the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from safelight import png_rows
from safelight.errors import SizeNotEncodable
from safelight.fields import number

if TYPE_CHECKING:
    import pyvips

Format = Literal["jpeg", "png", "webp", "avif", "gif", "tiff"]
Metadata = Literal["strip", "keep", "copyright"]
Effort = Annotated[
    int,
    Meta(
        ge=0,
        le=9,
        description="CPU spent to make the file smaller: jpeg 0 to 2, webp 0 to 6, the others 0 to 9.",
        examples=[1],
    ),
]
Lossless = Annotated[
    bool, Meta(description="A webp that keeps every pixel; with a quality below 100 it keeps them nearly.")
]
Colors = Annotated[
    int,
    Meta(
        ge=2,
        le=256,
        description="A palette of at most so many colors: 2, 4, 16 or 256; of gif also 8, 32, 64 and 128.",
        examples=[256],
    ),
]
Progressive = Annotated[
    bool, Meta(description="A jpeg that shows coarse at first, then fine; effort 2 is so by itself.")
]
Compression = Annotated[Literal["deflate", "lzw"], Meta(description="How tiff packs its pixels: without loss.")]


class Encoding(Struct, frozen=True, kw_only=True):
    """How a picture is to be encoded; what is not said is the format's default."""

    quality: int | None = None
    effort: int | None = None
    lossless: bool = False
    colors: int | None = None
    progressive: bool = False
    compression: str | None = None


class Encoder(Struct, frozen=True, kw_only=True):
    """What a format can hold, and how it is asked for.

    Defaults are near equal quality to the eye (imgproxy's), and near the knee of bytes against CPU that
    `bench/` measures.
    """

    content_type: str
    extensions: tuple[str, ...]
    quality: int | None
    effort: int
    max_effort: int
    max_side: int
    alpha: bool = True
    deep: bool = False
    animated: bool = False
    colors: tuple[int, ...] = ()


ENCODERS: dict[str, Encoder] = {
    "jpeg": Encoder(
        content_type="image/jpeg",
        extensions=("jpg", "jpeg"),
        quality=80,
        effort=1,
        max_effort=2,
        max_side=65500,  # libjpeg's own limit; the format's is 65535
        alpha=False,
    ),
    "png": Encoder(
        content_type="image/png",
        extensions=("png",),
        quality=None,
        effort=6,
        max_effort=9,
        max_side=1_000_000,
        deep=True,
        colors=(2, 4, 16, 256),
    ),
    "webp": Encoder(
        content_type="image/webp",
        extensions=("webp",),
        quality=80,
        effort=2,
        max_effort=6,
        max_side=16383,
        animated=True,
    ),
    "avif": Encoder(
        content_type="image/avif",
        extensions=("avif",),
        quality=63,
        effort=2,
        max_effort=9,
        max_side=16384,
        deep=True,
    ),
    "gif": Encoder(
        content_type="image/gif",
        extensions=("gif",),
        quality=None,
        effort=3,
        max_effort=9,
        max_side=65535,
        animated=True,
        colors=(2, 4, 8, 16, 32, 64, 128, 256),
    ),
    "tiff": Encoder(
        content_type="image/tiff",
        extensions=("tiff", "tif"),
        quality=None,
        effort=6,
        max_effort=9,
        max_side=1_000_000,
        deep=True,
    ),
}
LOSSY = tuple(kind for kind, encoder in ENCODERS.items() if encoder.quality)
"""Formats with a quality, which can be chosen by what comes out; the others keep every pixel."""
SAVERS = {
    "jpeg": "jpegsave",
    "png": "pngsave",
    "webp": "webpsave",
    "avif": "heifsave",
    "gif": "gifsave",
    "tiff": "tiffsave",
}
WHITE = 255
FITTING = {"lossless": ("webp",), "colors": ("png", "gif"), "progressive": ("jpeg",), "compression": ("tiff",)}
"""Options that few formats know."""


def conflicts(kind: Format | None, how: Encoding) -> Iterator[tuple[str, str]]:
    """Yield each option that does not fit the format, and what is wrong with it; without one the upload decides."""
    encoder = ENCODERS[kind] if kind else None
    for option, kinds in FITTING.items():
        if getattr(how, option) and kind not in kinds:
            now = f"this is {kind}" if kind else "without a format the upload decides"
            yield option, f" is for {' and '.join(kinds)}, but {now}; add format: {kinds[0]}, or remove it"
    if encoder is None:
        return
    if how.quality is not None and encoder.quality is None and not (kind == "png" and how.colors):
        remedy = "add colors: 256 or remove it" if kind == "png" else "remove it"
        yield "quality", f"={how.quality}, but {kind} keeps every pixel as it is; {remedy}, or use webp"
    if how.colors and encoder.colors and how.colors not in encoder.colors:
        yield "colors", f"={how.colors}; must be one of {', '.join(map(str, encoder.colors))} for {kind}"
    if how.effort is not None and how.effort > encoder.max_effort:
        yield "effort", f"={how.effort}; must be 0..{encoder.max_effort} for {kind}"
    elif how.effort is not None and how.compression == "lzw":
        yield "effort", f"={how.effort}, but lzw knows none; remove it, or use compression: deflate"


def quality_of(kind: Format, how: Encoding) -> int | None:
    """Return the quality that the encoder is given, or None where there is no such thing."""
    if how.lossless or (kind == "png" and how.colors):
        return how.quality
    return (how.quality or ENCODERS[kind].quality) if ENCODERS[kind].quality else None


def encode(image: pyvips.Image, kind: Format, how: Encoding, keep: str) -> bytes:
    """Encode an sRGB or grey image, or an animation.

    Args:
        image: upright, 8 or 16 bit; alpha is flattened on white where the format has none. An animation has its
            frames one below the other, and `page-height`, `delay` and `loop` in libvips' fields.
        kind: the format.
        how: the options; where the upload decided on the format, those that it does not know have no effect.
        keep: which metadata of the image is written, in libvips' words: `none`, `exif:xmp:iptc`, ...

    Raises:
        SizeNotEncodable: the format cannot hold so large a picture.
    """
    encoder = ENCODERS[kind]
    height = number(image, "page-height") or image.height
    if max(image.width, height) > encoder.max_side:
        raise SizeNotEncodable(
            f"{image.width} x {height} pixels do not fit into {kind}; its sides end at {encoder.max_side}"
        )
    image = fitted(image, kind)
    options = _options(kind, how, deep=image.format == "ushort")
    if kind == "png" and not how.colors:
        return png_rows.save(image, keep=keep, **options)
    return bytes(getattr(image, f"{SAVERS[kind]}_buffer")(keep=keep, **options))


def fitted(image: pyvips.Image, kind: Format) -> pyvips.Image:
    """Return what the format can hold of a picture: flattened on white without alpha, 8 bit where it has no more."""
    encoder = ENCODERS[kind]
    if image.hasalpha() and not encoder.alpha:
        image = image.flatten(background=[WHITE * 257 if image.format == "ushort" else WHITE])
    if image.format == "ushort" and not encoder.deep:
        image = image.colourspace("b-w" if image.interpretation == "grey16" else "srgb")
    return image


def _options(kind: Format, how: Encoding, *, deep: bool) -> dict[str, Any]:
    encoder, quality = ENCODERS[kind], quality_of(kind, how)
    effort = encoder.effort if how.effort is None else min(how.effort, encoder.max_effort)
    match kind:
        case "jpeg":
            best = TRELLIS if effort >= 2 else {"interlace": how.progressive}
            return {"Q": quality, "optimize_coding": effort >= 1, **best}
        case "png":
            return {"compression": effort, **_palette(how.colors, quality)}
        case "webp":
            return {"effort": effort, **(_lossless(quality) if how.lossless else {"Q": quality})}
        case "avif":
            # 10 bits: what every decoder of AVIF must read, and more than screens show.
            return {"Q": quality, "effort": effort, "compression": "av1", "bitdepth": 10 if deep else 8}
        case "gif":
            return {"effort": effort + 1, "bitdepth": _bits(how.colors or 256)}
        case "tiff":
            return {"compression": how.compression or "deflate", "level": effort, "predictor": "horizontal"}


def _palette(colors: int | None, quality: int | None) -> dict[str, Any]:
    return {"palette": True, "bitdepth": _bits(colors), "Q": quality or 100} if colors else {}


def _lossless(quality: int | None) -> dict[str, Any]:
    """Return what keeps every pixel; below 100, libwebp may change some by as much as makes the file smaller."""
    return {"lossless": True, **({"near_lossless": True, "Q": quality} if quality and quality < 100 else {})}


def _bits(colors: int) -> int:
    return (colors - 1).bit_length()


TRELLIS = {
    "interlace": True,
    "trellis_quant": True,
    "overshoot_deringing": True,
    "optimize_scans": True,
    "quant_table": 3,
}
"""mozjpeg's best: about 15 times the CPU for a fifth fewer bytes."""
