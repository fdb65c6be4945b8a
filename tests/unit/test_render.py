"""Whole renderings: one decode for many sizes, the same bytes every time, and nothing damaged passes for whole."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from safelight.errors import Corrupt, SizeNotEncodable
from safelight.recipe.model import ENGINE, Limits, Recipe, Rendition
from safelight.render import Rendering, render
from safelight.steps.resize import Resize
from tests.golden.pictures import Pixels, animated, deep, encoded, exif, noise, pixels_of, scene, vips, with_alpha


def png(**resize: Any) -> Rendition:
    """Return a rendition whose key tells its size, in PNG so that its pixels can be compared."""
    return Rendition(key=f"{len(repr(resize))}-{abs(hash(repr(resize)))}.png", resize=Resize(**resize))


def rendering(body: bytes | Path, *renditions: Rendition, key: str = "a.jpg", **recipe: Any) -> Rendering:
    return render(body, key, Recipe(name="t", renditions=renditions, **recipe), Limits())


def outputs(body: bytes | Path, *renditions: Rendition) -> list[Pixels]:
    return [pixels_of(bytes(each.body)) for each in rendering(body, *renditions).outputs]  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [200, 150, 120, 60, 21])
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_size_by_the_cascade_is_near_the_size_alone(format_: str, width: int) -> None:
    """Sharing intermediates costs at most two levels on average, on hard edges."""
    body = encoded(scene(480, 320), format_)
    widths = (240, 200, 150, 120, 60, 21)
    shared = dict(zip(widths, outputs(body, *(png(width=w) for w in widths)), strict=True))[width]
    alone = outputs(body, png(width=width))[0]
    assert shared.shape == alone.shape
    assert np.abs(shared.astype(float) - alone).mean() < 2


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_one_rendition_alone_gives_the_pixels_of_one_held_in_memory(orientation: int) -> None:
    """Reading as a stream is a matter of memory, never of pixels."""
    body = encoded(scene(), "JPEG", exif=exif(orientation))
    alone = outputs(body, png(width=100))[0]
    assert np.array_equal(alone, outputs(body, png(width=100), png(width=10))[0])


def test_distorted_and_upright_sizes_together_are_each_right() -> None:
    """Shapes that do not contain one another come from the whole picture."""
    wanted = [{"width": 200, "height": 20, "fit": "fill"}, {"width": 20, "height": 120, "fit": "fill"}, {"width": 90}]
    for options, found in zip(wanted, outputs(encoded(scene(), "PNG"), *(png(**each) for each in wanted)), strict=True):
        assert np.abs(found.astype(float) - outputs(encoded(scene(), "PNG"), png(**options))[0]).mean() < 2


def test_enlargement_and_small_sizes_together_are_each_right() -> None:
    """Nothing small is made from an enlargement."""
    body = encoded(scene(), "PNG")
    large, small = outputs(body, png(width=480, enlarge=True), png(width=60))
    assert large.shape == (320, 480, 3)
    assert np.array_equal(small, outputs(body, png(width=60), png(width=240))[0])


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (10000, 1), (1, 10000)])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_thinnest_pictures_develop_in_every_fit(format_: str, size: tuple[int, int]) -> None:
    """One pixel in a direction is enough, whatever the box."""
    renditions = [
        png(width=320, height=200, fit=fit, enlarge=enlarge)
        for fit in ("cover", "contain", "fill", "inside", "outside")
        for enlarge in (False, True)
        if not (fit in ("outside", "cover") and enlarge)  # which would be millions of pixels long
    ]
    for found in outputs(encoded(noise(*size), format_), png(width=320), *renditions):
        assert min(found.shape[:2]) >= 1


def test_output_wider_than_its_format_is_refused_with_both_numbers() -> None:
    """A WebP ends at 16383 pixels."""
    body = encoded(noise(16400, 1), "PNG")
    with pytest.raises(SizeNotEncodable, match=r"16400 x 1 pixels do not fit into webp; its sides end at 16383"):
        rendering(body, Rendition(key="a.webp", format="webp"))


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    "rendition",
    [
        png(width=40, height=10, position="north"),
        png(width=40),
        png(width=40, height=10, position="attention"),
        Rendition(key="copy"),
    ],
    ids=["top", "all", "attention", "copy"],
)
def test_damage_at_the_end_is_seen_whatever_part_is_kept(format_: str, rendition: Rendition) -> None:
    """A crop from the top reads to the end all the same: a damaged upload is damaged for every recipe."""
    body = bytearray(encoded(noise(400, 300), format_, **({"restart_marker_rows": 1} if format_ == "JPEG" else {})))
    at = int(len(body) * 0.7)
    body[at : at + 3000] = bytes(3000) if format_ == "PNG" else b""
    with pytest.raises(Corrupt):
        rendering(bytes(body), rendition)


def test_copy_beside_a_rendition_is_checked_to_the_end() -> None:
    """What is copied was seen whole, also where another output needs only its top."""
    body = bytearray(encoded(noise(400, 300), "PNG"))
    body[-5000:-4000] = bytes(1000)
    with pytest.raises(Corrupt):
        rendering(bytes(body), png(width=40, height=10, position="north"), Rendition(key="copy"))


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_animation_as_a_still_is_its_first_frame_with_a_warning(format_: str) -> None:
    """Nobody is left to wonder where the motion went."""
    made = rendering(animated(format_), Rendition(key="a.jpg", resize=Resize(width=120), quality=95))
    assert any("first of 4 frames" in warning for warning in made.warnings)
    first = np.asarray(Image.fromarray(scene()).resize((120, 80)))
    assert np.abs(pixels_of(bytes(made.outputs[0].body)).astype(float) - first).mean() < 6  # type: ignore[arg-type]


def test_tiff_of_several_pages_is_its_first() -> None:
    """The first page is the picture."""
    pages = [Image.fromarray(scene()), Image.fromarray(noise(50, 40))]
    body = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert np.array_equal(outputs(body, png(width=240))[0], scene())


@pytest.mark.parametrize(
    "body",
    [
        encoded(scene(), "JPEG", quality=95, subsampling=0),
        encoded(scene(), "JPEG", quality=95, subsampling=0, progressive=True),
        encoded(scene(), "JPEG", quality=95, subsampling=0, restart_marker_blocks=4),
        encoded(scene(), "PNG"),
        vips(scene()).pngsave_buffer(interlace=True),
        encoded(scene(), "WEBP", quality=95),
        encoded(scene(), "WEBP", lossless=True),
        encoded(with_alpha(scene())[:, 120:].copy(), "WEBP", lossless=True),
        encoded(scene(), "AVIF", quality=95),
        encoded(scene(), "TIFF"),
        encoded(scene(), "TIFF", compression="tiff_lzw"),
        vips(scene()).tiffsave_buffer(tile=True, tile_width=48, tile_height=32, compression="jpeg", Q=95),
        vips(deep(scene())).tiffsave_buffer(compression="deflate", predictor="horizontal"),
        vips(scene()).tiffsave_buffer(bigtiff=True),
    ],
    ids=[
        "jpeg",
        "progressive",
        "restart",
        "png",
        "interlaced",
        "webp",
        "lossless",
        "alpha",
        "avif",
        "tiff",
        "lzw",
        "tiled",
        "deep",
        "bigtiff",
    ],
)
def test_every_kind_of_file_shows_its_picture(body: bytes) -> None:
    """However it is packed, the scene comes out."""
    found = outputs(body, png(width=5000))[0]
    wanted = scene()[:, -found.shape[1] :]
    shown = found if found.dtype == np.uint8 else found >> 8
    assert np.abs(shown[..., :3].astype(float) - wanted).mean() < 2


RECIPE = """
import hashlib, json, sys
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
recipe = Recipe(name="t", renditions=tuple(
    Rendition(key=f"a.{kind}", resize=Resize(width=64, height=48)) for kind in ("jpg", "png", "webp", "avif")))
made = render(sys.stdin.buffer.read(), "a", recipe, Limits()).outputs
print(json.dumps({each.format: hashlib.sha256(each.body).hexdigest()[:16] for each in made}))
"""


def digests(body: bytes, **environment: str) -> dict[str, str]:
    """Develop in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", RECIPE],
        input=body,
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    found: dict[str, str] = json.loads(run.stdout)
    return found


def test_outputs_are_the_same_bytes_in_every_process() -> None:
    """Neither threads nor hash seeds nor what was developed before may show in the bytes."""
    body = encoded(scene(480, 320), "JPEG", exif=exif(6), quality=90)
    first = digests(body, VIPS_CONCURRENCY="1", PYTHONHASHSEED="1")
    assert first == digests(body, VIPS_CONCURRENCY="7", PYTHONHASHSEED="2")
    outputs(encoded(noise(), "PNG"), png(width=30))
    recipe = Recipe(
        name="t",
        renditions=tuple(
            Rendition(key=f"a.{kind}", resize=Resize(width=64, height=48)) for kind in ("jpg", "png", "webp", "avif")
        ),
    )
    for _ in range(2):
        made = render(body, "a", recipe, Limits()).outputs
        assert {each.format: hashlib.sha256(bytes(each.body)).hexdigest()[:16] for each in made} == first  # type: ignore[arg-type]


RECORDED = Path(__file__).parent / "engine_digests.json"


def test_output_bytes_change_only_together_with_the_engine_number() -> None:
    """A job's id holds ENGINE: whoever changes the bytes raises it, and records the new digests here."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    if (version, os.uname().machine) != (recorded["libvips"], recorded["machine"]):
        pytest.skip(f"recorded with libvips {recorded['libvips']} on {recorded['machine']}")
    found = digests(vips(with_alpha(scene())).pngsave_buffer())
    note = f"raise ENGINE in recipe/model.py, then write into {RECORDED.name}: {json.dumps(found)}"
    assert (recorded["engine"], recorded["digests"]) == (ENGINE, found), note


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_rendering_of_a_path_gives_the_bytes_of_one_from_memory(tmp_path: Path, format_: str) -> None:
    """Large uploads come as files, small ones as bytes; the outputs are the same."""
    body = encoded(Image.fromarray(scene()).quantize(32) if format_ == "GIF" else scene(), format_)
    path = tmp_path / "upload"
    path.write_bytes(body)
    renditions = (Rendition(key="a.webp", resize=Resize(width=100)), png(width=40), Rendition(key="c", metadata="keep"))
    there, here = rendering(path, *renditions), rendering(body, *renditions)
    assert [each.body for each in there.outputs[:2]] == [each.body for each in here.outputs[:2]]
    copied = there.outputs[2].body
    assert (copied.read_bytes() if isinstance(copied, Path) else copied) == body
    assert Image.open(BytesIO(bytes(here.outputs[0].body))).size == (100, 67)  # type: ignore[arg-type]
