"""`doctor --aws`: what each check of an account says of each answer that AWS may give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from safelight.entry.cli import aws_checks as checks
from safelight.entry.cli.deploy_actions import grants
from safelight.placement import Aws
from safelight.settings import Settings
from tests.unit.deploy.answering import ID, Answer, cloud, environment

HERE = {"BucketRegion": "eu-north-1"}
PRODUCTION = ("myimage-processor-input", "myimage-processor-output")


@pytest.mark.parametrize(
    ("answers", "outputs", "status", "words"),
    [
        (["404", "404"], (), "ok", "myimage-processor-input is free"),
        (["403", "404"], (), "fail", "input is somebody else's"),
        (["404", "403"], (), "fail", "output is somebody else's"),
        ([{"BucketRegion": "eu-west-1"}, "404"], (), "fail", "input is in eu-west-1, and the stack in eu-north-1"),
        ([HERE, HERE], PRODUCTION, "ok", "input is the stack's"),
        (["403", HERE], PRODUCTION, "warn", "input is the stack's; arn:aws:iam::123456789012:user/ann may not"),
        ([HERE, "404"], (), "warn", "input is there, in this account"),
    ],
)
def test_bucket_names_of_the_stack_are_free_or_ours(
    answers: list[Any], outputs: tuple[str, ...], status: str, words: str
) -> None:
    """S3 says 404 for a free name, 403 for another account's, and answers for ours; the first is no promise."""
    put_out = [
        {"OutputKey": f"{kind}Bucket", "OutputValue": name}
        for kind, name in zip(("Input", "Output"), outputs, strict=False)
    ]
    place = cloud(s3=[("head_bucket", each) for each in answers], stack={"Outputs": put_out})
    found = checks.bucket_names(place)
    assert (found.status, words in found.detail) == (status, True), found
    assert found.status == "ok" or found.remedy


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (HERE, "ok", "ours is there, in this account"),
        ("404", "fail", "ours is not there"),
        ("403", "fail", "ours is somebody else's"),
    ],
)
def test_bucket_that_is_brought_must_be_there(answer: Any, status: str, words: str) -> None:
    """A bucket of `aws.input` is never made, so a missing one is a slip of the pen."""
    place = cloud(Settings(aws=Aws(input="ours")), s3=[("head_bucket", answer), ("head_bucket", "404")])
    found = checks.bucket_names(place)
    assert (found.status, words in found.detail) == (status, True)


def dated(skew_s: float) -> tuple[list[Answer], float]:
    """Return an answer of STS with its date, and a clock that is ahead of it."""
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    headers = {"date": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    who = {"ResponseMetadata": {"HTTPHeaders": headers, "HTTPStatusCode": 200}}
    return [("get_caller_identity", who)], at.timestamp() + skew_s


@pytest.mark.parametrize(
    ("skew_s", "status", "words"),
    [
        (0, "ok", "agrees"),
        (-59, "ok", "agrees"),
        (120, "warn", "120 s ahead of"),
        (-120, "warn", "120 s behind"),
        (301, "fail", "301 s ahead of"),
    ],
)
def test_clock_is_compared_with_that_of_aws(skew_s: float, status: str, words: str) -> None:
    """AWS refuses what is signed five minutes off, and then speaks of signatures only."""
    answers, now = dated(skew_s)
    found = checks.clock(cloud(sts=answers, now=now))
    assert (found.status, words in found.detail) == (status, True)


@pytest.mark.parametrize(
    ("most", "left", "aws", "status", "words"),
    [
        (1000, 900, Aws(), "ok", "1000 at once, 900 of them"),
        (10, 10, Aws(), "warn", "as new accounts have"),
        (10, 10, Aws(memory=4096), "warn", "3008 at most"),
        (1000, 100, Aws(concurrency=200), "warn", "aws.concurrency=200 is more"),
    ],
)
def test_concurrency_of_the_account_is_compared_with_what_is_asked(
    most: int, left: int, aws: Aws, status: str, words: str
) -> None:
    """A new account has ten, which nobody is told of."""
    limits = {"ConcurrentExecutions": most, "UnreservedConcurrentExecutions": left}
    found = checks.concurrency(cloud(Settings(aws=aws), lambda_=[("get_account_settings", {"AccountLimit": limits})]))
    assert (found.status, words in found.detail) == (status, True)


@pytest.mark.parametrize(
    ("count", "quota", "status"),
    [(5, 10_000.0, "ok"), (9, 10.0, "fail"), (8, 10.0, "ok"), (99, 102.0, "warn"), (5, None, "ok")],
)
def test_buckets_that_are_to_be_made_must_fit_the_quota(count: int, quota: float | None, status: str) -> None:
    """The quota is asked for; where that may not be, it is the usual one."""
    listed = {"Buckets": [{"Name": f"b{i}"} for i in range(count)]}
    answer: Any = {"Quota": {"Value": quota}} if quota else "AccessDeniedException"
    place = cloud(s3=[("list_buckets", listed)], service_quotas=[("get_service_quota", answer)])
    found = checks.buckets_quota(place)
    assert found.status == status
    assert f"{count} of {int(quota or 10_000)} buckets" in found.detail


def decisions(denied: str = "") -> list[Answer]:
    """Return IAM's answers about everything that a deployment does."""
    place = cloud()
    return [
        (
            "simulate_principal_policy",
            {
                "EvaluationResults": [
                    {"EvalActionName": action, "EvalDecision": "implicitDeny" if action == denied else "allowed"}
                    for action in each.actions
                ]
            },
        )
        for each in grants(environment(Settings()), place.account)
    ]


def test_permissions_that_iam_allows_are_ok() -> None:
    """All that a deployment does was asked for, each on the resource that it is about."""
    assert checks.permissions(cloud(iam=decisions())).status == "ok"


def test_permissions_name_what_is_denied_and_where() -> None:
    """One reads which action on which resource is missing."""
    found = checks.permissions(cloud(iam=decisions("iam:PassRole")))
    assert found.status == "fail"
    assert f"iam:PassRole on arn:aws:iam::{ID}:role/image-processor-prod-FunctionRole" in found.detail
    assert "iam:CreateRole" not in found.detail


def test_permissions_of_a_session_are_those_of_its_role() -> None:
    """IAM simulates roles, not sessions; the role's path stands only in its ARN."""
    arn = f"arn:aws:iam::{ID}:role/teams/deployer"
    made = {
        "Path": "/teams/",
        "RoleName": "deployer",
        "RoleId": "A" * 16,
        "Arn": arn,
        "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
    }
    place = cloud(
        principal=f"arn:aws:sts::{ID}:assumed-role/deployer/ann",
        iam=[each for asked in decisions() for each in (("get_role", {"Role": made}), asked)],
    )
    assert checks.permissions(place).status == "ok"


def test_permissions_that_may_not_be_looked_at_are_a_warning() -> None:
    """Few may ask IAM, and that is no fault."""
    found = checks.permissions(cloud(iam=[("simulate_principal_policy", "AccessDenied")]))
    assert found.status == "warn"
    assert "iam:SimulatePrincipalPolicy" in found.remedy


def test_permissions_of_the_root_user_are_not_asked_for() -> None:
    """IAM cannot simulate it, and it is warned of as such."""
    root = cloud(principal=f"arn:aws:iam::{ID}:root")
    assert checks.permissions(root).status == "ok"
    assert checks.credentials(root).status == "warn"
    assert checks.credentials(cloud()).status == "ok"


def test_grants_cover_the_buckets_that_the_stack_makes_alone() -> None:
    """Who brings buckets need not be allowed to make any but the one of packages."""
    account = cloud().account
    both, none = (
        {each.resource for each in grants(environment(Settings(aws=aws)), account) if "s3:CreateBucket" in each.actions}
        for aws in (Aws(), Aws(input="ours", output="theirs"))
    )
    artifacts = f"arn:aws:s3:::safelight-artifacts-{ID}-eu-north-1"
    assert none == {artifacts}
    assert both == {artifacts, *(f"arn:aws:s3:::{name}" for name in PRODUCTION)}


@pytest.mark.parametrize(
    ("answer", "status"),
    [("ENABLED", "ok"), ("ENABLED_BY_DEFAULT", "ok"), ("DISABLING", "fail"), (None, "ok")],
)
def test_region_must_be_enabled(answer: str | None, status: str) -> None:
    """Who may not ask whether it is, has at least had an answer from there."""
    given: Any = {"RegionName": "eu-north-1", "RegionOptStatus": answer} if answer else "AccessDeniedException"
    assert checks.region(cloud(account=[("get_region_opt_status", given)])).status == status


def test_region_that_has_no_lambda_is_told() -> None:
    """A region that AWS's own tools do not know is most often misspelt."""
    place = cloud()
    found = checks.region(replace(place, account=replace(place.account, region="eu-nort-1")))
    assert (found.status, "eu-nort-1 answers" in found.detail) == ("warn", True)


def test_looked_of_what_may_not_be_seen_is_a_warning_with_the_action() -> None:
    """A missing right to look is no fault of what is there."""
    name, found = checks.looked(
        "concurrency", checks.concurrency, cloud(lambda_=[("get_account_settings", "AccessDenied")])
    )
    assert (name, found.status) == ("concurrency", "warn")
    assert "could not be looked at" in found.detail
    assert "AccessDenied" in found.detail


def test_looked_of_what_aws_refuses_otherwise_is_a_failure() -> None:
    """Nothing that AWS says ends the check-up."""
    _, found = checks.looked(
        "concurrency", checks.concurrency, cloud(lambda_=[("get_account_settings", "ServiceException")])
    )
    assert found.status == "fail"
    assert found.remedy
