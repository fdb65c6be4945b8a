"""Read YAML into a model: every error of the file at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
import yaml
from msgspec import Struct
from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from safelight.recipe.finding import Finding, InvalidFile, Path
from safelight.recipe.scalar import YAML
from safelight.recipe.walk import Walk

MAX_CHARACTERS = 262_144
START = yaml.Mark("", 0, 0, 0, "", 0)
T = TypeVar("T")


class Parsed(Struct, Generic[T], frozen=True, kw_only=True):
    """A model and the line of every value that the file gives."""

    value: T
    lines: Mapping[Path, int]


class Reading(Struct, frozen=True, kw_only=True):
    """A file as plain data, with what is wrong with it; wrong values are None."""

    plain: dict[str, Any]
    errors: tuple[Finding, ...]
    lines: Mapping[Path, int]


def parse(text: str, kind: type[T], file: str) -> Parsed[T]:
    """Return `text` as a `kind`.

    Raises:
        InvalidFile: with every error of the file.
    """
    reading = read(text, kind, file)
    if reading.errors:
        raise InvalidFile(reading.errors)
    return Parsed(value=build(reading.plain, kind, file), lines=reading.lines)


def read(text: str, kind: type[object], file: str) -> Reading:
    """Return `text` as plain data together with its errors; a blank file is an empty group.

    Raises:
        InvalidFile: the text is no YAML at all, so that nothing can be told about its values.
    """
    return reading(compose(text, file), kind, file)


def reading(node: yaml.Node, kind: type[object], file: str) -> Reading:
    """Return a tree as plain data together with its errors.

    Raises:
        InvalidFile: aliases make the tree too large.
    """
    model = msgspec.inspect.type_info(kind)
    walk = Walk(model, file)
    plain = walk.value(node, model)
    return Reading(plain=plain if isinstance(plain, dict) else {}, errors=tuple(walk.findings), lines=walk.lines)


def build(plain: object, kind: type[T], file: str) -> T:
    """Return checked plain data as a `kind`.

    Raises:
        InvalidFile: the model has a rule of its own that the walk does not know.
    """
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise InvalidFile([Finding(file=file, message=str(error))]) from error


def compose(text: str, file: str) -> yaml.Node:
    """Return the tree of `text`; a blank file is an empty group.

    Raises:
        InvalidFile: the text is no YAML.
    """
    node = _compose(text.removeprefix("\ufeff"), file)
    return yaml.MappingNode(YAML + "map", [], START, START) if node is None or node.tag == YAML + "null" else node


def _compose(text: str, file: str) -> yaml.Node | None:
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text)} characters; must be at most {MAX_CHARACTERS}; use a shorter one"
        raise InvalidFile([Finding(file=file, message=message)])
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        message = "brackets or lists are nested too deeply; a configuration needs six levels"
        raise InvalidFile([Finding(file=file, message=message)]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"holds the control character U+{ord(text[error.position]):04X}; remove it"
        raise InvalidFile([Finding(file=file, message=message, line=line)]) from error
    except MarkedYAMLError as error:
        raise InvalidFile([_syntax(error, text, file)]) from error
    except (YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets these through for escapes beyond Unicode, such as "\UFFFFFFFF".
        raise InvalidFile([Finding(file=file, message="not valid YAML; check quotes and escapes")]) from error


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Finding:
    """Explain why the text is no YAML, with a remedy for the usual reasons."""
    mark = error.problem_mark or error.context_mark or START
    start = error.context_mark or mark
    rows = [*text.splitlines(), ""]
    row = min(mark.line, len(rows) - 1)
    remedy = _remedy(rows[row], rows[max(row - 1, 0)], rows[min(start.line, len(rows) - 1)], start.column)
    begun = f", in what began on line {start.line + 1}" if start.line < mark.line else ""
    message = f"not valid YAML: {remedy} ({error.problem}{begun})"
    return Finding(file=file, message=message, line=mark.line + 1, column=mark.column + 1)


def _remedy(row: str, above: str, start: str, column: int) -> str:
    # Told by the text of the file, never by the text of the exception.
    if re.match(r" *\t", row):
        return "indent with spaces, not with a tab"
    if re.search(r":\s*\{\w+\}", row):
        return 'a key template must be in quotes: key: "{dir}{filename}"'
    if start[column : column + 1] in ("*", "&", "@", "`", "%", "!", "|", ">"):
        return f"text that begins with {start[column]} must be in quotes"
    if row.startswith("---"):
        return "a configuration is one document; remove this line"
    if re.match(r"[\s-]*\w+:[^\s:]", above) or re.match(r"[\s-]*\w+:[^\s:]", row):
        return "a colon needs a space after it"
    return "check indentation, quotes and brackets here and on the line above"
