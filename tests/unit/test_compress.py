"""Quality by likeness and by size, through a recipe: photographs, drawings and animations."""

from __future__ import annotations

import functools

import msgspec
import pytest
import pyvips

from safelight.errors import CannotMeetSize
from safelight.quality import AUTO
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import Rendered, render
from safelight.similarity import similarity
from safelight.steps.resize import Resize
from safelight.target import Aim, Target

LOSSY = ("jpeg", "webp", "avif")


@functools.cache
def photograph(width: int = 720, height: int = 480) -> bytes:
    base = pyvips.Image.perlin(width, height, cell_size=64, seed=11) * 80 + 128
    noisy = base + pyvips.Image.gaussnoise(width, height, sigma=9, mean=0, seed=2)
    scene = noisy.bandjoin([base * 0.9, noisy * 0.7]).cast("uchar").copy(interpretation="srgb")
    return bytes(scene.pngsave_buffer(compression=1))


def page() -> pyvips.Image:
    image = pyvips.Image.black(900, 600, bands=3) + 255
    for row in range(30):
        for word in range(8):
            box = (40 + word * 100, 20 + row * 19, 30 + 7 * ((row * word) % 8), 9)
            image = image.draw_rect([40, 60, 90 + 10 * word], *box, fill=True)
    return image.cast("uchar").copy(interpretation="srgb").copy_memory()


def drawing() -> bytes:
    return bytes(page().pngsave_buffer(compression=1))


def film() -> bytes:
    scene = pyvips.Image.new_from_buffer(photograph(240, 160), "")
    frames = [scene.wrap(x=7 * number, y=0) for number in range(6)]
    strip = pyvips.Image.arrayjoin(frames, across=1)
    strip.set_type(pyvips.GValue.gint_type, "page-height", 160)
    return bytes(strip.webpsave_buffer(lossless=True, effort=0))


def made(body: bytes, kind: str, quality: Target | None, **options: object) -> Rendered:
    rendition = Rendition(key=f"o.{kind}", format=kind, quality=quality, **options)  # type: ignore[arg-type]
    return render(body, "in.png", Recipe(name="a", renditions=(rendition,)), Limits()).outputs[0]


def opened(output: Rendered, *, n: int = 1) -> pyvips.Image:
    assert isinstance(output.body, bytes)
    return pyvips.Image.new_from_buffer(output.body, "", **({"n": n} if n != 1 else {})).copy_memory()


@pytest.mark.parametrize("kind", LOSSY)
def test_quality_auto_keeps_its_likeness_in_every_format_and_tells(kind: str) -> None:
    """The output is as alike as promised, and says its quality and score."""
    output = made(photograph(), kind, "auto")
    source = pyvips.Image.new_from_buffer(photograph(), "").copy_memory()
    assert output.score == pytest.approx(similarity(source, opened(output)), abs=0.002)
    assert output.score == pytest.approx(AUTO, abs=0.004)
    assert 30 <= (output.quality or 0) <= 95
    assert output.note is None


@pytest.mark.parametrize("kind", LOSSY)
def test_quality_ssim_higher_aim_takes_more_bytes(kind: str) -> None:
    """The aim decides."""
    low, high = (made(photograph(), kind, Aim(ssim=aim)) for aim in (0.96, 0.99))
    assert low.size < high.size
    assert (low.quality or 0) < (high.quality or 0)


@pytest.mark.parametrize("kind", LOSSY)
def test_quality_max_bytes_is_never_exceeded(kind: str) -> None:
    """A size is a promise about the whole file."""
    output = made(photograph(), kind, Aim(max_bytes="30kB"))
    assert 20_000 < output.size <= 30_000
    assert output.score is None
    assert 0.8 < (made(photograph(), kind, Aim(max_bytes="30kB"), score=True).score or 0) < 1


def test_quality_max_bytes_counts_the_metadata_that_is_kept() -> None:
    """What EXIF, IPTC and XMP take is part of the file."""
    image = pyvips.Image.new_from_buffer(photograph(), "").copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>" + b" " * 9000)
    source = bytes(image.jpegsave_buffer(Q=95))
    output = made(source, "jpeg", Aim(max_bytes="30kB"), metadata="keep")
    assert b"xmpmeta" in bytes(output.body)  # type: ignore[arg-type]
    assert output.size <= 30_000


def test_quality_max_bytes_that_no_quality_meets_rejects_with_the_sizes() -> None:
    """The message says what it takes, so that somebody can write a size that goes."""
    with pytest.raises(CannotMeetSize, match=r"720 x 480 pixels take \d+ bytes at quality 1; max_bytes allows 200"):
        made(photograph(), "jpeg", Aim(max_bytes=200))


def test_quality_auto_drawing_becomes_lossless_webp_where_that_is_smaller() -> None:
    """A screenshot keeps every pixel."""
    output = made(drawing(), "webp", "auto")
    assert (output.quality, output.score) == (None, 1.0)
    assert output.note is not None
    assert output.note.startswith("drawn, not photographed")
    assert (opened(output)[:3] - page()).abs().max() == 0


def test_quality_auto_drawing_as_jpeg_says_what_would_be_smaller() -> None:
    """A key that ends with .jpg gets a JPEG, and the job says that another format would be better."""
    output = made(drawing(), "jpeg", "auto")
    assert output.format == "jpeg"
    assert output.note is not None
    assert "lossless webp would be" in output.note
    assert "smaller" in output.note


def test_quality_auto_photograph_is_never_lossless() -> None:
    """A photograph is told from a drawing, whatever its format was."""
    assert made(photograph(), "webp", "auto").quality is not None


def test_quality_auto_animation_keeps_frames_and_likeness() -> None:
    """Of a film one quality is chosen for all frames."""
    output = made(film(), "webp", "auto", resize=Resize(width=200))
    whole = opened(output, n=-1)
    assert output.frames == 6
    assert whole.get("page-height") == 133
    assert output.score == pytest.approx(AUTO, abs=0.006)


def test_quality_max_bytes_animation_counts_all_frames() -> None:
    """The size is that of the film."""
    output = made(film(), "webp", Aim(max_bytes="60kB"), resize=Resize(width=200))
    assert output.frames == 6
    assert 30_000 < output.size <= 60_000


def test_quality_auto_transparent_picture_keeps_its_alpha() -> None:
    """Likeness is looked at on dark and on light."""
    image = pyvips.Image.new_from_buffer(photograph(), "")
    clear = image.bandjoin((pyvips.Image.xyz(720, 480)[0] / 3).cast("uchar")).copy(interpretation="srgb")
    output = made(bytes(clear.pngsave_buffer(compression=1)), "webp", "auto")
    assert opened(output).hasalpha()
    assert output.score == pytest.approx(AUTO, abs=0.006)


def test_quality_auto_deep_picture_becomes_deep_avif() -> None:
    """16 bits are searched as they are encoded."""
    deep = pyvips.Image.new_from_buffer(photograph(), "") * 257
    deep = deep.cast("ushort").copy(interpretation="rgb16")
    output = made(bytes(deep.pngsave_buffer(compression=1)), "avif", "auto")
    assert opened(output).format == "ushort"
    assert output.score == pytest.approx(AUTO, abs=0.006)


@pytest.mark.parametrize("kind", ["png", "gif", "tiff"])
def test_quality_auto_where_the_upload_decides_on_a_lossless_format_has_no_effect(kind: str) -> None:
    """Without a format, a PNG stays a PNG and a JPEG is searched."""
    source = pyvips.Image.new_from_buffer(photograph(), "")
    body = bytes(getattr(source, f"{kind}save_buffer")())
    rendition = Rendition(key="{filename}", quality="auto", resize=Resize(width=100))
    output = render(body, "in", Recipe(name="a", renditions=(rendition,)), Limits()).outputs[0]
    assert (output.format, output.quality, output.score) == (kind, None, None)


def test_quality_auto_is_no_copy_and_keeps_the_source_where_it_is_smaller() -> None:
    """A JPEG that is already coarse stays as it is, though a quality is asked for."""
    coarse = bytes(pyvips.Image.new_from_buffer(photograph(), "").jpegsave_buffer(Q=12, optimize_coding=True))
    rendition = Rendition(key="{filename}", quality="auto")
    assert not rendition.copies
    output = render(coarse, "in.jpg", Recipe(name="a", renditions=(rendition,)), Limits()).outputs[0]
    assert output.note == "kept the source: re-encoding was not smaller"
    assert output.size <= len(coarse)


@pytest.mark.parametrize(("kind", "options"), [(each, {}) for each in LOSSY] + [("png", {"colors": 16})])
def test_score_fixed_quality_is_measured_on_request(kind: str, options: dict[str, int]) -> None:
    """With score: true the file says how alike it looks; without, nothing is decoded for it."""
    source = pyvips.Image.new_from_buffer(photograph(), "").copy_memory()
    output = made(photograph(), kind, None if options else 60, score=True, **options)
    assert output.score == pytest.approx(similarity(source, opened(output)), abs=0.01)
    assert made(photograph(), kind, None if options else 60, **options).score is None


@pytest.mark.parametrize("options", [{"format": "png"}, {"format": "webp", "lossless": True}])
def test_score_lossless_is_one(options: dict[str, object]) -> None:
    """Every pixel kept is as alike as can be."""
    rendition = msgspec.convert({"key": "o", "score": True, **options}, Rendition)
    output = render(photograph(), "in.png", Recipe(name="a", renditions=(rendition,)), Limits()).outputs[0]
    assert output.score == 1.0


def test_score_animation_is_measured_over_its_frames() -> None:
    """A film's score is that of its frames, not of the first alone."""
    output = made(film(), "webp", 50, score=True, resize=Resize(width=200))
    assert output.frames == 6
    assert 0.8 < (output.score or 0) < 1


def test_quality_auto_film_of_blank_frames_is_judged_by_the_others() -> None:
    """A fade from white: the frames that show something decide, as if they were alone."""
    scene = pyvips.Image.new_from_buffer(photograph(240, 160), "")
    white = (scene * 0 + 250).cast("uchar").copy(interpretation="srgb")
    strip = pyvips.Image.arrayjoin([*[white] * 10, scene, scene.wrap(x=9, y=3)], across=1)
    strip.set_type(pyvips.GValue.gint_type, "page-height", 160)
    fade = made(bytes(strip.webpsave_buffer(lossless=True, effort=0)), "webp", "auto", resize=Resize(width=200))
    alone = made(photograph(240, 160), "webp", "auto", resize=Resize(width=200))
    assert fade.quality is not None
    assert alone.quality is not None
    assert fade.quality >= alone.quality - 8


@pytest.mark.parametrize(
    ("quality", "message"),
    [(Aim(max_bytes=200), r"rendition 'o\.webp': 200 x 133 pixels x 6 frames take \d+ bytes at quality 1")],
)
def test_quality_that_cannot_be_names_the_rendition_and_the_frames(quality: Aim, message: str) -> None:
    """Of many outputs, the one that is to be changed is named, with its size as people see it."""
    with pytest.raises(CannotMeetSize, match=message):
        made(film(), "webp", quality, resize=Resize(width=200))
