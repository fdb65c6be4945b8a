"""The bucket for packages: made complete or not at all, and never somebody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from safelight.deploy.artifacts import Artifacts
from safelight.deploy.errors import ArtifactsUnavailable
from tests.unit.deploy.stubbed import ID, StubbedAccount

BUCKET = f"safelight-artifacts-{ID}-eu-north-1"
OWNED = {"Bucket": BUCKET, "ExpectedBucketOwner": ID}


def artifacts(account: StubbedAccount) -> Artifacts:
    return Artifacts(account=account, bucket=BUCKET)  # type: ignore[arg-type]


def test_put_makes_the_bucket_private_and_for_tls_alone() -> None:
    """The policy is the last of it; every call but the making itself names the owner."""
    account = StubbedAccount()
    account.refuse("s3.get_bucket_policy", "NoSuchBucket", 404)
    made: dict[str, Any] = {"Bucket": BUCKET, "ObjectOwnership": "BucketOwnerEnforced"}
    account.answer(
        "s3.create_bucket", asked={**made, "CreateBucketConfiguration": {"LocationConstraint": "eu-north-1"}}
    )
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    blocked = {"PublicAccessBlockConfiguration": dict.fromkeys(names, True)}
    account.answer("s3.put_public_access_block", asked={**OWNED, **blocked})
    account.answer("s3.put_bucket_policy", asked={**OWNED, "Policy": ANY})
    account.answer("s3.put_object", asked={**OWNED, "Key": "packages/1.zip", "Body": b"zip"})
    assert artifacts(account).put("packages/1.zip", b"zip").endswith(f"/{BUCKET}/packages/1.zip")
    account.done()


def test_put_policy_denies_plain_http_and_allows_nobody() -> None:
    """Who may use the bucket, the policies of users say."""
    account, policies = StubbedAccount(), list[str]()
    account.refuse("s3.get_bucket_policy", "NoSuchBucketPolicy", 404)
    account.answer("s3.put_public_access_block")
    account.answer("s3.put_bucket_policy")
    account.answer("s3.put_object")
    account.client("s3").meta.events.register(
        "provide-client-params.s3.PutBucketPolicy", lambda params, **_: policies.append(params["Policy"])
    )
    artifacts(account).put("k", b"")
    [statement] = json.loads(policies[0])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]


def test_put_into_a_bucket_that_is_complete_asks_once() -> None:
    """A deployment by a pipeline needs no right to make buckets."""
    account = StubbedAccount()
    account.answer("s3.get_bucket_policy", asked=OWNED)
    account.answer("s3.put_object")
    artifacts(account).put("k", b"")
    account.done()


def test_put_after_an_interruption_completes_the_bucket() -> None:
    """A bucket without its policy was not finished."""
    account = StubbedAccount()
    account.refuse("s3.get_bucket_policy", "NoSuchBucketPolicy", 404)
    account.answer("s3.put_public_access_block")
    account.answer("s3.put_bucket_policy")
    account.answer("s3.put_object")
    artifacts(account).put("k", b"")
    account.done()


def test_put_in_us_east_1_names_no_place() -> None:
    """S3 refuses the name of its first region."""
    account = StubbedAccount(region="us-east-1")
    account.refuse("s3.get_bucket_policy", "NoSuchBucket", 404)
    account.answer("s3.create_bucket", asked={"Bucket": BUCKET, "ObjectOwnership": "BucketOwnerEnforced"})
    for call in ("put_public_access_block", "put_bucket_policy", "put_object"):
        account.answer(f"s3.{call}")
    artifacts(account).put("k", b"")
    account.done()


@pytest.mark.parametrize(
    ("call", "code"), [("get_bucket_policy", "AccessDenied"), ("create_bucket", "BucketAlreadyExists")]
)
def test_put_into_a_bucket_of_somebody_else_is_refused(call: str, code: str) -> None:
    """Whoever foresaw the name gets no package: S3 compares the owner."""
    account = StubbedAccount()
    if call == "create_bucket":
        account.refuse("s3.get_bucket_policy", "NoSuchBucket", 404)
    account.refuse(f"s3.{call}", code, 403)
    with pytest.raises(ArtifactsUnavailable, match=code) as caught:
        artifacts(account).put("k", b"")
    assert BUCKET in caught.value.message
    account.done()


def test_has_tells_what_is_there() -> None:
    """No object and no bucket are the same; a refusal is neither."""
    account = StubbedAccount()
    account.answer("s3.head_object", asked={**OWNED, "Key": "k"})
    account.refuse("s3.head_object", "404", 404)
    account.refuse("s3.head_object", "403", 403)
    one = artifacts(account)
    assert (one.has("k"), one.has("k")) == (True, False)
    with pytest.raises(ClientError):
        one.has("k")
