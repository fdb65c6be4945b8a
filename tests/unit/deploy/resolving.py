"""A template as CloudFormation would carry it out: conditions decided, functions replaced by what they give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from safelight.deploy.cloudformation import TEMPLATE, read

REGION, ACCOUNT = "eu-north-1", "123456789012"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stack/3f2a8c1e-0000-4000-8000-0123456789ab",
}
CODE = {"CodeBucket": "artifacts", "CodeKey": "digest.zip"}
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/own"
REPLICAS = {"ReplicaInputBucketArn": "arn:aws:s3:::far-input", "ReplicaOutputBucketArn": "arn:aws:s3:::far-output"}
EVERYTHING = {
    **CODE,
    **REPLICAS,
    "Encryption": "kms",
    "ReplicaKmsKeyArn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/far",
    "Tracing": "true",
    "AccessLogs": "true",
    "DigestMinutes": "15",
    "RemoveOutputs": "true",
    "Backup": "true",
    "MaximumConcurrency": "10",
    **{f"Email{number}": f"owner{number}@example.com" for number in range(1, 6)},
    **{f"AlarmEmail{number}": f"ops{number}@example.com" for number in range(1, 6)},
}
"""Every option on, so that every resource and every statement is there."""

_ABSENT: Any = object()
_NAMED = {
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*"),
    "AWS::Events::Rule": ("Name", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}"),
    "AWS::IAM::Role": ("RoleName", f"arn:aws:iam::{ACCOUNT}:role/{{}}"),
    "AWS::KMS::Key": ("", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}"),
}
"""By type, the property that is its name, and its ARN; without a name it is called after its logical id."""


class Resolved:
    """A template with given parameters. `resources` holds what the stack would make, by logical id."""

    def __init__(self, parameters: Mapping[str, str], template: dict[str, Any] | None = None) -> None:
        self._template = template or read(TEMPLATE.read_text("utf-8"))
        declared = self._template["Parameters"]
        assert parameters.keys() <= declared.keys()
        defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
        self._parameters = {**defaults, **parameters}
        self.resources: dict[str, Any] = {
            name: self.value(each)
            for name, each in self._template["Resources"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }
        self.outputs: dict[str, Any] = {
            name: self.value(each["Value"])
            for name, each in self._template["Outputs"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return a resource's properties."""
        return dict(self.resources[logical_id]["Properties"])

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        return {name: each["Properties"] for name, each in self.resources.items() if each["Type"] == kind}

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Return what a role's policies say."""
        policies = self.properties(role)["Policies"]
        return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template is true."""
        return bool(self.value(self._template["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        """Return what CloudFormation makes of a value."""
        if isinstance(node, list):
            return [each for each in map(self.value, node) if each is not _ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._function(name, argument)
        found = {name: self.value(each) for name, each in node.items()}
        return {name: each for name, each in found.items() if each is not _ABSENT}

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._ref(argument)
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::If":
            return self.value(argument[1] if self.holds(argument[0]) else argument[2])
        if name == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._named(found[1])), argument)
        given = self.value(argument)
        return {
            "Fn::GetAtt": lambda: self._attribute(*argument),
            "Fn::Equals": lambda: str(given[0]) == str(given[1]),
            "Fn::Not": lambda: not given[0],
            "Fn::And": lambda: all(given),
            "Fn::Or": lambda: any(given),
            "Fn::Join": lambda: given[0].join(given[1]),
            "Fn::Select": lambda: given[1][int(given[0])],
            "Fn::Split": lambda: given[1].split(given[0]),
        }[name]()

    def _named(self, name: str) -> Any:
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        self._check(name)
        kind = self._template["Resources"][name]["Type"]
        if kind == "AWS::SNS::Topic":
            return self._attribute(name, "Arn")
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self._name(name)}"
        return self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        self._check(name)
        if attribute == "QueueName":
            return self._name(name)
        assert attribute == "Arn", attribute
        return _NAMED[self._template["Resources"][name]["Type"]][1].format(self._name(name))

    def _name(self, name: str) -> str:
        resource = self._template["Resources"][name]
        given = _NAMED.get(resource["Type"], ("", ""))[0]
        return str(self.value(resource["Properties"][given])) if given in resource.get("Properties", {}) else name

    def _check(self, name: str) -> None:
        """Fail where something is named that the stack would not make: CloudFormation refuses that."""
        resource = self._template["Resources"][name]
        assert "Condition" not in resource or self.holds(resource["Condition"]), f"{name} is not made"
