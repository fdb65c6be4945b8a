"""The sample scene that stands upright: trunks in the mist, with the light falling in from the right."""

from __future__ import annotations

import random

import pyvips

from demo.paint import add, distance, finish, glow, grain, grow, line, mix, noise, places, ridge, sky, step

WIDTH, HEIGHT = 900, 1200  # enlarged at the end: mist is soft
SUN = (WIDTH * 0.86, HEIGHT * -0.08)
MIST = ((0.0, (150, 178, 150)), (0.25, (232, 236, 190)), (0.62, (196, 208, 160)), (1.0, (96, 124, 72)))
# How many trunks, how wide in pixels, where they stand as a share of the height, their colour: from far to near.
ROWS = (
    (34, 7, 0.66, (178, 192, 154)),
    (22, 13, 0.70, (136, 154, 118)),
    (12, 24, 0.76, (84, 98, 72)),
    (6, 47, 0.86, (42, 44, 34)),
)


def forest() -> pyvips.Image:
    """Draw a beech forest in the morning: 3 megapixels, upright."""
    image = sky(WIDTH, HEIGHT, MIST)
    image = add(image, (90, 84, 50), glow(WIDTH, HEIGHT, (WIDTH * 0.62, HEIGHT * 0.36), HEIGHT * 0.2))
    for number, (count, wide, foot, color) in enumerate(ROWS):
        near = number / len(ROWS)
        image = _trunks(image, _bark(count, wide, seed=number), color, foot)
        image = _leaves(image, near, seed=50 + number * 8)
        image = _ground(image, foot, color, seed=70 + number)
    return finish(grain(grow(_shafts(image), 1500, 2000, "lanczos3"), 3.0, seed=3))


def _bark(count: int, wide: int, seed: int) -> list[tuple[float, float]]:
    """Return where trunks stand and how wide they are; each has a stretch of the picture for itself."""
    rng = random.Random(seed)  # noqa: S311 - a picture, not a key
    pitch = WIDTH / count
    return [(pitch * (i + rng.uniform(0.1, 0.9)), wide * rng.uniform(0.6, 1.3)) for i in range(count)]


def _trunks(
    image: pyvips.Image, trunks: list[tuple[float, float]], color: tuple[float, ...], foot: float
) -> pyvips.Image:
    cover, light = [0.0] * WIDTH, [0.0] * WIDTH
    for center, wide in trunks:
        for column in range(max(0, int(center - wide / 2)), min(WIDTH, int(center + wide / 2) + 1)):
            across = (column - center) / wide * 2
            cover[column] = min(1.0, (1 - abs(across)) * wide / 2)
            light[column] = 34 * across + 26 * max(0.0, across) ** 6
    bend = grow(noise((WIDTH // 8, HEIGHT // 8), 40, int(foot * 100), octaves=3), WIDTH, HEIGHT) * 10
    x, y = places(WIDTH, HEIGHT)
    warped = (x + bend).bandjoin(y).copy_memory()
    bark = grow(noise((WIDTH // 2, HEIGHT // 6), 8, int(foot * 90), octaves=3), WIDTH, HEIGHT) * 16
    body = (line(light, WIDTH, HEIGHT).mapim(warped, extend="copy") + bark) + list(color)
    above = 1 - step(y, HEIGHT * foot - 5, HEIGHT * foot + 18)
    return mix(image, body, (line(cover, WIDTH, HEIGHT).mapim(warped, extend="copy") * above).copy_memory())


def _leaves(image: pyvips.Image, near: float, seed: int) -> pyvips.Image:
    cloud = noise((WIDTH, HEIGHT), 160, seed, octaves=7, gain=0.72).copy_memory()
    _, y = places(WIDTH, HEIGHT)
    crown = step(cloud - y / (HEIGHT * (0.40 + 0.24 * (1 - near))) + 0.55 - 0.25 * near, 0.0, 0.12)
    color = (176 - 120 * near, 196 - 96 * near, 96 - 50 * near)
    return mix(image, cloud * 40 + list(color), crown * (0.55 + 0.4 * near))


def _ground(image: pyvips.Image, foot: float, color: tuple[float, ...], seed: int) -> pyvips.Image:
    outline = [HEIGHT * (foot + 0.02 * y) for y in ridge(WIDTH, seed, roughness=0.62)]
    _, y = places(WIDTH, HEIGHT)
    tufts = grow(noise((WIDTH // 2, HEIGHT // 3), 16, seed, octaves=4, gain=0.8), WIDTH, HEIGHT) * 26
    green = [0.72 * color[0] + 14, 0.78 * color[1] + 36, 0.45 * color[2] + 8]
    return mix(image, tufts + green, step(y - line(outline, WIDTH, HEIGHT), -1, 16) * 0.94)


def _shafts(image: pyvips.Image) -> pyvips.Image:
    """Lay shafts of light over the picture: noise that depends on the angle to the sun alone."""
    small = (WIDTH // 4, HEIGHT // 4)
    x, y = places(*small)
    angle = (y - SUN[1] / 4).atan2(x - SUN[0] / 4 + 0.5) * (512 / 360)
    ray = noise((513, 8), 8, 99, octaves=3)
    fan = ray.mapim(angle.bandjoin(y * 0 + 4), extend="mirror")
    fall = (distance(*small, SUN[0] / 4, SUN[1] / 4) * (-1 / (HEIGHT * 0.16))).exp()
    return add(image, (150, 140, 88), grow(step(fan, -0.2, 0.6) * fall, WIDTH, HEIGHT))
