"""Turn an image into the bytes of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from safelight.errors import SizeNotEncodable

if TYPE_CHECKING:
    import pyvips

Format = Literal["jpeg", "png", "webp", "avif"]
Metadata = Literal["strip", "keep", "copyright"]
Quality = Annotated[int, Meta(ge=1, le=100, description="Quality of the encoder, 1 to 100.", examples=[80])]
Effort = Annotated[
    int,
    Meta(
        ge=0,
        le=9,
        description="CPU spent to make the file smaller: jpeg 0 to 2, webp 0 to 6, png and avif 0 to 9.",
        examples=[1],
    ),
]


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


ENCODERS: dict[str, Encoder] = {
    "jpeg": Encoder(
        content_type="image/jpeg",
        extensions=("jpg", "jpeg"),
        quality=80,
        effort=1,
        max_effort=2,
        max_side=65535,
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
    ),
    "webp": Encoder(
        content_type="image/webp", extensions=("webp",), quality=80, effort=2, max_effort=6, max_side=16383
    ),
    "avif": Encoder(
        content_type="image/avif", extensions=("avif",), quality=63, effort=1, max_effort=9, max_side=16384
    ),
}
WHITE = 255


def encode(image: pyvips.Image, kind: Format, quality: int | None, effort: int | None, keep: str) -> bytes:
    """Encode an sRGB or grey image.

    Args:
        image: upright, 8 or 16 bit; alpha is flattened on white where the format has none.
        kind: the format.
        quality: 1..100, None for the format's default; png has none.
        effort: None for the format's default.
        keep: which metadata of the image is written, in libvips' words: `none`, `exif:xmp:iptc`, ...

    Raises:
        SizeNotEncodable: the format cannot hold so large a picture.
    """
    encoder = ENCODERS[kind]
    if max(image.width, image.height) > encoder.max_side:
        raise SizeNotEncodable(
            f"{image.width} x {image.height} pixels do not fit into {kind}; its sides end at {encoder.max_side}"
        )
    options = _options(kind, quality or encoder.quality, encoder.effort if effort is None else effort)
    return bytes(getattr(_fitted(image, encoder), f"{SAVERS[kind]}_buffer")(keep=keep, **options))


SAVERS = {"jpeg": "jpegsave", "png": "pngsave", "webp": "webpsave", "avif": "heifsave"}


def _fitted(image: pyvips.Image, encoder: Encoder) -> pyvips.Image:
    if image.hasalpha() and not encoder.alpha:
        image = image.flatten(background=[WHITE * 257 if image.format == "ushort" else WHITE])
    if image.format == "ushort" and not encoder.deep:
        image = image.colourspace("b-w" if image.interpretation == "grey16" else "srgb")
    return image


def _options(kind: Format, quality: int | None, effort: int) -> dict[str, Any]:
    match kind:
        case "jpeg":
            return {"Q": quality, "optimize_coding": effort >= 1, **(TRELLIS if effort >= 2 else {})}
        case "png":
            return {"compression": effort}
        case "webp":
            return {"Q": quality, "effort": effort}
        case "avif":
            return {"Q": quality, "effort": effort, "compression": "av1"}


TRELLIS = {
    "interlace": True,
    "trellis_quant": True,
    "overshoot_deringing": True,
    "optimize_scans": True,
    "quant_table": 3,
}
"""mozjpeg's best: about 15 times the CPU for a fifth fewer bytes."""
