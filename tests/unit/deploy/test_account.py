"""What AWS refuses becomes an error that says what to do, before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, UnauthorizedSSOTokenError

from safelight.deploy.account import Account, _name_action, explained, open_account
from safelight.deploy.errors import (
    AwsRefused,
    AwsUnreachable,
    BadCredentials,
    DeployError,
    ExpiredCredentials,
    NoCredentials,
    NotDeployed,
    NotPermitted,
    RegionDisabled,
)
from safelight.deploy.stack import outputs
from tests.unit.deploy.refusing import refusing

REGION = "eu-north-1"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests are found, and no metadata service is asked."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def opened(environ: dict[str, str]) -> Account:
    return open_account(REGION, environ)


def test_open_account_with_credentials_tells_who_we_are() -> None:
    """Account, principal and region are known from then on."""
    with refusing({}) as environ:
        account = opened(environ)
    assert (account.id, account.principal, account.region) == (
        "123456789012",
        "arn:aws:iam::123456789012:user/ann",
        REGION,
    )


@pytest.mark.parametrize(
    "environ",
    [{}, {"AWS_PROFILE": "no-such-profile"}, {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}],
    ids=["nothing", "unknown profile", "half a key"],
)
def test_open_account_without_credentials_says_how_to_get_some(environ: dict[str, str]) -> None:
    """Nothing is asked of AWS then."""
    with pytest.raises(NoCredentials) as caught:
        opened(environ)
    assert "aws configure" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", ExpiredCredentials),
        ("ExpiredTokenException", ExpiredCredentials),
        ("InvalidClientTokenId", BadCredentials),
        ("SignatureDoesNotMatch", BadCredentials),
        ("RequestTimeTooSkewed", BadCredentials),
        ("OptInRequired", RegionDisabled),
        ("SomethingNew", AwsRefused),
    ],
)
def test_open_account_refused_says_why(code: str, kind: type[DeployError]) -> None:
    """AWS's code decides, and its words are shown."""
    with refusing({"GetCallerIdentity": (code, "the words of AWS.")}) as environ, pytest.raises(kind) as caught:
        opened(environ)
    assert "the words of AWS" in caught.value.message


def test_open_account_in_a_region_that_is_not_enabled_says_so() -> None:
    """There AWS calls good keys unknown; elsewhere it knows them."""
    refusals = {"GetCallerIdentity": ("InvalidClientTokenId", "The security token is invalid")}
    with refusing(refusals, regions=("us-east-1",)) as environ, pytest.raises(RegionDisabled, match=REGION):
        opened(environ)


def test_open_account_where_nobody_answers_names_the_place() -> None:
    """A wrong endpoint, or a region that does not exist."""
    with refusing({}) as environ:
        pass
    with pytest.raises(AwsUnreachable, match=r"http://127\.0\.0\.1:"):
        opened(environ)


def test_explained_denied_names_action_and_principal() -> None:
    """Whoever has to give the permission needs both."""
    with (
        refusing({"DescribeStacks": ("AccessDenied", "no identity-based policy allows it")}) as environ,
        pytest.raises(NotPermitted) as caught,
    ):
        outputs(opened(environ), "image-processor-prod")
    assert caught.value.message.startswith(
        "arn:aws:iam::123456789012:user/ann may not cloudformation:DescribeStacks: AccessDenied: no identity-based"
    )


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (UnauthorizedSSOTokenError(), ExpiredCredentials),
        (EndpointConnectionError(endpoint_url="https://s3.example.com"), AwsUnreachable),
    ],
)
def test_explained_errors_of_the_sdk_are_coded(raised: Exception, kind: type[DeployError]) -> None:
    """They come without an answer of AWS."""
    with pytest.raises(kind), explained():
        raise raised


def test_outputs_without_a_stack_says_how_to_deploy() -> None:
    """AWS calls a stack that is not there a validation error."""
    refusals = {"DescribeStacks": ("ValidationError", "Stack with id image-processor-dev does not exist")}
    with refusing(refusals) as environ, pytest.raises(NotDeployed, match="image-processor-dev in eu-north-1"):
        outputs(opened(environ), "image-processor-dev")


@pytest.mark.parametrize(
    ("service", "method", "action"),
    [
        ("cloudwatch", "describe_alarms", "cloudwatch:DescribeAlarms"),
        ("s3", "list_buckets", "s3:ListAllMyBuckets"),
        ("s3", "head_bucket", "s3:ListBucket"),
        ("sqs", "list_queues", "sqs:ListQueues"),
    ],
)
def test_action_that_is_named_is_one_of_iam(service: Any, method: str, action: str) -> None:
    """Names of requests and of rights differ; whoever writes a policy needs the latter."""
    client = boto3.client(service, region_name=REGION)
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    answer: dict[str, Any] = {}
    _name_action(answer, operation)
    assert answer["ResponseMetadata"]["Action"] == action
