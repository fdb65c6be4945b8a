"""What the examples develop: the demonstration's scenes, made small; nothing that anybody else owns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import pyvips

from demo import graphics
from demo.flowers import flowers
from demo.forest import forest
from demo.landscapes import sea

WIDTH = 240
"""Width of an upload in pixels: three stand side by side on a page."""
LOGO = "logo.png"


@cache
def scene(draw: Callable[[], pyvips.Image]) -> pyvips.Image:
    """Return a scene of the demonstration, `WIDTH` pixels wide."""
    image = draw()
    small = image.thumbnail_image(WIDTH, height=image.height)
    return (small.colourspace("srgb") if small.format == "ushort" else small).copy_memory()


def scan() -> pyvips.Image:
    """Return a photograph as a scanner sees it: in the middle of paper that is not quite white."""
    photo = scene(flowers).resize(0.72)
    height = scene(flowers).height
    left, top = (WIDTH - photo.width) // 2, (height - photo.height) // 2
    paper = pyvips.Image.gaussnoise(WIDTH, height, mean=0, sigma=6, seed=7)
    shade = pyvips.Image.xyz(WIDTH, height)[0] * (-26 / WIDTH)
    page = (paper + shade + [246, 243, 236]).cast("uchar").copy(interpretation="srgb")
    return page.insert(photo, left, top)


def forest_floor() -> pyvips.Image:
    """Return the lower part of the forest, which is dark."""
    whole = scene(forest)
    return whole.crop(0, whole.height - 170, WIDTH, 170)


def poster() -> pyvips.Image:
    """Return the upper part of the poster, which is light."""
    return scene(graphics.poster).crop(0, 0, WIDTH, 170)


SOURCES: Mapping[str, Callable[[], pyvips.Image]] = {
    "sea": lambda: scene(sea),
    "flowers": lambda: scene(flowers),
    "night": lambda: scene(graphics.night),
    "logo": lambda: scene(graphics.logo),
    "forest": forest_floor,
    "poster": poster,
    "scan": scan,
}


def upload(name: str) -> bytes:
    """Return a source as the file that is developed."""
    return bytes(SOURCES[name]().pngsave_buffer())


def logo() -> bytes:
    """Return the file of the logo that watermarks name: the shutter without its name below."""
    shutter = graphics.logo().crop(600, 80, 800, 700)
    return bytes(shutter.thumbnail_image(400).pngsave_buffer())
