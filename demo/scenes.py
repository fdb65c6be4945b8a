"""The sample scenes: what a camera, a phone and a designer would drop in, and two files that are no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyvips
from msgspec import Struct

from demo.flowers import flowers
from demo.forest import forest
from demo.graphics import logo, night, poster
from demo.landscapes import mountains, sea


class Scene(Struct, frozen=True, kw_only=True):
    """One file of the demonstration. `error` is the code that it is to be rejected with; None: it is a picture."""

    key: str
    shows: str
    error: str | None = None


CAMERA = {
    "exif-ifd0-Make": "Safelight",
    "exif-ifd0-Model": "Imaginary 1",
    "exif-ifd0-Artist": "Safelight's demo",
    "exif-ifd0-Copyright": "(c) 2026 the Safelight authors, Apache-2.0",
    "exif-ifd0-DateTime": "2026:11:22 16:04:00",
    "exif-ifd2-DateTimeOriginal": "2026:11:22 16:04:00",
    "exif-ifd2-FNumber": "8/1",
    "exif-ifd2-ExposureTime": "1/125",
    "exif-ifd2-FocalLength": "35/1",
}
PLACE = {
    "exif-ifd3-GPSLatitudeRef": "N",
    "exif-ifd3-GPSLatitude": "67/1 54/1 0/1",
    "exif-ifd3-GPSLongitudeRef": "E",
    "exif-ifd3-GPSLongitude": "18/1 31/1 0/1",
}
PNG_FILTER_SUB = 0x10  # libvips' own number for it
NO_PICTURE = "This is a text file. Somebody gave it the name of a picture, as somebody always does.\n"

MOUNTAINS = Scene(key="holiday/mountains.jpg", shows="12 megapixels, with the camera and the place in its EXIF")
SEA = Scene(key="holiday/sea.jpg", shows="8.6 megapixels, with a copyright in its EXIF")
FOREST = Scene(key="holiday/forest.jpg", shows="lies on its side; EXIF says how to turn it (orientation 6)")
FLOWERS = Scene(key="garden/gerberas.jpg", shows="colours that only Display P3 has")
LOGO = Scene(key="design/logo.png", shows="alpha: soft shadow on nothing")
POSTER = Scene(key="design/poster.png", shows="flat colour, hard edges, small print")
NIGHT = Scene(key="night.png", shows="16 bits: a gradient that 8 bits would break into steps")
CUT_SHORT = Scene(key="broken/cut-short.jpg", shows="the first 40 % of sea.jpg", error="truncated")
NO_JPEG = Scene(key="broken/no-picture.jpg", shows="a text file that only claims to be a JPEG", error="unknown_format")


def draw(folder: Path, tell: Callable[[Scene], None] = lambda _: None) -> list[Scene]:
    """Draw the sample scenes into `folder`; `tell` hears of each once it is there."""
    done: list[Scene] = []
    for scene, write in (
        (MOUNTAINS, lambda path: _write_jpeg(mountains(), path, CAMERA | PLACE)),
        (SEA, lambda path: _write_jpeg(sea(), path, CAMERA)),
        (FOREST, lambda path: _write_jpeg(forest().rot270(), path, CAMERA | PLACE, orientation=6)),
        (FLOWERS, lambda path: _write_jpeg(flowers(), path, CAMERA, profile="p3")),
        (LOGO, lambda path: _write_png(logo(), path)),
        (POSTER, lambda path: _write_png(poster(), path)),
        (NIGHT, lambda path: _write_png(night(), path)),
        (CUT_SHORT, lambda path: path.write_bytes(_first_share((folder / SEA.key).read_bytes(), 0.4))),
        (NO_JPEG, lambda path: path.write_text(NO_PICTURE, encoding="utf-8")),
    ):
        path = folder / scene.key
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        done.append(scene)
        tell(scene)
    return done


def _write_jpeg(
    image: pyvips.Image, path: Path, exif: Mapping[str, str], *, orientation: int = 1, profile: str = "srgb"
) -> None:
    image = image.copy()  # fields are set on this one image, not on one that others see
    for field, value in exif.items():
        image.set_type(pyvips.GValue.gstr_type, field, value)
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.jpegsave(str(path), Q=92, profile=profile)


def _write_png(image: pyvips.Image, path: Path) -> None:
    image.pngsave(str(path), compression=3, filter=PNG_FILTER_SUB)


def _first_share(contents: bytes, share: float) -> bytes:
    return contents[: int(len(contents) * share)]
