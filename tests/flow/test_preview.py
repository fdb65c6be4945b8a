"""`safelight preview`, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import pyvips

SRC = Path(__file__).parents[2] / "src"
RECIPES = """\
recipes:
  - name: web
    match: {suffix: [.jpg, .png, .tiff]}
    renditions:
      - key: "{dir}copy_{filename}"
      - key: "{dir}{filename}-100.webp"
        resize: {width: 100}
"""


def preview(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from safelight.entry.cli import main; main()", "preview", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(SRC), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "safelight.yaml").write_text(RECIPES)
    return tmp_path


def draw(path: Path, width: int = 160, height: int = 120) -> Path:
    ramp = pyvips.Image.xyz(width, height) * (255 / max(width, height))
    image = ramp.bandjoin(90).cast("uchar").copy(interpretation="srgb")
    image.write_to_file(str(path))
    return path


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_preview_of_a_picture_writes_one_page_and_nothing_else(folder: Path) -> None:
    """The page is called after the picture, lies in the current folder, and shows source and renditions."""
    draw(folder / "a.jpg")
    ended = preview(folder, "a.jpg")
    assert ended.returncode == 0, ended.stderr
    assert names(folder) == {"safelight.yaml", "a.jpg", "a-preview.html"}
    page = (folder / "a-preview.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2
    assert page.count("data:image/webp;base64,") == 1
    assert "a.jpg-100.webp" in page


def test_preview_of_a_rejected_file_tells_why_and_writes_nothing(folder: Path) -> None:
    """A coded error with its remedy on standard error, and exit code 1."""
    (folder / "a.jpg").write_text("no picture")
    ended = preview(folder, "a.jpg")
    assert ended.returncode == 1
    assert "error[unknown_format]" in ended.stderr
    assert "Upload a JPEG" in ended.stderr
    assert names(folder) == {"safelight.yaml", "a.jpg"}


def test_preview_over_its_own_page_replaces_it(folder: Path) -> None:
    """A second run shows the picture as it is now."""
    draw(folder / "a.jpg")
    preview(folder, "a.jpg")
    draw(folder / "a.jpg", 200, 100)
    assert preview(folder, "a.jpg").returncode == 0
    assert "200 \N{MULTIPLICATION SIGN} 100" in (folder / "a-preview.html").read_text()


def test_preview_over_a_foreign_file_is_refused(folder: Path) -> None:
    """A page of somebody else's is left as it is, with exit code 2, also when it is the picture itself."""
    draw(folder / "a.jpg")
    (folder / "a-preview.html").write_text("<p>mine")
    before = (folder / "a.jpg").read_bytes()
    for arguments in (["a.jpg"], ["a.jpg", "--out", "a.jpg"]):
        ended = preview(folder, *arguments)
        assert ended.returncode == 2
        assert "no sheet of Safelight's" in ended.stderr
    assert (folder / "a-preview.html").read_text() == "<p>mine"
    assert (folder / "a.jpg").read_bytes() == before


def test_preview_of_a_tiff_shows_a_proxy_and_says_so(folder: Path) -> None:
    """What browsers do not show is developed once more, for the source and for its copy."""
    draw(folder / "a.tiff")
    ended = preview(folder, "a.tiff")
    assert ended.returncode == 0, ended.stderr
    page = (folder / "a-preview.html").read_text()
    assert page.count("Shown as a smaller WebP, 160 \N{MULTIPLICATION SIGN} 120, since browsers do not show tiff.") == 2
    assert page.count("data:image/webp;base64,") == 3
    assert "data:image/tiff" not in page


def test_preview_of_a_large_source_shows_a_proxy(folder: Path) -> None:
    """A source of more than 8 MB is not put into the page."""
    pyvips.Image.gaussnoise(2100, 1500, sigma=60, mean=128, seed=1).cast("uchar").bandjoin(
        [pyvips.Image.gaussnoise(2100, 1500, sigma=60, mean=128, seed=seed).cast("uchar") for seed in (2, 3)]
    ).copy(interpretation="srgb").pngsave(str(folder / "a.png"), compression=1)
    assert (folder / "a.png").stat().st_size > 8_000_000
    ended = preview(folder, "a.png")
    assert ended.returncode == 0, ended.stderr
    page = (folder / "a-preview.html").read_text()
    assert "Shown as a smaller WebP, 2000 \N{MULTIPLICATION SIGN} 1429, since the file is larger than 8.0 MB." in page
    assert "data:image/png" not in page


def test_preview_of_a_name_of_markup_shows_it_as_text(folder: Path) -> None:
    """What a file is called cannot become part of the page."""
    name = "<img src=x onerror=alert(1)>.jpg"
    draw(folder / "a.jpg").rename(folder / name)
    ended = preview(folder, name, "--out", "p.html")
    assert ended.returncode == 0, ended.stderr
    page = (folder / "p.html").read_text()
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in page
    assert "<img src=x" not in page


def test_preview_of_a_name_with_control_characters_spares_the_terminal(folder: Path) -> None:
    """No output may have such a name: a coded error, without the characters themselves."""
    name = "\x1b[31m.jpg"
    draw(folder / "a.jpg").rename(folder / name)
    ended = preview(folder, name, "--out", "p.html")
    assert ended.returncode == 1
    assert "error[invalid_key]" in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr


def test_preview_with_options_needs_no_configuration(tmp_path: Path) -> None:
    """--width and --format make a recipe, as for `run`."""
    draw(tmp_path / "a.png")
    ended = preview(tmp_path, "a.png", "--width", "50", "--format", "avif", "--out", "p.html")
    assert ended.returncode == 0, ended.stderr
    assert "data:image/avif;base64," in (tmp_path / "p.html").read_text()
    assert names(tmp_path) == {"a.png", "p.html"}


def test_preview_of_a_file_that_no_recipe_takes_says_which_there_are(folder: Path) -> None:
    """Exit code 2, with the recipes' names and a way out."""
    draw(folder / "a.webp")
    ended = preview(folder, "a.webp")
    assert ended.returncode == 2
    assert "no recipe takes 'a.webp' ('web')" in ended.stderr


def test_preview_inside_the_input_folder_keeps_the_key(folder: Path) -> None:
    """A file of the project's input has the key that the service would see, so that prefixes match."""
    (folder / "safelight.yaml").write_text(RECIPES.replace("match: {", "match: {prefix: holiday/, "))
    (folder / "input" / "holiday").mkdir(parents=True)
    draw(folder / "input" / "holiday" / "a.jpg")
    ended = preview(folder, "input/holiday/a.jpg")
    assert ended.returncode == 0, ended.stderr
    assert "holiday/a.jpg-100.webp" in (folder / "a-preview.html").read_text()


def test_preview_where_one_recipe_is_rejected_shows_the_others(folder: Path) -> None:
    """The page holds what was made and the error beside it; the exit code is 1."""
    (folder / "safelight.yaml").write_text(
        "recipes:\n"
        "  - {name: huge, renditions: [{key: '{filename}.webp', format: webp}]}\n"
        "  - {name: small, renditions: [{key: '{filename}.jpg', resize: {width: 100}}]}\n"
    )
    draw(folder / "a.png", 17000, 200)
    ended = preview(folder, "a.png")
    assert ended.returncode == 1
    page = (folder / "a-preview.html").read_text()
    assert "a.png.jpg" in page
    assert "size_not_encodable" in page


@pytest.mark.parametrize("out", ["nowhere/p.html", "."])
def test_preview_into_what_is_no_place_for_a_page_is_refused(folder: Path, out: str) -> None:
    """A folder that is missing, or a folder itself, is a usage error before any work."""
    draw(folder / "a.jpg")
    ended = preview(folder, "a.jpg", "--out", out)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
