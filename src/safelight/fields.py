"""Named metadata of an image, with the types that libvips gives them (pyvips' own annotations know no blobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pyvips

if TYPE_CHECKING:
    from collections.abc import Mapping


def blob(image: pyvips.Image, field: str) -> bytes | None:
    """Return the bytes of a field, or None when the image has none."""
    return cast("bytes", image.get(field)) if image.get_typeof(field) else None


def number(image: pyvips.Image, field: str) -> int | None:
    """Return a whole number, or None when the image has none."""
    return cast("int", image.get(field)) if image.get_typeof(field) else None


def numbers(image: pyvips.Image, field: str) -> int | list[int] | None:
    """Return a whole number or a list of them, or None when the image has none."""
    return cast("int | list[int]", image.get(field)) if image.get_typeof(field) else None


def without(image: pyvips.Image, *fields: str) -> pyvips.Image:
    """Return a copy of the image that lacks these fields."""
    image = image.copy()
    for field in fields:
        if image.get_typeof(field):
            image.remove(field)
    return image


def with_blobs(image: pyvips.Image, blobs: Mapping[str, bytes | None]) -> pyvips.Image:
    """Return a copy of the image with these fields, the empty ones left out."""
    image = image.copy()
    for field, value in blobs.items():
        if value:
            image.set_type(pyvips.GValue.blob_type, field, cast("Any", value))
    return image


def with_text(image: pyvips.Image, field: str, value: str) -> pyvips.Image:
    """Return a copy of the image with this field."""
    image = image.copy()
    image.set_type(pyvips.GValue.gstr_type, field, cast("Any", value))
    return image


def with_numbers(image: pyvips.Image, fields: Mapping[str, int | list[int]]) -> pyvips.Image:
    """Return a copy of the image with these fields, each a whole number or a list of them."""
    image = image.copy()
    for field, value in fields.items():
        kind = pyvips.GValue.array_int_type if isinstance(value, list) else pyvips.GValue.gint_type
        image.set_type(kind, field, cast("Any", value))
    return image
