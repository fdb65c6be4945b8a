"""Checks of an AWS account: whether an environment can be deployed there, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.deploy.account import Account, explained
from safelight.deploy.buckets import is_there
from safelight.deploy.environment import Environment
from safelight.deploy.errors import AwsRefused, BucketTaken, BucketUnusable, DeployError, NotPermitted, RegionDisabled
from safelight.entry.checkup import Verdict, examine, fail, ok, warn
from safelight.entry.cli.deploy_actions import Grant, grants
from safelight.operate.gone import anew, is_gone
from safelight.settings import Settings

SKEW_S, MOST_SKEW_S = 60, 300
"""AWS refuses what is signed 5 minutes early or late, S3 after 15. Source: IAM user guide, "Signature Version 4"."""
NEW_ACCOUNT = 10
"""Concurrent executions of a new account; usually they are 1,000. Source: Lambda developer guide, "Lambda quotas"."""
NEW_ACCOUNT_MEMORY = 3008
BUCKETS = 10_000
"""Buckets of an account where no other quota is known. Source: S3 user guide, "Quotas"."""
BUCKETS_QUOTA = "L-DC2B2D3D"
ALMOST = 0.95
RAISE = "Ask AWS for more (console: Service Quotas); it takes minutes to days."


class Cloud(Struct, frozen=True, kw_only=True):
    """An environment in its account, and its stack as CloudFormation describes it; blank where there is none.

    `unseen` is why the stack could not be looked at, `ca_bundle` a PEM file of whom to trust beside the system.
    """

    account: Account
    environment: Environment
    settings: Settings
    now: Callable[[], float]
    stack: Mapping[str, Any] = {}
    unseen: DeployError | None = None
    ca_bundle: str | None = None

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack puts out; blank where nothing runs."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.stack.get("Outputs", ())}

    @property
    def given(self) -> dict[str, str]:
        """The parameters that the stack was deployed with."""
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in self.stack.get("Parameters", ())}


AwsCheck = Callable[[Cloud], Verdict]


def looked(name: str, check: AwsCheck, cloud: Cloud) -> tuple[str, Verdict]:
    """Return a check's verdict; what may not be looked at is no failure of what is there."""
    return name, examine(partial(_look, check), cloud)


def _look(check: AwsCheck, cloud: Cloud) -> Verdict:
    try:
        with explained(cloud.account):
            return check(cloud)
    except NotPermitted as err:
        return warn(f"could not be looked at: {err.message}", err.remedy)
    except AwsRefused as err:
        if not is_gone(err):
            raise
        return fail(err.message, anew(cloud.environment.environment))


def credentials(cloud: Cloud) -> Verdict:
    """Tell who we are, and where."""
    account = cloud.account
    where = f" at {account.endpoint}" if account.endpoint else ""
    detail = f"{account.principal}, account {account.id}{where}"
    if account.principal.endswith(":root"):
        return warn(
            detail, "This is the account's root user, whom nothing can hold back: make a role or user for this."
        )
    return ok(detail)


def region(cloud: Cloud) -> Verdict:
    """See that the account uses the region."""
    name, account = cloud.account.region, cloud.account
    if not account.endpoint and name not in account.session.get_available_regions("lambda", account.partition):
        return warn(f"{name} answers, and boto3 knows no Lambda there", "Check `region:`; upgrade boto3 if it is new.")
    try:
        status = account.client("account").get_region_opt_status(RegionName=name)["RegionOptStatus"]
    except ClientError:
        # Few may ask for this, and STS took a request that was signed for the region.
        return ok(f"{name} answers")
    if status in ("ENABLED", "ENABLED_BY_DEFAULT"):
        return ok(f"{name} is enabled and answers")
    return fail(f"{name} is {status.lower()}", RegionDisabled.default_remedy)


def clock(cloud: Cloud) -> Verdict:
    """Compare this machine's clock with AWS's, which every signature depends on."""
    answer = cloud.account.client("sts").get_caller_identity()["ResponseMetadata"]
    date = {name.lower(): value for name, value in answer["HTTPHeaders"].items()}.get("date")
    if date is None:
        return ok("not looked at: the server tells no date")
    skew = cloud.now() - parsedate_to_datetime(date).timestamp()
    if abs(skew) <= SKEW_S:
        return ok("agrees with AWS's")
    detail = f"is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} AWS's"
    remedy = "Synchronize it (NTP): AWS refuses what is signed 5 minutes early or late."
    return fail(detail, remedy) if abs(skew) > MOST_SKEW_S else warn(detail, remedy)


def concurrency(cloud: Cloud) -> Verdict:
    """Compare what Lambda grants the account with what is asked of it."""
    limits = cloud.account.client("lambda").get_account_settings()["AccountLimit"]
    most, left = limits["ConcurrentExecutions"], limits.get("UnreservedConcurrentExecutions", 0)
    aws = cloud.environment.aws
    detail = f"{most} at once, {left} of them not reserved by other functions"
    if most <= NEW_ACCOUNT and aws.memory > NEW_ACCOUNT_MEMORY:
        return warn(
            f"{detail}; and aws.memory={aws.memory}: new accounts often have {NEW_ACCOUNT_MEMORY} at most", RAISE
        )
    if most <= NEW_ACCOUNT:
        return warn(f"{detail}: as new accounts have; uploads beyond them wait in the queue", RAISE)
    if aws.concurrency and aws.concurrency > left:
        return warn(f"{detail}; aws.concurrency={aws.concurrency} is more", f"Lower it. {RAISE}")
    return ok(detail)


def buckets_quota(cloud: Cloud) -> Verdict:
    """Compare the buckets of the account with how many it may have."""
    account = cloud.account
    count = sum(len(page.get("Buckets", [])) for page in account.client("s3").get_paginator("list_buckets").paginate())
    most, wanted = _most_buckets(account), cloud.environment.owns_input + cloud.environment.owns_output
    detail = f"{count} of {most} buckets"
    if not cloud.outputs and count + wanted > most:
        return fail(f"{detail}; {wanted} more are to be made", RAISE)
    return warn(detail, RAISE) if count > most * ALMOST else ok(detail)


def _most_buckets(account: Account) -> int:
    # The quota is one for the whole world, and kept in this region.
    quotas = account.session.client("service-quotas", region_name="us-east-1", endpoint_url=account.endpoint)
    try:
        return int(quotas.get_service_quota(ServiceCode="s3", QuotaCode=BUCKETS_QUOTA)["Quota"]["Value"])
    except ClientError:
        return BUCKETS


def bucket_names(cloud: Cloud) -> Verdict:
    """See whose the names of the buckets are."""
    here = cloud.environment
    found = [
        _bucket(cloud, "input", here.input_bucket, is_made=here.owns_input),
        _bucket(cloud, "output", here.output_bucket, is_made=here.owns_output),
    ]
    worst = next((each for level in ("fail", "warn") for each in found if each.status == level), found[0])
    remedies = " ".join(dict.fromkeys(each.remedy for each in found if each.remedy))
    return Verdict(status=worst.status, detail="\n".join(each.detail for each in found), remedy=remedies)


def _bucket(cloud: Cloud, kind: str, name: str, *, is_made: bool) -> Verdict:
    try:
        found = is_there(cloud.account, name)
    except (BucketTaken, BucketUnusable) as err:
        if isinstance(err, BucketTaken) and cloud.outputs.get(f"{kind.capitalize()}Bucket") == name:
            who = cloud.account.principal
            return warn(f"{name} is the stack's; {who} may not s3:ListBucket it", NotPermitted.default_remedy)
        remedy = err.remedy if is_made else f"Correct aws.{kind}, or be allowed s3:ListBucket on it."
        return fail(err.message, remedy)
    if not found:
        return ok(f"{name} is free") if is_made else fail(f"{name} is not there", f"Make it, or correct aws.{kind}.")
    if is_made and cloud.outputs.get(f"{kind.capitalize()}Bucket") != name:
        remedy = "`safelight deploy` takes back what an earlier stack of the same name left, and refuses any other."
        return warn(f"{name} is there, in this account", remedy)
    return ok(f"{name} is the stack's" if is_made else f"{name} is there, in this account")


def permissions(cloud: Cloud) -> Verdict:
    """Ask IAM whether we may do what deploying takes; a policy of the organization counts too."""
    account = cloud.account
    if account.principal.endswith(":root"):
        return ok("not looked at: the root user may do everything")
    try:
        missing = [
            (action, each.resource) for each in grants(cloud.environment, account) for action in _denied(account, each)
        ]
    except ClientError as err:
        detail = (
            f"could not be looked at: IAM answers {err.response['Error']['Code']} when asked about {account.principal}"
        )
        remedy = (
            "Deploy and see: what is refused names its action. Or have iam:SimulatePrincipalPolicy and iam:GetRole."
        )
        return warn(detail, remedy)
    if missing:
        lines = [f"{action} on {resource}" for action, resource in missing]
        return fail("denied:\n" + "\n".join(lines), "Have these allowed to your role or user, or take another profile.")
    return ok("IAM allows what deploying takes")


def _denied(account: Account, asked: Grant) -> list[str]:
    pages = account.client("iam").get_paginator("simulate_principal_policy")
    answers: list[dict[str, Any]] = [
        result
        for page in pages.paginate(
            PolicySourceArn=_source(account), ActionNames=list(asked.actions), ResourceArns=[asked.resource]
        )
        for result in page["EvaluationResults"]
    ]
    return [each["EvalActionName"] for each in answers if each["EvalDecision"] != "allowed"]


def _source(account: Account) -> str:
    """Return the user or role whose policies count: of a session, the role."""
    kind, _, rest = account.principal.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return account.principal
    return str(account.client("iam").get_role(RoleName=rest.split("/")[0])["Role"]["Arn"])


BEFORE: tuple[tuple[str, AwsCheck], ...] = (
    ("credentials", credentials),
    ("region", region),
    ("clock", clock),
    ("concurrency", concurrency),
    ("buckets", buckets_quota),
    ("bucket names", bucket_names),
    ("permissions", permissions),
)
"""What is looked at of the account, in this order."""
