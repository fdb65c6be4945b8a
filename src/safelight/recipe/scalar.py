"""Read one plain YAML value as the number, truth or text that an option wants."""

from __future__ import annotations

import re

from msgspec import inspect
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from safelight.placement import REGION_PATTERN
from safelight.recipe import wording
from safelight.recipe.wording import Expected, Number

YAML = "tag:yaml.org,2002:"
# YAML 1.1 reads dates, `=` and `<<` as something else; for us they are the text that stands there.
TEXT = {YAML + word for word in ("str", "timestamp", "value", "merge")}
PLAIN = TEXT | {YAML + word for word in ("int", "float", "bool", "null", "seq", "map")}
# Narrower than YAML 1.1, which reads 010 as eight and 1:30 as ninety, so that every editor reads the same number.
_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUTHS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


class UnfitError(ValueError):
    """A value that an option does not take; the message says what is allowed and what to do."""


def suits(node: Node, kind: inspect.Type) -> bool:
    """Say whether a node is of the kind that a type is written as, whatever its value."""
    if isinstance(node, MappingNode):
        return isinstance(kind, inspect.StructType | inspect.DictType)
    if isinstance(node, SequenceNode):
        return isinstance(kind, wording.List)
    if isinstance(kind, Number):
        return node.tag in (YAML + "int", YAML + "float")
    if isinstance(kind, inspect.LiteralType):
        return node.value in kind.values
    return isinstance(kind, inspect.StrType) if node.tag in TEXT else isinstance(kind, inspect.BoolType)


def scalar(node: ScalarNode, expected: Expected) -> float | bool | str:
    """Return the value of `node`.

    Raises:
        UnfitError: it is of another type, out of range or not of the wanted form.
    """
    kind = expected.type
    if isinstance(kind, Number):
        return _number(node, kind, wording.required(expected))
    if isinstance(kind, inspect.BoolType):
        return _truth(node)
    if isinstance(kind, inspect.LiteralType):
        return _word(node, kind, wording.required(expected))
    if node.tag not in TEXT:
        raise UnfitError(f'must be text; put it in quotes: "{node.value}"')
    return _text(node.value, kind, expected)


def _number(node: ScalarNode, kind: Number, must: str) -> float:
    whole = isinstance(kind, inspect.IntType)
    pattern = _INT if whole else _FLOAT
    if node.tag in TEXT and pattern.fullmatch(node.value):
        raise UnfitError(f"{must}; remove the quotes")
    if not pattern.fullmatch(node.value):
        digits = _plain(node.value)
        raise UnfitError(f"{must}; write {digits}" if pattern.fullmatch(digits) else must)
    number = int(node.value) if whole else float(node.value)
    inside = (
        (kind.ge is None or number >= kind.ge, kind.gt is None or number > kind.gt),
        (kind.le is None or number <= kind.le, kind.lt is None or number < kind.lt),
    )
    if not all(map(all, inside)):
        raise UnfitError(f"must be {wording.span(kind)}")
    return number


def _plain(text: str) -> str:
    """Return the plain digits that somebody means who writes 1e8, 010, +5 or 1_000."""
    digits = text.replace("_", "").lstrip("+0")
    if re.fullmatch(r"[1-9](\.\d{1,3})?[eE]\+?\d{1,2}", digits):
        return str(int(float(digits)))
    return digits


def _truth(node: ScalarNode) -> bool:
    if node.tag not in TEXT and node.value in ("true", "false"):
        return bool(node.value == "true")
    meant = _TRUTHS.get(node.value.lower())
    raise UnfitError("must be true or false" + (f"; write {meant}, without quotes" if meant else ""))


def _word(node: ScalarNode, kind: inspect.LiteralType, must: str) -> str:
    if node.tag in TEXT and node.value in kind.values:
        return str(node.value)
    if node.value in kind.values:
        raise UnfitError(f'{must}; put it in quotes: "{node.value}"')
    close = wording.nearest(node.value, map(str, kind.values))
    raise UnfitError(f"{must}; {close}" if close else must)


def _text(text: str, kind: inspect.Type, expected: Expected) -> str:
    limits = kind if isinstance(kind, inspect.StrType) else inspect.StrType()
    if len(text) < (limits.min_length or 0):
        raise UnfitError("must not be blank")
    if limits.max_length is not None and len(text) > limits.max_length:
        raise UnfitError(f"must have at most {limits.max_length} characters, not {len(text)}")
    if _SURROGATE.search(text):
        raise UnfitError("holds half a character (\\ud800..\\udfff); write the character itself")
    # `$` also matches before a last line feed, and a name that ends with one is no name.
    if limits.pattern and (text.endswith("\n") or not re.search(limits.pattern, text)):
        is_region = limits.pattern == REGION_PATTERN
        close = wording.region(text) if is_region else wording.nearest(text, expected.examples)
        raise UnfitError("; ".join(filter(None, (close, wording.form(expected)))))
    return text
