"""What a quality is chosen for: a number, how alike the output looks, or its size in bytes."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

LEAST_BYTES = 100
"""No file of a picture is smaller; who writes less has left out the unit."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kM]i?)?B?", re.ASCII)
_UNITS = {None: 1, "k": 1000, "M": 1_000_000, "ki": 1024, "Mi": 1_048_576}

_NEVER_MORE = "Bytes that the output never exceeds: a number, or such as 200kB or 1.5MB."
Size = (
    Annotated[int, Meta(ge=LEAST_BYTES, description=_NEVER_MORE, examples=["200kB"])]
    | Annotated[
        str,
        Meta(pattern="^[0-9]+(\\.[0-9]+)? ?([kM]i?)?B?$", description=_NEVER_MORE, examples=["200kB"]),
    ]
)


class Aim(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the quality is chosen for: exactly one of these."""

    ssim: (
        Annotated[
            float,
            Meta(
                ge=0.5,
                le=0.999,
                description="How alike the output looks, by a relative of SSIMULACRA2: 0.98 is good, 0.99 hard to tell "
                "apart.",
                examples=[0.98],
            ),
        ]
        | None
    ) = None
    max_bytes: Size | None = None


Target = (
    Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Quality of the encoder, 1 to 100; of png with colors, and of webp with lossless: how near. "
            "auto: the smallest file that looks like the picture; ssim or max_bytes: chosen for that.",
            examples=[80],
        ),
    ]
    | Literal["auto"]
    | Aim
)


def parse_size(size: int | str) -> int:
    """Return a size in bytes, of a recipe that was checked; kB and MB are powers of 1000, kiB and MiB of 1024."""
    match = _SIZE.fullmatch(str(size))
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


def conflicts(target: Target | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the option of a target that makes no sense, and why."""
    if not isinstance(target, Aim):
        return
    if (target.ssim is None) == (target.max_bytes is None):
        yield ("quality",), "quality needs either ssim or max_bytes; write {ssim: 0.98} or {max_bytes: 200kB}"
    elif target.max_bytes is not None and parse_size(target.max_bytes) < LEAST_BYTES:
        yield (
            ("quality", "max_bytes"),
            f"quality.max_bytes={target.max_bytes}; must be at least {LEAST_BYTES} bytes; write such as 200kB",
        )
