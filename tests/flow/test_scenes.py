"""The demo's sample scenes: each is what its sentence says. Drawn once for all tests."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pyvips

from demo.forest import forest
from demo.scenes import CUT_SHORT, FLOWERS, FOREST, LOGO, MOUNTAINS, NIGHT, NO_JPEG, POSTER, SEA, Scene, draw

pytestmark = pytest.mark.xdist_group("scenes")  # one worker draws, the other is left to the other tests
ROOT = Path(__file__).parents[2]
PICTURES = (MOUNTAINS, SEA, FOREST, FLOWERS, LOGO, POSTER, NIGHT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    draw(folder)
    return folder


def load(folder: Path, scene: Scene) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(folder / scene.key), fail_on="warning")


@pytest.mark.parametrize("scene", PICTURES, ids=lambda scene: scene.key)
def test_picture_as_drawn_decodes_and_has_contrast(folder: Path, scene: Scene) -> None:
    """Every picture is whole, has 2 to 12 megapixels, and shows light and shadow."""
    image = load(folder, scene)
    assert 2_000_000 <= image.width * image.height <= 12_000_000
    assert image[0].deviate() > 0.08 * (65535 if image.format == "ushort" else 255)


def test_forest_as_stored_lies_on_its_side(folder: Path) -> None:
    """The forest is stored turned, and upright once turned as its EXIF says."""
    image = load(folder, FOREST)
    upright = image.autorot()
    assert (image.get("orientation"), image.width, image.height) == (6, 2000, 1500)
    assert (upright.width, upright.height) == (1500, 2000)
    assert (upright.thumbnail_image(300) - forest().thumbnail_image(300)).abs().avg() < 2


def test_mountains_exif_names_camera_place_and_owner(folder: Path) -> None:
    """What strip is to remove and what copyright is to keep are both there."""
    image = load(folder, MOUNTAINS)
    assert image.get("exif-ifd0-Make").startswith("Safelight")
    assert image.get("exif-ifd0-Copyright").startswith("(c) 2026")
    assert image.get("exif-ifd3-GPSLatitude").startswith("67/1 54/1 0/1")


def test_flowers_colours_lie_outside_of_srgb(folder: Path) -> None:
    """The flowers carry a P3 profile, and lose colour when they are forced into sRGB."""
    image = load(folder, FLOWERS)
    there = image.icc_transform("srgb", embedded=True).icc_transform("p3", input_profile="srgb")
    assert (image - there).abs().max() > 20


def test_logo_is_clear_half_clear_and_solid(folder: Path) -> None:
    """The logo has pixels with no alpha, with some, and with all."""
    shares = load(folder, LOGO)[3].hist_find()
    assert min(shares(0, 0)[0], shares(60, 0)[0], shares(255, 0)[0]) > 0


def test_night_has_more_levels_than_8_bits_hold(folder: Path) -> None:
    """The 16-bit sky uses its depth."""
    image = load(folder, NIGHT)
    levels = image[2].hist_find()
    assert image.format == "ushort"
    assert (levels > 0).avg() / 255 * levels.width > 1000


def test_broken_files_as_written_do_not_decode(folder: Path) -> None:
    """The two files that are to be rejected are what they claim: one cut short, one no picture at all."""
    with pytest.raises(pyvips.Error):
        load(folder, CUT_SHORT).avg()
    with pytest.raises(pyvips.Error):
        load(folder, NO_JPEG)
    assert (CUT_SHORT.error, NO_JPEG.error) == ("truncated", "unknown_format")


def test_picture_drawn_again_has_the_same_pixels() -> None:
    """A scene is a function of nothing: everybody sees the same demo."""
    first, second = (hashlib.sha256(forest().write_to_memory()).digest() for _ in range(2))
    assert first == second


def test_poster_without_fonts_has_bars_for_words(tmp_path: Path) -> None:
    """A machine without fonts draws bars where the words would be, not boxes too small to see."""
    (tmp_path / "fonts.conf").write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")
    draw_headline = "from demo.graphics import poster; print(poster().crop(116, 1300, 600, 230)[0].avg())"
    environment = os.environ | {"FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    done = subprocess.run(
        [sys.executable, "-c", draw_headline], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 128
