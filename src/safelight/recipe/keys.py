"""Key templates: from an upload's key and a recipe to the key of an output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from msgspec import Struct

from safelight.encode import ENCODERS, Format
from safelight.errors import InvalidKey
from safelight.recipe import wording
from safelight.recipe.model import Recipe, Rendition

PLACEHOLDERS = ("dir", "filename", "stem", "ext", "width", "height", "format", "recipe")
ENDINGS = {ending: kind for kind in get_args(Format) for ending in ENCODERS[kind].extensions}
"""What the ending of an output's key says about its format."""
_KNOWN = "known are " + " ".join(f"{{{word}}}" for word in PLACEHOLDERS)
MAX_KEY_BYTES = 1024  # of S3: docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_PIECE = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<word>[^{}]*)\}|(?P<plain>[^{}]+|[{}])")


class Piece(Struct, frozen=True):
    """A part of a template: a placeholder's word, or text that stands as it is."""

    text: str
    placeholder: bool = False


def pieces(template: str) -> tuple[Piece, ...]:
    """Cut a template into placeholders and literal text; `{{` and `}}` are braces, a lone brace stays as it is."""
    found: list[Piece] = []
    for match in _PIECE.finditer(template):
        if match["word"] is not None:
            found.append(Piece(match["word"], placeholder=True))
            continue
        text = match["brace"][0] if match["brace"] else match["plain"]
        last = found.pop().text if found and not found[-1].placeholder else ""
        found.append(Piece(last + text))
    return tuple(found)


def placeholders(template: str) -> tuple[str, ...]:
    """Return the placeholders of a template in their order."""
    return tuple(piece.text for piece in pieces(template) if piece.placeholder)


def lone_brace(template: str) -> bool:
    """Say whether a brace opens or closes nothing."""
    return any(match["plain"] in ("{", "}") for match in _PIECE.finditer(template))


def template_faults(template: str) -> Iterator[str]:
    """Yield what is wrong with the placeholders of any template."""
    if lone_brace(template):
        yield f"a brace stands alone; {_KNOWN}; write {{{{ or }}}} for a brace itself"
    for word in placeholders(template):
        if word not in PLACEHOLDERS:
            close = wording.nearest(word, PLACEHOLDERS)
            yield "; ".join(filter(None, (f"{{{word}}} is unknown", close, _KNOWN)))


def key_remedy(template: str) -> str:
    """Return what to do about a template whose keys lead nowhere."""
    return "; {dir} ends with / already" if "{dir}/" in template else "; a key is a path such as thumbs/a.jpg"


def ending(template: str) -> str:
    """Return the literal ending of a template in small letters: `webp` of `{stem}.webp`, nothing of `{stem}.{ext}`."""
    found = pieces(template)
    if not found or found[-1].placeholder:
        return ""
    name = found[-1].text.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def output_format(template: str, format: Format | None) -> Format | None:  # noqa: A002 -- the recipe's word
    """Return the format that an option or else the template's literal ending decides; None: the source's."""
    decided: Format | None = format or ENDINGS.get(ending(template))
    return decided


def expand(  # noqa: PLR0913 -- one argument for each thing that a placeholder may ask for
    template: str,
    *,
    key: str,
    recipe: str,
    width: int | None,
    height: int | None,
    format: str | None,  # noqa: A002 -- the recipe's word
) -> str:
    """Return the key of an output.

    Args:
        template: a checked template.
        key: the upload's key.
        recipe: the recipe's name.
        width: the requested width in pixels, if one is.
        height: the requested height in pixels, if one is.
        format: the decided format, if one is.

    Raises:
        InvalidKey: this upload's key makes an output key that is absolute, leaves the folder, has no name or is
            too long.
    """
    above, slash, filename = key.rpartition("/")
    stem, ext = _split(filename)
    words = {
        "dir": above + slash,
        "filename": filename,
        "stem": stem,
        "ext": ext,
        "width": str(width or ""),
        "height": str(height or ""),
        "format": format or "",
        "recipe": recipe,
    }
    output = "".join(words[piece.text] if piece.placeholder else piece.text for piece in pieces(template))
    fault = key_fault(output)
    if fault:
        raise InvalidKey(f"the key of an output, {output[:80]!r}, {fault}")
    return output


def key_of(rendition: Rendition, recipe: Recipe, upload: str) -> str:
    """Return the key that a rendition of the upload would get."""
    return expand(
        rendition.key,
        key=upload,
        recipe=recipe.name,
        width=rendition.resize.width if rendition.resize else None,
        height=rendition.resize.height if rendition.resize else None,
        format=output_format(rendition.key, rendition.format),
    )


def manifest_key(recipe: Recipe, upload: str) -> str:
    """Return the key that the manifest of the upload would get; the recipe has one."""
    return expand(recipe.manifest or "", key=upload, recipe=recipe.name, width=None, height=None, format=None)


def keys_of(recipe: Recipe, upload: str) -> tuple[str, ...]:
    """Return the keys of all that the recipe writes for the upload."""
    manifest = (manifest_key(recipe, upload),) if recipe.manifest else ()
    return (*(key_of(rendition, recipe, upload) for rendition in recipe.renditions), *manifest)


def key_fault(key: str) -> str:
    """Say why no output may have this key, or nothing.

    Keys that a folder cannot hold are refused everywhere, so that a recipe gives the same on AWS.
    """
    parts = key.split("/")
    faults = {
        "begins with /": key.startswith("/"),
        "has no name at its end": not parts[-1],
        "holds // and so a folder without a name": not all(parts),
        "holds . or .. as a folder, which leaves the output": bool({".", ".."} & set(parts)),
        "holds a control character": any(character < " " or character == "\x7f" for character in key),
        f"is longer than {MAX_KEY_BYTES} bytes": len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES,
    }
    return next((words for words, found in faults.items() if found), "")


def _split(filename: str) -> tuple[str, str]:
    """Return stem and ending; a name such as `.profile` is all stem."""
    stem, _, ext = filename.rpartition(".")
    return (stem, ext) if stem else (filename, "")
