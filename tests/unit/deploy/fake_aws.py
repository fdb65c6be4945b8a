"""An account with as much of S3, DynamoDB and tags as finding leftovers asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.deploy.fake_cloudformation import FakeCloudFormation, refusal


@dataclass
class FakeAws:
    """An account in which some buckets and tables are; also the client of each service."""

    buckets: dict[str, str] = field(default_factory=dict)
    """Each bucket with its region, or with the code that HEAD answers."""
    tables: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()
    key: str | None = None
    notifications: dict[str, Any] = field(default_factory=dict)
    cloudformation: FakeCloudFormation = field(default_factory=FakeCloudFormation)
    id: str = "123456789012"
    region: str = "eu-north-1"
    principal: str = "arn:aws:iam::123456789012:user/ann"

    def client(self, service: str) -> Any:
        return self.cloudformation if service == "cloudformation" else self

    def head_bucket(self, Bucket: str, ExpectedBucketOwner: str) -> dict[str, str]:  # noqa: N803 -- boto3's names
        assert ExpectedBucketOwner == self.id
        found = self.buckets.get(Bucket, "404")
        if found.isdigit():
            raise refusal(found)
        return {"BucketRegion": found}

    def get_bucket_encryption(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        key = {"KMSMasterKeyID": f"arn:aws:kms:eu-north-1:123456789012:key/{self.key}"} if self.key else {}
        return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": key}]}}

    def get_bucket_notification_configuration(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert (self.buckets[Bucket], ExpectedBucketOwner) == (self.region, self.id)
        return self.notifications

    def describe_table(self, TableName: str) -> Any:  # noqa: N803
        if TableName not in self.tables:
            raise refusal("ResourceNotFoundException")
        key = {"KMSMasterKeyArn": f"arn:aws:kms:eu-north-1:123456789012:key/{self.key}"}
        return {"Table": {"TableName": TableName, **({"SSEDescription": key} if self.key else {})}}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_resources"
        return self

    def paginate(self, TagFilters: Any, ResourceTypeFilters: Any) -> Any:  # noqa: N803
        assert TagFilters == [{"Key": "safelight:stack", "Values": ["image-processor-dev"]}]
        yield {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in self.tagged]}
