"""A change set in words: what is added, changed, replaced, deleted, and what data that touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

Verb = Literal["add", "change", "replace", "may replace", "delete", "take back", "leave"]
VERBS: dict[str, Verb] = {"Add": "add", "Remove": "delete", "Import": "take back"}
REPLACED: dict[str | None, Verb] = {"True": "replace", "Conditional": "may replace"}
HELD = {
    "AWS::S3::Bucket": "its objects",
    "AWS::DynamoDB::Table": "its jobs",
    "AWS::KMS::Key": "all that it encrypts",
    "AWS::SQS::Queue": "the uploads that wait in it",
    "AWS::Logs::LogGroup": "its logs",
}
"""What is lost with a resource."""


class Row(Struct, frozen=True, kw_only=True):
    """One line of a plan. `details` says which properties change, `warning` what becomes of data."""

    verb: Verb
    name: str
    kind: str
    physical: str = ""
    details: tuple[str, ...] = ()
    warning: str = ""

    @property
    def is_danger(self) -> bool:
        """Whether something that is there goes away, or may."""
        return self.verb in ("replace", "may replace", "delete")


def rows(changes: Iterable[Mapping[str, Any]], retained: Collection[str] = ()) -> list[Row]:
    """Return a plan: what needs a look comes last, where one looks.

    Args:
        changes: of a change set.
        retained: logical ids of what is kept, outside of the stack, when it is replaced.
    """
    found = (_row(change, retained) for change in changes)
    order = ("take back", "add", "change", "leave", "may replace", "replace", "delete")
    return sorted(found, key=lambda row: (order.index(row.verb), row.kind, row.name))


def changed_parameters(old: Iterable[Mapping[str, Any]], new: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return name, old and new value of each parameter that differs from what the stack has."""
    before = {each["ParameterKey"]: each.get("ParameterValue", "") for each in old}
    return [(name, before[name], value) for name, value in new.items() if before.get(name, value) != value]


def leaves_key(changed: Iterable[tuple[str, str, str]]) -> bool:
    """Whether these changes of parameters end the use of a key, which what it encrypted still needs."""
    old = {name: before for name, before, _ in changed}
    # There is a key's ARN only where Encryption is kms.
    return old.get("Encryption", "kms" if "KmsKeyArn" in old else "") == "kms"


def _row(change: Mapping[str, Any], retained: Collection[str]) -> Row:
    verb = VERBS.get(change["Action"]) or REPLACED.get(change.get("Replacement"), "change")
    held, physical = HELD.get(change["ResourceType"], ""), change.get("PhysicalResourceId", "")
    kept = "Retain" in change.get("PolicyAction", "") or (verb != "delete" and change["LogicalResourceId"] in retained)
    warning = ""
    if verb in ("delete", "replace", "may replace") and held:
        stays = f"{physical or 'the one that is there'} stays, with {held}, outside of the stack"
        outcome = stays if kept else f"{held} would be lost"
        warning = f"if it is replaced, {outcome}" if verb == "may replace" else outcome
    return Row(
        verb="leave" if verb == "delete" and kept else verb,
        name=change["LogicalResourceId"],
        kind=change["ResourceType"].removeprefix("AWS::").replace("::", " "),
        physical=physical,
        details=tuple(dict.fromkeys(_detail(each["Target"]) for each in change.get("Details", ()))),
        warning=warning,
    )


def _detail(target: Mapping[str, Any]) -> str:
    name = str(target.get("Name") or target["Attribute"])
    old, new = target.get("BeforeValue"), target.get("AfterValue")
    return f"{name} {old} -> {new}" if old and new and len(old) + len(new) < 60 else name
