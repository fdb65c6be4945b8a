"""Taking back what a stack left: whose it is, and what an import says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from safelight.config import load
from safelight.deploy import cloudformation
from safelight.deploy.adopt import imported, left_over, reduced
from safelight.deploy.environment import Environment, environment_of, replica_of, replica_parameters
from safelight.deploy.errors import BucketTaken, BucketUnusable, DeployError, TableTaken
from safelight.deploy.plan import rows
from safelight.placement import Aws
from tests.unit.deploy.fake_aws import FakeAws
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation

TEMPLATE = cloudformation.read(cloudformation.TEMPLATE.read_text(encoding="utf-8"))
INPUT, OUTPUT, TABLE = "myimage-processor-input-dev", "myimage-processor-output-dev", "image-processor-jobs-dev"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ALL = {
    "InputBucket": {"BucketName": INPUT},
    "OutputBucket": {"BucketName": OUTPUT},
    "JobsTable": {"TableName": TABLE},
}


def environment(**aws: Any) -> Environment:
    found = environment_of(load(None, {}), "dev", "123456789012")
    return replace(found, aws=Aws(**aws))


def left(aws: FakeAws, target: Environment | None = None, held: tuple[str, ...] = ()) -> Any:
    return left_over(aws, target or environment(), held)  # type: ignore[arg-type]


def with_history(buckets: dict[str, str], made: str = "CREATE_COMPLETE", **more: Any) -> FakeAws:
    """An account in which a stack of this name was deleted that had retained buckets, table and key."""
    cloudformation = FakeCloudFormation()
    stack = cloudformation.add("image-processor-dev", "CREATE_COMPLETE")
    for kind, physical in (
        ("S3::Bucket", INPUT),
        ("S3::Bucket", OUTPUT),
        ("DynamoDB::Table", TABLE),
        ("KMS::Key", KEY),
    ):
        for status in (made, "DELETE_SKIPPED"):
            cloudformation.happen(stack.id, (physical, status, ""))
            stack.events[-1] |= {"PhysicalResourceId": physical, "ResourceType": f"AWS::{kind}"}
    cloudformation.happen(stack.id, ("image-processor-dev", "DELETE_COMPLETE", ""))
    return FakeAws(buckets, cloudformation=cloudformation, **more)


def test_left_over_of_a_new_project_is_nothing() -> None:
    """All names are free."""
    assert left(FakeAws()) == {}


@pytest.mark.parametrize("by", ["tags", "events"])
def test_left_over_of_a_destroyed_stack_is_found(by: str) -> None:
    """By the tags of what it made or, where those do not tell, by the events of the stack that was deleted."""
    buckets = {INPUT: "eu-north-1", OUTPUT: "eu-north-1"}
    table = f"arn:aws:dynamodb:eu-north-1:123456789012:table/{TABLE}"
    tagged = (f"arn:aws:s3:::{INPUT}", f"arn:aws:s3:::{OUTPUT}", table)
    aws = with_history(buckets, tables=(TABLE,)) if by == "events" else FakeAws(buckets, (TABLE,), tagged)
    assert left(aws) == ALL


def test_left_over_bucket_that_a_stack_failed_to_make_is_not_its_own() -> None:
    """Its events name the bucket, since somebody had made it by hand before: it must never be taken or deleted."""
    with pytest.raises(BucketTaken):
        left(with_history({INPUT: "eu-north-1"}, made="CREATE_FAILED"))


def test_left_over_key_is_taken_back_with_the_bucket_that_it_encrypts() -> None:
    """Only where a key of the stack is asked for: without it nothing in the bucket could be read."""
    buckets = {INPUT: "eu-north-1", OUTPUT: "eu-north-1"}
    aws = with_history(buckets, key=KEY)
    assert left(aws, environment(encryption="kms"))["EncryptionKey"] == {"KeyId": KEY}
    assert "EncryptionKey" not in left(aws)


def test_left_over_key_is_taken_back_with_the_table_where_the_buckets_are_the_users() -> None:
    """Their encryption is not the stack's, and the table's is."""
    own = {"input_bucket": "photos", "owns_input": False, "output_bucket": "small", "owns_output": False}
    buckets = {"photos": "eu-north-1", "small": "eu-north-1"}
    found = left(with_history(buckets, tables=(TABLE,), key=KEY), replace(environment(encryption="kms"), **own))
    assert found == {"JobsTable": {"TableName": TABLE}, "EncryptionKey": {"KeyId": KEY}}


def test_left_over_key_that_no_stack_made_is_not_taken() -> None:
    """One that safelight.yaml named before encrypts them, too, and is its owner's."""
    aws = with_history({INPUT: "eu-north-1", OUTPUT: "eu-north-1"}, tables=(TABLE,), key="another")
    assert left(aws, environment(encryption="kms")) == ALL


@pytest.mark.parametrize("made", ["", "CREATE_FAILED"], ids=["made by hand", "the stack failed to make it"])
def test_left_over_table_that_no_stack_made_is_refused(made: str) -> None:
    """It is a stranger's: once adopted, `destroy --with-data` would delete it."""
    aws = with_history({}, made, tables=(TABLE,)) if made else FakeAws(tables=(TABLE,))
    with pytest.raises(
        TableTaken, match=f"{TABLE} is in your account, but not of the stack image-processor-dev"
    ) as err:
        left(aws)
    assert "name:" in err.value.remedy


@pytest.mark.parametrize(
    ("buckets", "kind", "says", "remedy"),
    [
        ({INPUT: "403"}, BucketTaken, "somebody else's", "names: {suffix: account}"),
        ({OUTPUT: "403"}, BucketTaken, OUTPUT, "names: {suffix: account}"),
        ({INPUT: "us-east-1"}, BucketUnusable, "is in us-east-1", "region"),
        ({INPUT: "eu-north-1"}, BucketTaken, "not of the stack image-processor-dev", "input: NAME"),
    ],
    ids=["somebody else's", "the output's", "another region", "ours, made by hand"],
)
def test_left_over_bucket_that_cannot_be_used_is_told_before_anything_is_made(
    buckets: dict[str, str], kind: type[DeployError], says: str, remedy: str
) -> None:
    """And what to write in safelight.yaml."""
    with pytest.raises(kind, match=says) as caught:
        left(FakeAws(buckets))
    assert remedy in caught.value.remedy


def test_left_over_bucket_beside_a_stack_that_has_others_is_not_taken() -> None:
    """An import into a stack that is there may change nothing else, so this is for people to solve."""
    aws = with_history({INPUT: "eu-north-1"})
    with pytest.raises(BucketTaken):
        left(aws, held=("some-queue",))
    assert left(aws, held=(INPUT, OUTPUT)) == {}


def test_left_over_bucket_of_the_users_must_be_there_and_is_left_alone() -> None:
    """The stack makes none of that name."""
    target = replace(environment(), input_bucket="photos", owns_input=False)
    with pytest.raises(BucketUnusable, match="there is no bucket photos"):
        left(FakeAws(), target)
    assert left(FakeAws({"photos": "eu-north-1"}), target) == {}


def strings(value: Any) -> set[str]:
    """Every name that an intrinsic function may refer to."""
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()), *map(strings, value))
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {str(value)}


@pytest.mark.parametrize("with_key", [False, True], ids=["without key", "with key"])
def test_reduced_template_has_what_is_imported_and_nothing_that_is_not_there(*, with_key: bool) -> None:
    """The real template: whatever it refers to besides parameters and conditions is imported, too."""
    found = {**ALL, **({"EncryptionKey": {"KeyId": KEY}} if with_key else {})}
    text, imports = reduced(TEMPLATE, found)
    made = json.loads(text)
    assert made["Resources"].keys() == found.keys()
    assert {each["DeletionPolicy"] for each in made["Resources"].values()} == {"Retain"}
    assert strings(made["Resources"]) & (TEMPLATE["Resources"].keys() - found.keys()) == set()
    assert made.keys() & {"Outputs", "Rules", "Metadata"} == set()
    assert made["Parameters"] == TEMPLATE["Parameters"]
    assert ("BucketEncryption" in made["Resources"]["InputBucket"]["Properties"]) == with_key
    assert {"VersioningConfiguration", "BucketName"} <= made["Resources"]["InputBucket"]["Properties"].keys()
    assert {"KeySchema", "TableName"} <= made["Resources"]["JobsTable"]["Properties"].keys()
    assert [each["ResourceIdentifier"] for each in imports] == list(found.values())
    assert [row.verb for row in rows(imported(imports))] == ["take back"] * len(found)


def test_reduced_leaves_out_properties_that_name_something_else_in_any_way() -> None:
    """By Ref, by Fn::GetAtt in both of its forms, and inside of Fn::Sub."""
    properties = {
        "BucketName": {"Ref": "Name"},
        "A": {"Ref": "Other"},
        "B": [{"Fn::GetAtt": ["Other", "Arn"]}],
        "C": {"x": {"Fn::Sub": "${Other.Arn}/*"}},
        "D": {"Fn::Sub": "${Others}"},
    }
    resource = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "DependsOn": "Other", "Properties": properties}
    template = {"Resources": {"InputBucket": resource, "Other": {"Type": "AWS::SQS::Queue"}}}
    [made] = json.loads(reduced(template, {"InputBucket": {"BucketName": "b"}})[0])["Resources"].values()
    assert made["Properties"].keys() == {"BucketName", "D"}
    assert "DependsOn" not in made


def test_replica_is_an_environment_of_buckets_alone() -> None:
    """In the other region, with parameters that its template knows."""
    replica = replica_of(environment(replica="eu-west-1", encryption="kms"))
    assert replica
    assert (replica.region, replica.stack, replica.table) == ("eu-west-1", "image-processor-dev-replica", "")
    assert replica.input_bucket == f"{INPUT}-replica"
    known = cloudformation.read(cloudformation.REPLICA.read_text(encoding="utf-8"))["Parameters"]
    assert replica_parameters(replica).keys() <= known.keys()
    assert replica_of(environment()) is None
