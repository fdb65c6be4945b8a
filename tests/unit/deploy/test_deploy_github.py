"""The role of the pipeline: who may take it, that it suffices for the stack, and that it reaches nothing beside it.

AWS tells for each kind of resource which permissions its handler needs (`handlers` in the schemas of CloudFormation's
registry, as cfn-lint 1.58 ships them); cloudformation_permissions.json holds those of the kinds that template.yaml has.
"""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from safelight.config import load
from safelight.deploy.account import Account
from safelight.deploy.cloudformation import GITHUB, TEMPLATE, read
from safelight.deploy.environment import environment_of
from safelight.entry.cli import cli
from safelight.entry.cli.deploy_actions import grants

NEEDED = json.loads((Path(__file__).parent / "cloudformation_permissions.json").read_text())
ROLE, STACK = read(GITHUB.read_text("utf-8")), read(TEMPLATE.read_text("utf-8"))["Resources"]
ACCOUNT, REGION = "111122223333", "eu-north-1"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::NoValue": None}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
GIVEN = {
    env: {"Name": "image-processor", "Environment": env, "Suffix": suffix, "Repository": "owner/pictures"}
    for env, suffix in (("dev", "-dev"), ("prod", ""))
}

# What the handlers can do and this stack never asks of them; the rest of what AWS lists must be granted.
UNUSED = {
    "AWS::S3::Bucket": "s3tables:* s3:*MetadataTable* s3:*MetadataAnnotation* s3:*MetadataInventory* "
    "s3:*MetadataJournal* s3:PutAccelerate* s3:PutAnalytics* s3:PutBucketAbac s3:PutBucketCORS s3:PutBucketWebsite "
    "s3:PutIntelligentTiering* s3:PutInventory* s3:PutMetrics* s3:*ObjectLock* s3:PutBucketAcl s3:PutObjectAcl "
    "s3:DeleteObject s3:DeleteBucketAnalytics* s3:DeleteBucketCors s3:DeleteBucketMetrics* s3:DeleteBucketWebsite "
    "s3:PutBucketReplication s3:DeleteBucketEncryption s3:DeleteBucketLifecycle s3:DeleteBucketReplication",
    "AWS::DynamoDB::Table": "kinesis:* logs:* s3:* iam:* *Kinesis* *Import* *Replica *Item dynamodb:Query "
    "dynamodb:Scan dynamodb:UpdateContributorInsights dynamodb:PutResourcePolicy dynamodb:DeleteResourcePolicy",
    "AWS::Lambda::Function": "ec2:* elasticfilesystem:* s3files:* *CodeSigningConfig *Layer* *CapacityProvider "
    "*ScalingConfig *RuntimeAlias lambda:PublishVersion lambda:DeleteFunctionConcurrency s3:GetObjectVersion",
    "AWS::SNS::Topic": "sns:PutDataProtectionPolicy iam:*",
    "AWS::SNS::Subscription": "sns:SetSubscriptionAttributes iam:*",
    "AWS::Events::Rule": "iam:PassRole",  # its targets are reached without a role
    "AWS::Logs::LogGroup": "firehose:* s3:* *IndexPolicy *BearerToken* *LogDelivery *ResourcePolicy "
    "logs:PutDataProtectionPolicy logs:DeleteDataProtectionPolicy logs:PutLogGroupDeletionProtection",
    "AWS::IAM::Role": "*PermissionsBoundary iam:AttachRolePolicy iam:DetachRolePolicy",
    "AWS::Backup::BackupVault": "kms:* *AccessPolicy *LockConfiguration *Notifications backup-storage:Mount",
    "AWS::Backup::BackupSelection": "iam:CreateServiceLinkedRole",
    # A key is made and ended by whoever deploys by hand; the pipeline may only keep it as the template has it.
    "AWS::KMS::Key": "kms:CreateKey kms:*able* kms:ScheduleKeyDeletion",
}
NAMED = (
    *("BucketName", "QueueName", "TopicName", "TableName", "FunctionName", "Name", "LogGroupName", "AlarmName"),
    *("DashboardName", "AliasName", "Bucket", "Queues", "Topics", "TopicArn"),
)
WITHOUT_A_NAME = {"EventSources", "BackupPlans", "NowhereNarrower"}


def value(node: Any, given: Mapping[str, Any]) -> Any:
    """Work out a value of a template whose parameters are known; every condition counts as true."""
    if isinstance(node, list):
        return [each for each in (value(item, given) for item in node) if each is not None]
    if not isinstance(node, dict):
        return node
    [(name, inner)] = node.items() if len(node) == 1 else [("", None)]
    if name == "Ref":
        return {**given, **PSEUDO}.get(inner)
    if name == "Fn::Sub":
        return re.sub(r"\$\{([\w:]+)\}", lambda found: str({**given, **PSEUDO}[found[1]]), inner)
    if name == "Fn::If":
        return value(inner[1], given)
    return {key: value(each, given) for key, each in node.items()}


def granted(role: str, env: str) -> list[dict[str, Any]]:
    """Return the permissions of a role of github.yaml, those for a key, backups and a replica included."""
    more = {**GIVEN[env], "InputBucketName": "pictures-in", "OutputBucketName": "pictures-out", "KmsKeyArn": KEY}
    return [value(each, more) for policy in policies(role) for each in policy["Statement"]]


def policies(role: str) -> list[dict[str, Any]]:
    """Return the documents of a role: its own, and those that are put on it, but for that of the smoke test."""
    around = [ROLE["Resources"]["AroundPolicy"]["Properties"]["PolicyDocument"]] if role == "DeployRole" else []
    return [each["PolicyDocument"] for each in ROLE["Resources"][role]["Properties"]["Policies"]] + around


def listed(node: Any) -> list[str]:
    return [node] if isinstance(node, str) else node


def allows(statement: Mapping[str, Any], action: str, arn: str, context: Mapping[str, str]) -> bool:
    """Whether a statement allows something; a condition holds when the context has what it asks for."""
    return (
        any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(fnmatchcase(arn, each) for each in listed(statement["Resource"]))
        and all(
            any(fnmatchcase(context.get(key, ""), each) for each in listed(wanted))
            for test in statement.get("Condition", {}).values()
            for key, wanted in test.items()
        )
    )


def names(env: str) -> dict[str, Any]:
    """Return what the template's parameters and resources are called in an environment."""
    given = GIVEN[env]
    found = {
        **given,
        "InputBucketName": f"myimage-processor-input{given['Suffix']}",
        "OutputBucketName": f"myimage-processor-output{given['Suffix']}",
        "TopicName": f"image-processing-notifications{given['Suffix']}",
        "AccessLogBucket": f"image-processor-{env}-accesslogbucket-1abc",
    }
    for logical, resource in STACK.items():
        own = resource.get("Properties", {})
        name = next((value(own[key], found) for key in NAMED if key in own), None)
        found.setdefault(logical, name[0] if isinstance(name, list) else name)
    return found


def arn(logical: str, env: str) -> str:
    """Return what AWS knows a resource of the stack by."""
    name, region = names(env)[logical], f"{REGION}:{ACCOUNT}"
    return {
        "S3": f"arn:aws:s3:::{name}",
        "SQS": f"arn:aws:sqs:{region}:{name}",
        "SNS": f"arn:aws:sns:{region}:{name}",
        "DynamoDB": f"arn:aws:dynamodb:{region}:table/{name}",
        "Lambda": f"arn:aws:lambda:{region}:function:{name}",
        "Lambda::EventSourceMapping": f"arn:aws:lambda:{region}:event-source-mapping:1-2-3",
        "Events": f"arn:aws:events:{region}:rule/{name}",
        "Logs": f"arn:aws:logs:{region}:log-group:{name}:*",
        "CloudWatch::Alarm": f"arn:aws:cloudwatch:{region}:alarm:{name}",
        "CloudWatch::Dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}",
        "IAM": f"arn:aws:iam::{ACCOUNT}:role/image-processor-{env}-{logical}-1ABC",
        "KMS::Key": KEY,
        "KMS::Alias": f"arn:aws:kms:{region}:{name}",
        "Backup": f"arn:aws:backup:{region}:backup-plan:1-2-3",
        "Backup::BackupVault": f"arn:aws:backup:{region}:backup-vault:safelight-1234",
    }[kind_of(logical)]


def kind_of(logical: str) -> str:
    service, kind = STACK[logical]["Type"].removeprefix("AWS::").split("::")
    return (
        f"{service}::{kind}"
        if kind in {"EventSourceMapping", "BackupVault"} or service in {"CloudWatch", "KMS"}
        else service
    )


def calls(logical: str, env: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Return each call that CloudFormation makes for a resource: the action, on what, and what AWS knows of it."""
    kind, own = STACK[logical]["Type"], STACK[logical].get("Properties", {})
    function = own["FunctionName"]["Ref"] if kind.endswith("EventSourceMapping") else "Function"
    context = {"lambda:FunctionArn": arn(function, env), "iam:PassedToService": "lambda.amazonaws.com"}
    elsewhere = {
        "iam:PassRole": arn("FunctionRole", env),
        "iam:GetRole": arn("FunctionRole", env),
        "s3:GetObject": f"arn:aws:s3:::safelight-artifacts-{ACCOUNT}-{REGION}/package.zip",
    }
    unused = UNUSED.get(kind, "").split()
    for action in NEEDED[kind]:
        if not any(fnmatchcase(action, each) for each in unused):
            other = KEY if action.startswith("kms:") and not kind.startswith("AWS::KMS") else None
            own_role = kind == "AWS::IAM::Role"
            yield (
                action,
                other or (arn(logical, env) if own_role else elsewhere.get(action, arn(logical, env))),
                context,
            )


@pytest.mark.parametrize("env", GIVEN)
@pytest.mark.parametrize("logical", STACK)
def test_role_may_make_and_change_each_resource_of_the_stack(logical: str, env: str) -> None:
    """What CloudFormation's handler calls for it, the role grants on its very name."""
    role = granted("DeployRole", env)
    lacking = [call for call in calls(logical, env) if not any(allows(each, *call) for each in role)]
    assert lacking == []


@pytest.mark.parametrize("env", GIVEN)
def test_role_may_do_what_the_command_itself_does(env: str, tmp_path: Path) -> None:
    """What `doctor --aws` asks IAM about before a deployment, this role has."""
    (tmp_path / "safelight.yaml").write_text("name: image-processor\n")
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/image-processor-github-{env}/GitHubActions"
    account = Account(session=boto3.Session(), id=ACCOUNT, region=REGION, principal=principal)
    asked = grants(environment_of(load(tmp_path / "safelight.yaml", {}), env, ACCOUNT), account)
    role = granted("DeployRole", env)
    context = {"iam:PassedToService": "lambda.amazonaws.com"}
    wanted = [(action, each.resource, context) for each in asked for action in each.actions]
    assert len(wanted) > 30
    assert [call for call in wanted if not any(allows(each, *call) for each in role)] == []


@pytest.mark.parametrize(("env", "other"), [("dev", "prod"), ("prod", "dev")])
@pytest.mark.parametrize("logical", STACK)
def test_role_may_do_nothing_to_another_environment(logical: str, env: str, other: str) -> None:
    """But for what AWS knows no resource of, and the key, which here both were given."""
    role = [each for each in granted("DeployRole", env) if each["Sid"] not in WITHOUT_A_NAME]
    theirs = [call for call in calls(logical, other) if call[1] != KEY and "artifacts" not in call[1]]
    unnamed = ("event-source-mapping:", "backup-vault:", "backup-plan:")
    reached = [
        call for call in theirs for each in role if allows(each, *call) and not any(w in call[1] for w in unnamed)
    ]
    assert reached == []


@pytest.mark.parametrize(("role", "subject"), [("DeployRole", "environment:prod"), ("PlanRole", "pull_request")])
def test_role_is_taken_by_one_repository_in_one_place_only(role: str, subject: str) -> None:
    """Both the audience and the subject are compared as they are; a pattern could match a stranger's repository."""
    document = value(ROLE["Resources"][role]["Properties"]["AssumeRolePolicyDocument"], GIVEN["prod"])
    [trust] = document["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:owner/pictures:{subject}",
        }
    }
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert trust["Principal"] == {"Federated": provider}


def test_repository_is_taken_with_and_without_ids() -> None:
    """GitHub puts the ids of owner and repository into the tokens of those that were made since July 2026."""
    pattern = ROLE["Parameters"]["Repository"]["AllowedPattern"]
    for good in ("owner/pictures", "owner@123456/pictures@456789", "an-owner/p.i_c-s"):
        assert re.fullmatch(pattern, good)
    for bad in ("owner", "owner/*", "owner/pictures:environment", "*/pictures", "a/b/c", "owner/"):
        assert not re.fullmatch(pattern, bad)


def test_plan_only_reads() -> None:
    """Whoever may open a pull request may run what it likes as this role: it executes, stores and deletes nothing."""
    verbs = {action.split(":")[1] for each in granted("PlanRole", "prod") for action in listed(each["Action"])}
    assert {verb for verb in verbs if not verb.startswith(("Get", "List", "Describe"))} == {
        "CreateChangeSet",
        "DeleteChangeSet",
        "TagResource",  # a change set that sets the stack's tags asks for it
    }
    everywhere = [each["Sid"] for each in granted("PlanRole", "prod") if "*" in listed(each["Resource"])]
    assert everywhere == ["WhatAStackLeft"]


@pytest.mark.parametrize("env", GIVEN)
def test_role_cannot_raise_itself(env: str) -> None:
    """It may not change its own permissions or trust, hand its role on, or make users and keys."""
    role = granted("DeployRole", env)
    own = f"arn:aws:iam::{ACCOUNT}:role/image-processor-github-{env}"
    for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:PassRole", "iam:AttachRolePolicy"):
        assert not any(allows(each, action, own, {"iam:PassedToService": "lambda.amazonaws.com"}) for each in role)
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateOpenIDConnectProvider", "iam:CreatePolicy"):
        assert not any(allows(each, action, "*", {}) for each in role)


def test_role_has_no_wildcard_but_where_aws_has_nothing_narrower() -> None:
    """A statement on everything is one of those that say why."""
    assert {each["Sid"] for each in granted("DeployRole", "prod") if "*" in listed(each["Resource"])} == WITHOUT_A_NAME


def test_role_fits_into_what_iam_takes() -> None:
    """White space apart, a role's own policies have at most 10,240 characters and another at most 6,144."""
    longest = {
        "Name": "n" * 41,
        "Environment": "e" * 16,
        "Suffix": "-" + "e" * 16,
        "KmsKeyArn": KEY,
        "InputBucketName": "b" * 63,
        "OutputBucketName": "b" * 63,
    }
    own, around = (len(json.dumps(value(each, longest), separators=(",", ":"))) for each in policies("DeployRole"))
    smoke = ROLE["Resources"]["SmokePolicy"]["Properties"]["PolicyDocument"]
    assert own <= 10_240
    assert max(around, len(json.dumps(value(smoke, longest), separators=(",", ":")))) <= 6_144


def test_template_prints_the_role_and_one_template_at_a_time() -> None:
    """`safelight template --github` is what the how-to deploys, as it is in the package, where linters read it."""
    assert CliRunner().invoke(cli, ["template", "--github"]).output == GITHUB.read_text("utf-8")
    assert CliRunner().invoke(cli, ["template", "--github", "--replica"]).exit_code == 2
