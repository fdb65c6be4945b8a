import math

import msgspec
import pytest
import pyvips

from safelight import sample
from safelight.errors import CannotMeetSize
from safelight.quality import AUTO, CURVES, Codec, choose
from safelight.similarity import similarity
from safelight.target import Aim, Target, conflicts, parse_size


def scene(width: int = 480, height: int = 320, *, grain: float = 10) -> pyvips.Image:
    base = pyvips.Image.perlin(width, height, cell_size=64, seed=11) * 80 + 128
    noisy = base + pyvips.Image.gaussnoise(width, height, sigma=grain, mean=0, seed=2)
    return noisy.bandjoin([base * 0.9, noisy * 0.7]).cast("uchar").copy(interpretation="srgb").copy_memory()


def scene_of(body: bytes) -> pyvips.Image:
    raise AssertionError(f"a size is met without reading {len(body)} bytes back")


class Jpeg:
    """A real codec that notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def encode(self, image: pyvips.Image, quality: int) -> bytes:
        self.asked.append((image.width * image.height, quality))
        return bytes(image.jpegsave_buffer(Q=quality, keep="none"))

    @property
    def codec(self) -> Codec:
        return Codec(
            encode=self.encode, decode=lambda body: pyvips.Image.new_from_buffer(body, ""), curve=CURVES["jpeg"]
        )


class Sized:
    """A codec whose sizes are given, as the formats' are not: so a test can be sure of the right answer."""

    def __init__(self, size: dict[int, int] | None = None) -> None:
        self.size = size
        self.asked: list[int] = []

    def of(self, quality: int) -> int:
        return self.size[quality] if self.size else int(1000 * math.exp(0.04 * quality))

    @property
    def codec(self) -> Codec:
        def encode(image: pyvips.Image, quality: int) -> bytes:
            self.asked.append(quality)
            return b"x" * self.of(quality)

        return Codec(encode=encode, decode=scene_of, curve=CURVES["webp"])


def test_choose_fixed_quality_encodes_once() -> None:
    """A number is taken as it is."""
    jpeg = Jpeg()
    choice = choose(scene(), jpeg.codec, 71)
    assert (choice.quality, choice.score, choice.encodes) == (71, None, 1)
    assert jpeg.asked == [(480 * 320, 71)]


@pytest.mark.parametrize("aim", [0.97, 0.98, 0.99])
def test_choose_ssim_comes_near_the_aim(aim: float) -> None:
    """The result is as alike as asked, to a step of quality or two, and its score is true."""
    choice = choose(scene(), Jpeg().codec, Aim(ssim=aim))
    reached = similarity(scene(), pyvips.Image.new_from_buffer(choice.body, ""))
    assert math.log((1 - reached) / (1 - aim)) == pytest.approx(0, abs=0.12)
    assert choice.score == pytest.approx(reached, abs=0.002)


def test_choose_auto_keeps_its_promise_on_smooth_and_on_busy_pictures() -> None:
    """Auto asks for what the picture needs, not for one quality."""
    smooth, busy = (choose(scene(grain=grain), Jpeg().codec, "auto") for grain in (1, 16))
    assert smooth.quality != busy.quality
    for choice in (smooth, busy):
        assert choice.score == pytest.approx(AUTO, abs=0.003)


@pytest.mark.parametrize("aim", [0.9, 0.98, 0.9999])
def test_choose_ssim_probes_at_most_four_times_and_on_a_sample(aim: float) -> None:
    """Probes are few, and encode no more than half a megapixel of a large picture."""
    jpeg = Jpeg()
    choice = choose(scene(1800, 1200), jpeg.codec, Aim(ssim=aim))
    *probes, last = jpeg.asked
    assert len(probes) <= 4
    assert all(pixels <= sample.MOST for pixels, _ in probes)
    assert last == (1800 * 1200, choice.quality)
    assert choice.encodes == len(jpeg.asked)


def test_choose_small_picture_probes_whole_and_reuses_its_body() -> None:
    """A picture that is its own sample is not encoded twice at one quality."""
    jpeg = Jpeg()
    choice = choose(scene(200, 150), jpeg.codec, "auto")
    assert len(set(jpeg.asked)) == len(jpeg.asked) == choice.encodes


def test_choose_repeated_gives_the_same_bytes() -> None:
    """Outputs are a pure function of picture and target."""
    first, second = (choose(scene(1000, 700), Jpeg().codec, "auto") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("aim", "bound"), [(0.01, 1), (0.999999, 100)])
def test_choose_ssim_out_of_reach_stays_in_bounds(aim: float, bound: int) -> None:
    """Where no quality meets the aim, the nearest one there is is taken."""
    assert choose(scene(), Jpeg().codec, Aim(ssim=aim)).quality == bound


def test_choose_flat_picture_ends() -> None:
    """A picture that every quality keeps exactly has no curve to search, and gets the lowest."""
    flat = (pyvips.Image.black(300, 300, bands=3) + 128).cast("uchar").copy(interpretation="srgb").copy_memory()
    choice = choose(flat, Jpeg().codec, "auto")
    assert choice.quality == 30
    assert choice.score is not None
    assert choice.score > AUTO


@pytest.mark.parametrize("limit", [1041, 1500, 5000, 20_000, 40_000, 44_701])
def test_choose_max_bytes_is_kept_and_nearly_used(limit: int) -> None:
    """The file is never larger than allowed, nor much smaller than it could be; six encodes find it."""
    sized = Sized()
    choice = choose(scene(8, 8), sized.codec, Aim(max_bytes=limit))
    assert len(choice.body) <= limit
    assert choice.quality == 95 or len(choice.body) >= 0.95 * limit or sized.of(choice.quality + 1) > limit
    assert choice.encodes == len(sized.asked) <= 7


@pytest.mark.parametrize("growth", [0.008, 0.013, 0.02, 0.04, 0.09])
@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.8])
def test_choose_max_bytes_is_nearly_used_whatever_the_curve(growth: float, share: float) -> None:
    """Pictures differ in how fast they grow with quality; none is given quality 1 while a better one fits."""
    sizes = {quality: int(1000 * math.exp(growth * quality)) for quality in range(1, 101)}
    limit = sizes[round(95 * share)]
    choice = choose(scene(8, 8), Sized(sizes).codec, Aim(max_bytes=limit))
    assert len(choice.body) <= limit
    assert len(choice.body) >= 0.9 * limit
    assert choice.encodes <= 7


def test_choose_max_bytes_with_room_takes_the_highest_quality() -> None:
    """More bytes than any quality needs end the search at its upper bound."""
    assert choose(scene(8, 8), Sized().codec, Aim(max_bytes="1MB")).quality == 95


def test_choose_max_bytes_only_quality_1_fits_finds_it() -> None:
    """Even the last resort is tried before anything is refused."""
    cliff = Sized({quality: 100 if quality == 1 else 5000 + quality for quality in range(1, 101)})
    choice = choose(scene(8, 8), cliff.codec, Aim(max_bytes=100))
    assert (choice.quality, len(choice.body)) == (1, 100)


def test_choose_max_bytes_out_of_reach_is_refused_with_the_remedy() -> None:
    """No quality fits: the message says what quality 1 takes, the remedy what to do."""
    with pytest.raises(CannotMeetSize, match="take 1040 bytes at quality 1; max_bytes allows 1000") as caught:
        choose(scene(8, 8), Sized().codec, Aim(max_bytes="1kB"))
    assert caught.value.code == "cannot_meet_size"
    assert "smaller resize" in caught.value.remedy


def test_choose_max_bytes_real_jpeg_is_kept() -> None:
    """The promise holds with a real encoder."""
    choice = choose(scene(), Jpeg().codec, Aim(max_bytes="20kB"))
    assert 16_000 < len(choice.body) <= 20_000


@pytest.mark.parametrize(
    ("text", "count"),
    [(512, 512), ("512", 512), ("200kB", 200_000), ("1.5MB", 1_500_000), ("2 MiB", 2_097_152), ("10k", 10_000)],
)
def test_parse_size_known_units_are_read(text: int | str, count: int) -> None:
    """Sizes in kB and MB count in thousands, kiB and MiB in 1024."""
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "wrong",
    [
        *('{"ssim": 1}', '{"max_bytes": "big"}', "0", "101", '"best"', '{"max_bytes": 99}', '{"max_bytes": -5}'),
        *('{"max_bytes": ""}', '{"max_bytes": "kB"}', '{"max_bytes": "1e3"}', '{"max_bytes": "5GB"}'),
        *('{"max_bytes": "1,5MB"}', '{"max_bytes": "\u0663"}', '{"size": 5}'),
    ],
)
def test_target_wrong_is_refused(wrong: str) -> None:
    """A target is a quality, `auto`, or an aim that can be met."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(wrong, type=Target)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Aim(), "needs either ssim or max_bytes"),
        (Aim(ssim=0.9, max_bytes=500), "needs either ssim or max_bytes"),
        (Aim(max_bytes="0.05kB"), "must be at least 100 bytes"),
        (Aim(max_bytes="99"), "must be at least 100 bytes"),
    ],
)
def test_conflicts_aim_that_says_nothing_or_too_much_names_the_remedy(wrong: Aim, message: str) -> None:
    """An aim is one thing, and no size below that of any picture's file."""
    [(_, found)] = conflicts(wrong)
    assert message in found
    assert "write" in found


@pytest.mark.parametrize("right", ["80", '"auto"', '{"ssim":0.98}', '{"max_bytes":"200kB"}'])
def test_target_right_survives_json(right: str) -> None:
    """Every kind of target can be written and read back."""
    assert msgspec.json.encode(msgspec.json.decode(right, type=Target)).decode() == right
