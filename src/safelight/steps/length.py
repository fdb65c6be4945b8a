"""Lengths in a recipe: whole pixels, or a share of a side such as `5%`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_WORDS = "Pixels such as 24, or a share of the side such as 5%."

Length = (
    Annotated[int, Meta(ge=0, le=16384, description=_WORDS, examples=[24])]
    | Annotated[
        str,
        Meta(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$", description=_WORDS, examples=["5%", "12.5%"]),
    ]
)
"""A length that may be nothing."""

Extent = (
    Annotated[int, Meta(ge=1, le=16384, description=_WORDS, examples=[640])]
    | Annotated[
        str,
        Meta(
            pattern=r"^(100(\.0{1,2})?|[1-9][0-9]?(\.[0-9]{1,2})?|0\.[1-9][0-9]?|0\.0[1-9])%$",
            description=_WORDS,
            examples=["80%", "12.5%"],
        ),
    ]
)
"""A length that is something."""

Aspect = Annotated[
    str,
    Meta(
        pattern="^[1-9][0-9]{0,3}[:/][1-9][0-9]{0,3}$",
        description="Width to height, in quotes when written with a colon.",
        examples=["16:9", "3/2", "1:1"],
    ),
]


def pixels(length: int | str, side: int) -> int:
    """Return a length in whole pixels; a share is one of `side` pixels."""
    return length if isinstance(length, int) else round(float(length.removesuffix("%")) * side / 100)


def ratio(aspect: str) -> float:
    """Return width divided by height."""
    width, height = aspect.replace("/", ":").split(":")
    return int(width) / int(height)
