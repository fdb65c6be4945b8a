"""`widths` and `formats` of one entry become renditions."""

from pathlib import Path

import pytest

from safelight.config import load
from safelight.recipe.finding import InvalidFile
from safelight.recipe.keys import key_of, keys_of
from safelight.recipe.model import Recipe, Rendition, digest

MANY = "{ key: '{dir}{filename}-{width}.{format}', widths: [320, 640], formats: [avif, jpeg] }"


def read(folder: Path, *entries: str, more: str = "") -> tuple[Recipe, tuple[str, ...]]:
    path = folder / "safelight.yaml"
    lines = "".join(f"      - {entry}\n" for entry in entries)
    path.write_text(f"recipes:\n  - name: r\n{more}    renditions:\n{lines}", "utf-8")
    loaded = load(path, {})
    return loaded.settings.recipes[0], tuple(map(str, loaded.warnings))


def errors(folder: Path, *entries: str, more: str = "") -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        read(folder, *entries, more=more)
    return [str(error) for error in caught.value.errors]


def test_fan_out_widths_and_formats_give_each_pair_its_rendition(tmp_path: Path) -> None:
    """Width by width, and in each the formats in the order of the file; the model then knows nothing of them."""
    recipe, warnings = read(tmp_path, MANY)
    assert [key_of(each, recipe, "a.png") for each in recipe.renditions] == [
        "a.png-320.avif",
        "a.png-320.jpeg",
        "a.png-640.avif",
        "a.png-640.jpeg",
    ]
    assert {(each.widths, each.formats) for each in recipe.renditions} == {((), ())}
    assert [each.resize.width for each in recipe.renditions if each.resize] == [320, 320, 640, 640]
    assert warnings == ()


def test_fan_out_recipe_is_the_one_that_is_written_out_by_hand(tmp_path: Path) -> None:
    """The digest, and so every job's id, is that of plain renditions."""
    by_hand = [
        f"{{ key: '{{dir}}{{filename}}-{{width}}.{{format}}', resize: {{ width: {width} }}, format: {kind} }}"
        for width in (320, 640)
        for kind in ("avif", "jpeg")
    ]
    assert digest(read(tmp_path, MANY)[0]) == digest(read(tmp_path, *by_hand)[0])


def test_fan_out_widths_alone_and_formats_alone(tmp_path: Path) -> None:
    """Each option works without the other, beside plain renditions, and keeps the rest of the entry."""
    recipe, _ = read(
        tmp_path,
        "{ key: '{dir}{filename}-{width}.webp', widths: [10, 20], quality: 50, resize: { enlarge: true } }",
        "{ key: '{dir}{filename}' }",
        "{ key: '{dir}x/{filename}.{format}', formats: [webp, png] }",
    )
    made = recipe.renditions
    assert keys_of(recipe, "a.gif") == ("a.gif-10.webp", "a.gif-20.webp", "a.gif", "x/a.gif.webp", "x/a.gif.png")
    assert [(each.quality, each.resize and each.resize.enlarge) for each in made[:2]] == [(50, True), (50, True)]
    assert made[2] == Rendition(key="{dir}{filename}")
    assert [each.resize for each in made[3:]] == [None, None]


@pytest.mark.parametrize(
    ("entry", "steps"),
    [
        ("{ key: '{dir}{filename}-{width}.webp', blur: 3, widths: [9, 8] }", ("blur", "resize")),
        ("{ key: '{dir}{filename}-{width}.webp', widths: [9, 8], blur: 3 }", ("resize", "blur")),
        (
            "{ key: '{dir}{filename}-{width}.webp', resize: { enlarge: true }, blur: 3, widths: [9] }",
            ("resize", "blur"),
        ),
    ],
)
def test_fan_out_steps_keep_the_order_in_which_they_are_written(
    tmp_path: Path, entry: str, steps: tuple[str, ...]
) -> None:
    """`widths` stands where its resize would stand."""
    entry = entry.replace("blur: 3", "blur: { sigma: 3 }")
    assert {each.steps for each in read(tmp_path, entry)[0].renditions} == {steps}


def test_fan_out_option_goes_to_the_formats_that_know_it(tmp_path: Path) -> None:
    """One entry says how each of its formats is to be; an option that none of them knows is an error."""
    entry = "{ key: 'x{filename}.{format}', formats: [avif, jpeg, png], quality: 50, progressive: true, colors: 16 }"
    made = {each.format: each for each in read(tmp_path, entry)[0].renditions}
    assert {kind: each.progressive for kind, each in made.items()} == {"avif": False, "jpeg": True, "png": False}
    assert {kind: each.colors for kind, each in made.items()} == {"avif": None, "jpeg": None, "png": 16}
    assert {each.quality for each in made.values()} == {50}
    plain = read(tmp_path, "{ key: 'x{filename}.{format}', formats: [jpeg, png], quality: 50 }")[0].renditions
    assert [each.quality for each in plain] == [50, None]
    found = errors(tmp_path, "{ key: 'x{filename}.{format}', formats: [avif, jpeg], lossless: true }")
    assert "lossless is for webp" in found[0]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{ key: 'a-{width}.webp', widths: [1, 2], resize: { width: 3 } }",
            "resize.width=3 beside widths; keep one of the two",
        ),
        ("{ key: 'a-{width}.webp', widths: [1, 2], resize: { height: 3 } }", "resize.height=3 beside widths, where"),
        (
            "{ key: 'a-{width}.webp', widths: [1, 2], resize: { fit: inside } }",
            "resize.fit=inside beside widths, where",
        ),
        (
            "{ key: 'a-{width}.webp', widths: [1, 2], resize: { position: north } }",
            "remove it, and give a shape with crop: {aspect: '16:9'}",
        ),
        ("{ key: 'a.{format}', formats: [webp, avif], format: png }", "format=png beside formats; keep one of the two"),
        ("{ key: 'a.webp', widths: [1, 2] }", "key='a.webp'; 2 widths would share it; put {width} into it"),
        ("{ key: 'a.webp', formats: [webp, avif] }", "2 formats would share its ending; end it with .{format}"),
        ("{ key: '{format}/a', formats: [webp, avif] }", "2 formats would share its ending; end it with .{format}"),
        ("{ key: 'a-{width}', widths: [] }", "widths must have at least 1 entry; add one, or remove the option"),
        ("{ key: 'a-{width}', widths: 320 }", "widths must be a list; write widths: [320]"),
        ("{ key: 'a-{width}', widths: [0] }", "widths[1]=0; must be 1..16384"),
        ("{ key: 'a-{width}', widths: [wide] }", "widths[1]='wide'; must be a whole number, 1..16384"),
        ("{ key: 'a-{width}', widths: [320, 640, 320] }", "widths holds '320' twice; keep one"),
        ("{ key: 'a.{format}', formats: [jpg] }", "did you mean 'jpeg'?"),
        ("{ key: 'a.{format}', formats: [webp, webp] }", "formats holds 'webp' twice; keep one"),
        ("{ key: 'a.{format}', formats: webp }", "formats must be a list; write formats: [webp]"),
        ("{ key: 'a-{width}', width: [320] }", "unknown option 'width'"),
    ],
)
def test_fan_out_contradiction_is_an_error_on_its_line(tmp_path: Path, entry: str, message: str) -> None:
    """What, where, what is allowed and what to do; one finding, however many renditions it concerns."""
    found = errors(tmp_path, "{ key: '{dir}{filename}' }", entry)
    assert len(found) == 1, found
    assert message in found[0]
    assert found[0].startswith("recipe 'r', rendition 2: ")
    assert found[0].endswith("; safelight.yaml:5")


def test_fan_out_more_outputs_than_64_are_refused(tmp_path: Path) -> None:
    """Each output costs an encode of every upload; what brings the recipe over the limit is named, once."""
    widths = ", ".join(map(str, range(1, 22)))
    entry = f"{{ key: '{{filename}}-{{width}}.{{format}}', widths: [{widths}], formats: [avif, webp, jpeg] }}"
    assert len(read(tmp_path, entry, "{ key: '{dir}x/{filename}' }")[0].renditions) == 64
    found = errors(tmp_path, entry, "{ key: '{filename}' }", "{ key: 'x{filename}' }", "{ key: 'y{filename}' }")
    assert len(found) == 1
    assert "rendition 3: brings the recipe to 65 outputs; must be at most 64; leave some out" in found[0]


def test_fan_out_fault_of_every_rendition_is_told_once_on_the_line_of_its_entry(tmp_path: Path) -> None:
    """Findings about renditions that were written out point to the entry of the file, by its number and line."""
    entry = "{ key: 'x/{filename}-{width}.{format}', widths: [320, 640], formats: [avif, webp], effort: 8 }"
    found = errors(tmp_path, MANY, entry)
    assert len(found) == 1
    assert found[0].startswith("recipe 'r', rendition 2: effort=8; must be 0..6 for webp")
    assert found[0].endswith("safelight.yaml:5")


def test_fan_out_warning_about_a_key_that_uploads_share_comes_once(tmp_path: Path) -> None:
    """Nine renditions of one template have one fault."""
    _, warnings = read(tmp_path, MANY.replace("{filename}", "{stem}"))
    assert len(warnings) == 1
    assert "put {filename} or {ext} into the key; safelight.yaml:4" in warnings[0]


def test_fan_out_two_entries_with_the_same_keys_are_an_error_once(tmp_path: Path) -> None:
    """Numbers and lines are those of the file."""
    found = errors(tmp_path, "{ key: '{dir}{filename}' }", MANY, MANY)
    assert len(found) == 1
    assert found[0].startswith("recipe 'r', rendition 3: ")
    assert "rendition 2 has the same key: " in found[0]


def test_fan_out_missing_logo_is_told_once(tmp_path: Path) -> None:
    """What is found after the checks points to the file too."""
    found = errors(
        tmp_path, "{ key: '{dir}{filename}' }", MANY.replace("formats", "watermark: { image: logo.png }, formats")
    )
    assert len(found) == 1
    assert found[0].startswith("recipe 'r', rendition 2: watermark.image='logo.png'; there is no such file")


def test_fan_out_faults_stand_beside_errors_of_other_recipes(tmp_path: Path) -> None:
    """All errors of a file are shown together."""
    (tmp_path / "safelight.yaml").write_text(
        "recipes:\n"
        "  - {name: a, renditions: [{key: 'x.webp', widths: [1, 2]}]}\n"
        "  - {name: b, renditions: [{key: 'x.webp', quality: 101}]}\n"
        "  - {name: c, renditions: [{key: '/x.webp', resize: {width: 3}}]}\n"
    )
    with pytest.raises(InvalidFile) as caught:
        load(tmp_path / "safelight.yaml", {})
    assert [error.line for error in caught.value.errors] == [2, 3, 4]
