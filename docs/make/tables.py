"""Tables of options: what each takes, its default and an example, all from the model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from inspect import cleandoc

from msgspec import NODEFAULT, inspect, to_builtins

from safelight.recipe import wording

HEAD = ("| option | takes | default | meaning | example |", "| --- | --- | --- | --- | --- |")


def sections(kind: inspect.Type, title: str, above: str = "") -> Iterator[str]:
    """Yield a table for a group of options, then those of the groups in it.

    Args:
        kind: the group.
        title: its heading.
        above: what the names of the groups in it begin with.
    """
    assert isinstance(kind, inspect.StructType)  # noqa: S101 -- groups are structs
    fields = wording.writable(kind)
    yield "\n".join((f"## {title}\n", f"{cleandoc(str(kind.cls.__doc__))}\n", table(fields)))
    yield from inner_sections(fields, above)


def inner_sections(fields: Iterable[inspect.Field], above: str) -> Iterator[str]:
    """Yield the tables of the groups that fields hold."""
    for field in fields:
        for expected in wording.alternatives(field.type):
            is_list = isinstance(expected.type, wording.List)
            inner = expected.type.item_type if isinstance(expected.type, wording.List) else expected.type
            if isinstance(inner, inspect.DictType):
                yield _named(inner, f"{above}{field.encode_name}")
            if isinstance(inner, inspect.StructType):
                name = f"{above}{field.encode_name}{'[]' if is_list else ''}"
                yield from sections(inner, f"`{name}`", f"{name}.")


def _named(kind: inspect.DictType, name: str) -> str:
    """Return what groups with names of the file's own take; their groups are those of the file."""
    [key], [value] = wording.alternatives(kind.key_type), wording.alternatives(kind.value_type)
    assert isinstance(value.type, inspect.StructType)  # noqa: S101 -- there are no others
    options = ", ".join(f"`{field.encode_name}`" for field in wording.writable(value.type))
    text = f"{cleandoc(str(value.type.cls.__doc__))}\n\nEach name: {key.description} Its options: {options}.\n"
    return f"## `{name}`\n\n{text}"


def table(fields: Iterable[inspect.Field]) -> str:
    """Return a table with a row for each option."""
    return "\n".join((*HEAD, *map(_row, fields), ""))


def _row(field: inspect.Field) -> str:
    choices = [each for each in wording.alternatives(field.type) if not isinstance(each.type, inspect.NoneType)]
    outer = field.type.extra_json_schema or {} if isinstance(field.type, inspect.Metadata) else {}
    meaning = outer.get("description") or choices[0].description or _summary(choices[0].type)
    cells = (
        f"`{field.encode_name}`",
        " or ".join(_takes(each) for each in choices),
        _default(field),
        meaning,
        _sample(field, choices[0]),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _takes(expected: wording.Expected) -> str:
    if isinstance(expected.type, wording.List):
        return "list: " + " or ".join(_takes(each) for each in wording.alternatives(expected.type.item_type))
    if isinstance(expected.type, inspect.StructType):
        return "group, see below"
    if isinstance(expected.type, inspect.DictType):
        return "a name for each group, see below"
    words = wording.required(expected).removeprefix("must be ")
    has_form = isinstance(expected.type, inspect.StrType) and expected.type.pattern and len(expected.examples) > 1
    return f"{words}, {wording.example(expected)}" if has_form else words


def _default(field: inspect.Field) -> str:
    if field.required:
        return "**required**"
    if field.default is None or field.default is NODEFAULT:
        return ""
    default = to_builtins(field.default)
    return f"`{json.dumps(default)}`" if default or isinstance(default, int | float) else ""


def _sample(field: inspect.Field, expected: wording.Expected) -> str:
    items = expected.type.item_type if isinstance(expected.type, wording.List) else None
    known = (expected, *(wording.alternatives(items) if items else ()))
    found = next((each.examples[0] for each in known if each.examples), _other(field, known[-1].type))
    text = json.dumps(found) if set(found) & set("{,:#") else found
    return f"`{field.encode_name}: {f'[{text}]' if items else text}`" if found else ""


def _other(field: inspect.Field, kind: inspect.Type) -> str:
    """Return a value to show of an option without examples: best one that is not its default."""
    if isinstance(kind, inspect.LiteralType):
        return str(next(value for value in reversed(kind.values) if value != field.default))
    if isinstance(kind, inspect.BoolType):
        return "true"
    return str(field.default) if isinstance(kind, wording.Number) else ""


def _summary(kind: inspect.Type) -> str:
    inner = kind.item_type if isinstance(kind, wording.List) else kind
    return (inner.cls.__doc__ or "").split("\n")[0] if isinstance(inner, inspect.StructType) else ""
