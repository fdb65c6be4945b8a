"""Uploads that hold more than one picture, or more than a screen shows: the right one is developed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safelight.errors import Corrupt, FormatNotEnabled
from safelight.recipe.check import Source, check
from safelight.recipe.model import Limits, Match, Recipe, Rendition
from safelight.render import Rendering, render
from safelight.steps.resize import Resize
from tests.golden.pictures import Pixels, animated, encoded, scene

HDR_XMP = (
    b"http://ns.adobe.com/xap/1.0/\0"
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>'
)


def developed(body: bytes, **options: Any) -> Rendering:
    rendition = Rendition(**{"key": "out.png", "resize": Resize(width=120)} | options)
    return render(body, "in", Recipe(name="r", renditions=(rendition,)), Limits())


def far(made: Rendering, wanted: Pixels) -> float:
    body = made.outputs[0].body
    assert isinstance(body, bytes)
    image = Image.open(BytesIO(body)).convert("RGB")
    right = Image.fromarray(wanted).resize(image.size, Image.Resampling.LANCZOS)
    return float(np.abs(np.asarray(image).astype(float) - np.asarray(right)).mean())


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def ultra_hdr() -> bytes:
    """Return a JPEG with a gain map behind it. Source: Ultra HDR image format 1.1; CIPA DC-007 (MPF)."""
    base = encoded(scene(), "JPEG", quality=95)
    gain = encoded(np.full((40, 60), 128, np.uint8), "JPEG")
    start = base[:2] + segment(0xE1, HDR_XMP)
    mpf_size = 4 + 90
    size = len(start) + mpf_size + len(base) - 2
    entry = b"\0\0\0\0" + len(gain).to_bytes(4, "big") + (size - len(start) - 8).to_bytes(4, "big") + b"\0\0\0\0"
    first = b"\0\x03\0\0" + size.to_bytes(4, "big") + b"\0\0\0\0\0\0\0\0"
    index = b"MM\0*\0\0\0\x08\0\x03"
    index += b"\xb0\0\0\x07\0\0\0\x04" + b"0100" + b"\xb0\x01\0\x04\0\0\0\x01\0\0\0\x02"
    index += b"\xb0\x02\0\x07\0\0\0\x20\0\0\0\x32" + b"\0\0\0\0" + first + entry
    return start + segment(0xE2, b"MPF\0" + index) + base[2:] + gain


def test_jpeg_with_a_gain_map_gives_its_base_picture() -> None:
    """Ultra HDR's second picture only tells how bright a screen may go; neither it nor its words are kept."""
    body = ultra_hdr()
    assert Image.open(BytesIO(body)).format in ("MPO", "JPEG")
    made = developed(body)
    assert far(made, scene()) < 2
    kept = developed(body, key="out.jpg", resize=None).outputs[0].body
    assert isinstance(kept, bytes)
    assert b"hdrgm" not in kept
    assert b"MPF\0" not in kept
    assert kept.count(b"\xff\xd8\xff") == 1


def test_progressive_and_cmyk_jpegs_are_read() -> None:
    """What cameras and printers write."""
    assert far(developed(encoded(scene(), "JPEG", quality=95, progressive=True)), scene()) < 2
    cmyk = Image.fromarray(scene()).convert("CMYK")
    assert developed(encoded(cmyk, "JPEG", quality=95)).outputs[0].width == 120


def test_tiff_with_pages_gives_the_first_and_says_so() -> None:
    """A scan of many pages is no animation; a copy of it stays whole."""
    pages = [Image.fromarray(np.roll(scene(), 90 * i, axis=1)) for i in range(3)]
    body = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    made = developed(body)
    assert far(made, scene()) < 2
    assert made.warnings == ("only the first of 3 pages was developed",)
    again = developed(body, key="out.tiff", resize=None, effort=1)
    assert again.outputs[0].note is None
    assert isinstance(again.outputs[0].body, bytes)
    assert Image.open(BytesIO(again.outputs[0].body)).n_frames == 1  # type: ignore[attr-defined]
    assert developed(body, key="out", resize=None).warnings == ()


def film(*, still: bool, major: bytes = b"avis") -> bytes:
    """Return an AVIF image sequence; without its still picture only the track is left."""
    body = animated("AVIF", 4)
    body = body.replace(b"ftypavis", b"ftyp" + major, 1)
    return body if still else body.replace(b"meta", b"free", 1)


def test_avif_sequence_gives_its_still_picture_and_says_so() -> None:
    """Writers of sequences put a still one beside the track."""
    made = developed(film(still=True))
    assert far(made, scene()) < 3
    assert made.warnings == ("only the still picture of the image sequence was developed",)
    assert developed(film(still=True), key="out.avif", resize=None, quality=100).outputs[0].note is None


@pytest.mark.parametrize("major", [b"avis", b"hevc"])
def test_sequence_without_a_still_picture_is_not_enabled(major: bytes) -> None:
    """The file is not damaged: it is of a kind that is not read."""
    body = film(still=False, major=major)
    if major == b"hevc":
        body = body.replace(b"avif", b"heis", 1).replace(b"avis", b"hevc")
    with pytest.raises(FormatNotEnabled, match="image sequence") as caught:
        developed(body)
    assert "WebP or GIF" in caught.value.remedy


def test_damaged_avif_is_still_corrupt() -> None:
    """Only a film is one."""
    body = bytearray(encoded(scene(), "AVIF"))
    at = body.index(b"av1C") + 4
    body[at : at + 4] = b"\xff" * 4
    body[body.index(b"pitm") + 8 : body.index(b"pitm") + 10] = b"\x09\x09"
    with pytest.raises(Corrupt):
        developed(bytes(body))


@pytest.mark.parametrize(("allow", "warned"), [((), True), (("svg",), False)])
def test_check_of_a_suffix_that_is_read_on_request_only(allow: tuple[Any, ...], warned: bool) -> None:  # noqa: FBT001
    """Who matches SVG and does not allow it would have every one rejected."""
    recipe = Recipe(
        name="r", match=Match(suffix=(".svg",)), allow=allow, renditions=(Rendition(key="{filename}", format="png"),)
    )
    said = [str(each) for each in check((recipe,), Source(file="f", lines={})).warnings]
    assert any("add allow: [svg]" in each for each in said) == warned, said
