"""What no option takes: out of range, of another type, contradictory, or without any effect."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import inspect

from safelight.config import load
from safelight.recipe import wording
from safelight.recipe.finding import InvalidFile
from safelight.recipe.model import Rendition

Place = tuple[str, ...]
NOWHERE_A_NUMBER = (".nan", ".inf", "-.inf", "1e999", "0x1g", '"5"', "five", "[1]", "{a: 1}", "true")


def options(kind: inspect.Type, above: Place = ()) -> Iterator[tuple[Place, wording.Expected]]:
    """Yield everything that an option of a rendition may be, with the names that lead to it."""
    assert isinstance(kind, inspect.StructType)
    for field in wording.writable(kind):
        for expected in wording.alternatives(field.type):
            place = (*above, field.encode_name)
            if isinstance(expected.type, inspect.StructType):
                yield from options(expected.type, place)
            else:
                yield place, expected


def out_of_range(kind: wording.Number) -> Iterator[str]:
    """Yield the numbers that are next to the range, and far from it."""
    step = 1 if isinstance(kind, inspect.IntType) else 0.001
    if kind.ge is not None:
        yield from (str(kind.ge - step), "-99999999")
    if kind.le is not None:
        yield from (str(kind.le + step), "99999999")


EVERY = [*options(inspect.type_info(Rendition))]
NUMBERS = [(place, expected.type) for place, expected in EVERY if isinstance(expected.type, wording.Number)]
WORDS = [place for place, expected in EVERY if isinstance(expected.type, inspect.LiteralType | inspect.BoolType)]
GROUPS = ("trim", "crop", "resize", "rotate", "modulate", "blur", "sharpen", "pad", "flatten", "watermark")


def written(place: Place, value: str) -> str:
    """Return an option as a line of the file."""
    for name in reversed(place[1:]):
        value = f"{{{name}: {value}}}"
    return f"{place[0]}: {value}"


def findings(folder: Path, lines: str, key: str = "{dir}{filename}.png") -> tuple[list[str], list[str]]:
    """Return errors and warnings of a rendition."""
    entry = "".join(f"        {line}\n" for line in lines.split("\n"))
    path = folder / "safelight.yaml"
    path.write_text(f'recipes:\n  - name: r\n    renditions:\n      - key: "{key}"\n{entry}', "utf-8")
    try:
        return [], [str(each) for each in load(path, {}).warnings]
    except InvalidFile as err:
        return [str(each) for each in err.errors], []


def test_sweep_covers_the_options_of_a_rendition() -> None:
    """Each of these tests would pass of nothing."""
    assert len(NUMBERS) > 25
    assert len(WORDS) > 10


@pytest.mark.parametrize(("place", "kind"), NUMBERS, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_number_out_of_its_range_is_an_error_that_names_the_range(
    place: Place, kind: wording.Number, tmp_path: Path
) -> None:
    """The option, the value and what is allowed, on its line."""
    texts = {at for at, expected in EVERY if isinstance(expected.type, inspect.StrType)}
    for value in (*out_of_range(kind), *(() if place in texts else NOWHERE_A_NUMBER)):
        errors, _ = findings(tmp_path, written(place, value))
        assert any(".".join(place) in error and error.endswith("safelight.yaml:5") for error in errors), value


@pytest.mark.parametrize("place", WORDS, ids=".".join)
def test_word_that_an_option_does_not_know_is_an_error(place: Place, tmp_path: Path) -> None:
    """Nothing is guessed."""
    for value in ("nonsense", "7.25", '""', "[[]]", "{a: 1}"):
        errors, _ = findings(tmp_path, written(place, value))
        assert any(".".join(place) in error and "safelight.yaml:5" in error for error in errors), value


@pytest.mark.parametrize("step", GROUPS)
def test_step_without_a_value_is_an_error(step: str, tmp_path: Path) -> None:
    """Who writes `trim:` wants it, and it would silently not run."""
    (error,), _ = findings(tmp_path, f"{step}:")
    assert f"{step} has no value; must be a group of options: " in error
    assert error.endswith("or remove the line; safelight.yaml:5")
    assert ("{} takes the defaults" in error) == (step not in ("blur", "rotate"))


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ("flip: true\norder: [blur]", "{dir}{filename}.png", "order names blur, which this rendition has not; add it"),
        ("flip: true\norder: [flip, flip]", "{dir}{filename}.png", "order holds 'flip' twice; keep one"),
        ("resize: {width: 16384}", "{dir}{filename}.webp", "resize.width=16384, but a webp has at most 16383 pixels"),
        ("resize: {height: 16384}", "{dir}{filename}.webp", "resize.height=16384, but a webp has at most 16383 pixels"),
        ("watermark: {text: a, color: transparent, outline: {width: 0}}", "{dir}{filename}.png", "shows nothing"),
        ('watermark: {text: a, color: "#fff0", opacity: 1}', "{dir}{filename}.png", "watermark.color='#fff0'"),
        (
            'watermark: {text: a, color: "#ffffff00", outline: {color: transparent}}',
            "{dir}{filename}.png",
            "watermark shows nothing: its color is clear and so is its outline; give one of the two a color",
        ),
    ],
)
def test_options_that_contradict_each_other_are_an_error(lines: str, key: str, message: str, tmp_path: Path) -> None:
    """Each error says what to do."""
    (error,), _ = findings(tmp_path, lines, key)
    assert message in error


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("gamma: 1", "gamma=1 changes nothing; remove it"),
        ("rotate: {angle_deg: -360}", "rotate.angle_deg=-360 changes nothing; remove rotate"),
        ("rotate: {angle_deg: 90, background: white}", "rotate.background has no effect with quarter turns"),
        ("modulate: {}", "modulate changes nothing; give it brightness, saturation or hue_deg, or remove it"),
        ("modulate: {hue_deg: 360}", "modulate changes nothing"),
        ("modulate: {saturation: 0, hue_deg: 9}", "modulate.hue_deg has no effect with saturation: 0"),
        ("greyscale: true\nmodulate: {saturation: 2}", "modulate.saturation has no effect after greyscale"),
        ("greyscale: true\nmodulate: {hue_deg: 9}", "modulate.hue_deg has no effect after greyscale"),
        ("sharpen: {edges: 0, flat: 0}", "sharpen with edges: 0 and flat: 0 changes nothing"),
        ("flatten: {background: transparent}", "flatten.background=transparent; its alpha has no effect"),
        ('flatten: {background: "#ff000080"}', "flatten.background=#ff000080; its alpha has no effect"),
        ("watermark: {text: a, outline: {width: 0, color: black}}", "watermark.outline.color has no effect"),
        ('resize: {width: 5, height: 5, fit: contain, position: "0.2,0.2"}', "position=0.2,0.2 has no effect"),
    ],
)
def test_option_that_changes_nothing_is_a_warning(lines: str, message: str, tmp_path: Path) -> None:
    """It is allowed, and hardly meant."""
    errors, (warning,) = findings(tmp_path, lines)
    assert errors == []
    assert message in warning


@pytest.mark.parametrize(
    "lines",
    [
        "gamma: 1.2",
        "rotate: {angle_deg: 45, background: white}",
        "modulate: {saturation: 2}\ngreyscale: true",
        "greyscale: true\nmodulate: {brightness: 2}",
        "modulate: {saturation: 0}",
        "sharpen: {edges: 0, flat: 1}",
        'flatten: {background: "#ff0000ff"}',
        "watermark: {text: a, color: transparent}",
        "watermark: {text: a, outline: {width: 0}}",
        "resize: {width: 16384}",
        "flip: true\nblur: {sigma: 2}\norder: [blur]",
    ],
)
def test_option_that_changes_something_has_no_findings(lines: str, tmp_path: Path) -> None:
    """What makes sense is not talked about."""
    assert findings(tmp_path, lines) == ([], [])
