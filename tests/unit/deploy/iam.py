"""IAM's evaluation as far as the template needs it: effect, action, resource; and the conditions that are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]
_CONDITIONS = {
    "Bool": lambda found, wanted: found in wanted,
    "StringEquals": lambda found, wanted: found in wanted,
    "StringNotEquals": lambda found, wanted: found not in wanted,
    "ArnEquals": lambda found, wanted: any(fnmatchcase(found, each) for each in wanted),
    "ArnLike": lambda found, wanted: any(fnmatchcase(found, each) for each in wanted),
    "StringLike": lambda found, wanted: any(fnmatchcase(found, each) for each in wanted),
}


def listed(value: Any) -> list[Any]:
    """Return a value that may stand alone or in a list, as a list."""
    return list(value) if isinstance(value, list) else [value]


def applies(statement: Statement, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Return whether a statement is about a request.

    Source: IAM user guide, "IAM JSON policy elements: Condition operators"; a missing key fails an operator, but for
    negated ones and those that end in `IfExists`.
    """
    return (
        any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, context or {}, keys) for operator, keys in statement.get("Condition", {}).items()
        )
    )  # fmt: skip


def allowed(
    statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether the statements of one policy allow a request: something allows it and nothing denies it."""
    effects = {each["Effect"] for each in statements if applies(each, action, resource, context)}
    return effects == {"Allow"}


def _holds(operator: str, context: Mapping[str, str], keys: Mapping[str, Any]) -> bool:
    plain = operator.removesuffix("IfExists")
    missing = plain != operator or "Not" in plain
    found = {name.lower(): value for name, value in context.items()}
    return all(
        _CONDITIONS[plain](found[name.lower()], listed(wanted)) if name.lower() in found else missing
        for name, wanted in keys.items()
    )
