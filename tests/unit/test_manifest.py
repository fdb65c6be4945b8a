"""The JSON file that lists the outputs of an upload."""

import json
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safelight.config import load
from safelight.errors import InvalidRecipe
from safelight.manifest.markup import url_of
from safelight.manifest.motif import motif
from safelight.recipe.finding import InvalidFile
from safelight.recipe.keys import keys_of
from safelight.recipe.model import Limits, Match, Recipe, Rendition, digest
from safelight.recipe.overlap import check_overlap
from safelight.render import Rendered, render
from safelight.steps.blur import Blur
from safelight.steps.region import Crop
from safelight.steps.resize import Resize

LIMITS = Limits()
BLUE, GREEN = (20, 40, 200), (30, 160, 60)


def sized(width: int, kind: str, **more: Any) -> Rendition:
    return Rendition(key="{dir}w/{filename}-{width}.{format}", resize=Resize(width=width), format=kind, **more)


def recipe(*renditions: Rendition, manifest: str = "{dir}{filename}.json") -> Recipe:
    return Recipe(name="r", renditions=renditions, manifest=manifest)


def upload(width: int = 600, height: int = 400, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture that is blue in its upper three quarters and green below."""
    pixels = np.full((height, width, 3), GREEN, np.uint8)
    pixels[: height * 3 // 4] = BLUE
    out = BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def listed(body: bytes, one: Recipe, key: str = "a/b.png") -> tuple[dict[str, Any], list[Rendered]]:
    *outputs, manifest = render(body, key, one, LIMITS).outputs
    assert isinstance(manifest.body, bytes)
    return json.loads(manifest.body), outputs


class Elements(HTMLParser):
    """Every element of a snippet with its attributes."""

    def __init__(self, snippet: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(snippet)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_render_recipe_with_a_manifest_gives_one_output_more() -> None:
    """It comes last, under its own key, as JSON, without a size in pixels."""
    outputs = render(upload(), "a/b.png", recipe(sized(30, "webp")), LIMITS).outputs
    last = outputs[-1]
    assert [each.key for each in outputs] == ["a/w/b.png-30.webp", "a/b.png.json"]
    assert (last.format, last.content_type, last.width, last.height) == ("json", "application/json", 0, 0)
    assert last.size == len(last.body)


def test_render_recipe_without_a_manifest_gives_none() -> None:
    """Nobody gets a file that was not asked for, and no digest changes."""
    plain = Recipe(name="r", renditions=(sized(30, "webp"),))
    assert [each.format for each in render(upload(), "b.png", plain, LIMITS).outputs] == ["webp"]
    assert digest(plain) != digest(recipe(sized(30, "webp")))


def test_manifest_lists_every_output_with_its_facts() -> None:
    """Sizes in pixels and bytes are the real ones; the source is counted upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    body = upload(600, 400, "JPEG", exif=exif)
    found, outputs = listed(body, recipe(sized(100, "avif"), sized(200, "jpeg"), Rendition(key="{dir}{filename}")))
    assert found["source"] == {"type": "image/jpeg", "width": 400, "height": 600, "bytes": len(body)}
    facts = [
        {
            "key": each.key,
            "url": each.key.removeprefix("a/"),
            "type": each.content_type,
            "width": each.width,
            "height": each.height,
            "bytes": each.size,
        }
        for each in outputs
    ]
    assert found["renditions"] == facts
    assert [(each["width"], each["height"]) for each in facts] == [(100, 150), (200, 300), (400, 600)]
    assert (found["width"], found["height"], found["aspect"]) == (200, 300, 0.6667)


def test_manifest_is_the_same_each_time() -> None:
    """A pure function of upload and recipe: a repeat writes the same bytes."""
    one = recipe(sized(30, "webp"), sized(60, "jpeg"))
    first, second = (render(upload(), "b.png", one, LIMITS).outputs[-1].body for _ in range(2))
    assert first == second


def test_manifest_small_source_lists_each_real_size_once() -> None:
    """Widths beyond the source come out equal: each has its key, and a browser is offered one."""
    found, outputs = listed(upload(50, 20), recipe(*(sized(w, k) for w in (20, 60, 90) for k in ("webp", "jpeg"))))
    assert [each.width for each in outputs] == [20, 20, 50, 50, 50, 50]
    assert len({each.key for each in outputs}) == 6
    assert [(each["type"], each["width"]) for each in found["renditions"]] == [
        ("image/webp", 20),
        ("image/jpeg", 20),
        ("image/webp", 50),
        ("image/jpeg", 50),
    ]
    assert found["srcset"]["webp"] == "w/b.png-20.webp 20w, w/b.png-60.webp 50w"


def test_manifest_color_is_the_one_that_most_of_the_picture_has() -> None:
    """Dominant, not the mean: blue and green give no grey."""
    found, _ = listed(upload(), recipe(sized(100, "png")))
    assert found["dominant_color"] == "#1428c8"
    assert len(b64decode(found["thumbhash"])) in range(15, 26)


def test_manifest_looks_are_those_of_what_is_shown() -> None:
    """A crop to the green part has its colour: the placeholder must not show what the picture does not."""
    green = Crop(top="80%", height="20%")
    found, _ = listed(upload(), recipe(sized(100, "png", crop=green), sized(50, "png", crop=green)))
    assert found["dominant_color"] == "#1ea03c"


def test_manifest_of_a_clear_picture_has_a_color_and_a_thumbhash_with_alpha() -> None:
    """Clear pixels have no colour; where all are clear it is white."""
    out = BytesIO()
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:10] = (200, 10, 10, 255)
    Image.fromarray(pixels).save(out, "PNG")
    found, _ = listed(out.getvalue(), recipe(sized(20, "png")))
    assert found["dominant_color"] == "#c80a0a"
    assert b64decode(found["thumbhash"])[2] & 0x80
    out = BytesIO()
    Image.new("RGBA", (9, 9)).save(out, "PNG")
    assert listed(out.getvalue(), recipe(sized(5, "png")))[0]["dominant_color"] == "#ffffff"


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_manifest_of_copies_alone_shows_the_upload(kind: str) -> None:
    """Where nothing else is there, the upload is looked at; a format that no browser shows has no element."""
    found, _ = listed(
        upload(kind=kind, **({"lossless": True} if kind == "WEBP" else {})), recipe(Rendition(key="c/{filename}"))
    )
    assert found["dominant_color"] == "#1428c8"
    assert (found["picture"] is None) == (kind == "TIFF")
    assert (found["srcset"] == {}) == (kind == "TIFF")


def test_manifest_grey_deep_picture_has_its_color() -> None:
    """16 bit and one channel."""
    out = BytesIO()
    Image.fromarray(np.full((30, 30), 0x8080, np.uint16)).save(out, "PNG")
    assert listed(out.getvalue(), recipe(sized(20, "png")))[0]["dominant_color"] == "#808080"


def test_picture_offers_the_smaller_formats_first_and_falls_back_to_what_all_know() -> None:
    """avif, webp, then img as jpeg with the size of the largest, loaded late, with a blank alt."""
    found, _ = listed(upload(), recipe(*(sized(w, k) for w in (100, 300) for k in ("jpeg", "webp", "avif"))))
    elements = Elements(found["picture"]).found
    assert [tag for tag, _ in elements] == ["picture", "source", "source", "img"]
    assert [each["type"] for tag, each in elements if tag == "source"] == ["image/avif", "image/webp"]
    assert elements[3][1] == {
        "loading": "lazy",
        "decoding": "async",
        "src": "w/b.png-300.jpeg",
        "srcset": "w/b.png-100.jpeg 100w, w/b.png-300.jpeg 300w",
        "sizes": "auto, 100vw",
        "width": "300",
        "height": "200",
        "alt": "",
    }
    assert list(found["srcset"]) == ["avif", "webp", "jpeg"]


@pytest.mark.parametrize(
    ("kinds", "tags", "src"),
    [
        (("png", "avif"), ["picture", "source", "img"], "w/b.png-30.png"),
        (("png", "jpeg"), ["picture", "img"], "w/b.png-30.jpeg"),
        (("avif", "webp"), ["picture", "source", "img"], "w/b.png-30.webp"),
        (("avif",), ["picture", "img"], "w/b.png-30.avif"),
    ],
)
def test_picture_fallback_is_the_most_widely_known_format(kinds: tuple[str, ...], tags: list[str], src: str) -> None:
    """Whatever formats there are, img has one that is not offered twice."""
    elements = Elements(listed(upload(), recipe(*(sized(30, kind) for kind in kinds)))[0]["picture"]).found
    assert [tag for tag, _ in elements] == tags
    assert elements[-1][1]["src"] == src


def test_picture_holds_only_renditions_that_show_the_same() -> None:
    """A square thumbnail, a blurred one and the upload itself are listed, and never offered in the others' place."""
    square = Rendition(key="s.webp", resize=Resize(width=40, height=40))
    blurred = sized(35, "webp", blur=Blur(sigma=3.0))
    found, _ = listed(
        upload(), recipe(Rendition(key="o/{filename}"), square, blurred, sized(30, "webp"), sized(60, "webp"))
    )
    assert len(found["renditions"]) == 5
    assert found["srcset"] == {"webp": "w/b.png-30.webp 30w, w/b.png-60.webp 60w"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Rendition(key="a", resize=Resize(width=9)), Rendition(key="b", resize=Resize(height=5), quality=3), True),
        (
            Rendition(key="a", resize=Resize(width=9)),
            Rendition(key="a", resize=Resize(width=8, height=8, fit="inside")),
            True,
        ),
        (Rendition(key="a", resize=Resize(width=9)), Rendition(key="a", resize=Resize(width=8, height=8)), False),
        (
            Rendition(key="a", resize=Resize(width=9, height=6)),
            Rendition(key="a", resize=Resize(width=6, height=4)),
            True,
        ),
        (
            Rendition(key="a", resize=Resize(width=9, height=6)),
            Rendition(key="a", resize=Resize(width=6, height=4, position="north")),
            False,
        ),
        (Rendition(key="a", flip=True), Rendition(key="a"), False),
    ],
)
def test_motif_is_what_is_left_without_size_and_format(one: Rendition, other: Rendition, same: bool) -> None:  # noqa: FBT001
    """The whole picture at any size, or the same shape of it."""
    assert (motif(one) == motif(other)) is same


@pytest.mark.parametrize(
    ("key", "manifest", "url"),
    [
        ("a/w/x.webp", "a/x.json", "w/x.webp"),
        ("x.webp", "m/n/x.json", "../../x.webp"),
        ("a/b.webp", "b.json", "a/b.webp"),
        ("a b/c,d.webp", "x.json", "a%20b/c%2Cd.webp"),
        ('<i a="&\'">.webp', "x.json", "%3Ci%20a%3D%22%26%27%22%3E.webp"),
        ("data:x.webp", "x.json", "data%3Ax.webp"),
        ("100%?#.webp", "x.json", "100%25%3F%23.webp"),
        ("æ.webp", "x.json", "%C3%A6.webp"),
        ("a\udcff.webp", "x.json", "a%FF.webp"),
        ("a\ud800.webp", "x.json", "a%3F.webp"),
    ],
)
def test_url_of_a_key_is_relative_and_encoded(key: str, manifest: str, url: str) -> None:
    """It can neither end an attribute nor an entry of a srcset nor name another server."""
    assert url_of(key, manifest) == url


def test_manifest_of_a_hostile_name_is_json_and_one_element() -> None:
    """A name of a file is never markup."""
    evil = 'a/"><script>alert(1)<script>, x 1w.jpg\udcff'
    found, _ = listed(upload(), recipe(sized(30, "webp"), sized(60, "webp")), key=evil)
    assert [tag for tag, _ in Elements(found["picture"]).found] == ["picture", "img"]
    assert found["renditions"][0]["key"].startswith('a/w/"><script>')
    assert found["srcset"]["webp"].count(", ") == 1


def errors(folder: Path, manifest: str, more: str = "") -> list[str]:
    path = folder / "safelight.yaml"
    path.write_text(
        f"recipes:\n  - name: r\n    manifest: {manifest}\n    renditions: [{{key: '{{dir}}w/{{filename}}'}}]\n{more}",
        "utf-8",
    )
    try:
        return [str(each) for each in load(path, {}).warnings]
    except InvalidFile as err:
        return [str(each) for each in err.errors]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("'{dir}{stem}'", "a manifest is JSON; end it with .json"),
        ("'{dir}{filename}'", "a manifest is JSON; end it with .json"),
        ("'{dir}{filename}.html'", "a manifest is JSON; end it with .json"),
        ("'{dir}{filname}.json'", "{filname} is unknown; did you mean 'filename'?"),
        ("'{dir}{filename}-{width}.json'", "{width} belongs to a rendition, and a manifest lists them all; remove it"),
        ("'{dir}{filename.json'", "a brace stands alone"),
        ("'/{filename}.json'", "begins with /; a key is a path such as thumbs/a.jpg"),
        ("'{dir}/{filename}.json'", "begins with /; {dir} ends with / already"),
        ("'../{filename}.json'", "holds . or .. as a folder, which leaves the output"),
        ("''", "must not be blank"),
        ("[a.json]", "manifest must be text"),
        (
            "'{dir}{stem}.json'",
            "a.jpg and a.png would both give a.json, and the second would be rejected; put {filename}",
        ),
        (
            "manifest.json",
            "would both give manifest.json, and the second would be rejected; put {filename} into the key",
        ),
    ],
)
def test_manifest_key_that_cannot_be_is_told(tmp_path: Path, manifest: str, message: str) -> None:
    """With its line and what to do."""
    found = errors(tmp_path, manifest)
    assert len(found) == 1, found
    assert message in found[0]
    assert found[0].endswith("; safelight.yaml:3")


def test_manifest_of_two_recipes_under_one_key_is_an_error(tmp_path: Path) -> None:
    """The same rule as for renditions, across recipes."""
    more = "  - name: s\n    manifest: '{dir}{filename}.json'\n    renditions: [{key: '{dir}v/{filename}'}]\n"
    [found] = errors(tmp_path, "'{dir}{filename}.json'", more)
    assert found.startswith(
        "recipe 's', the manifest: manifest='{dir}{filename}.json'; recipe 'r', the manifest has the"
    )


def test_manifest_under_the_key_of_a_rendition_is_an_error() -> None:
    """No output may overwrite another one."""
    from safelight.recipe.check import Source, check  # noqa: PLC0415

    one = recipe(Rendition(key="{dir}{filename}.json"))
    checked = check([one], Source(file="safelight.yaml", lines={}))
    assert "rendition 1 has the same key" in str(checked.errors[0])


def test_check_overlap_manifest_that_would_be_an_upload_is_refused() -> None:
    """In one bucket, a recipe that takes every object would take the manifest too; one of pictures would not."""
    every = Recipe(name="r", renditions=(Rendition(key="x/{filename}"),), manifest="{dir}{filename}.json")
    with pytest.raises(InvalidRecipe) as caught:
        check_overlap([every], input="b", output="b")
    assert "manifest='{dir}{filename}.json'" in caught.value.message
    pictures = Recipe(
        name="r",
        match=Match(suffix=(".jpg",)),
        renditions=(Rendition(key="{dir}{filename}.webp"),),
        manifest="{dir}{filename}.json",
    )
    check_overlap([pictures], input="b", output="b")


def test_keys_of_recipe_with_a_manifest_holds_its_key() -> None:
    """`run --dry-run` and `--skip-existing` know of it."""
    assert keys_of(recipe(sized(30, "webp")), "a/b.png") == ("a/w/b.png-30.webp", "a/b.png.json")
