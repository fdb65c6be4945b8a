"""What other people's tools say of the templates. Each lives in an environment of its own, as servers do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from safelight.deploy.cloudformation import GITHUB, REPLICA, TEMPLATE, read
from safelight.entry.cli import cli
from tests.servers.process import installed
from tests.unit.deploy.resolving import EVERYTHING, KEY_ARN, Resolved

TEMPLATES = (TEMPLATE, REPLICA, GITHUB)
FORGIVEN = {
    # In the policy of a key `*` is the key itself. Source: AWS KMS developer guide, "Key policies in AWS KMS".
    ("RESOURCE_STAR", "EncryptionKey"),
    # The grant is as the CloudWatch Logs user guide has it ("Encrypt log data using AWS KMS"): its context holds an
    # ARN, and descriptions, which have no context, are in it.
    ("MISMATCHED_TYPE", "EncryptionKey"),
    ("UNKNOWN_CONDITION_FOR_ACTION", "EncryptionKey"),
}
"""What parliament says of a key's policy, which it reads as if it were a role's."""


def run(tool: str, *words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a linter to its end."""
    program = installed(tool) / "bin" / tool
    return subprocess.run([program, *words], input=given, capture_output=True, text=True, timeout=600, check=False)


def test_cfn_lint_has_nothing_to_say_of_what_the_command_prints() -> None:
    """`safelight template | cfn-lint`: no error and no warning."""
    printed = CliRunner().invoke(cli, ["template"]).stdout
    assert printed == TEMPLATE.read_text("utf-8")
    assert CliRunner().invoke(cli, ["template", "--replica"]).stdout == REPLICA.read_text("utf-8")
    done = run("cfn-lint", given=printed)
    assert (done.stdout, done.returncode) == ("", 0)


def test_cfn_lint_overlooks_the_blank_defaults_alone(tmp_path: Path) -> None:
    """W1030 is about the keys' defaults: with ARNs there and the check on it finds nothing, nor in other templates.

    What is wrong on purpose is found, so that the check itself works.
    """
    text = TEMPLATE.read_text("utf-8")
    [line] = [each for each in text.splitlines() if "ignore_checks" in each]
    blank = 'KmsKeyArn: {Type: String, Default: ""'
    assert text.count(blank) == 2
    checked, wrong = tmp_path / "template.yaml", tmp_path / "wrong.yaml"
    checked.write_text(text.replace(line, "  Checked: all").replace(blank, blank.replace('""', f'"{KEY_ARN}"')))
    wrong.write_text("Resources: {Topic: {Type: 'AWS::SNS::Topic', Properties: {Title: wrong}}}")
    done = run("cfn-lint", "--format", "parseable", "--", checked, REPLICA, GITHUB, wrong)
    assert [Path(each.split(":")[0]).name for each in done.stdout.splitlines()] == ["wrong.yaml"]
    assert "Title" in done.stdout


def test_checkov_finds_nothing_that_is_not_explained() -> None:
    """What stays has its reason in the template's metadata, and each such reason is still needed."""
    files = [word for path in TEMPLATES for word in ("--file", path)]
    done = run("checkov", "--framework", "cloudformation", "--skip-download", "--output", "json", *files)
    found = json.loads(done.stdout)["results"]
    assert [(each["check_id"], each["resource"]) for each in found["failed_checks"]] == []
    assert found["parsing_errors"] == []
    assert {Path(each["file_path"]).name for each in found["passed_checks"]} == {path.name for path in TEMPLATES}
    reasons = {found: reason for path in TEMPLATES for found, reason in _reasons(path).items()}
    skipped = {
        (Path(each["file_path"]).name, each["check_id"], each["resource"].rpartition(".")[2])
        for each in found["skipped_checks"]
    }
    assert skipped == reasons.keys()
    assert all(len(reason) > 20 for reason in reasons.values())


def _reasons(path: Path) -> dict[tuple[str, str, str], str]:
    """Return why each check of each resource is skipped."""
    return {
        (path.name, skip["id"], name): skip["comment"]
        for name, resource in read(path.read_text("utf-8"))["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def test_parliament_finds_no_fault_in_any_policy(tmp_path: Path) -> None:
    """Every action exists, fits its resource and its conditions, and is written as IAM wants it."""
    stacks = {
        "template": Resolved(EVERYTHING),
        "replica": Resolved({"Encryption": "kms"}, read(REPLICA.read_text("utf-8"))),
    }
    for folder, stack in stacks.items():
        (tmp_path / folder).mkdir()
        for name, policy in _policies(stack).items():
            (tmp_path / folder / f"{name}.json").write_text(json.dumps(policy))
    assert len(list(tmp_path.rglob("*.json"))) == 16
    wrong = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}
    (tmp_path / "wrong.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [wrong]}))
    done = run("parliament", "--directory", tmp_path, "--include_policy_extension", "json", "--json")
    findings = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = {(each["issue"], Path(each["location"]["filepath"]).stem) for each in findings}
    assert found == {*FORGIVEN, ("RESOURCE_MISMATCH", "wrong")}


def _policies(stack: Resolved) -> dict[str, Any]:
    """Return every policy of a stack by what it is of."""
    found = {
        f"{name}-{policy['PolicyName']}": policy["PolicyDocument"]
        for name, role in stack.of_type("AWS::IAM::Role").items()
        for policy in role["Policies"]
    }
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"].endswith("Policy"):
            found[name] = properties["PolicyDocument"]
        if "KeyPolicy" in properties:
            found[name] = properties["KeyPolicy"]
    return found
