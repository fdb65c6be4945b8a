"""Hostile bytes: any answer will do, but none may crash."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.containers import exif, jpeg
from safelight.containers.complete import frames, is_complete
from safelight.containers.rights import rights
from safelight.containers.sniff import sniff
from safelight.containers.strip import strip
from safelight.errors import Corrupt, SafelightError, Truncated

if TYPE_CHECKING:
    from tests.unit.containers.conftest import Sample

FORMATS = ("jpeg", "png", "webp", "gif", "tiff", "avif", "heic")
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
EXIF = exif.build(orientation=6, artist="x")


def ask_everything(data: bytes, kind: str) -> None:
    """Ask every question; only `strip` may refuse, and only with an error of ours."""
    assert sniff(data[:4096]) in (None, *FORMATS, "svg", "bmp", "jxl", "jp2", "psd", "ico", "exr", "pdf")
    assert is_complete(data, kind) in (True, False)
    assert frames(data, kind) >= 1
    assert jpeg.coefficient_bytes(data) >= 0
    rights(data, kind)
    with suppress(Corrupt, Truncated):
        assert sum(map(len, strip(data, kind, EXIF))) > 0


@QUICK
@given(data=st.binary(max_size=300), kind=st.sampled_from(FORMATS))
def test_any_bytes_never_crash(data: bytes, kind: str) -> None:
    """Bytes that are no picture get an answer or an error of ours."""
    ask_everything(data, kind)


@QUICK
@given(source=st.data())
def test_mutated_file_never_crashes(sample: Sample, source: st.DataObject) -> None:
    """A picture with changed, lost or doubled bytes gets an answer or an error of ours."""
    data = bytearray(sample.data)
    # Structure is dense at the beginning and, in TIFF, at the end: most changes go there.
    places = st.one_of(st.integers(0, min(600, len(data) - 1)), st.integers(0, len(data) - 1))
    for place in source.draw(st.lists(places, max_size=6)):
        data[place] = source.draw(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xDA, 0xD8, 0xD9, 0xFE, 0xFF]))
    start, end = sorted((source.draw(st.integers(0, len(data))), source.draw(st.integers(0, len(data)))))
    shape = source.draw(st.sampled_from(["as it is", "cut", "hole", "doubled"]))
    shaped = {
        "as it is": data,
        "cut": data[:end],
        "hole": data[:start] + data[end:],
        "doubled": data[:end] + data[start:],
    }
    ask_everything(bytes(shaped[shape]), sample.format)


@pytest.mark.parametrize("fraction", range(0, 100, 7))
def test_strip_cut_file_leaves_no_metadata_or_refuses(sample: Sample, secret: bytes, fraction: int) -> None:
    """Of a cut file there is no half result: whatever comes out is clean."""
    try:
        out = b"".join(strip(sample.data[: len(sample.data) * fraction // 100], sample.format))
    except SafelightError:
        return
    assert secret not in out
