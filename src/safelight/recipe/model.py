"""The recipe as data. Each field carries its range and its sentence; parser, schema and reference come from here."""

import hashlib
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from safelight.encode import Colors, Compression, Effort, Encoding, Format, Lossless, Metadata, Progressive
from safelight.steps.blur import Blur
from safelight.steps.flatten import Flatten
from safelight.steps.flip import Flip, Flop
from safelight.steps.gamma import Gamma
from safelight.steps.greyscale import Greyscale
from safelight.steps.modulate import Modulate
from safelight.steps.pad import Pad
from safelight.steps.region import Crop
from safelight.steps.resize import Resize
from safelight.steps.rotate import Rotate
from safelight.steps.sharpen import Sharpen
from safelight.steps.trim import Trim
from safelight.steps.watermark import Watermark
from safelight.target import Target

INTERNAL = {"x-internal": True}
"""Marks what reading the file fills in; nobody writes it there."""

ENGINE = 1
"""Raised whenever the same recipe and upload give other bytes than before, so that every job gets a new id."""

KeyTemplate = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=900,
        description="Where the output goes, from {dir} {filename} {stem} {ext} {width} {height} {format} {recipe}.",
        examples=["{dir}thumbs/{filename}-320.webp"],
    ),
]

ManifestTemplate = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=900,
        description="Where to write a JSON file that lists the outputs, with srcset, a picture element to paste, main "
        "color and ThumbHash: from {dir} {filename} {stem} {ext} {recipe}.",
        examples=["{dir}{filename}.json"],
    ),
]


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a single upload may cost; checked before any decoding where a header tells."""

    pixels: Annotated[int, Meta(ge=1, description="Width x height x frames.")] = 100_000_000
    frames: Annotated[int, Meta(ge=1, description="Frames of an animation.")] = 500
    megabytes: Annotated[int, Meta(ge=1, description="Size of the file in MB (10^6 bytes).")] = 200
    seconds: Annotated[int, Meta(ge=1, le=900, description="Time to develop one upload.")] = 60
    memory: Annotated[int, Meta(ge=128, description="Memory of one worker process in MB (10^6 bytes).")] = 1024


class Match(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which uploads a recipe develops. Both are compared without regard to case; a blank match takes every object."""

    prefix: Annotated[str, Meta(description="The key starts with this.", examples=["holiday/"])] = ""
    suffix: Annotated[
        tuple[Annotated[str, Meta(min_length=1, examples=[".jpg"])], ...],
        Meta(description="The key ends with one of these."),
    ] = ()

    def takes(self, key: str) -> bool:
        """Return whether an upload with this key is developed."""
        folded = key.casefold()
        return folded.startswith(self.prefix.casefold()) and (
            not self.suffix or folded.endswith(tuple(each.casefold() for each in self.suffix))
        )


Step = Literal[
    "trim",
    "crop",
    "resize",
    "rotate",
    "flip",
    "flop",
    "gamma",
    "modulate",
    "greyscale",
    "blur",
    "sharpen",
    "pad",
    "flatten",
    "watermark",
]
STEPS: tuple[Step, ...] = get_args(Step)
"""Every step, in the order in which they run where nothing else is said."""


Named = Annotated[str, Meta(pattern="^[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$", max_length=500)]
"""A line of text that does not begin with a blank."""


class Rights(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What outputs say of their owner in EXIF, IPTC and XMP, with `metadata: copyright` or `keep`."""

    creator: Annotated[Named | None, Meta(description="Who made the picture, in one line.", examples=["Ann Owner"])] = (
        None
    )
    copyright: Annotated[
        Named | None, Meta(description="The copyright notice, in one line.", examples=["(c) 2026 Ann Owner"])
    ] = None
    licence: Annotated[
        Annotated[str, Meta(pattern="^https?://[^\\s\\x00-\\x1f]+$", max_length=1000)] | None,
        Meta(description="Address of the terms of use, http or https.", examples=["https://example.com/licence"]),
    ] = None


class Rendition(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One output that a recipe asks for. With a key alone the pixels are not touched; steps run as they are written."""

    key: KeyTemplate
    # These two stand for many outputs: `fan_out` writes them out when the file is read, and nothing later sees them.
    widths: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=16384, examples=[320])], ...],
        Meta(min_length=1, description="An output for each of these widths in pixels; the key holds {width}."),
    ] = ()
    formats: Annotated[
        tuple[Format, ...],
        Meta(min_length=1, description="An output for each of these, of each width; the key ends with .{format}."),
    ] = ()
    resize: Resize | None = None
    trim: Trim | None = None
    crop: Crop | None = None
    rotate: Rotate | None = None
    flip: Flip = False
    flop: Flop = False
    modulate: Modulate | None = None
    greyscale: Greyscale = False
    gamma: Gamma | None = None
    blur: Blur | None = None
    sharpen: Sharpen | None = None
    pad: Pad | None = None
    flatten: Flatten | None = None
    watermark: Watermark | None = None
    order: Annotated[
        tuple[Step, ...],
        Meta(description="The order of the steps, if it is not the one in which they are written.", examples=["blur"]),
    ] = ()
    format: Annotated[
        Format | None, Meta(description="Format of the output; without it the key's ending decides, then the source.")
    ] = None
    quality: Target | None = None
    score: Annotated[
        bool, Meta(description="Measure how alike an output of a fixed quality looks too; costs a decode of it.")
    ] = False
    effort: Effort | None = None
    lossless: Lossless = False
    colors: Colors | None = None
    progressive: Progressive = False
    compression: Compression | None = None
    animate: Annotated[
        bool, Meta(description="Whether an animation stays one where gif or webp is made; else its first frame.")
    ] = True
    metadata: Annotated[Metadata | None, Meta(description="Overrides the recipe's metadata for this output.")] = None
    rights: Rights | None = None

    @property
    def copies(self) -> bool:
        """Whether the output is the upload's own picture, its pixels untouched."""
        as_it_came = self.format is None and self.quality is None and self.encoding == Encoding()
        return not self.steps and self.animate and as_it_came

    @property
    def encoding(self) -> Encoding:
        """How the output is to be encoded; a quality that depends on the picture is not in it."""
        how = {name: getattr(self, name) for name in Encoding.__struct_fields__}
        return Encoding(**{**how, "quality": self.quality if isinstance(self.quality, int) else None})

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that are asked for, in the order in which they run; what `order` leaves out runs last."""
        order = (*self.order, *(name for name in STEPS if name not in self.order))
        return tuple(name for name in order if getattr(self, name) not in (None, False))


class Asset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A logo or font that a recipe names, and the digest of its bytes."""

    name: str
    sha256: str


class Recipe(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to do with the uploads that match."""

    name: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9_-]{0,62}$",
            description="Name of the recipe: small letters, digits, - and _, at most 63.",
            examples=["photos"],
        ),
    ]
    match: Match = Match()
    allow: Annotated[
        tuple[Literal["svg"], ...],
        Meta(description="Formats that are read only on request: drawings that stand by themselves.", examples=["svg"]),
    ] = ()
    manifest: ManifestTemplate | None = None
    metadata: Annotated[
        Metadata, Meta(description="What outputs keep of EXIF, IPTC and XMP; colour and orientation stay true.")
    ] = "strip"
    rights: Rights | None = None
    on_delete: Annotated[
        Literal["keep", "remove"],
        Meta(description="What becomes of the outputs when their original is deleted."),
    ] = "keep"
    renditions: Annotated[tuple[Rendition, ...], Meta(min_length=1, description="The outputs.")]
    assets: Annotated[tuple[Asset, ...], Meta(extra_json_schema=INTERNAL)] = ()


DEFAULT_RECIPE = Recipe(name="default", metadata="keep", renditions=(Rendition(key="{dir}processed_{filename}"),))
"""Without a file: the very bytes, validated by a full decode, under `processed_<filename>`."""


def in_written_order(rendition: dict[str, Any]) -> dict[str, Any]:
    """Return a rendition of a file, as plain data, with the order of its steps where that is not the usual one."""
    written = [name for name in rendition if name in STEPS and rendition[name] not in (None, False)]
    usual = sorted(written, key=STEPS.index)
    return rendition if "order" in rendition or written == usual else {**rendition, "order": written}


def digest(recipe: Recipe) -> str:
    """Return what a job's id knows of its recipe: what decides on its outputs, and the engine that reads it."""
    parsed = msgspec.json.encode(_chosen(replace(recipe, on_delete="keep")), order="sorted")
    return hashlib.sha256(b"%d\0%s" % (ENGINE, parsed)).hexdigest()[:16]


def _chosen(value: Any) -> Any:
    """Return options as plain data without those that equal their default, so that a new option changes no digest.

    `omit_defaults` does not do: it compares by identity, which a recipe loses on its way to a worker process.
    """
    if isinstance(value, tuple):
        return [_chosen(each) for each in value]
    if not isinstance(value, Struct):
        return value
    names, defaults = value.__struct_fields__, value.__struct_defaults__
    defaults = (msgspec.NODEFAULT,) * (len(names) - len(defaults)) + defaults
    chosen = ((name, getattr(value, name), default) for name, default in zip(names, defaults, strict=True))
    return {name: _chosen(option) for name, option, default in chosen if option != default}
