"""The sample scenes that are landscapes: mountains at dusk, a sea with the sun on it, a forest in mist."""

from __future__ import annotations

import random

import pyvips

from demo.paint import add, finish, glow, grain, grow, line, mix, noise, places, relief, ridge, sky, step

DUSK = (
    (0.0, (28, 42, 88)),
    (0.22, (84, 92, 152)),
    (0.42, (214, 142, 146)),
    (0.54, (255, 190, 128)),
    (1.0, (255, 214, 150)),
)
# Base and height of each range as shares of the picture's height, from far to near, and its colour.
RANGES = (
    (0.535, 0.045, (206, 150, 150)),
    (0.585, 0.085, (164, 120, 142)),
    (0.660, 0.110, (116, 90, 126)),
    (0.755, 0.100, (74, 62, 98)),
    (0.860, 0.080, (40, 38, 66)),
)


def mountains() -> pyvips.Image:
    """Draw mountain ranges one behind the other, in the haze of a low sun: 12 megapixels."""
    width, height = 1600, 1200
    sun = (width * 0.66, height * 0.50)
    image = _clouds(sky(width, height, DUSK), seed=4)
    image = add(image, (70, 48, 10), glow(width, height, sun, height * 0.30, flatten=1.7))
    image = add(image, (150, 120, 70), glow(width, height, sun, height * 0.05))
    for number, (base, rise, color) in enumerate(RANGES):
        outline = [height * (base - rise * y) for y in ridge(width, seed=20 + number)]
        image = _range(image, outline, color, near=number / len(RANGES))
    image = _forest_edge(image, seed=9)
    return finish(grain(grow(image, 4000, 3000, "lanczos3"), 2.2, seed=1))


def _clouds(image: pyvips.Image, seed: int) -> pyvips.Image:
    width, height = image.width, image.height
    wide = noise((width // 8, height // 2), 96, seed, octaves=6, gain=0.6)
    share = step(grow(wide, width, height), 0.1, 0.9)
    _, down = places(1, height)
    fade = (1 - step(down, height * 0.34, height * 0.5)) * step(down, 0, height * 0.2)
    return mix(image, (255, 176, 150), share * fade.embed(0, 0, width, height, extend="copy") * 0.7)


def _range(image: pyvips.Image, outline: list[float], color: tuple[float, ...], near: float) -> pyvips.Image:
    top = int(min(outline)) - 2
    width, height = image.width, image.height - top  # the part above stays as it is
    _, down = places(width, height)
    depth = (down + top - line(outline, width, height)).copy_memory()
    rock = noise((width // 2, height // 2), 64, int(near * 100), octaves=5, gain=0.6)
    light = grow(relief(rock), width, height) * (6 + 24 * near)
    haze = step(depth, 0, image.height * 0.22) * (0.65 - 0.45 * near)
    body = mix(light + list(color), (250, 186, 148), haze)
    return image.insert(mix(image.crop(0, top, width, height), body, step(depth, -0.8, 0.8)), 0, top)


def _forest_edge(image: pyvips.Image, seed: int) -> pyvips.Image:
    """Draw the spruces of the foreground: an outline of jagged triangles."""
    width, height = image.width, image.height
    rng = random.Random(seed)  # noqa: S311 - a picture, not a key
    ground = [height * (0.955 - 0.035 * y) for y in ridge(width, seed, roughness=0.4)]
    outline = list(ground)
    for _ in range(width // 7):
        center, tall = rng.randrange(width), height * rng.uniform(0.02, 0.07) * rng.uniform(0.5, 1.3)
        half = max(3, int(tall * 0.2))
        for x in range(max(0, center - half), min(width, center + half)):
            branch = (1 - abs(x - center) / half) ** 1.4 + 0.07 * (x * 7919 % 3 - 1)
            outline[x] = min(outline[x], ground[center] - tall * branch)
    _, down = places(width, height)
    return mix(image, (17, 18, 32), step(down - line(outline, width, height), -0.8, 0.8))


EVENING = (
    (0.0, (66, 104, 158)),
    (0.2, (128, 150, 182)),
    (0.34, (236, 184, 138)),
    (0.42, (255, 206, 130)),
    (1.0, (255, 206, 130)),
)
WATER = (
    (0.0, (236, 174, 112)),
    (0.08, (176, 134, 112)),
    (0.35, (74, 88, 112)),
    (1.0, (14, 40, 70)),
)


def sea() -> pyvips.Image:
    """Draw a low sun over the sea, and its glitter on the waves: 8.6 megapixels."""
    width, height = 1500, 1000
    sun, horizon = (width * 0.42, height * 0.33), int(height * 0.42)
    image = _clouds(sky(width, height, EVENING), seed=31)
    image = add(image, (90, 60, 10), glow(width, height, sun, height * 0.3))
    image = add(image, (190, 170, 120), glow(width, height, sun, height * 0.055))
    water = _water(width, height - horizon, sun[0])
    image = image.insert(water, 0, horizon)
    return finish(grain(grow(image, 3600, 2400, "lanczos3"), 2.5, seed=2))


def _water(width: int, height: int, sun_x: float) -> pyvips.Image:
    across, down = places(width, height)
    near = (down / height).copy_memory()
    waves = _waves(across, near).copy_memory()
    image = sky(width, height, WATER) + waves * (near * 26 + 8)
    lane = (((across - sun_x) / (near * 0.14 + 0.035) / width) ** 2 * -1).exp().copy_memory()
    glitter = step(waves + lane * 1.1 - near * 0.3, 0.55, 1.15) * (lane * 0.9 + 0.1)
    image = add(image, (120, 84, 44), lane * (1 - near) * 0.7)
    return add(image, (240, 196, 128), glitter)


def _waves(across: pyvips.Image, near: pyvips.Image) -> pyvips.Image:
    """Return the height of the waves, around 0: noise seen in perspective, smaller towards the horizon."""
    width, rows = across.width, 820
    tile = noise((1640, rows), 12, seed=77, octaves=4, gain=0.7).copy_memory()
    x = (across - width / 2) * 0.13 / (near + 0.15) + tile.width / 2
    y = ((near + 0.04).log() + 3.22) * (rows / 3.27)
    return tile.mapim(x.bandjoin(y), extend="mirror")
