"""The sample scenes that are no photographs: a logo with alpha, a poster with text, a 16-bit night sky."""

from __future__ import annotations

import random
from array import array

import pyvips

from demo.paint import Color, distance, finish, glow, grow, mix, noise, places, sky, step

RED = (222, 44, 38)
INK = (26, 24, 30)
PAPER = (244, 236, 220)


def logo() -> pyvips.Image:
    """Draw a safelight's shutter and its name on nothing, with a soft shadow: 2.2 megapixels with alpha."""
    width, height = 2000, 1100
    cover, paint = _shutter(width, height, (width / 2, 430), 330)
    name = _text("Safelight", 200, bold=True)
    letters = name.embed((width - name.width) // 2, 850, width, height) / 255
    cover = (cover + letters).clamp().copy_memory()
    image = mix(paint, INK, letters)
    shadow = grow(cover.shrink(4, 4).gaussblur(7).embed(3, 7, width // 4, height // 4), width, height).clamp() * 0.5
    alpha = (cover + shadow * (1 - cover)).copy_memory()
    image = image * (cover / (alpha + 0.0001))  # the shadow is black: what shows of the paint is its share
    return finish(image).bandjoin((alpha.clamp() * 255).rint().cast("uchar"))


def _shutter(width: int, height: int, center: tuple[float, float], radius: int) -> tuple[pyvips.Image, pyvips.Image]:
    """Return where the six blades of a shutter are, and their colours."""
    x, y = places(width, height)
    far = distance(width, height, *center).copy_memory()
    angle = ((y - center[1]).atan2(x - center[0]) + 360).copy_memory()
    blade = angle % 60
    # Each blade's edge is the tangent to a hexagon: at these angles, its distance from the middle.
    hexagon = far * ((blade - 30).cos())
    opening = step(hexagon, radius * 0.38, radius * 0.38 + 2.5)
    disc = 1 - step(far, radius - 1.5, radius + 1.5)
    swirl = ((angle + far * (52 / radius)) % 60) / 60
    seam = step(swirl, 0.0, 0.03) * (1 - step(swirl, 0.97, 1.0))
    light = swirl * 0.55 + 0.55
    paint = mix(far * 0 + [255, 190, 160], light * list(RED), seam)
    return disc * opening, paint


def _text(words: str, size: int, *, bold: bool = False) -> pyvips.Image:
    """Return `words` as a mask, 0 to 255; on a machine without fonts, bars where the words would be."""
    if _has_fonts():
        return pyvips.Image.text(words, font=f"sans {'bold ' if bold else ''}{size}", dpi=72)
    bars = [pyvips.Image.black(int(size * 0.55 * len(word)), int(size * 0.7)) + 255 for word in words.split()]
    return pyvips.Image.arrayjoin(bars, across=len(bars), shim=size // 3, halign="low").cast("uchar")


def _has_fonts() -> bool:
    # Without fonts there is no error, but small boxes of one size, whatever size was asked for.
    small, large = (pyvips.Image.text("W", font=f"sans {size}", dpi=72).height for size in (20, 100))
    return large > 2 * small


# Words, size in pixels, left edge, top, colour.
LINES: tuple[tuple[str, int, int, int, Color], ...] = (
    ("Exhibition", 96, 120, 130, INK),
    ("Light,", 330, 110, 1290, PAPER),
    ("made safe", 232, 116, 1600, PAPER),
    ("Every picture that lands is developed", 56, 122, 1950, PAPER),
    ("One recipe, the same bytes everywhere", 40, 122, 2040, PAPER),
    (
        "Twelve rooms, from the darkroom to the cloud. Open daily, also at night; bring your own negatives.",
        25,
        122,
        2118,
        PAPER,
    ),
    ("Small print, to see what sharpening and a low quality do to it: 0123456789 abcdefghijklm", 16, 122, 2170, PAPER),
)


def poster() -> pyvips.Image:
    """Draw a poster with large and small print: 3.6 megapixels of flat colour and hard edges."""
    width, height = 1600, 2240
    x, y = places(width, height)
    far = distance(width, height, 960, 760).copy_memory()
    image = mix(far * 0 + list(PAPER), RED, 1 - step(far, 619, 621))
    rings = step((far * (360 / 82)).sin(), -0.04, 0.04) * (1 - step(far, 619, 621)) * step(x - 960 + (y - 760), -1, 1)
    image = mix(image, PAPER, rings)
    image = mix(image, INK, step(y - (1180 + (x - 800) * -0.08), -1, 1))
    for words, size, left, top, color in LINES:
        image = mix(image, color, _text(words, size, bold=size > 90).embed(left, top, width, height) / 255)
    return finish(image)


NIGHT = (
    (0.0, (6, 10, 30)),
    (0.45, (18, 34, 78)),
    (0.75, (58, 74, 128)),
    (0.92, (196, 130, 120)),
    (1.0, (250, 176, 112)),
)


def night() -> pyvips.Image:
    """Draw a clear sky after sunset in 16 bits, smooth enough to show every step of a coarser depth: 2.4 megapixels."""
    width, height = 1800, 1340
    image = sky(width, height, NIGHT)
    image = mix(image, (150, 150, 190), step(grow(noise((225, 168), 64, 61, octaves=3), width, height), 0, 1.4) * 0.1)
    image = _stars(image)
    moon = (width * 0.7, height * 0.34)
    far = distance(width, height, *moon)
    bite = distance(width, height, moon[0] - 34, moon[1] - 20)
    crescent = (1 - step(far, 79, 82)) * step(bite, 77, 83)
    image = mix(image, (255, 246, 224), crescent) + glow(width, height, moon, 110) * [46, 46, 52]
    return ((image / 255).clamp() * 65535).rint().cast("ushort").copy(interpretation="rgb16")


def _stars(image: pyvips.Image) -> pyvips.Image:
    rng = random.Random(17)  # noqa: S311 - a picture, not a key
    width, height = image.width, image.height
    points = array("f", bytes(4 * width * height))
    for _ in range(620):
        bright, y = rng.paretovariate(1.5), int(height * 0.8 * rng.random() ** 1.4)
        points[y * width + rng.randrange(width)] = min(bright * 2, 9)
    dots = pyvips.Image.new_from_memory(points.tobytes(), width, height, 1, "float")
    return image + dots.gaussblur(1.1) * [235, 240, 255]
