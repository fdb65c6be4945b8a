"""Change sets against a stand-in of CloudFormation: made, executed, overtaken, rolled back and begun anew."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from safelight.deploy.account import open_account
from safelight.deploy.artifacts import Artifacts
from safelight.deploy.destroy import erase, is_empty
from safelight.deploy.errors import DeployFailed, DeployInProgress, NotDeployed
from safelight.deploy.plan import rows
from safelight.deploy.remains import Remains, is_there, made_by
from safelight.deploy.stack import Stacks, Wanted, find, outputs
from tests.servers.aws import REGION, Server
from tests.unit.deploy.fake_cloudformation import Seen

BROKEN = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": "no-such-function"}}


def template(bucket: str, **more: Any) -> dict[str, str]:
    properties = {"BucketName": bucket, "VersioningConfiguration": {"Status": "Enabled"}}
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": properties},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Title"}}},
        **more,
    }
    parameters = {"Title": {"Type": "String", "Default": "a"}}
    shown = {"Where": {"Value": {"Ref": "Bucket"}}}
    return {"TemplateBody": json.dumps({"Parameters": parameters, "Resources": resources, "Outputs": shown})}


def test_stack_made_changed_overtaken_and_deleted(ministack: Server) -> None:
    """What the deployer asks of CloudFormation is what this one answers."""
    account, seen = open_account(REGION, ministack.environment), Seen()
    stacks = Stacks(cloudformation=account.client("cloudformation"), watch=seen.watch, pause=time.sleep)
    name, bucket = f"s{uuid.uuid4().hex[:8]}", f"b{uuid.uuid4().hex[:12]}"
    wanted = Wanted(name=name, template=template(bucket), parameters={"Title": "a"}, tags={"safelight:stack": name})

    assert stacks.ready(name) == "CREATE"
    made = stacks.propose(wanted, "CREATE")
    assert made
    assert {(row.verb, row.name) for row in rows(made.changes)} == {("add", "Bucket"), ("add", "Topic")}
    with pytest.raises(NotDeployed):
        outputs(account, name)
    stacks.execute(made, "Deploying")
    assert seen.events[-1] == f"{name} CREATE_COMPLETE"
    assert outputs(account, name) == {"Where": bucket}
    assert bucket in stacks.held(name)

    assert stacks.ready(name) == "UPDATE"
    assert stacks.propose(wanted, "UPDATE") is None
    changed = Wanted(name=name, template=template(bucket), parameters={"Title": "b"}, tags=wanted.tags)
    first, second = stacks.propose(changed, "UPDATE"), stacks.propose(changed, "UPDATE")
    assert first
    assert second
    assert [(row.verb, row.name) for row in rows(first.changes)] == [("change", "Topic")]
    stacks.execute(first, "Deploying")
    with pytest.raises(DeployInProgress):
        stacks.execute(second, "Deploying")

    stacks.delete(name, "Deleting")
    assert find(stacks.cloudformation, name) is None
    left = Remains(kind="bucket", name=bucket)
    assert made_by(account, name) == {left}
    assert is_there(account, left)
    ministack.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    ministack.client("s3").delete_object(Bucket=bucket, Key="a")
    assert not is_empty(account, bucket)
    erase(account, left, lambda _: None)
    assert not is_there(account, left)


def test_stack_that_fails_is_rolled_back_explained_and_begun_anew(ministack: Server) -> None:
    """The words are those of the resource that failed; the next deployment clears away and takes what was retained."""
    account, seen = open_account(REGION, ministack.environment), Seen()
    stacks = Stacks(cloudformation=account.client("cloudformation"), watch=seen.watch, pause=time.sleep)
    name, bucket = f"s{uuid.uuid4().hex[:8]}", f"b{uuid.uuid4().hex[:12]}"
    broken = template(bucket, Url={**BROKEN, "DependsOn": ["Topic", "Bucket"]})
    made = stacks.propose(Wanted(name=name, template=broken, parameters={}), "CREATE")
    assert made
    with pytest.raises(DeployFailed) as caught:
        stacks.execute(made, "Deploying")
    assert caught.value.message.startswith("Url (AWS::Lambda::Url) failed: ")
    assert "no-such-function" in caught.value.message
    assert caught.value.message.endswith("the stack is ROLLBACK_COMPLETE now")

    assert stacks.ready(name) == "CREATE"
    assert seen.titles[-1] == f"The first deployment of {name} had failed; deleting what is left of it"
    assert find(stacks.cloudformation, name) is None
    if is_there(account, left := Remains(kind="bucket", name=bucket)):
        assert left in made_by(account, name)
        erase(account, left, lambda _: None)
    again = stacks.propose(Wanted(name=name, template=template(bucket), parameters={}), "CREATE")
    assert again
    stacks.execute(again, "Deploying")
    update = stacks.propose(Wanted(name=name, template=broken, parameters={}), "UPDATE")
    assert update
    with pytest.raises(DeployFailed) as caught:
        stacks.execute(update, "Deploying")
    assert "UPDATE_ROLLBACK_COMPLETE" in caught.value.message
    assert "What ran before runs on" in caught.value.remedy
    assert stacks.ready(name) == "UPDATE"


def test_artifact_bucket_is_made_once_and_a_template_in_it_can_be_deployed(ministack: Server) -> None:
    """Private, and what CloudFormation is told to fetch from it is what was put."""
    account = open_account(REGION, ministack.environment)
    artifacts = Artifacts(account=account, bucket=f"safelight-artifacts-{uuid.uuid4().hex[:12]}")
    assert not artifacts.has("templates/a.json")
    body = template(f"b{uuid.uuid4().hex[:12]}")["TemplateBody"].encode()
    url = artifacts.put("templates/a.json", body)
    assert artifacts.put("templates/a.json", body) == url
    assert artifacts.has("templates/a.json")
    policy = json.loads(ministack.client("s3").get_bucket_policy(Bucket=artifacts.bucket)["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["DenyPlainHttp"]
    block = ministack.client("s3").get_public_access_block(Bucket=artifacts.bucket)
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    stacks = Stacks(cloudformation=account.client("cloudformation"), watch=Seen().watch, pause=time.sleep)
    name = f"s{uuid.uuid4().hex[:8]}"
    made = stacks.propose(Wanted(name=name, template={"TemplateURL": url}, parameters={}), "CREATE")
    assert made
    assert len(made.changes) == 2
    stacks.discard(made)
    assert find(stacks.cloudformation, name) is None
