"""What no single option shows."""

import pytest

from safelight.recipe.check import Checked, Source, check
from safelight.recipe.model import DEFAULT_RECIPE, Match, Recipe, Rendition
from safelight.recipe.parse import parse
from safelight.settings import Settings
from safelight.steps.resize import Resize
from safelight.target import Aim


def recipe(*renditions: Rendition, name: str = "r", match: Match | None = None) -> Recipe:
    return Recipe(name=name, match=match or Match(), renditions=renditions)


def looked(*recipes: Recipe | None) -> Checked:
    return check(recipes, Source(file="safelight.yaml", lines={}))


def one_error(*recipes: Recipe) -> str:
    checked = looked(*recipes)
    assert len(checked.errors) == 1, checked
    return str(checked.errors[0])


def one_warning(*recipes: Recipe) -> str:
    checked = looked(*recipes)
    assert not checked.errors
    assert len(checked.warnings) == 1, checked
    return str(checked.warnings[0])


def test_check_default_recipe_has_no_findings() -> None:
    """What applies without a file is in order."""
    assert looked(DEFAULT_RECIPE) == Checked()


def test_check_recipe_with_errors_is_left_out() -> None:
    """None stands for a recipe that the parser refused."""
    assert looked(None, DEFAULT_RECIPE) == Checked()


@pytest.mark.parametrize(
    ("rendition", "message"),
    [
        (Rendition(key="{dir}{filname}"), "{filname} is unknown; did you mean 'filename'?; known are {dir}"),
        (Rendition(key="{dir}{filename"), "a brace stands alone"),
        (Rendition(key="{filename}-{width}"), "{width} needs resize.width, which is not given"),
        (Rendition(key="{filename}-{height}", resize=Resize(width=3)), "{height} needs resize.height"),
        (Rendition(key="{dir}{filename}.{format}"), "{format} needs a format, which is not given"),
        (Rendition(key="/{filename}"), "begins with /; a key is a path such as thumbs/a.jpg"),
        (Rendition(key="{dir}/{filename}"), "begins with /; {dir} ends with / already"),
        (Rendition(key="{dir}../{filename}"), "holds . or .. as a folder, which leaves the output"),
        (Rendition(key="{dir}thumbs/"), "has no name at its end"),
        (Rendition(key="{dir}a//{filename}"), "holds // and so a folder without a name"),
        (Rendition(key="{dir}{filename}\n"), "holds a control character"),
        (
            Rendition(key="{dir}{filename}.heic", resize=Resize(width=3)),
            "ends with .heic, which is not written; must be one of .jpg, .jpeg, .png, .webp, .avif, .gif, .tiff, .tif",
        ),
        (Rendition(key="{dir}{filename}.txt", format="webp"), "ends with .txt, which is not written"),
        (
            Rendition(key="{dir}{filename}.jpg", format="webp"),
            "format=webp, but the key ends with .jpg; make them agree, or remove the format",
        ),
        (Rendition(key="{dir}{filename}.webp", resize=Resize()), "resize has no size; give width, height or both"),
        (Rendition(key="{dir}{filename}.png", quality=80), "quality=80, but png keeps every pixel as it is"),
        (
            Rendition(key="{dir}{filename}.png", quality="auto"),
            "quality=auto has nothing to choose for png, whose quality is fixed; remove it, or use webp, avif or jpeg",
        ),
        (
            Rendition(key="{dir}{filename}.gif", quality=Aim(max_bytes="1MB")),
            "quality has nothing to choose for gif",
        ),
        (
            Rendition(key="{dir}{filename}.webp", quality="auto", lossless=True),
            "quality=auto beside lossless, which keeps every pixel; remove one of the two",
        ),
        (
            Rendition(key="{dir}{filename}.webp", quality=Aim()),
            "quality needs either ssim or max_bytes; write {ssim: 0.98} or {max_bytes: 200kB}",
        ),
        (
            Rendition(key="{dir}{filename}.webp", quality=Aim(max_bytes="90")),
            "quality.max_bytes=90; must be at least 100 bytes; write such as 200kB",
        ),
        (Rendition(key="{dir}{filename}.jpg", effort=3), "effort=3; must be 0..2 for jpeg"),
        (Rendition(key="{dir}{filename}.webp", effort=7), "effort=7; must be 0..6 for webp"),
    ],
)
def test_check_rendition_that_contradicts_itself_is_an_error(rendition: Rendition, message: str) -> None:
    """Each contradiction says what is wrong and what to do."""
    error = one_error(recipe(rendition))
    assert error.startswith("recipe 'r', rendition 1: ")
    assert message in error


@pytest.mark.parametrize(
    "rendition",
    [
        Rendition(key="{dir}{filename}.png", effort=9),
        Rendition(key="{dir}{filename}.avif", effort=9),
        Rendition(key="{dir}x{filename}", effort=9),
        Rendition(key="{dir}{filename}.{format}", format="avif"),
        Rendition(key="{dir}{filename}", resize=Resize(width=1, height=2, fit="contain", position="north")),
        Rendition(key="{dir}{filename}", resize=Resize(width=1, height=2, position="attention")),
        Rendition(key="{dir}{filename}.jpeg", format="jpeg"),
        Rendition(key="{dir}{stem}-{ext}-320.webp", resize=Resize(width=1)),
    ],
)
def test_check_sound_rendition_has_no_findings(rendition: Rendition) -> None:
    """What makes sense is not talked about."""
    assert looked(recipe(rendition)) == Checked()


@pytest.mark.parametrize(
    ("rendition", "message"),
    [
        (
            Rendition(key="{dir}{filename}.webp"),
            "ends with .webp, but with a key alone the picture is copied as it came; add format: webp",
        ),
        (Rendition(key="{dir}{filename}.gif"), "ends with .gif, but with a key alone"),
        (
            Rendition(key="{dir}x{filename}", format="avif"),
            "{filename} ends the key like the upload; end it with .avif",
        ),
        (
            Rendition(key="{dir}{filename}", resize=Resize(width=3, fit="contain")),
            "resize.fit has no effect with one side; give resize.height too",
        ),
        (
            Rendition(key="{dir}{filename}", resize=Resize(height=3, position="north")),
            "resize.position has no effect with one side; give resize.width too",
        ),
        (
            Rendition(key="{dir}{filename}", resize=Resize(width=3, height=3, fit="fill", position="north")),
            "resize.position has no effect with fit: fill",
        ),
        (
            Rendition(key="{dir}{filename}", resize=Resize(width=3, height=3, fit="contain", position="entropy")),
            "resize.position=entropy has no effect with fit: contain, which crops nothing",
        ),
        (
            Rendition(key="{dir}{stem}.webp", format="webp"),
            "a.jpg and a.png would both give a.webp, and the second would be rejected; put {filename} or {ext}",
        ),
        (Rendition(key="out/{filename}"), "x/a.jpg and y/a.jpg would both give out/a.jpg"),
        (Rendition(key="newest.webp", format="webp"), "a.jpg and b.jpg would both give newest.webp"),
    ],
)
def test_check_rendition_that_surprises_is_a_warning(rendition: Rendition, message: str) -> None:
    """What is allowed but hardly meant is told once."""
    assert message in one_warning(recipe(rendition))


@pytest.mark.parametrize("suffix", [".heic", ".HEIF", ".svg"])
@pytest.mark.parametrize("key", ["{dir}x-{filename}", "{dir}x/{stem}.{ext}"])
def test_check_output_called_like_an_upload_that_is_only_read_is_a_warning(suffix: str, key: str) -> None:
    """Its bytes would be those of a JPEG or PNG, and its name would say otherwise."""
    made = Recipe(
        name="r",
        allow=("svg",),
        match=Match(suffix=(".jpg", suffix)),
        renditions=(Rendition(key=key, resize=Resize(width=3)),),
    )
    warning = one_warning(made)
    assert f"ends it like the upload, but {suffix[1:].lower()} is read and not written" in warning
    assert f"a JPEG or PNG would be called {suffix}; end it with .webp or .jpg" in warning


@pytest.mark.parametrize(
    "rendition",
    [
        Rendition(key="{dir}x-{filename}"),
        Rendition(key="{dir}{filename}.jpg", resize=Resize(width=3)),
        Rendition(key="{dir}{filename}.{format}", format="webp", resize=Resize(width=3)),
    ],
)
def test_check_copy_or_own_ending_of_what_is_only_read_has_no_findings(rendition: Rendition) -> None:
    """A copy is what its name says, and so is an output that names its format."""
    assert looked(recipe(rendition, match=Match(suffix=(".heic", ".jpg")))) == Checked()


def test_check_copies_of_one_kind_may_name_it() -> None:
    """Where only JPEGs match, a copy that ends with .jpg is no surprise."""
    assert looked(recipe(Rendition(key="{dir}x/{stem}.jpg"), match=Match(suffix=(".jpg",)))) == Checked()


def test_check_one_suffix_needs_no_ending_in_the_key() -> None:
    """Two uploads that differ in their ending only cannot both match."""
    found = looked(recipe(Rendition(key="{dir}{stem}.webp", format="webp"), match=Match(suffix=(".jpg",))))
    assert found == Checked()


def test_check_two_suffixes_that_share_a_stem_are_named() -> None:
    """The warning shows uploads that would really match."""
    match = Match(prefix="in/", suffix=(".tif", ".heic"))
    warning = one_warning(recipe(Rendition(key="{dir}{stem}.webp", format="webp"), match=match))
    assert "in/a.tif and in/a.heic would both give in/a.webp" in warning


def test_check_same_name_twice_is_an_error() -> None:
    """Jobs are known by their recipe's name."""
    one, two = recipe(Rendition(key="{dir}a{filename}")), recipe(Rendition(key="{dir}b{filename}"))
    assert "name='r' is taken by the recipe on line" in one_error(one, two)


def test_check_two_renditions_on_one_key_are_an_error() -> None:
    """Templates that are written differently but give one key count too."""
    renditions = Rendition(key="{dir}x/{filename}"), Rendition(key="{dir}x/{stem}.{ext}")
    assert "rendition 1 has the same key: a.jpg would give two times x/a.jpg" in one_error(recipe(*renditions))


@pytest.mark.parametrize(
    ("one", "two", "upload"),
    [
        (Match(), Match(), "a.jpg"),
        (Match(prefix="In/"), Match(suffix=(".PNG",)), "In/a.PNG"),
        (Match(prefix="in/"), Match(prefix="in/deep/"), "in/deep/a.jpg"),
    ],
)
def test_check_two_recipes_that_both_take_an_upload_on_one_key_are_an_error(
    one: Match, two: Match, upload: str
) -> None:
    """Every recipe that matches makes a job, so their keys must differ."""
    recipes = [recipe(Rendition(key="{dir}x{filename}"), name=n, match=m) for n, m in (("a", one), ("b", two))]
    assert f"recipe 'a', rendition 1 has the same key: {upload} would give" in one_error(*recipes)


@pytest.mark.parametrize(
    ("one", "two"),
    [(Match(prefix="in/"), Match(prefix="on/")), (Match(suffix=(".jpg",)), Match(suffix=(".png",)))],
)
def test_check_two_recipes_that_share_no_upload_may_share_a_template(one: Match, two: Match) -> None:
    """What never meets does not collide."""
    recipes = [recipe(Rendition(key="{dir}x{filename}"), name=n, match=m) for n, m in (("a", one), ("b", two))]
    assert looked(*recipes) == Checked()


@pytest.mark.parametrize(
    ("match", "message"),
    [
        (Match(prefix="/in"), "match.prefix='/in'; keys never begin so; write 'in'"),
        (Match(prefix="in/*"), "match.prefix='in/*'; * has no meaning here"),
        (Match(suffix=("*.jpg",)), "match.suffix='*.jpg'; * has no meaning here; write only how the key ends"),
        (Match(suffix=("jpg",)), "match.suffix='jpg'; takes every name that ends so; write '.jpg'"),
        (Match(suffix=(".txt",)), "match.suffix='.txt'; is no ending of a picture"),
    ],
)
def test_check_match_that_takes_nothing_is_a_warning(match: Match, message: str) -> None:
    """A recipe that silently never runs is the worst surprise."""
    assert message in one_warning(recipe(Rendition(key="{dir}x/{filename}"), match=match))


def test_check_finding_carries_the_line_of_its_option() -> None:
    """The line of the option, or of the group that lacks it."""
    text = 'recipes:\n  - name: r\n    renditions:\n      - key: "{dir}{filename}"\n        resize: {}\n'
    parsed = parse(text, Settings, "f.yaml")
    checked = check(parsed.value.recipes, Source(file="f.yaml", lines=parsed.lines))
    assert [str(error) for error in checked.errors] == [
        "recipe 'r', rendition 1: resize has no size; give width, height or both; f.yaml:5"
    ]


def test_check_score_of_a_copy_is_warned_of() -> None:
    """A copy is as alike as can be, so nothing is measured."""
    assert "score has no effect" in one_warning(recipe(Rendition(key="{dir}{filename}", score=True)))
