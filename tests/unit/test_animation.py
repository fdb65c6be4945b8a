"""Animations keep their frames, their times and their loops; read back with Pillow."""

from __future__ import annotations

import struct
import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from safelight.errors import Corrupt, SizeNotEncodable, TooManyFrames, TooManyPixels, Truncated
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import Rendered, Rendering, render
from safelight.steps.pad import Pad
from safelight.steps.region import Crop
from safelight.steps.resize import Resize
from safelight.steps.rotate import Rotate
from safelight.steps.trim import Trim
from tests.golden.pictures import Pixels, encoded, exif, scene

COLORS = ((255, 0, 0), (0, 200, 0), (0, 0, 255), (240, 240, 0))
TIMES = [80, 200, 50, 120]


def film(kind: str, *frames: Pixels, **options: Any) -> bytes:
    first, *others = [Image.fromarray(frame) for frame in frames]
    return encoded(first, kind, save_all=True, append_images=others, **{"duration": TIMES, "loop": 3} | options)


def plain(color: tuple[int, ...], width: int = 60, height: int = 40) -> Pixels:
    return np.full((height, width, len(color)), color, np.uint8)


def colored(kind: str, **options: Any) -> bytes:
    """Return four frames, each of one color."""
    return film(kind, *map(plain, COLORS), **options)


def developed(body: bytes, limits: Limits | None = None, **options: Any) -> Rendering:
    rendition = Rendition(**{"key": "out.webp", "format": None, **options})
    return render(body, "in", Recipe(name="film", renditions=(rendition,)), limits or Limits())


def one(body: bytes, **options: Any) -> Rendered:
    return developed(body, **options).outputs[0]


def frames_of(output: Rendered) -> list[Pixels]:
    assert isinstance(output.body, bytes)
    opened = Image.open(BytesIO(output.body))
    return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(opened)]


def times_of(output: Rendered) -> list[int]:
    assert isinstance(output.body, bytes)
    opened = Image.open(BytesIO(output.body))
    found = []
    for number in range(getattr(opened, "n_frames", 1)):
        opened.seek(number)
        opened.load()
        found.append(int(opened.info["duration"]))
    return found


@pytest.mark.parametrize("source", ["GIF", "WEBP"])
@pytest.mark.parametrize("key", ["out.gif", "out.webp"])
def test_animation_resized_keeps_frames_times_and_loops(source: str, key: str) -> None:
    """Four frames in, the same four out, in their order, each for its own time."""
    made = developed(colored(source), key=key, resize=Resize(width=30))
    output, frames = made.outputs[0], frames_of(made.outputs[0])
    assert (output.width, output.height, output.frames, output.format) == (30, 20, 4, key[4:])
    assert times_of(output) == TIMES
    assert made.warnings == ()
    for frame, color in zip(frames, COLORS, strict=True):
        assert frame.shape == (20, 30, 4)
        assert np.abs(frame[..., :3].astype(int) - color).max() <= 8, "no color of another frame bleeds in"
        assert (frame[..., 3] == 255).all()


@pytest.mark.parametrize("key", ["out.gif", "out.webp"])
@pytest.mark.parametrize("loops", [0, 1, 5])
def test_animation_keeps_how_often_it_repeats(key: str, loops: int) -> None:
    """0 is forever; what GIF counts as repeats, WebP counts as times."""
    output = one(colored("WEBP", loop=loops), key=key, resize=Resize(width=30))
    assert isinstance(output.body, bytes)
    told = Image.open(BytesIO(output.body)).info.get("loop")
    assert told == (loops if key == "out.webp" or loops == 0 else {1: None, 5: 4}[loops])


def test_animation_without_a_format_stays_what_it_was() -> None:
    """A GIF stays an animated GIF, a WebP an animated WebP."""
    for kind in ("gif", "webp"):
        output = one(colored(kind.upper()), key="out", resize=Resize(width=30))
        assert (output.format, output.frames) == (kind, 4)


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"key": "out.webp", "animate": False}, "GIF"),
        ({"key": "out.gif", "animate": False}, "WEBP"),
        ({"key": "out.jpg"}, "GIF"),
        ({"key": "out.png"}, "WEBP"),
        ({"key": "out.avif"}, "GIF"),
        ({"key": "out.tiff"}, "GIF"),
        ({"key": "out.webp"}, "PNG"),
    ],
)
def test_animation_as_a_still_is_its_first_frame_with_a_warning(options: dict[str, Any], source: str) -> None:
    """Asked for, or because the format holds one picture (of an APNG only the first is read)."""
    made = developed(colored(source), resize=Resize(width=30), **options)
    frames = frames_of(made.outputs[0])
    assert (len(frames), made.outputs[0].frames) == (1, 1)
    assert np.abs(frames[0][..., :3].astype(int) - COLORS[0]).max() <= 8
    assert made.warnings == ("only the first of 4 frames was developed",)


def test_animation_of_one_frame_is_a_still() -> None:
    """Nothing is said of frames where there is one."""
    made = developed(encoded(scene(60, 40), "WEBP"), key="out.gif", resize=Resize(width=30))
    assert (made.outputs[0].frames, made.warnings) == (1, ())


def test_animation_and_still_of_one_upload_are_both_made() -> None:
    """Renditions do not disturb each other, and come in the recipe's order."""
    renditions = (
        Rendition(key="a.jpg", format="jpeg"),
        Rendition(key="b.webp", format="webp"),
        Rendition(key="c.gif", resize=Resize(width=20)),
        Rendition(key="d"),
    )
    body = colored("GIF")
    made = render(body, "in", Recipe(name="film", renditions=renditions, metadata="keep"), Limits())
    assert [(each.format, each.frames) for each in made.outputs] == [("jpeg", 1), ("webp", 4), ("gif", 4), ("gif", 4)]
    assert made.outputs[3].body == body
    assert made.warnings == ("only the first of 4 frames was developed",)


def test_animation_with_partial_frames_is_composed() -> None:
    """A GIF whose frames are small patches on what is there shows whole pictures, however they are cleared."""
    body = patches()
    wanted = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(BytesIO(body)))]
    found = frames_of(one(body, key="out.webp", lossless=True))
    assert len(found) == len(wanted) == 3
    assert [tuple(frame[5, 5]) for frame in wanted] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for frame, right in zip(found, wanted, strict=True):
        assert (frame[..., :3] == right).all()


def patches() -> bytes:
    """Return a GIF of 8 x 8 pixels: red, then a green patch that is cleared to what was there, then a blue patch."""
    table = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0])
    head = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x91, 0, 0) + table
    return head + patch(0, 0, 8, 0, 1) + patch(2, 2, 4, 1, 3) + patch(4, 4, 4, 2, 1) + b";"


def patch(left: int, top: int, side: int, index: int, disposal: int) -> bytes:
    """Return a frame of one color; each pixel follows a clear code, so that codes stay 3 bits wide."""
    control = b"\x21\xf9\x04" + struct.pack("<BHBB", disposal << 2, 10, 0, 0)
    bits = [bit for _ in range(side * side) for code in (4, index) for bit in ((code >> i) & 1 for i in range(3))]
    bits += [1, 0, 1]
    packed = bytes(sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    image = b"\x2c" + struct.pack("<HHHHB", left, top, side, side, 0)
    return control + image + b"\x02" + bytes([len(packed)]) + packed + b"\0"


def moving(**spot: Any) -> list[Pixels]:
    """Return four frames with a striking spot that moves from left to right."""
    frames = []
    for number in range(4):
        frame = plain((30, 30, 34), 160, 40)
        frame[10:30, 8 + number * 40 : 28 + number * 40] = (255, 60, 20)
        frame[14:26:2, 12 + number * 40 : 24 + number * 40] = (255, 255, 255)
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    "steps",
    [
        {"resize": Resize(width=40, height=40, position="attention")},
        {"crop": Crop(width=40, position="attention")},
        {"crop": Crop(width=40, position="attention"), "resize": Resize(width=20)},
        {"crop": Crop(width=40, position="attention"), "rotate": Rotate(angle_deg=180), "order": ("rotate", "crop")},
        {
            "resize": Resize(width=40, height=40, position="entropy"),
            "rotate": Rotate(angle_deg=180),
            "order": ("rotate", "resize"),
        },
    ],
)
def test_animation_with_a_smart_crop_keeps_the_box_of_the_first_frame(steps: dict[str, Any]) -> None:
    """A window that followed the pixels would jump: the spot leaves it instead."""
    frames = frames_of(one(film("WEBP", *moving(), lossless=True), key="out.webp", lossless=True, **steps))
    reds = [int((frame[..., 0] > 200).sum()) for frame in frames]
    assert reds[0] > 50
    assert reds[-1] == 0


def test_animation_trimmed_is_trimmed_as_its_first_frame() -> None:
    """All frames keep one size."""
    frames = [plain((255, 255, 255)) for _ in range(4)]
    for number, frame in enumerate(frames):
        frame[10:30, 10 : 20 + number * 10] = (0, 0, number * 60)
    found = frames_of(one(film("WEBP", *frames, lossless=True), key="out.webp", lossless=True, trim=Trim()))
    assert {frame.shape for frame in found} == {(20, 10, 4)}


def test_animation_takes_every_step() -> None:
    """Turned and with a margin, frame by frame: nothing of one frame shows in another."""
    output = one(
        colored("GIF"), key="out.webp", lossless=True, rotate=Rotate(angle_deg=90), pad=Pad(all=5, background="white")
    )
    assert (output.width, output.height) == (50, 70)
    for frame, color in zip(frames_of(output), COLORS, strict=True):
        assert (frame[:5] == 255).all()
        assert np.abs(frame[6:-6, 6:-6, :3].astype(int) - color).max() <= 1


def test_animation_with_clear_pixels_keeps_them_clear() -> None:
    """Colors under alpha 0 do not bleed, and what was clear shows nothing of the frame before."""
    frames = []
    for number in range(4):
        frame = plain((0, 255, 0, 0))
        frame[:, number * 15 : number * 15 + 15] = (200, 0, 0, 255)
        frames.append(frame)
    for number, frame in enumerate(frames_of(one(film("WEBP", *frames, lossless=True), resize=Resize(width=30)))):
        inside = frame[2:-2, number * 7 + 2 : number * 7 + 5]
        assert (inside[..., 3] > 240).all()
        assert (frame[..., 3] > 20).sum() < 30 * 20 / 2.5
        assert (frame[frame[..., 3] > 100][:, 1] < 60).all(), "no green bleeds in"


def test_animation_of_a_turned_webp_is_upright() -> None:
    """Orientation counts for every frame."""
    output = one(colored("WEBP", exif=exif(6)), key="out.webp", resize=Resize(width=20))
    assert (output.width, output.height, output.frames) == (20, 30, 4)


def test_animation_in_the_same_format_is_never_larger() -> None:
    """Where nothing but the encoder changes, a smaller source stays, with all of its frames."""
    body = colored("WEBP", lossless=True)
    output = one(body, key="out.webp", quality=100)
    assert output.note
    assert output.frames == 4
    still = one(body, key="out.webp", quality=100, animate=False)
    assert (still.note, still.frames) == (None, 1)


def bomb(count: int, side: int = 8) -> bytes:
    """Return a GIF of one-pixel frames on a canvas of any size."""
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HH", side, side) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * count + b";"


def webp_bomb(count: int) -> bytes:
    """Return a WebP of many frames, the same bytes again and again."""
    body = colored("WEBP")
    at = body.index(b"ANMF")
    end = at + 8 + int.from_bytes(body[at + 4 : at + 8], "little")
    inner = b"WEBP" + body[12:at] + body[at:end] * count
    return b"RIFF" + len(inner).to_bytes(4, "little") + inner


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (bomb(1000, 2000), TooManyFrames),
        (webp_bomb(1000), TooManyFrames),
        (bomb(400, 2000), TooManyPixels),
    ],
    ids=["gif-1000", "webp-1000", "gif-pixels"],
)
def test_animation_bomb_is_refused_in_under_a_second(body: bytes, error: type[Exception]) -> None:
    """Frames are counted by the file's structure, before anything is decoded."""
    began = time.monotonic()
    with pytest.raises(error):
        developed(body, resize=Resize(width=10))
    assert time.monotonic() - began < 1


def test_animation_whose_outputs_have_too_many_pixels_is_refused_at_its_first_frame() -> None:
    """Enlarging counts every frame."""
    with pytest.raises(SizeNotEncodable, match=r"600 x 400 x 4 frames"):
        developed(colored("GIF"), Limits(pixels=900_000), resize=Resize(width=600, enlarge=True))


def test_animation_that_is_damaged_in_a_later_frame_is_corrupt() -> None:
    """Nothing is made of an animation that does not decode to its end."""
    body = bytearray(film("WEBP", *(np.roll(scene(), 50 * i, axis=1) for i in range(4)), loop=0))
    at = body.rindex(b"VP8 ") + 30
    body[at : at + 400] = bytes(400)
    body[at - 22 : at - 12] = b"\xff" * 10
    with pytest.raises((Corrupt, Truncated)):
        developed(bytes(body), resize=Resize(width=30))
