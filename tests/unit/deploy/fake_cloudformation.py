"""A CloudFormation that plays what a test wrote: states that no stand-in gets into, one event at each look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from safelight.deploy.stack import Stacks

Line = tuple[str, str, str]
"""Logical id (the stack's name for the stack itself), status and reason of an event."""


def refusal(code: str, message: str = "", operation: str = "Operation") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, operation)


@dataclass
class Stack:
    name: str
    status: str
    id: str
    reason: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)


@dataclass
class FakeCloudFormation:
    """`plays` says for each call that changes a stack what happens because of it; each event comes after a pause."""

    plays: dict[str, list[Line]] = field(default_factory=dict)
    refusals: dict[str, Exception] = field(default_factory=dict)
    described: list[dict[str, Any]] = field(default_factory=list)
    """What describe_change_set answers, one after the other; the last for good."""
    stacks: dict[str, Stack] = field(default_factory=dict)
    change_sets: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=dict)
    waiting: list[tuple[str, Line]] = field(default_factory=list)
    pauses: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, status: str, reason: str = "") -> Stack:
        made = Stack(name, status, f"arn:aws:cloudformation:eu-north-1:1:stack/{name}/{len(self.stacks)}", reason)
        self.stacks[made.id] = made
        self.happen(made.id, (name, status, reason))
        return made

    def happen(self, stack_id: str, line: Line) -> None:
        stack = self.stacks[stack_id]
        logical, status, reason = line
        own = logical == stack.name
        number = len(stack.events)
        event = {
            "EventId": f"{stack_id}/{number}",
            "StackId": stack_id,
            "StackName": stack.name,
            "LogicalResourceId": logical,
            "PhysicalResourceId": stack_id if own else f"physical-{logical.lower()}",
            "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::S3::Bucket",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "Timestamp": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        }
        stack.events.append(event)
        if own:
            stack.status, stack.reason = status, reason

    def pause(self, _seconds: float) -> None:
        self.pauses += 1
        assert self.waiting or self.described, "waits for something that nobody does"
        if self.waiting:
            self.happen(*self.waiting.pop(0))

    def play(self, call: str, stack: Stack) -> None:
        self.calls.append(call)
        if call in self.refusals:
            raise self.refusals[call]
        self.waiting += [(stack.id, line) for line in self.plays.pop(call, [])]

    def found(self, name: str) -> Stack:
        for each in reversed(self.stacks.values()):
            if name == each.id or (name == each.name and each.status != "DELETE_COMPLETE"):
                return each
        raise refusal("ValidationError", f"Stack with id {name} does not exist")

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 -- boto3's names
        found = self.found(StackName)
        stack: dict[str, Any] = {"StackId": found.id, "StackName": found.name, "StackStatus": found.status}
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        stack["Parameters"] = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()]
        return {"Stacks": [{**stack, "Outputs": outputs, "StackStatusReason": found.reason}]}

    def describe_stack_events(self, StackName: str) -> Any:  # noqa: N803
        return {"StackEvents": self.found(StackName).events[::-1]}

    def list_stacks(self) -> Any:
        return {"StackSummaries": [{"StackId": each.id, "StackName": each.name} for each in self.stacks.values()]}

    def list_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        names = self.found(StackName).resources
        return {"StackResourceSummaries": [{"PhysicalResourceId": name} for name in names]}

    def create_change_set(self, **words: Any) -> None:
        self.asked = words
        self.calls.append("create_change_set")
        if words["ChangeSetType"] == "CREATE" and not any(each.name == words["StackName"] for each in self.alive()):
            self.add(words["StackName"], "REVIEW_IN_PROGRESS")
        self.change_sets[words["ChangeSetName"]] = words["StackName"]
        if "create_change_set" in self.refusals:
            raise self.refusals["create_change_set"]

    def alive(self) -> list[Stack]:
        return [each for each in self.stacks.values() if each.status != "DELETE_COMPLETE"]

    def describe_change_set(self, **_: object) -> Any:
        answer = self.described.pop(0) if self.described[1:] else self.described[0]
        if isinstance(answer, BaseException):
            raise answer
        return {"Changes": [], **answer}

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self.calls.append("delete_change_set")
        if self.change_sets.pop(ChangeSetName, None) is None:
            raise refusal("ChangeSetNotFound")

    def list_change_sets(self, StackName: str) -> Any:  # noqa: N803
        return {"Summaries": [{"ChangeSetName": key} for key, stack in self.change_sets.items() if stack == StackName]}

    def execute_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self.play("execute_change_set", self.found(StackName))

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        found = self.found(StackName)
        self.play("delete_stack", found)
        if found.status == "REVIEW_IN_PROGRESS":
            found.status = "DELETE_COMPLETE"

    def continue_update_rollback(self, StackName: str) -> None:  # noqa: N803
        self.play("continue_update_rollback", self.found(StackName))

    def get_paginator(self, operation: str) -> Any:
        call: Callable[..., Any] = getattr(self, operation)

        class Pages:
            def paginate(self, **words: Any) -> Iterator[Any]:
                yield call(**words)

        return Pages()


@dataclass
class Seen:
    """What was shown: titles and events."""

    titles: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def watch(self, title: str, events: Iterator[Any]) -> list[Any]:
        self.titles.append(title)
        found = list(events)
        self.events += [f"{each['LogicalResourceId']} {each['ResourceStatus']}" for each in found]
        return found


def stacks(cloudformation: FakeCloudFormation, seen: Seen | None = None) -> Stacks:
    return Stacks(cloudformation=cloudformation, watch=(seen or Seen()).watch, pause=cloudformation.pause)
