"""Say in words what an option takes: from its type, its range and its sentence in the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, inspect

REGIONS = tuple(
    f"{area}-{number}"
    for area, numbers in {
        "af-south": "1",
        "ap-east": "12",
        "ap-northeast": "123",
        "ap-south": "12",
        "ap-southeast": "1234567",
        "ca-central": "1",
        "ca-west": "1",
        "cn-north": "1",
        "cn-northwest": "1",
        "eu-central": "12",
        "eu-north": "1",
        "eu-south": "12",
        "eu-west": "123",
        "il-central": "1",
        "me-central": "1",
        "me-south": "1",
        "mx-central": "1",
        "sa-east": "1",
        "us-east": "12",
        "us-gov-east": "1",
        "us-gov-west": "1",
        "us-west": "12",
    }.items()
    for number in numbers
)
"""What a slip of the pen may have meant; a newer region is taken all the same. Source: AWS Regions user guide."""
Number = inspect.IntType | inspect.FloatType
List = inspect.VarTupleType | inspect.ListType


class Expected(Struct, frozen=True, kw_only=True):
    """One thing that an option may be, with the sentence and the examples of the model."""

    type: inspect.Type
    description: str = ""
    examples: tuple[str, ...] = ()
    secret: bool = False


def alternatives(kind: inspect.Type, outer: Expected | None = None) -> tuple[Expected, ...]:
    """Return everything that `kind` accepts, null included; the innermost description counts."""
    expected = outer or Expected(type=kind)
    if isinstance(kind, inspect.Metadata):
        notes = kind.extra_json_schema or {}
        expected = Expected(
            type=kind.type,
            description=notes.get("description", expected.description),
            examples=tuple(map(str, notes.get("examples", expected.examples))),
            secret=bool((kind.extra or {}).get("secret", expected.secret)),
        )
        return alternatives(kind.type, expected)
    if isinstance(kind, inspect.UnionType):
        return tuple(each for option in kind.types for each in alternatives(option, expected))
    return (Expected(type=kind, description=expected.description, examples=expected.examples, secret=expected.secret),)


def required(expected: Expected) -> str:
    """Return what a value must be, beginning with `must be`."""
    kind = expected.type
    if isinstance(kind, Number):
        noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        return ", ".join(filter(None, (f"must be {noun}", span(kind))))
    if isinstance(kind, inspect.LiteralType):
        return f"must be {'one of ' if len(kind.values) > 1 else ''}" + ", ".join(map(str, kind.values))
    if isinstance(kind, inspect.StructType):
        return "must be a group of options: " + ", ".join(field.encode_name for field in writable(kind))
    known = ((inspect.BoolType, "true or false"), (inspect.DictType, "a group of named groups"), (List, "a list"))
    return "must be " + next((words for each, words in known if isinstance(kind, each)), "text")


def span(kind: Number) -> str:
    """Return the range of a number: `1..100`, `at least 1`, or nothing."""
    if kind.ge is not None and kind.le is not None:
        return f"{kind.ge}..{kind.le}"
    bounds = {"at least": kind.ge, "above": kind.gt, "at most": kind.le, "below": kind.lt}
    return " and ".join(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)


def form(expected: Expected) -> str:
    """Explain in words how a text must look: the model's sentence and examples instead of a bare pattern."""
    sentence = expected.description.rstrip(".")
    return "; ".join(filter(None, (f"wanted: {sentence}", example(expected))))


def example(expected: Expected) -> str:
    """Return `for example ...` with up to three examples, or nothing."""
    return "for example " + ", ".join(map(repr, expected.examples[:3])) if expected.examples else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` with the known word that is spelled most like `word`, or nothing."""
    # Needed once something is wrong, and the function on AWS reads settings that are right.
    from difflib import get_close_matches  # noqa: PLC0415

    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def region(word: str) -> str:
    """Return `did you mean ...?` with the region of AWS that is spelled most like `word`, on its continent."""
    lower = word.lower().replace("_", "-")
    return nearest(lower, (each for each in REGIONS if each[:2] == lower[:2]))


def shown(value: str, *, quoted: bool, secret: bool = False) -> str:
    """Return a value for a message: short, and never a secret."""
    if secret:
        return "..."
    short = value if len(value) <= 60 else value[:57] + "..."
    return repr(short) if quoted else short


def writable(kind: inspect.StructType) -> list[inspect.Field]:
    """Return the options that a file may give; the others are filled in when it is read."""
    return [field for field in kind.fields if not _schema(field.type).get("x-internal")]


def _schema(kind: inspect.Type) -> dict[str, Any]:
    return (kind.extra_json_schema or {}) if isinstance(kind, inspect.Metadata) else {}


def places(kind: inspect.Type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every option of a model with the names of the options that lead to it."""
    for expected in alternatives(kind):
        inner = expected.type
        if isinstance(inner, List):
            yield from places(inner.item_type, above)
        elif isinstance(inner, inspect.StructType):
            for field in writable(inner):
                yield field.encode_name, above
                yield from places(field.type, (*above, field.encode_name))


def elsewhere(word: str, here: tuple[str, ...], known: Mapping[str, list[tuple[str, ...]]]) -> str:
    """Say where an option belongs that stands in the wrong group, or nothing when it exists nowhere."""
    if word not in known:
        return ""
    place = max(known[word], key=lambda each: _shared(each, here))
    if place == here[: len(place)] and place:
        return f"it belongs further left, beside {here[len(place)]}"
    if place[: len(here)] == here:
        return "it belongs under " + " > ".join(place[len(here) :])
    return "it belongs under " + " > ".join(place) if place else "it belongs at the left margin of the file"


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return how many names two ways have in common from their start."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
