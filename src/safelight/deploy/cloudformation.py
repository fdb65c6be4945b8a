"""CloudFormation's YAML as data, its short forms (`!Sub`) written out (`Fn::Sub`), and the templates that we ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).with_name("template.yaml")
"""The stack."""
REPLICA = Path(__file__).with_name("replica.yaml")
"""The buckets in another region that it replicates into."""
GITHUB = Path(__file__).with_name("github.yaml")
"""The role by which GitHub deploys it."""
_PLAIN = ("Ref", "Condition")
"""The functions whose full names have no prefix."""


class _Loader(yaml.SafeLoader):
    """A class of its own, since constructors are added to a class and the tags are nobody else's business."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = node.value
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in _PLAIN else f"Fn::{name}": value}


def _text(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Loader.add_multi_constructor("!", _function)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)  # the versions of policies look like dates


def read(text: str) -> dict[str, Any]:
    """Return a template with every function in its long form, as CloudFormation's JSON has it.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    found = yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader
    return found if isinstance(found, dict) else {}
