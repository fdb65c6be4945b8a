"""Lay what one environment says over the rest of the file: groups are merged, lists and values replace.

It is the trees that are merged, not their values, so that each value keeps its line.
"""

from __future__ import annotations

from yaml import MappingNode, Node, ScalarNode

ENVIRONMENTS = "environments"


def overrides(root: Node) -> dict[str, MappingNode]:
    """Return the group of each environment that a file lists, the first where a name is there twice."""
    found: dict[str, MappingNode] = {}
    listed = _option(root, ENVIRONMENTS)
    for key, value in listed.value if isinstance(listed, MappingNode) else ():
        if isinstance(key, ScalarNode) and isinstance(value, MappingNode):
            found.setdefault(key.value, value)
    return found


def merged(root: Node, override: MappingNode | None) -> Node:
    """Return the file as it is for one environment; None is one for which nothing differs."""
    if not isinstance(root, MappingNode):
        return root
    rest = _group(root, [(key, value) for key, value in root.value if key.value != ENVIRONMENTS])
    return _laid_over(rest, override) if override else rest


def _laid_over(base: MappingNode, over: MappingNode) -> MappingNode:
    pairs, seen = [], set[str]()
    for key, value in base.value:
        new = _pair(over, key.value)
        seen.add(str(key.value))
        if new and isinstance(value, MappingNode) and isinstance(new[1], MappingNode):
            new = (new[0], _laid_over(value, new[1]))
        pairs.append(new or (key, value))
    return _group(base, [*pairs, *((key, value) for key, value in over.value if str(key.value) not in seen)])


def _group(like: MappingNode, pairs: list[tuple[Node, Node]]) -> MappingNode:
    return MappingNode(like.tag, pairs, like.start_mark, like.end_mark, like.flow_style)


def _pair(group: MappingNode, name: object) -> tuple[Node, Node] | None:
    pairs = ((key, value) for key, value in group.value if isinstance(key, ScalarNode) and key.value == name)
    return next(pairs, None)


def _option(root: Node, name: str) -> Node | None:
    found = _pair(root, name) if isinstance(root, MappingNode) else None
    return found[1] if found else None
