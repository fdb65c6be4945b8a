"""`make demo`, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import pyvips

ROOT = Path(__file__).parents[2]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo.run", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "COLUMNS": "140", "PYTHONPATH": f"{ROOT}:{ROOT}/src"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def project_in(folder: Path) -> Path:
    return next(folder.glob("safelight-demo-*"))


@pytest.mark.slow
def test_demo_of_drawn_scenes_develops_seven_and_explains_two(tmp_path: Path) -> None:
    """The demonstration ends by itself, with the outcomes that it announces and a sheet to look at."""
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "7 succeeded, 2 rejected" in ended.stdout
    assert "broken/cut-short.jpg: truncated" in ended.stdout
    assert "broken/no-picture.jpg: unknown_format" in ended.stdout
    project = project_in(tmp_path)
    assert len(list((project / "output").rglob("*.avif"))) == 7
    sheet = (project / "sheet.html").read_text()
    assert "gerberas" in sheet
    assert "data:image/avif" in sheet
    forest = pyvips.Image.new_from_file(str(next((project / "output").rglob("forest.jpg-1280.jpeg"))))
    assert forest.height > forest.width, "EXIF orientation 6 was not honoured"


def test_demo_of_own_photos_leaves_them_alone(tmp_path: Path) -> None:
    """PHOTOS=folder develops copies; a file that is no picture is explained, and is no failure of the demonstration."""
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    pyvips.Image.black(64, 48, bands=3).write_to_file(str(photos / "deep" / "a b.png"))
    (photos / "note.txt").write_text("no picture")
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    ended = demo(tmp_path, "--photos", str(photos))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "note.txt: unknown_format" in ended.stdout
    assert (project_in(tmp_path) / "output" / "deep" / "a b.png-1280.jpeg").exists()
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_demo_of_a_missing_folder_says_so(tmp_path: Path) -> None:
    """A wrong PHOTOS is a sentence and exit code 2, not a traceback."""
    ended = demo(tmp_path, "--photos", str(tmp_path / "nowhere"))
    assert ended.returncode == 2
    assert "is not a folder" in ended.stderr
    assert "Traceback" not in ended.stderr
