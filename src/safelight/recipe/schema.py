"""The JSON Schema of `safelight.yaml`, from the model that the parser reads: editors complete and check with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHIPPED = Path(__file__).with_name("safelight.schema.json")
"""The generated file; `docs/generate.py` writes it and a test compares it."""


def schema(kind: type[object]) -> dict[str, Any]:
    """Return the schema of a model, by draft 2020-12."""
    made = msgspec.json.schema(kind)
    for group in made["$defs"].values():
        group["properties"] = {name: option for name, option in group["properties"].items() if not _internal(option)}
        for option in group["properties"].values():
            for choice in (option, *option.get("anyOf", ())):
                if choice.get("type") == "array" and "$ref" not in choice["items"]:
                    choice["uniqueItems"] = True
            _without_null(option)
    return {"$schema": DIALECT, **made}


def _internal(option: dict[str, Any]) -> bool:
    return bool(option.get("x-internal"))


def _without_null(option: dict[str, Any]) -> None:
    """Refuse null for a group, as the parser does: a step without a value is meant to run."""
    choices = option.get("anyOf", [])
    if any("$ref" in choice for choice in choices):
        option["anyOf"] = [choice for choice in choices if choice.get("type") != "null"]
        if option.get("default", "") is None:
            del option["default"]


def text(kind: type[object]) -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(kind), indent=2) + "\n"
