"""What a person can do wrong in a YAML file, and what they read then."""

import pickle
from contextlib import suppress
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from safelight.recipe.finding import InvalidFile
from safelight.recipe.model import DEFAULT_RECIPE, Rendition
from safelight.recipe.parse import MAX_CHARACTERS, parse
from safelight.settings import Settings

RENDITION = 'recipes:\n  - name: thumb\n    renditions:\n      - key: "{dir}{filename}"\n        '
RESIZE = "width, height, fit, position, enlarge"
RECIPE_OPTIONS = "name, match, allow, manifest, metadata, rights, on_delete, renditions"
OPTIONS = ", ".join(Rendition.__struct_fields__)
TOP = "name, region, store, notify, limits, recipes, names, aws, environments"
NAME_FORM = "Name of the recipe: small letters, digits, - and _, at most 63"


class Blur(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sigma: Annotated[float, Meta(gt=0, le=10)] = 1.0
    size: Annotated[int, Meta(ge=1)] | Annotated[str, Meta(pattern="^auto$", description="auto")] | None = None

    def __post_init__(self) -> None:
        if self.sigma == 5:
            raise ValueError("five is right out")


def errors(text: str, kind: type = Settings) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        parse(text, kind, "safelight.yaml")
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff", "null"])
def test_parse_blank_file_gives_defaults(text: str) -> None:
    """A file without options is the default configuration."""
    assert parse(text, Settings, "safelight.yaml").value == Settings(recipes=(DEFAULT_RECIPE,))


def test_parse_whole_file_gives_its_values_and_lines() -> None:
    """Every value arrives, and the line of each is known."""
    parsed = parse(RENDITION + "resize: {width: 320}\nlimits:\n  pixels: 5\n", Settings, "safelight.yaml")
    assert parsed.value.recipes[0].renditions[0].resize.width == 320
    assert parsed.value.limits.pixels == 5
    assert parsed.lines["limits", "pixels"] == 7
    assert parsed.lines["recipes", 0, "renditions", 0, "resize", "width"] == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resize: {width: 0}", "resize.width=0; must be 1..16384"),
        ("resize: {width: '320'}", "resize.width='320'; must be a whole number, 1..16384; remove the quotes"),
        ("resize: {width: yes}", "resize.width=yes; must be a whole number, 1..16384"),
        ("resize: {width: 3.5}", "resize.width=3.5; must be a whole number, 1..16384"),
        ("resize: {width: 1_000}", "resize.width=1_000; must be a whole number, 1..16384; write 1000"),
        ("resize: {width: 1e3}", "resize.width='1e3'; must be a whole number, 1..16384; write 1000"),
        ("resize: {width: 010}", "resize.width=010; must be a whole number, 1..16384; write 10"),
        ("resize: {width: [1]}", "resize.width must be a whole number, 1..16384"),
        ("resize: {enlarge: yes}", "resize.enlarge=yes; must be true or false; write true, without quotes"),
        ("resize: {enlarge: 'false'}", "resize.enlarge='false'; must be true or false; write false, without quotes"),
        ("resize: {enlarge: 1}", "resize.enlarge=1; must be true or false"),
        (
            "resize: 320",
            f"resize must be a group of options: {RESIZE}; write resize: {{width: ...}}",
        ),
        (
            "resize: {widht: 3}",
            f"unknown option 'widht' in resize; did you mean 'width'?; known here: {RESIZE}",
        ),
        (
            "width: 3",
            f"unknown option 'width'; it belongs under resize; known here: {OPTIONS}",
        ),
        (
            "resize: {quality: 3}",
            f"unknown option 'quality' in resize; it belongs further left, beside resize; known here: {RESIZE}",
        ),
        (
            "resize: {fit: Cover}",
            "resize.fit='Cover'; must be one of contain, cover, fill, inside, outside; did you mean 'cover'?",
        ),
        ("format: jpg", "format='jpg'; must be one of avif, gif, jpeg, png, tiff, webp; did you mean 'jpeg'?"),
        ("metadata: no", "metadata=no; must be one of copyright, keep, strip"),
        ("key: twice", "key stands here and on line 4; remove one, or begin a new entry with '- '"),
    ],
)
def test_parse_wrong_option_of_a_rendition_says_what_where_and_remedy(text: str, message: str) -> None:
    """An error names recipe, rendition, option and value, what is allowed, what to do, and the line."""
    assert errors(RENDITION + text) == [f"recipe 'thumb', rendition 1: {message}; safelight.yaml:5"]


def test_parse_position_misspelled_explains_the_form_in_words() -> None:
    """A pattern is told as a sentence with the nearest known word, never as an expression."""
    (error,) = errors(RENDITION + "resize: {position: centre}")
    assert "did you mean 'center'?" in error
    assert "a compass point, entropy, attention, or a focal point x,y" in error
    assert "^" not in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: 2024", 'name=2024; must be text; put it in quotes: "2024"'),
        ("name: no", 'name=no; must be text; put it in quotes: "no"'),
        ("name: !foo x", "name has the tag !foo; tags have no meaning here; remove it"),
        ("name: !!set x", "name has the tag tag:yaml.org,2002:set; tags have no meaning here; remove it"),
        ("recipes:", "recipes has no value; must be a list; or remove the line"),
        ("limits: {pixels: 0}", "limits.pixels=0; must be at least 1"),
        ("recipes: []", "recipes must have at least 1 entry; add one, or remove the option"),
        ("recipes: {name: x}", "recipes must be a list; begin each entry with '- '"),
        (
            "recipes: [x]",
            f"recipes[1] must be a group of options: {RECIPE_OPTIONS}; write name: ...",
        ),
        ("recipes: [{renditions: [{key: x}]}]", f"recipe 1: name is missing; {NAME_FORM}; for example 'photos'"),
        ("recipes: [{name: x}]", "recipe 'x': renditions is missing; a list with at least one entry"),
        (
            "notify: {smtp: {port: 25}}",
            "notify.smtp.host is missing; Name or address of the server; for example 'mail.example.com'",
        ),
        ("notify: {email: me@example.com}", "notify.email must be a list; write email: [me@example.com]"),
        ("notify: {on: [failure, failure]}", "notify.on holds 'failure' twice; keep one"),
        ("metadata: keep", f"unknown option 'metadata'; it belongs under recipes; known here: {TOP}"),
        ("hello", f"the file must be a group of options: {TOP}; write name: ..."),
        ("? [a]\n: b", "the name of an option must be a plain word; text with { } must be in quotes"),
        ('name: "\\ud800"', "name='\\ud800'; holds half a character (\\ud800..\\udfff); write the character itself"),
    ],
)
def test_parse_wrong_option_says_what_and_remedy(text: str, message: str) -> None:
    """Each usual mistake has its own sentence."""
    assert errors(text) == [f"{message}; safelight.yaml:1"]


def test_parse_text_that_ends_with_a_line_feed_fails_its_pattern() -> None:
    """`$` alone would let it through, and a name with a line feed is no name."""
    assert errors('name: "abc\\n"')[0].startswith("name='abc\\n'; wanted: Name of the project")


def test_parse_key_template_without_quotes_says_to_quote_it() -> None:
    """{dir} alone is a group of options for YAML."""
    (error,) = errors("recipes: [{name: x, renditions: [{key: {dir}}]}]")
    assert error == "recipe 'x', rendition 1: key must be text; text with { } must be in quotes; safelight.yaml:1"


def test_parse_secret_of_wrong_form_is_not_shown() -> None:
    """A password in the wrong place must not reach a log."""
    (error,) = errors("notify: {smtp: {host: x, password_env: hunter2}}")
    assert "hunter2" not in error
    assert "notify.smtp.password_env=...; wanted: Name of the environment variable" in error


def test_parse_many_errors_are_told_together_by_line() -> None:
    """One look at the file shows everything that is wrong with it."""
    text = "nmae: x\nlimits: {pixels: 0, frames: x}\nregion: Rome\n" + RENDITION + "quality: 101\n"
    assert [error.rpartition(":")[2] for error in errors(text)] == ["1", "2", "2", "3", "8"]


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("\tname: x", 1, "indent with spaces, not with a tab"),
        ("limits:\n\tpixels: 1", 2, "indent with spaces, not with a tab"),
        (RENDITION.replace('"{dir}{filename}"', "{dir}{filename}"), 4, "a key template must be in quotes"),
        (RENDITION + "resize: {width: 3\n", 6, "in what began on line 5"),
        ("name: *.jpg", 1, "text that begins with * must be in quotes"),
        ("name: @x", 1, "text that begins with @ must be in quotes"),
        ("name: 'abc\n\n", 3, "in what began on line 1"),
        ("name: x\n region: y", 2, "check indentation"),
        ("name:x\nregion: y", 2, "a colon needs a space after it"),
        ("a: 1\n---\nb: 1", 2, "is one document; remove this line"),
        ("name: \x00", 1, "holds the control character U+0000; remove it"),
        ('name: "\\UFFFFFFFF"', 0, "check quotes and escapes"),
        ("[" * 3000, 0, "nested too deeply"),
        ("#" * (MAX_CHARACTERS + 1), 0, "use a shorter one"),
    ],
)
def test_parse_broken_yaml_names_line_and_remedy(text: str, line: int, remedy: str) -> None:
    """What is no YAML at all gets one error with the line and the usual reason."""
    with pytest.raises(InvalidFile) as caught:
        parse(text, Settings, "safelight.yaml")
    (error,) = caught.value.errors
    assert error.line == line
    assert remedy in str(error)


def test_parse_aliases_that_multiply_end_with_an_error() -> None:
    """A small file whose aliases unfold to millions of values is refused soon."""
    rendition = "&r {key: x}"
    renditions = "&s [" + rendition + ", *r" * 500 + "]"
    recipes = "[{name: a, renditions: " + renditions + "}" + ", {name: a, renditions: *s}" * 500 + "]"
    assert "more than 10000 values" in errors(f"recipes: {recipes}")[-1]


def test_parse_alias_of_itself_ends_with_an_error() -> None:
    """A value that holds itself is walked only as deep as the model goes."""
    assert errors("limits: &a\n  pixels: *a") == ["limits.pixels must be a whole number, at least 1; safelight.yaml:2"]


def test_parse_number_with_a_fraction_respects_open_bounds() -> None:
    """`gt` leaves its bound out, `le` takes it in."""
    assert parse("sigma: 10", Blur, "b.yaml").value.sigma == 10.0
    assert parse("sigma: 0.25", Blur, "b.yaml").value.sigma == 0.25
    assert errors("sigma: 0", Blur) == ["sigma=0; must be above 0 and at most 10; safelight.yaml:1"]
    assert errors("sigma: .nan", Blur) == ["sigma=.nan; must be a number, above 0 and at most 10; safelight.yaml:1"]


def test_parse_option_of_several_kinds_takes_each() -> None:
    """Where a model allows a number or a word, what stands there decides."""
    assert parse("size: 3", Blur, "b.yaml").value.size == 3
    assert parse("size: auto", Blur, "b.yaml").value.size == "auto"
    assert parse("size: null", Blur, "b.yaml").value.size is None
    assert errors("size: []", Blur)[0].startswith("size must be a whole number, at least 1 or must be text")


def test_parse_rule_of_the_model_itself_is_an_error_too() -> None:
    """What only the model knows is still a coded error and no crash."""
    assert errors("sigma: 5", Blur) == ["five is right out; safelight.yaml"]


def test_invalid_file_survives_pickling() -> None:
    """Errors cross from one process to another with their list."""
    with pytest.raises(InvalidFile) as caught:
        parse("nmae: x", Settings, "safelight.yaml")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own bytes
    assert (copy.errors, copy.message, copy.code) == (caught.value.errors, caught.value.message, "invalid_recipe")


@given(st.text(alphabet=st.sampled_from("ab:-,{}[]\"'#&*!|>%@`?\n \t\\0u~<=.é\u2028"), max_size=40))
def test_parse_any_text_gives_settings_or_a_coded_error(text: str) -> None:
    """No text makes the parser crash."""
    with suppress(InvalidFile):
        parse(text, Settings, "safelight.yaml")
