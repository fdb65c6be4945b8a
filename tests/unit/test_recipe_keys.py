"""Key templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import InvalidKey
from safelight.recipe.keys import ending, expand, key_fault, lone_brace, output_format, placeholders


def made(template: str, key: str = "a/b/c.JPG") -> str:
    return expand(template, key=key, recipe="photos", width=320, height=None, format="webp")


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{dir}x", "a/b/x"),
        ("{filename}", "c.JPG"),
        ("{stem}", "c"),
        ("{ext}", "JPG"),
        ("{dir}{stem}-{width}.{format}", "a/b/c-320.webp"),
        ("{recipe}/{filename}", "photos/c.JPG"),
        ("{{dir}}{{{stem}}}", "{dir}{c}"),
        ("{stem}}}", "c}"),
        ("plain.jpg", "plain.jpg"),
    ],
)
def test_expand_placeholders_stand_for_parts_of_the_upload(template: str, key: str) -> None:
    """Each placeholder is one thing of the upload or the request, as written; doubled braces are braces."""
    assert made(template) == key


@pytest.mark.parametrize(
    ("upload", "key"),
    [
        ("c.jpg", "c+jpg+"),
        ("c", "c++"),
        (".profile", ".profile++"),
        ("a.tar.gz", "a.tar+gz+"),
        ("x.y/c", "c++x.y/"),
    ],
)
def test_expand_names_without_folder_or_ending_leave_blanks(upload: str, key: str) -> None:
    """At the top there is no folder, and a name that only begins with a dot has no ending."""
    assert made("{stem}+{ext}+{dir}z", upload) == key + "z"


@pytest.mark.parametrize(
    ("template", "upload"),
    [
        ("{dir}/x", "c.jpg"),
        ("{dir}x", "a//c.jpg"),
        ("{stem}/x", "...jpg"),
        ("{ext}", "c"),
        ("{dir}x", "../c.jpg"),
        ("{filename}", "a\n.jpg"),
        ("{filename}-1600.webp", "é" * 510),
    ],
)
def test_expand_key_that_no_folder_holds_is_invalid(template: str, upload: str) -> None:
    """An upload's own key cannot make an output leave its place."""
    with pytest.raises(InvalidKey):
        made(template, upload)


@given(
    st.lists(st.sampled_from(["{dir}", "{stem}", "{ext}", "{filename}", "/", "..", ".", "a"]), min_size=1),
    st.text(alphabet="ab./", min_size=1, max_size=8),
)
def test_expand_any_template_and_upload_stay_inside(parts: list[str], upload: str) -> None:
    """Whatever comes out has no fault that a store would have to catch."""
    try:
        key = made("".join(parts), upload)
    except InvalidKey:
        return
    assert not key.startswith("/")
    assert not {"", ".", ".."} & set(key.split("/"))


def test_key_fault_of_a_good_key_is_blank() -> None:
    """Dots within names, spaces and letters of any script are fine."""
    assert [key_fault(key) for key in ("a.jpg", "a/b..c/.d", "été 1.jpg", "a" * 1024)] == [""] * 4


@pytest.mark.parametrize(
    ("template", "asked", "decided"),
    [
        ("{stem}.webp", None, "webp"),
        ("{stem}.JPG", None, "jpeg"),
        ("{stem}.webp", "avif", "avif"),
        ("{stem}.{ext}", None, None),
        ("{filename}", None, None),
        ("{stem}.png/{filename}", None, None),
        ("{dir}x.png/y", None, None),
        ("{stem}-small", None, None),
        ("{stem}.gif", None, "gif"),
        ("{stem}.heic", None, None),
    ],
)
def test_output_format_option_then_literal_ending_then_source(template: str, asked: str, decided: str) -> None:
    """The option wins, then the letters at the end of the template; the upload's own ending decides nothing."""
    assert output_format(template, asked) == decided


def test_ending_is_that_of_the_last_name() -> None:
    """A dot in a folder is no ending."""
    assert [ending(t) for t in ("a.b/c", "{stem}.Tar.GZ", "", "{x}")] == ["", "gz", "", ""]


def test_lone_brace_found_beside_doubled_ones() -> None:
    """`{{` is a brace, `{` alone is a mistake."""
    assert [lone_brace(t) for t in ("{dir}", "{{dir}}", "{dir", "dir}", "{a{b}}")] == [False, False, True, True, True]


def test_placeholders_come_in_their_order() -> None:
    """Unknown ones too: the check names them."""
    assert placeholders("{dir}x{}{b c}{{stem}}") == ("dir", "", "b c")
