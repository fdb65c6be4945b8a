"""Walk a YAML tree along a model and collect every error with its line."""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import Struct, inspect
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from safelight.recipe import wording
from safelight.recipe.finding import Finding, InvalidFile, Path
from safelight.recipe.scalar import PLAIN, TEXT, YAML, UnfitError, scalar, suits
from safelight.recipe.wording import Expected

MAX_VALUES = 10_000
NO_WORD = "the name of an option must be a plain word; text with { } must be in quotes"


class Spot(Struct, frozen=True):
    """Where a value stands: its path, and line and column of its name (or of itself, in a list)."""

    path: Path
    line: int
    column: int

    def inner(self, part: str | int, node: Node) -> Spot:
        """Return the spot of a value in this one, named by `part` at `node`."""
        return Spot((*self.path, part), node.start_mark.line + 1, node.start_mark.column + 1)


TOP = Spot((), 1, 1)


class Walk:
    """One walk over one file: what it found (`findings`) and on which line every value stands (`lines`).

    A value with an error is reported and replaced by None, and the walk goes on.
    """

    def __init__(self, model: inspect.Type, file: str) -> None:
        self.findings: list[Finding] = []
        self.lines: dict[Path, int] = {}
        self._file = file
        self._labels: dict[Path, str] = {}
        self._places: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self._visited = 0
        for option, above in wording.places(model):
            self._places[option].append(above)

    def value(self, node: Node, kind: inspect.Type, spot: Spot = TOP) -> object:
        """Return the tree below `node` as plain dicts, lists, texts and numbers.

        Raises:
            InvalidFile: aliases make the tree too large to walk.
        """
        self.lines[spot.path] = spot.line
        self._count(spot)
        choices = wording.alternatives(kind)
        wanted = [each for each in choices if not isinstance(each.type, inspect.NoneType)]
        must = " or ".join(map(wording.required, wanted))
        if node.tag == YAML + "null":
            # A step that stands there without a value is meant to run: null must not leave it out.
            groups = [each.type for each in wanted if isinstance(each.type, inspect.StructType)]
            if len(wanted) < len(choices) and not groups:
                return None
            defaults = "; {} takes the defaults" if any(not _needs(kind) for kind in groups) else ""
            return self._wrong(spot, f"has no value; {must}{defaults}; or remove the line")
        if node.tag not in PLAIN:
            return self._wrong(spot, f"has the tag {node.tag}; tags have no meaning here; remove it")
        expected = next((each for each in wanted if suits(node, each.type)), wanted[0] if len(wanted) == 1 else None)
        return self._one(node, expected, spot) if expected else self._wrong(spot, must)

    def _one(self, node: Node, expected: Expected, spot: Spot) -> object:
        if isinstance(expected.type, inspect.StructType):
            return self._group(node, expected, expected.type, spot)
        if isinstance(expected.type, inspect.DictType):
            return self._named_groups(node, expected, expected.type, spot)
        if isinstance(expected.type, wording.List):
            return self._list(node, expected.type, spot)
        if isinstance(node, ScalarNode):
            return self._scalar(node, expected, spot)
        braces = isinstance(node, MappingNode) and node.flow_style
        remedy = "; text with { } must be in quotes" if braces else ""
        return self._wrong(spot, wording.required(expected) + remedy)

    def _scalar(self, node: ScalarNode, expected: Expected, spot: Spot) -> object:
        try:
            return scalar(node, expected)
        except UnfitError as error:
            value = wording.shown(node.value, quoted=node.tag in TEXT, secret=expected.secret)
            return self._add(spot, f"{self._name(spot.path)}={value}; {error}")

    def _group(self, node: Node, expected: Expected, kind: inspect.StructType, spot: Spot) -> object:
        fields = {field.encode_name: field for field in wording.writable(kind)}
        if not isinstance(node, MappingNode):
            first = next(iter(fields))
            name = spot.path[-1] if spot.path else ""
            remedy = f"write {name}: {{{first}: ...}}" if isinstance(name, str) and name else f"write {first}: ..."
            return self._wrong(spot, f"{wording.required(expected)}; {remedy}")
        self._label(node, spot.path)
        group: dict[str, object] = {}
        for key, value in node.value:
            inside = spot.inner(str(key.value), key)
            fault = self._key_fault(key, list(fields), spot.path)
            if fault:
                self._add(spot.inner(str(key.value), key), fault)
            elif key.value in group:
                fault = f"stands here and on line {self.lines[inside.path]}; remove one, or begin a new entry with '- '"
                self._wrong(inside, fault)
            else:
                group[key.value] = self.value(value, fields[key.value].type, inside)
        for missing in (field for name, field in fields.items() if field.required and name not in group):
            self._missing(missing, spot)
        return group

    def _named_groups(self, node: Node, expected: Expected, kind: inspect.DictType, spot: Spot) -> object:
        """Return groups that have names of the file's own, such as environments."""
        if not isinstance(node, MappingNode):
            return self._wrong(spot, wording.required(expected))
        [wanted] = wording.alternatives(kind.key_type)
        named: dict[str, object] = {}
        for key, value in node.value:
            inside = spot.inner(str(key.value), key)
            try:
                name = str(scalar(key, wanted)) if isinstance(key, ScalarNode) else ""
            except UnfitError as error:
                self._add(inside, f"{wording.shown(str(key.value), quoted=True)} in {spot.path[-1]}; {error}")
                continue
            if not name:
                self._add(inside, NO_WORD)
                continue
            self._labels[inside.path] = f"{str(spot.path[-1]).removesuffix('s')} {wording.shown(name, quoted=True)}"
            if name in named:
                self._wrong(inside, f"stands here and on line {self.lines[inside.path]}; keep one")
            else:
                named[name] = self.value(value, kind.value_type, inside)
        return named

    def _key_fault(self, key: Node, known: list[str], path: Path) -> str:
        """Say why this name of an option may not stand here, or nothing."""
        if not isinstance(key, ScalarNode):
            return NO_WORD
        if key.value in known:
            return ""
        here = tuple(name for name in path if isinstance(name, str))
        hint = wording.elsewhere(key.value, here, self._places) or wording.nearest(key.value, known)
        if not hint and key.value[:1] in set(".0123456789"):
            hint = "a text with a comma must be in quotes"
        group = self._name(path) if path and isinstance(path[-1], str) else ""
        what = f"unknown option {wording.shown(key.value, quoted=True)}" + (f" in {group}" if group else "")
        return "; ".join(filter(None, (what, hint, "known here: " + ", ".join(known))))

    def _missing(self, field: inspect.Field, spot: Spot) -> None:
        expected = wording.alternatives(field.type)[0]
        entries = "a list with at least one entry" if isinstance(expected.type, wording.List) else ""
        sentence = entries or expected.description.rstrip(".")
        name = self._name((*spot.path, field.encode_name))
        parts = (f"{name} is missing", sentence, wording.example(expected))
        self._add(spot, "; ".join(filter(None, parts)))

    def _list(self, node: Node, kind: wording.List, spot: Spot) -> object:
        if isinstance(node, ScalarNode):
            return self._wrong(spot, f"must be a list; write {spot.path[-1]}: [{node.value}]")
        if not isinstance(node, SequenceNode):
            return self._wrong(spot, "must be a list; begin each entry with '- '")
        if len(node.value) < (kind.min_length or 0):
            return self._wrong(spot, f"must have at least {kind.min_length} entry; add one, or remove the option")
        words = Counter(item.value for item in node.value if isinstance(item, ScalarNode))
        for word in (word for word, times in words.items() if times > 1):
            self._wrong(spot, f"holds {wording.shown(word, quoted=True)} twice; keep one")
        return [self.value(item, kind.item_type, spot.inner(i, item)) for i, item in enumerate(node.value)]

    def _count(self, spot: Spot) -> None:
        self._visited += 1
        if self._visited > MAX_VALUES:
            # Aliases can make a small file endless, so the walk itself has an end.
            self._add(spot, f"the file holds more than {MAX_VALUES} values; make it shorter or use fewer aliases")
            raise InvalidFile(self.findings)

    def _label(self, node: MappingNode, path: Path) -> None:
        """Remember what a person calls this entry of a list: `recipe 'photos'` or `rendition 2`."""
        if path and isinstance(path[-1], int):
            names = [v.value for k, v in node.value if k.value == "name" and isinstance(v, ScalarNode) and v.value]
            call = wording.shown(names[0], quoted=True) if names else str(path[-1] + 1)
            self._labels[path] = f"{str(path[-2]).removesuffix('s')} {call}"

    def _name(self, path: Path) -> str:
        """Return the option's name within the innermost labelled entry: `resize.width`, `suffix[2]`."""
        start = max((len(known) for known in self._labels if path[: len(known)] == known), default=0)
        name = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path[start:])
        return name.removeprefix(".") or ("this entry" if path else "the file")

    def _wrong(self, spot: Spot, message: str) -> object:
        return self._add(spot, f"{self._name(spot.path)} {message}")

    def _add(self, spot: Spot, message: str) -> object:
        """Report an error, and return what stands for a wrong value."""
        path = spot.path
        where = [self._labels[path[:i]] for i in range(1, len(path) + 1) if path[:i] in self._labels]
        finding = Finding(
            file=self._file,
            where=", ".join(where),
            message=message,
            path=path,
            line=spot.line,
            column=spot.column,
        )
        self.findings.append(finding)
        return None


def _needs(kind: inspect.StructType) -> bool:
    return any(field.required for field in kind.fields)
