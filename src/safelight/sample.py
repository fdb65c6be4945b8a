"""A sample of a picture: tiles spread evenly over it, put together to one small picture that stands for the whole."""

from __future__ import annotations

import pyvips
from msgspec import Struct

MOST = 524_288
"""Pixels of a sample at most."""
LEAST = 262_144
"""Pixels below which tiles would say too little."""
SHARE = 0.5
"""A sample's share of the picture, between these two."""
TILE = 160
"""A tile's side. Tiles start at multiples of 16, where blocks of JPEG start."""
MARGIN = 16
"""What an encoder does along the seams of tiles it would not do in the whole picture, so it is not looked at."""


class Sample(Struct, frozen=True, kw_only=True):
    """The picture to encode instead of the whole one: a strip of `tiles` from top to bottom, or none in one piece."""

    image: pyvips.Image
    tiles: int = 0
    whole: bool = False

    def inside(self, image: pyvips.Image) -> pyvips.Image:
        """Return what counts of this sample, or of a decoded encode of it: the tiles without their margins."""
        if not self.tiles:
            return image
        # A strip is cut in three steps, however many tiles it has; each of libvips' calls costs as much as some tiles.
        side = TILE - 2 * MARGIN
        row = image.crop(MARGIN, 0, side, image.height).grid(TILE, self.tiles, 1)
        return row.crop(0, MARGIN, row.width, side).copy_memory()


def take(image: pyvips.Image) -> Sample:
    """Return the sample of a picture, which is the picture itself when that is small."""
    area = image.width * image.height
    if area <= LEAST * 3 // 2:
        return Sample(image=image, whole=True)
    across, down = _grid(image.width, image.height, min(max(LEAST, int(area * SHARE)), MOST))
    if across and down:
        corners = [(x, y) for y in _starts(image.height, down) for x in _starts(image.width, across)]
        tiles = [image.crop(x, y, TILE, TILE) for x, y in corners]
        return Sample(image=pyvips.Image.arrayjoin(tiles, across=1).copy_memory(), tiles=len(tiles))
    return Sample(image=_middle(image))


def _grid(width: int, height: int, budget: int) -> tuple[int, int]:
    """Return how many tiles lie across and down: about square cells, no overlap, 0 when none fits."""
    tiles = budget / (TILE * TILE)
    across = min(max(1, round((tiles * width / height) ** 0.5)), width // TILE)
    most = MOST // (TILE * TILE) // max(across, 1)
    down = min(max(1, round(tiles / max(across, 1))), height // TILE, most)
    return across, down


def _starts(side: int, count: int) -> list[int]:
    cell = side / count
    return [int(index * cell + (cell - TILE) / 2) // 16 * 16 for index in range(count)]


def _middle(image: pyvips.Image) -> pyvips.Image:
    """Return the middle of a strip too narrow for tiles."""
    width = min(image.width, max(1, MOST // image.height))
    height = min(image.height, max(1, MOST // image.width))
    return image.crop((image.width - width) // 2, (image.height - height) // 2, width, height).copy_memory()
