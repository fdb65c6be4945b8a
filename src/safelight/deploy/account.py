"""The AWS account that is deployed to: who we are there, and what AWS's refusals mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config
from msgspec import Struct

from safelight.deploy import errors

EXPIRED = (errors.ExpiredCredentials, "the AWS credentials have expired")
UNKNOWN = (errors.BadCredentials, "AWS does not know the access key")
UNSIGNED = (errors.BadCredentials, "AWS refuses the signature of a request")
DISABLED = (errors.RegionDisabled, "the account has not enabled what is asked for")
MEANINGS: dict[str, tuple[type[errors.DeployError], str]] = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), EXPIRED),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"), UNKNOWN),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidToken"), UNSIGNED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), UNSIGNED),
    **dict.fromkeys(("OptInRequired", "RegionDisabledException"), DISABLED),
}
LOGINS = (exceptions.SSOError, exceptions.LoginError)
LOGGED_OUT = (*LOGINS, exceptions.TokenRetrievalError, exceptions.CredentialRetrievalError)
DENIED = ("AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation", "AuthorizationError")
# Source: the Service Authorization Reference; of most operations the action has the same name.
ACTIONS = {
    "monitoring:DescribeAlarms": "cloudwatch:DescribeAlarms",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "tagging:GetResources": "tag:GetResources",
}


class Account(Struct, frozen=True, kw_only=True):
    """An account in a region, as whom we are there; `endpoint` is set where a stand-in takes AWS's place."""

    session: boto3.Session
    id: str
    region: str
    principal: str
    endpoint: str | None = None

    @property
    def partition(self) -> str:
        """The part of AWS that ARNs begin with, such as aws or aws-cn."""
        return self.principal.split(":")[1]

    def client(self, service: Any) -> Any:
        """Return boto3's client of a service; a caller that wants its types annotates what it gets."""
        return _client(self.session, service, self.region, self.endpoint)


def open_account(region: str, environ: Mapping[str, str]) -> Account:
    """Find credentials as AWS's own tools do (keys, profile, SSO, role), and ask AWS whose they are.

    Args:
        region: where to deploy.
        environ: keys, profile and endpoint are taken from it.

    Raises:
        NoCredentials, ExpiredCredentials, BadCredentials, RegionDisabled, AwsUnreachable, NotPermitted, AwsRefused
    """
    endpoint = environ.get("AWS_ENDPOINT_URL")
    with explained():
        session = _session(region, environ)
        if session.get_credentials() is None:
            raise errors.NoCredentials("no AWS credentials were found: no keys, profile, SSO login or role")
        try:
            who = _client(session, "sts", region, endpoint).get_caller_identity()
        except exceptions.ClientError as err:
            if MEANINGS.get(code_of(err)) == UNKNOWN and _known_elsewhere(session, endpoint):
                raise errors.RegionDisabled(f"the account has not enabled the region {region}") from err
            raise
        except exceptions.EndpointConnectionError as err:
            known = endpoint or region in session.get_available_regions("cloudformation")
            hint = "" if known else f"; {region} is no region that is known here"
            raise errors.AwsUnreachable(f"{endpoint or f'AWS in {region}'} does not answer{hint}") from err
    return Account(session=session, id=who["Account"], region=region, principal=who["Arn"], endpoint=endpoint)


@contextmanager
def explained(account: Account | None = None) -> Iterator[None]:
    """Turn what boto3 raises within it into errors of ours, which say what to do."""
    try:
        yield
    except exceptions.ClientError as err:
        raise _meaning(err, account) from err
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound) as err:
        raise errors.NoCredentials(f"no AWS credentials can be used: {err}") from err
    except LOGGED_OUT as err:
        raise errors.ExpiredCredentials(f"the login at AWS does not hold: {err}") from err
    except exceptions.BotoCoreError as err:
        raise errors.AwsUnreachable(f"AWS could not be asked: {err}") from err


def code_of(err: exceptions.ClientError) -> str:
    """Return the code of a refusal, such as AlreadyExistsException; of a HEAD request it is the status."""
    return err.response.get("Error", {}).get("Code", "")


def words_of(err: exceptions.ClientError) -> str:
    """Return AWS's own words for a refusal, its code first."""
    told = err.response.get("Error", {})
    return ": ".join(filter(None, (told.get("Code"), told.get("Message", "").strip().rstrip("."))))


def _session(region: str, environ: Mapping[str, str]) -> boto3.Session:
    if key := environ.get("AWS_ACCESS_KEY_ID"):
        if not (secret := environ.get("AWS_SECRET_ACCESS_KEY")):
            raise errors.NoCredentials("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
        return boto3.Session(key, secret, environ.get("AWS_SESSION_TOKEN"), region_name=region)
    return boto3.Session(profile_name=environ.get("AWS_PROFILE"), region_name=region)


def _client(session: boto3.Session, service: Any, region: str, endpoint: str | None) -> Any:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        s3={"addressing_style": "path"} if endpoint else None,  # bucket.localhost does not resolve everywhere
    )
    client = session.client(service, region_name=region, endpoint_url=endpoint, config=config)
    client.meta.events.register("after-call", _name_action)
    return client


def _name_action(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Write into every answer which action was asked for: an error itself knows the operation only."""
    action = f"{model.service_model.signing_name}:{model.name}"
    parsed.setdefault("ResponseMetadata", {})["Action"] = ACTIONS.get(action, action)


def _known_elsewhere(session: boto3.Session, endpoint: str | None) -> bool:
    """Whether the credentials are good where every account is: a region that is not enabled knows none."""
    try:
        _client(session, "sts", "us-east-1", endpoint).get_caller_identity()
    except (exceptions.ClientError, exceptions.BotoCoreError):
        return False
    return True


def _meaning(err: exceptions.ClientError, account: Account | None) -> errors.DeployError:
    action = err.response["ResponseMetadata"].get("Action", err.operation_name)
    if code_of(err) in DENIED:
        who = account.principal if account else "this user"
        return errors.NotPermitted(f"{who} may not {action}: {words_of(err)}")
    kind, says = MEANINGS.get(code_of(err), (errors.AwsRefused, f"{action} was refused"))
    return kind(f"{says}: {words_of(err)}")
