"""Change sets in words, from what CloudFormation recorded of them."""

from __future__ import annotations

from typing import Any

import click
import pytest

from safelight.deploy.plan import Row, changed_parameters, leaves_key, rows
from safelight.entry.cli.stack_view import print_plan


def change(action: str, logical: str, kind: str, **more: Any) -> dict[str, Any]:
    """A ResourceChange as DescribeChangeSet gives it."""
    given = {"Action": action, "LogicalResourceId": logical, "ResourceType": kind, "Scope": [], "Details": []}
    return {**given, **more}


def target(name: str, recreation: str = "Never", **values: str) -> dict[str, Any]:
    found = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation, **values}
    return {"Target": found, "Evaluation": "Static", "ChangeSource": "DirectModification"}


FUNCTION = change(
    "Modify",
    "Function",
    "AWS::Lambda::Function",
    PhysicalResourceId="image-processor-function",
    Replacement="False",
    Scope=["Properties", "Tags"],
    Details=[
        target("MemorySize", BeforeValue="512", AfterValue="1024"),
        target("Code"),
        target("Code"),
        {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}, "Evaluation": "Static"},
    ],
)
TABLE = change(
    "Modify",
    "JobsTable",
    "AWS::DynamoDB::Table",
    PhysicalResourceId="image-processor-jobs",
    Replacement="True",
    PolicyAction="ReplaceAndDelete",
    Details=[target("KeySchema", "Always")],
)
BUCKET = change(
    "Remove",
    "InputBucket",
    "AWS::S3::Bucket",
    PhysicalResourceId="myimage-processor-input",
    PolicyAction="Retain",
)
QUEUE = change("Remove", "Queue", "AWS::SQS::Queue", PhysicalResourceId="https://sqs/q", PolicyAction="Delete")
RULE = change(
    "Modify", "Rule", "AWS::Events::Rule", Replacement="Conditional", Details=[target("Name", "Conditionally")]
)
ROLE = change("Add", "Role", "AWS::IAM::Role")
IMPORT = change("Import", "OutputBucket", "AWS::S3::Bucket", PhysicalResourceId="myimage-processor-output")


def row(given: dict[str, Any]) -> Row:
    [found] = rows([given])
    return found


def test_rows_change_names_properties_once_with_their_values() -> None:
    """Values are told where CloudFormation tells them and they are short; tags are no property."""
    assert row(FUNCTION) == Row(
        verb="change",
        name="Function",
        kind="Lambda Function",
        physical="image-processor-function",
        details=("MemorySize 512 -> 1024", "Code", "Tags"),
    )


def test_rows_long_values_are_left_out() -> None:
    """A policy of ten lines would hide the rest of the plan."""
    long = {"BeforeValue": "x" * 40, "AfterValue": "y" * 40}
    given = change("Modify", "Role", "AWS::IAM::Role", Replacement="False", Details=[target("Policies", **long)])
    assert row(given).details == ("Policies",)


@pytest.mark.parametrize(
    ("given", "verb", "warning"),
    [
        (TABLE, "replace", "its jobs would be lost"),
        (
            {**TABLE, "PolicyAction": "ReplaceAndRetain"},
            "replace",
            "image-processor-jobs stays, with its jobs",
        ),
        (QUEUE, "delete", "the uploads that wait in it would be lost"),
        (RULE, "may replace", ""),
        (change("Remove", "Role", "AWS::IAM::Role"), "delete", ""),
    ],
    ids=["table replaced", "table kept", "queue deleted", "rule perhaps replaced", "role deleted"],
)
def test_rows_what_goes_away_is_danger_and_tells_of_data(given: dict[str, Any], verb: str, warning: str) -> None:
    """The policy in force decides whether data is lost."""
    found = row(given)
    assert (found.verb, found.is_danger) == (verb, True)
    assert found.warning.startswith(warning)
    assert bool(found.warning) == bool(warning)


def test_rows_perhaps_replaced_says_if_and_looks_at_the_template() -> None:
    """CloudFormation tells its policy only when it is sure to replace; the template has it."""
    bucket = {**BUCKET, "Action": "Modify", "Replacement": "Conditional"}
    del bucket["PolicyAction"]
    [lost], [kept] = rows([bucket]), rows([bucket], ["InputBucket"])
    assert lost.warning == "if it is replaced, its objects would be lost"
    assert kept.warning == "if it is replaced, myimage-processor-input stays, with its objects, outside of the stack"


def test_rows_retained_deletion_leaves_and_says_so() -> None:
    """The resource goes from the stack, its data stays: no danger, and still to be known."""
    found = row(BUCKET)
    assert (found.verb, found.is_danger) == ("leave", False)
    assert found.warning == "myimage-processor-input stays, with its objects, outside of the stack"


def test_rows_perhaps_replaced_without_a_name_says_what_stays() -> None:
    """CloudFormation names none where the stack has made none yet."""
    bucket = {**BUCKET, "Action": "Modify", "Replacement": "Conditional", "PhysicalResourceId": ""}
    [kept] = rows([bucket], ["InputBucket"])
    assert kept.warning == "if it is replaced, the one that is there stays, with its objects, outside of the stack"


def test_rows_put_what_needs_a_look_last() -> None:
    """The question stands below it."""
    verbs = [each.verb for each in rows([QUEUE, TABLE, RULE, FUNCTION, ROLE, IMPORT, BUCKET])]
    assert verbs == ["take back", "add", "change", "leave", "may replace", "replace", "delete"]


def test_changed_parameters_are_those_that_differ() -> None:
    """New ones of a new template say nothing, and neither do those that stay."""
    old = [
        {"ParameterKey": "MemorySize", "ParameterValue": "512"},
        {"ParameterKey": "Email1"},
        {"ParameterKey": "Name"},
    ]
    new = {"MemorySize": "1024", "Email1": "a@example.com", "Name": "", "Brand": "new"}
    assert changed_parameters(old, new) == [("MemorySize", "512", "1024"), ("Email1", "", "a@example.com")]


@pytest.mark.parametrize(
    ("changed", "leaves"),
    [
        ([("Encryption", "kms", "s3")], True),
        ([("KmsKeyArn", "", "arn:aws:kms:x")], True),
        ([("Encryption", "s3", "kms")], False),
        ([("Encryption", "s3", "kms"), ("KmsKeyArn", "", "arn:aws:kms:x")], False),
        ([("Email1", "", "a@example.com")], False),
    ],
    ids=["turned off", "another key", "turned on", "turned on with a key", "something else"],
)
def test_leaves_key_where_another_or_none_is_used_from_now_on(
    changed: list[tuple[str, str, str]], *, leaves: bool
) -> None:
    """What was written before can be read with the old key alone."""
    assert leaves_key(changed) == leaves


@pytest.mark.parametrize("columns", ["60", "120"])
def test_print_plan_is_whole_and_plain_when_piped(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow terminals cut nothing off; without a terminal there are no colours, and signs tell the same."""
    monkeypatch.setenv("COLUMNS", columns)
    print_plan(rows([ROLE, FUNCTION, TABLE, QUEUE]), [("MemorySize", "512", "1024"), ("Email1", "", "a@example.com")])
    assert capsys.readouterr().out.splitlines()[:4] == [
        "+ add      Role       IAM Role",
        "~ change   Function   Lambda Function  MemorySize 512 -> 1024; Code; Tags",
        "! replace  JobsTable  DynamoDB Table   KeySchema",
        "- delete   Queue      SQS Queue        https://sqs/q",
    ]


def test_print_plan_tells_settings_warnings_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """In this order, so that the counts stand above the question."""
    print_plan(rows([RULE, TABLE]), [("Email1", "", "a@example.com"), ("Tracing", "true", "false")])
    assert capsys.readouterr().out.splitlines()[2:] == [
        "  Email1: (none) -> a@example.com",
        "  Tracing: true -> false",
        "JobsTable: its jobs would be lost.",
        "1 may be replaced, 1 to replace.",
    ]


def test_print_plan_shows_danger_in_red(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with click.Context(click.Command("deploy")) as context:
        context.color = True
        print_plan(rows([TABLE, ROLE]), ())
    red = [part.partition("\x1b[")[0] for part in capsys.readouterr().out.split("\x1b[1;31m")[1:]]
    assert [text.rstrip() for text in red] == ["! replace", "JobsTable: its jobs would be lost."]
