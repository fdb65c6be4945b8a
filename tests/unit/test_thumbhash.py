"""ThumbHash against the reference implementation (npm's thumbhash 0.1.1), whose results stand here."""

from base64 import b64decode, b64encode

import pytest

from safelight.manifest.thumbhash import thumbhash


def picture(width: int, height: int, *, clear: bool) -> bytes:
    """Return the pixels that the reference was given too."""
    return bytes(
        value % 256
        for y in range(height)
        for x in range(width)
        for value in (x * 7 + y * 3, x * x + y * 5, x * y + 40, x * 11 + y * 2 if clear else 255)
    )


@pytest.mark.parametrize(
    ("width", "height", "clear", "expected"),
    [
        (100, 67, False, "HwgGDYJ2hzZmVwdlZWR3d/1Ooo6A"),
        (67, 100, False, "H/gFDQJ2dXdoc3VQVnZneM2PTPd4"),
        (32, 32, False, "XxgKFwogRockWJmFmGmHaIiGB6OwQGkG"),
        (100, 3, False, "2ggGOYJAM5Ghh3eHW0+HoJg="),
        (2, 100, False, "mekJKQ51gCiIhXV6j0NweAc="),
        (50, 40, True, "H+iBDIQnTZBkk2do92W3P4V5dnB2hod3CA=="),
        (40, 50, True, "H/iBDAQoDkUzfKV29nGkDlVqCGZXd3h4Bw=="),
    ],
)
def test_thumbhash_is_that_of_the_reference(width: int, height: int, clear: bool, expected: str) -> None:  # noqa: FBT001
    """Wide, high, square, narrow, and with alpha."""
    assert b64encode(thumbhash(width, height, picture(width, height, clear=clear))).decode() == expected


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((0, 0, 0, 255), "AAgCBYAAAAAAAAAAAAAAAAAAAAAA"),
        ((255, 255, 255, 255), "PwgCBYBoiFyPh4iGd6eHdAAAAAAA"),
        ((200, 30, 60, 255), "mFkDBYBYmS+Ih4iGh8h3gwiFgYII"),
        ((9, 9, 9, 0), "AAiCBIAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
    ],
)
def test_thumbhash_plain_color_has_the_reference_head_and_no_waves(color: tuple[int, ...], expected: str) -> None:
    """The reference fills the waves of plain colours with its rounding errors; their size of 0 is in the head."""
    found = thumbhash(8, 6, bytes(color) * 48)
    assert found[:5] == b64decode(expected)[:5]
    assert len(found) == len(b64decode(expected))
    assert not any(found[6:])


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 7)])
def test_thumbhash_tiny_picture_has_one(size: tuple[int, int]) -> None:
    """No size is too small."""
    assert 15 <= len(thumbhash(*size, picture(*size, clear=False))) <= 26
