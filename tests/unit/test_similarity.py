import pytest
import pyvips

from safelight.similarity import compare, measure, similarity


def scene(width: int = 320, height: int = 256) -> pyvips.Image:
    """Soft shapes in colour with texture on the right half."""
    base = pyvips.Image.perlin(width, height, cell_size=64, seed=7) * 80 + 128
    noise = pyvips.Image.gaussnoise(width, height, sigma=14, mean=0, seed=1)
    right = pyvips.Image.xyz(width, height)[0] > width // 2
    grain = right.ifthenelse(noise, 0)
    image = (base + grain).bandjoin([base * 0.9 + grain, base * 0.7 + 30 + grain])
    return image.cast("uchar").copy(interpretation="srgb").copy_memory()


def jpeg(image: pyvips.Image, quality: int) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(image.jpegsave_buffer(Q=quality), "").copy_memory()


def test_similarity_same_picture_is_one() -> None:
    """A picture is wholly like itself."""
    assert similarity(scene(), scene()) == pytest.approx(1, abs=1e-6)


def test_similarity_falls_with_quality() -> None:
    """Each lower quality is less alike."""
    scores = [similarity(scene(), jpeg(scene(), quality)) for quality in (95, 85, 70, 50, 30, 10)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.985
    assert scores[-1] < 0.95


def test_similarity_local_damage_weighs_more_than_its_share() -> None:
    """The worst regions count: one ruined corner is felt far beyond its sixteenth of the area."""
    corner = scene().crop(0, 0, 80, 64).gaussblur(8).cast("uchar")
    assert similarity(scene(), scene().insert(corner, 240, 192)) < 0.97


@pytest.mark.parametrize("band", [0, 1, 2])
def test_similarity_sees_every_colour(band: int) -> None:
    """A blur of one channel alone is seen."""
    bands = scene().bandsplit()
    bands[band] = bands[band].gaussblur(4).cast("uchar")
    assert similarity(scene(), bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")) < 0.995


def test_similarity_sees_lost_colour() -> None:
    """Grey instead of colour is not alike."""
    assert similarity(scene(), scene().colourspace("b-w").colourspace("srgb")) < 0.99


def test_similarity_grey_equals_its_rgb() -> None:
    """A grey picture scores as the same picture in three bands."""
    grey = scene().colourspace("b-w").copy_memory()
    assert similarity(grey, jpeg(grey, 60)) == pytest.approx(
        similarity(grey.colourspace("srgb"), jpeg(grey, 60)), abs=1e-6
    )


def test_similarity_damaged_alpha_is_seen() -> None:
    """What alpha hides or shows is part of the picture."""
    ramp = (pyvips.Image.xyz(320, 256)[0] * 0.79).cast("uchar")
    softer = ramp.gaussblur(20).cast("uchar").linear(0.8, 20).cast("uchar")
    reference = scene().bandjoin(ramp)
    assert similarity(reference, reference) == pytest.approx(1, abs=1e-6)
    assert similarity(reference, scene().bandjoin(softer)) < 0.98


def test_similarity_colour_under_clear_alpha_counts_nothing() -> None:
    """Pixels that nobody can see may hold anything."""
    clear = pyvips.Image.black(320, 256)
    assert similarity(scene().bandjoin(clear), scene().invert().bandjoin(clear)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (65, 63), (300, 5)])
def test_similarity_any_size_is_measured(size: tuple[int, int]) -> None:
    """Pictures smaller than a window, or between windows, score in 0..1."""
    image = scene(*size)
    assert 0 <= similarity(image, jpeg(image, 20)) <= 1
    assert similarity(image, image) == pytest.approx(1, abs=1e-6)


def test_similarity_nothing_alike_is_zero() -> None:
    """The scale ends at 0."""
    assert similarity(scene(), scene().invert()) == 0


def test_compare_measured_reference_scores_as_similarity() -> None:
    """One measured reference serves many candidates."""
    reference = measure(scene())
    for quality in (30, 80):
        assert compare(reference, jpeg(scene(), quality)) == similarity(scene(), jpeg(scene(), quality))
