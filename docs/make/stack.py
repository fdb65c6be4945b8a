"""The templates of CloudFormation as data, its short forms (`!Ref`, `!Sub`, ...) written out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "src" / "safelight" / "deploy"


class _Reader(yaml.SafeLoader):
    """YAML with CloudFormation's own tags."""


def _long_form(reader: _Reader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = reader.construct_scalar(node)
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: reader.construct_sequence(node, deep=True)}
    return {name: reader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Reader.add_multi_constructor("!", _long_form)


def template(name: str) -> Mapping[str, Any]:
    """Return a template of `src/safelight/deploy`."""
    read: Mapping[str, Any] = yaml.load((DEPLOY / name).read_text(encoding="utf-8"), _Reader)  # noqa: S506 -- a safe one
    return read
