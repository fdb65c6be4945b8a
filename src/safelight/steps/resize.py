"""Resize: how large the whole picture becomes, and which part of it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Side = Annotated[int, Meta(ge=1, le=16384)]
Fit = Literal["cover", "contain", "fill", "inside", "outside"]
POSITIONS = (
    "center north northeast east southeast south southwest west northwest entropy attention"  # and "x,y"
).split()
Position = Annotated[
    str,
    Meta(
        pattern="^(" + "|".join(POSITIONS) + r"|(0|1|0?\.\d+|1\.0+),(0|1|0?\.\d+|1\.0+))$",
        description="What `cover` keeps: a compass point, `entropy`, `attention`, or a focal point `x,y` from 0,0 (top left) to 1,1.",
        examples=["attention", "0.5,0.33"],
    ),
]


class Resize(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The wanted size in pixels of the upright picture; give one side or both."""

    width: Annotated[Side | None, Meta(description="Wanted width in pixels.")] = None
    height: Annotated[Side | None, Meta(description="Wanted height in pixels.")] = None
    fit: Annotated[
        Fit,
        Meta(description="cover fills the box and crops; contain fills it with a margin; fill distorts; inside and outside keep the whole picture."),
    ] = "cover"
    position: Position = "center"
    enlarge: Annotated[bool, Meta(description="Whether a smaller picture may be made larger.")] = False
