"""The sample scene with colours that sRGB cannot show: gerberas in Display P3."""

from __future__ import annotations

import random

import pyvips

from demo.paint import Color, distance, finish, grain, grow, mix, noise, places, sky, step

WIDTH, HEIGHT = 1200, 900  # enlarged at the end
MEADOW = ((0.0, (30, 84, 40)), (0.45, (64, 140, 52)), (1.0, (10, 46, 22)))
# Place and radius in pixels, petals, colour of the petals' tips and of their roots: from far to near. Coded in P3.
FLOWERS = (
    (1010, 220, 150, 17, (255, 190, 0), (255, 104, 0)),
    (190, 205, 165, 19, (255, 70, 165), (196, 0, 96)),
    (845, 605, 262, 23, (255, 20, 30), (170, 0, 30)),
    (390, 500, 318, 25, (255, 112, 0), (230, 26, 0)),
)


def flowers() -> pyvips.Image:
    """Draw flowers before a meadow out of focus: 3 megapixels, the numbers meant as Display P3."""
    image = _meadow()
    for number, (x, y, radius, petals, tip, root) in enumerate(FLOWERS):
        flower, cover = _flower(radius, petals, tip, root, seed=number)
        left, top = x - flower.width // 2, y - flower.height // 2
        image = _lay(image, flower, cover, left, top)
    return finish(grain(grow(image, 2000, 1500, "lanczos3"), 2.4, seed=5))


def _lay(image: pyvips.Image, flower: pyvips.Image, cover: pyvips.Image, left: int, top: int) -> pyvips.Image:
    """Lay a flower and its shadow on the picture; what reaches over the edge is cut off."""
    shadow = cover.shrink(4, 4).embed(left // 4 + 5, top // 4 + 8, WIDTH // 4, HEIGHT // 4).gaussblur(6)
    image = image * (1 - grow(shadow, WIDTH, HEIGHT) * 0.6)
    return mix(image, flower.embed(left, top, WIDTH, HEIGHT), cover.embed(left, top, WIDTH, HEIGHT))


def _meadow() -> pyvips.Image:
    """Draw grass far out of focus: a gradient with discs of light."""
    width, height = WIDTH // 4, HEIGHT // 4
    image = sky(width, height, MEADOW) + noise((width, height), 64, seed=12, octaves=3) * 30
    rng = random.Random(11)  # noqa: S311 - a picture, not a key
    for _ in range(26):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height * 0.8), rng.uniform(7, 20)
        far = distance(width, height, x, y)
        disc = (1 - step(far, radius - 2.5, radius + 2.5)) * rng.uniform(0.08, 0.3)
        image = mix(image, rng.choice(((210, 255, 120), (150, 230, 110), (255, 250, 190))), disc)
    return grow(image, WIDTH, HEIGHT)


def _flower(radius: int, petals: int, tip: Color, root: Color, seed: int) -> tuple[pyvips.Image, pyvips.Image]:
    """Return a flower on a square, and where it covers what is behind it."""
    side = radius * 2 + 8
    center = side / 2
    x, y = places(side, side)
    far = (distance(side, side, center, center) / radius).copy_memory()
    angle = (y - center).atan2(x - center).copy_memory()  # libvips counts in degrees
    image, cover = pyvips.Image.black(side, side, bands=3).cast("float"), (far * 0).copy_memory()
    for ring in range(4):
        mask, shade = _ring(far, angle, petals - 3 * ring, 1 - 0.19 * ring, seed * 97 + ring * 137)
        inner = step(far, 0.15, 1.0 - 0.16 * ring)
        image = mix(image, mix(inner * 0 + list(root), tip, inner) * shade, mask)
        cover = cover if ring else mask
    return _heart(image, far, angle, seed), cover


def _ring(
    far: pyvips.Image, angle: pyvips.Image, petals: int, reach: float, turn: float
) -> tuple[pyvips.Image, pyvips.Image]:
    """Return one ring of petals: where it is, and how bright."""
    wobble = (angle * 3 + turn).sin() * 0.025
    wave = ((angle + turn + wobble) * (petals / 2)).cos().abs().copy_memory()
    edge = (wave**0.38 * 0.34 + 0.66 + wobble) * reach
    mask = 1 - step((far - edge).copy_memory(), -0.012, 0.012)
    vein = (wave**0.5 * 900).cos() * 0.05
    shade = (wave**0.6 * 0.5 + 0.5 + vein) * (step(far, 0.1, reach * 0.75) * 0.45 + 0.55)
    return mask, shade.copy_memory()


def _heart(image: pyvips.Image, far: pyvips.Image, angle: pyvips.Image, seed: int) -> pyvips.Image:
    """Draw the middle: florets on spirals, brighter at their tips."""
    side = image.width
    florets = (far**0.6 * 2600 + angle * 8).sin() * (far**0.6 * 2600 - angle * 13).sin()
    light = noise((side, side), 16, seed + 40, octaves=2) * 18 + florets * 46
    ring = step(far, 0.05, 0.2)
    color = mix(ring * 0 + [92, 100, 10], (250, 186, 10), ring) + light
    return mix(image * (step(far, 0.16, 0.34) * 0.5 + 0.5), color, 1 - step(far, 0.205, 0.225))
