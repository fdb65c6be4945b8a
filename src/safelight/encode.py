"""Turn an image into the bytes of a file."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

Format = Literal["jpeg", "png", "webp", "avif"]
Metadata = Literal["strip", "keep", "copyright"]
Quality = Annotated[int, Meta(ge=1, le=100, description="Quality of the encoder, 1 to 100.")]
Effort = Annotated[int, Meta(ge=0, le=9, description="CPU spent to make the file smaller: jpeg 0..2, webp 0..6, png and avif 0..9.")]
