"""The shipped JSON Schema agrees with the parser."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import inspect

from safelight.recipe import schema, wording
from safelight.recipe.finding import InvalidFile
from safelight.recipe.parse import parse
from safelight.settings import Settings

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(json.loads(schema.SHIPPED.read_text("utf-8")))
CHARACTERS = st.characters(exclude_categories=("Cs",))
WRONG = [None, True, 0, -1, 1.5, 10**6, "", "x", "320", "no", [], ["x"], {}, {"x": 1}, "a" * 1000]


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Return documents that the model allows; but null for a group only stands where the group is left out."""
    kinds = [each.type for each in wording.alternatives(kind)]
    if any(isinstance(each, inspect.StructType) for each in kinds):
        kinds = [each for each in kinds if not isinstance(each, inspect.NoneType)]
    return st.one_of([_values(each) for each in kinds])


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 -- one for each kind
    match kind:
        case inspect.StructType():
            fields = {field.encode_name: values(field.type) for field in wording.writable(kind)}
            needed = {field.encode_name for field in kind.fields if field.required}
            return st.fixed_dictionaries(
                {name: fields[name] for name in fields if name in needed},
                optional={name: fields[name] for name in fields if name not in needed},
            )
        case inspect.VarTupleType():
            is_group = any(isinstance(e.type, inspect.StructType) for e in wording.alternatives(kind.item_type))
            items = values(kind.item_type)
            return st.lists(items, min_size=kind.min_length or 0, max_size=3, unique_by=None if is_group else str)
        case inspect.DictType():
            return st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=2)
        case inspect.IntType():
            return st.integers(kind.ge, kind.le if kind.le is not None else 10**12)
        case inspect.FloatType():
            return st.floats(kind.ge, kind.le, allow_nan=False).map(
                lambda number: min(round(number, 2), kind.le or number)
            )
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    assert isinstance(kind, inspect.StrType)
    if kind.pattern:
        # The parser takes no line feed at the end, which `$` would, and which no pattern of a schema can forbid.
        texts = st.from_regex(kind.pattern, fullmatch=True, alphabet=CHARACTERS)
        return texts.filter(lambda text: not text.endswith("\n"))
    return st.text(CHARACTERS, min_size=kind.min_length or 0, max_size=min(kind.max_length or 30, 30))


DOCUMENTS = values(inspect.type_info(Settings))


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a document."""
    yield path
    if isinstance(document, dict | list):
        for part in document if isinstance(document, dict) else range(len(document)):
            yield from places(document[part], (*path, part))


def parsed(document: Any) -> Settings | None:
    try:
        return parse(yaml.safe_dump(document), Settings, "safelight.yaml").value
    except InvalidFile:
        return None


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
def test_schema_and_parser_accept_what_the_model_allows(document: Any) -> None:
    """A document made from the model passes both, and the parser returns exactly it."""
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    assert parsed(document) == msgspec.convert(document, Settings)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS.filter(bool), st.data())
def test_schema_and_parser_agree_on_a_changed_document(document: Any, data: st.DataObject) -> None:
    """Change, remove or add one value anywhere: both accept it or both refuse it."""
    changed = copy.deepcopy(document)
    *above, last = data.draw(st.sampled_from(list(places(document))[1:]))
    holder = changed
    for part in above:
        holder = holder[part]
    match data.draw(st.sampled_from(["change", "remove", "add"])):
        case "change":
            holder[last] = data.draw(st.sampled_from(WRONG))
        case "remove":
            del holder[last]
        case "add" if isinstance(holder, dict):
            holder["colour"] = 1
        case "add":
            holder.append(copy.deepcopy(holder[last]))
    assert VALIDATOR.is_valid(changed) == (parsed(changed) is not None), changed


def test_schema_refuses_an_unknown_option_everywhere() -> None:
    """Editors mark a misspelled option at once."""
    groups = schema.schema(Settings)["$defs"].values()
    assert all(group["additionalProperties"] is False for group in groups)


def test_schema_refuses_a_word_twice_also_where_a_list_may_be_left_out() -> None:
    """As the parser does, for `notify.email` and for `aws.alarms`, which may also be null."""
    twice = ["a@example.com", "a@example.com"]
    for document in ({"notify": {"email": twice}}, {"aws": {"alarms": twice}}):
        assert not VALIDATOR.is_valid(document)
        assert parsed(document) is None


def test_schema_is_a_valid_schema_without_address() -> None:
    """It works offline, from wherever it is copied to."""
    Draft202012Validator.check_schema(schema.schema(Settings))
    assert '"$id"' not in schema.text(Settings)


def test_generated_files_agree_with_the_code() -> None:
    """`python docs/generate.py` was run after the model changed."""
    command = [sys.executable, str(ROOT / "docs/generate.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


def test_model_explains_every_pattern_with_valid_examples() -> None:
    """A pattern is told by its sentence and examples, so each has both, and each example is allowed."""
    found = [each for kind in _kinds(inspect.type_info(Settings)) for each in wording.alternatives(kind)]
    texts = [each for each in found if isinstance(each.type, inspect.StrType) and each.type.pattern]
    assert len(texts) >= 6
    for each in texts:
        assert each.description
        assert each.examples
        schema_of = {"type": "string", "pattern": each.type.pattern}
        assert all(Draft202012Validator(schema_of).is_valid(example) for example in each.examples)


def _kinds(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Yield the type of every option and entry below."""
    for each in wording.alternatives(kind):
        inner = [each.type.item_type] if isinstance(each.type, wording.List) else []
        inner += [each.type.key_type, each.type.value_type] if isinstance(each.type, inspect.DictType) else []
        fields = [field.type for field in each.type.fields] if isinstance(each.type, inspect.StructType) else []
        for below in inner + fields:
            yield below
            yield from _kinds(below)
