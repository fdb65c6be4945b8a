"""Taking back what outlived a stack that was deleted: its buckets, its table and its key, with all that is in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from safelight.deploy import buckets
from safelight.deploy.account import Account
from safelight.deploy.environment import Environment
from safelight.deploy.errors import BucketTaken, BucketUnusable, TableTaken
from safelight.deploy.remains import Remains, described, made_by

YOURS = (
    "Bring it along (`aws: {input: NAME}` or `output:` in safelight.yaml), or take others: `names: {suffix: account}`."
)
PARTS = ("AWSTemplateFormatVersion", "Description", "Parameters", "Mappings", "Conditions")


def left_over(account: Account, environment: Environment, held: Collection[str]) -> dict[str, dict[str, str]]:
    """Return what a stack that is gone has left, as identifiers by logical id; and check the names of buckets.

    Args:
        account: the account.
        environment: the environment; one without a name for the table has none.
        held: physical ids of what the stack has now.

    Raises:
        BucketTaken, BucketUnusable, TableTaken
    """
    found: dict[str, dict[str, str]] = {}
    keys: list[str | None] = []
    made = cache(lambda: made_by(account, environment.stack))  # many calls, and nothing to ask where all is new
    for name, bucket, owns in (
        ("InputBucket", environment.input_bucket, environment.owns_input),
        ("OutputBucket", environment.output_bucket, environment.owns_output),
    ):
        if _has_name_of_ours(account, bucket, owns=owns) and bucket not in held:
            if held or Remains(kind="bucket", name=bucket) not in made():
                where = f"the bucket {bucket} is in your account, but not of the stack {environment.stack}"
                raise BucketTaken(where, remedy=YOURS)
            found[name] = {"BucketName": bucket}
            keys.append(buckets.key_of(account, bucket))
    if environment.table and not held and (table := described(account, environment.table)):
        if Remains(kind="table", name=environment.table) not in made():
            raise TableTaken(
                f"the table {environment.table} is in your account, but not of the stack {environment.stack}"
            )
        found["JobsTable"] = {"TableName": environment.table}
        keys.append(table.get("SSEDescription", {}).get("KMSMasterKeyArn", "").rpartition("/")[2])
    if environment.aws.encryption == "kms" and (key := _first_of(made, keys)):
        found["EncryptionKey"] = {"KeyId": key}
    return found


def reduced(template: Mapping[str, Any], found: Mapping[str, Mapping[str, str]]) -> tuple[str, list[dict[str, Any]]]:
    """Return a template of what was left over alone, and what an import is to say of it.

    A property that refers to something else of the stack is left out; the update that follows adds it. CloudFormation
    takes neither outputs nor tags with an import.
    """
    others = [name for name in template["Resources"] if name not in found]
    resources = {name: _alone(template["Resources"][name], others) for name in found}
    body = {**{part: template[part] for part in PARTS if part in template}, "Resources": resources}
    imports = [
        {"ResourceType": resources[name]["Type"], "LogicalResourceId": name, "ResourceIdentifier": dict(identifier)}
        for name, identifier in found.items()
    ]
    return json.dumps(body, separators=(",", ":")), imports


def imported(imports: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the changes that an import would be shown as."""
    for each in imports:
        [physical] = each["ResourceIdentifier"].values()
        yield {**each, "Action": "Import", "PhysicalResourceId": physical}


def _has_name_of_ours(account: Account, bucket: str, *, owns: bool) -> bool:
    there = buckets.is_there(account, bucket)
    if not owns and not there:
        raise BucketUnusable(f"there is no bucket {bucket}, which safelight.yaml names")
    return owns and there


def _first_of(made: Callable[[], Collection[Remains]], keys: Iterable[str | None]) -> str | None:
    """Return the first key that the stack made: one that safelight.yaml named once is its owner's."""
    return next((key for key in keys if key and Remains(kind="key", name=key) in made()), None)


def _alone(resource: Mapping[str, Any], others: Collection[str]) -> dict[str, Any]:
    kept = {name: value for name, value in resource["Properties"].items() if not _refers(value, others)}
    return {**{key: value for key, value in resource.items() if key != "DependsOn"}, "Properties": kept}


def _refers(value: Any, others: Collection[str]) -> bool:
    if isinstance(value, Mapping):
        target = value.get("Ref") or value.get("Fn::GetAtt", "")
        named = target if isinstance(target, str) else target[0]
        return named in others or any(_refers(each, others) for each in value.values())
    if isinstance(value, list):
        return any(_refers(each, others) for each in value)
    return isinstance(value, str) and any(f"${{{name}{end}" in value for name in others for end in "}.")
