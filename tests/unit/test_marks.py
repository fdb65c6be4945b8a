"""Where fonts are kept that recipes name."""

from __future__ import annotations

from pathlib import Path

from safelight import marks
from safelight.steps.text import SHIPPED_FONT


def test_font_folder_is_one_for_all_processes(tmp_path: Path) -> None:
    """Workers are killed, not ended: nothing that only one of them knows of may stay behind."""
    first = marks.font_folder(tmp_path)
    assert marks.font_folder(tmp_path) == first
    assert list(tmp_path.iterdir()) == [first]
    assert first.stat().st_mode & 0o777 == 0o700


def test_font_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    """Whoever else may write there could put another font in ours' place."""
    folder = marks.font_folder(tmp_path)
    folder.chmod(0o777)
    assert marks.font_folder(tmp_path) != folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert marks.font_folder(tmp_path).parent == tmp_path
    assert marks.font_folder(tmp_path) != folder


def test_font_that_the_system_cleaned_away_is_made_again() -> None:
    """Old temporary files are deleted now and then, and a service runs for longer."""
    body = SHIPPED_FONT.read_bytes()
    made = marks.font(body)
    before = made.read_bytes()
    made.unlink()
    assert marks.font(body).read_bytes() == before
