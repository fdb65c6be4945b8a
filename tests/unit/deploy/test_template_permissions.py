"""Who may do what, exactly. Where the stand-in enforces less than AWS does, AWS's own rule is cited.

These are never taken out because a test on a stand-in stayed green without the permission.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from safelight.deploy.cloudformation import REPLICA, TEMPLATE, read
from tests.unit.deploy.iam import allowed, listed
from tests.unit.deploy.resolving import ACCOUNT, CODE, EVERYTHING, KEY_ARN, REGION, REPLICAS, Resolved

PLAIN, FULL = Resolved(CODE), Resolved(EVERYTHING)
LAMBDA_ROLES = ("FunctionRole", "DeadLetterRole", "DigestRole")
INPUT, OUTPUT = "arn:aws:s3:::myimage-processor-input", "arn:aws:s3:::myimage-processor-output"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:image-processor-queue"
DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:image-processor-dead-letter-queue"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/image-processor-jobs"
NOTICES = f"arn:aws:sns:{REGION}:{ACCOUNT}:image-processing-notifications"
ALARMS = f"arn:aws:sns:{REGION}:{ACCOUNT}:image-processor-alarms"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/EncryptionKey"
FAR_KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/far"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/image-processor-uploads"
TRACE = {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}
"""Source: service authorization reference, "Actions, resources, and condition keys for AWS X-Ray": it has no types."""


def granted(stack: Resolved, role: str) -> set[tuple[str, str]]:
    """Return every pair of an action and a resource that a role is allowed."""
    return {
        (action, resource)
        for each in stack.statements(role)
        for action in listed(each["Action"])
        for resource in listed(each["Resource"])
    }


def logs(function: str) -> set[tuple[str, str]]:
    """Return what writing one's own log takes; the group is the stack's, so that `CreateLogGroup` is not among it.

    Source: AWS Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs", required permissions.
    """
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/image-processor-{function}:*"
    return {("logs:CreateLogStream", group), ("logs:PutLogEvents", group)}


def polling(queue: str) -> set[tuple[str, str]]:
    """Return what the event source of a queue does by the function's role.

    Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS", execution role permissions.
    """
    return {(f"sqs:{action}", queue) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}


def key(arn: str) -> set[tuple[str, str]]:
    """Return what reading and writing by S3, SQS, SNS, DynamoDB and Lambda takes of the key, by the caller's role.

    Source: Amazon S3 user guide, "Using server-side encryption with AWS KMS keys", permissions; Amazon SQS developer
    guide, "Key management" (producers `GenerateDataKey` and `Decrypt`, consumers `Decrypt`); Amazon SNS developer
    guide, "Managing Amazon SNS encryption keys", publishers; Amazon DynamoDB developer guide, "DynamoDB encryption at
    rest".
    """
    return {("kms:Decrypt", arn), ("kms:GenerateDataKey", arn)}


PROCESSOR = {
    *logs("function"),
    *polling(QUEUE),
    # The function hands back in time, deletes and sends anew what only had to wait.
    ("sqs:ChangeMessageVisibility", QUEUE),
    ("sqs:SendMessage", QUEUE),
    # By version where a bucket has those. Source: Amazon S3 API reference, GetObject, "Permissions": with `versionId`
    # s3:GetObjectVersion, without it s3:GetObject.
    ("s3:GetObject", f"{INPUT}/*"),
    ("s3:GetObjectVersion", f"{INPUT}/*"),
    # Source: Amazon S3 API reference, HeadObject, "Permissions": without s3:ListBucket what is missing is 403, not 404.
    ("s3:ListBucket", INPUT),
    ("s3:ListBucket", OUTPUT),
    # Source: Amazon S3 API reference, PutObject, "Permissions": tags (x-amz-tagging) take s3:PutObjectTagging; user
    # guide, "How to prevent object overwrites with conditional writes": If-Match takes s3:GetObject as well.
    ("s3:GetObject", f"{OUTPUT}/*"),
    ("s3:PutObject", f"{OUTPUT}/*"),
    ("s3:PutObjectTagging", f"{OUTPUT}/*"),
    # Source: Amazon DynamoDB API reference, TransactWriteItems: what its items do, is what is asked for.
    ("dynamodb:GetItem", TABLE),
    ("dynamodb:UpdateItem", TABLE),
    ("sns:Publish", NOTICES),
}
EXPECTED = {
    "FunctionRole": PROCESSOR | {("s3:DeleteObject", f"{OUTPUT}/*")},
    "DeadLetterRole": {
        *logs("dead-letters"),
        *polling(DEAD),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("sns:Publish", NOTICES),
        ("sns:Publish", ALARMS),
    },
    "DigestRole": {
        *logs("digest"),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("dynamodb:Query", f"{TABLE}/index/by_owed"),
        ("sns:Publish", NOTICES),
    },
}


@pytest.mark.parametrize("role", LAMBDA_ROLES)
def test_role_of_a_function_grants_what_the_function_does_and_no_more(role: str) -> None:
    """With every option on, these and no other permissions; tests/e2e/test_recorded_calls.py has where each is used."""
    assert granted(FULL, role) == EXPECTED[role] | key(KEY) | TRACE


def test_role_of_the_processor_without_options_is_smaller() -> None:
    """Nothing is deleted, traced or decrypted where nobody asked for that; the digest's role is not there."""
    assert granted(PLAIN, "FunctionRole") == PROCESSOR
    assert granted(PLAIN, "DeadLetterRole") == EXPECTED["DeadLetterRole"]
    assert "DigestRole" not in PLAIN.resources


@pytest.mark.parametrize("role", LAMBDA_ROLES)
def test_roles_of_two_environments_reach_nothing_of_each_other(role: str) -> None:
    """The functions of dev have no permission on anything of prod, and the other way round."""
    names = {"InputBucketName": "in-dev", "OutputBucketName": "out-dev", "TopicName": "told-dev", "Suffix": "-dev"}
    dev = Resolved({**EVERYTHING, **names})
    for ours, theirs in ((dev, FULL), (FULL, dev)):
        reached = [
            (action, resource)
            for action, resource in granted(theirs, role)
            if resource not in ("*", KEY) and allowed(ours.statements(role), action, resource)
        ]
        assert reached == []


@pytest.mark.parametrize(
    ("role", "service"),
    [
        *((role, "lambda.amazonaws.com") for role in LAMBDA_ROLES),
        ("ReplicationRole", "s3.amazonaws.com"),
        ("BackupRole", "backup.amazonaws.com"),
    ],
)
def test_role_is_assumed_by_its_service_alone(role: str, service: str) -> None:
    """No person and no other account can take a role of the stack."""
    [statement] = FULL.properties(role)["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    assert not {"ManagedPolicyArns", "PermissionsBoundary"} & FULL.properties(role).keys()


WITHOUT_RESOURCE = {
    # Source: service authorization reference, of each of the services: these actions support no resource.
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "cloudwatch:GetMetricData",
    "events:ListRules",
}


def test_resource_is_everything_only_where_aws_knows_no_narrower_one() -> None:
    """Every `*` in a role is for an action without resources, and says so in the template; actions are never `*`."""
    for role in FULL.of_type("AWS::IAM::Role"):
        for action, resource in granted(FULL, role):
            assert "*" not in action
            if resource == "*":
                assert action in WITHOUT_RESOURCE
    for path in (TEMPLATE, REPLICA):
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            if 'Resource: "*"' in line:
                before = "\n".join(lines[max(0, number - 14) : number])
                assert re.search(r"# .*(narrower resource|the resource \* is the key itself)", before), line


POLICIES = ("InputBucketPolicy", "OutputBucketPolicy", "AccessLogPolicy", "QueuePolicy", "DeadLetterQueuePolicy",
            "NoticesTopicPolicy", "AlarmsTopicPolicy")  # fmt: skip


def statements(stack: Resolved, policy: str) -> list[dict[str, Any]]:
    """Return what a resource's own policy says."""
    return list(stack.properties(policy)["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("policy", POLICIES)
def test_plain_http_is_denied_to_everybody(policy: str) -> None:
    """Each bucket, queue and topic refuses what is not encrypted on its way.

    Source: IAM user guide, "AWS global condition context keys", aws:SecureTransport.
    """
    [deny] = [each for each in statements(FULL, policy) if each["Sid"] == "DenyPlainHttp"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert listed(deny["Resource"])
    assert all(action in ("s3:*", "sqs:*", "sns:Publish") for action in listed(deny["Action"]))


BUCKETS = (
    ("InputBucketPolicy", INPUT),
    ("OutputBucketPolicy", OUTPUT),
    ("AccessLogPolicy", "arn:aws:s3:::AccessLogBucket"),
)


@pytest.mark.parametrize(("policy", "arn"), BUCKETS)
def test_foreign_accounts_are_denied_and_the_services_of_ours_are_not(policy: str, arn: str) -> None:
    """Nobody else's account, nobody without one; but log delivery comes as a service, replication as our role.

    Source: IAM user guide, "AWS global condition context keys": aws:PrincipalAccount is `anonymous` without an account
    and absent for a service by itself, for which aws:PrincipalIsAWSService is true; "Establish permissions guardrails
    using data perimeters" combines the two as here.
    """
    deny = [each for each in statements(FULL, policy) if each["Effect"] == "Deny"]
    people = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, *deny]  # as if a policy of theirs allowed all
    for resource, action in ((arn, "s3:ListBucket"), (f"{arn}/a/b.jpg", "s3:GetObject"), (f"{arn}/c", "s3:PutObject")):
        tls = {"aws:SecureTransport": "true"}
        ours = {**tls, "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalIsAWSService": "false"}
        assert allowed(people, action, resource, ours)
        assert allowed(people, action, resource, {**tls, "aws:PrincipalIsAWSService": "true"})
        for account in ("999999999999", "anonymous"):
            assert not allowed(people, action, resource, {**ours, "aws:PrincipalAccount": account})
        assert not allowed(people, action, resource, {"aws:SecureTransport": "true"}), "who says nothing is foreign"
        assert not allowed(people, action, resource, {**ours, "aws:SecureTransport": "false"})


def test_resources_let_in_their_own_senders_and_nobody_else() -> None:
    """The only ones that a policy of the stack lets in are services, each from where it comes.

    Source: Amazon EventBridge user guide, "Amazon SQS permissions"; Amazon CloudWatch user guide, "Amazon SNS alarm
    actions"; Amazon S3 user guide, "Permissions for log delivery".
    """
    found = {
        each["Sid"]: (each["Principal"], each["Action"], each["Resource"], each["Condition"])
        for policy in POLICIES
        for each in statements(FULL, policy)
        if each["Effect"] == "Allow"
    }
    events = {"Service": "events.amazonaws.com"}
    alarms = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:image-processor-*"
    assert found == {
        "UploadsByTheRuleAlone": (events, "sqs:SendMessage", QUEUE, {"ArnEquals": {"aws:SourceArn": RULE}}),
        "WhatTheRuleCouldNotDeliver": (events, "sqs:SendMessage", DEAD, {"ArnEquals": {"aws:SourceArn": RULE}}),
        "AlarmsOfThisStack": (
            {"Service": "cloudwatch.amazonaws.com"},
            "sns:Publish",
            ALARMS,
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": alarms}},
        ),
        "LogsOfOurBuckets": (
            {"Service": "logging.s3.amazonaws.com"},
            "s3:PutObject",
            "arn:aws:s3:::AccessLogBucket/*",
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": [INPUT, OUTPUT]}},
        ),
    }
    for alarm in FULL.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmName"].startswith("image-processor-"), "or its topic refuses it"


def key_policy() -> dict[str, dict[str, Any]]:
    """Return the statements of the key, by their name."""
    return {each["Sid"]: each for each in FULL.properties("EncryptionKey")["KeyPolicy"]["Statement"]}


def test_key_lets_every_service_that_acts_by_itself_do_its_part() -> None:
    """Alarms to a topic, events to a queue, logs: without its grant each of these fails without a word to anybody.

    Source: Amazon SNS developer guide, "Enable compatibility between event sources from AWS services and encrypted
    topics" (CloudWatch: GenerateDataKey*, Decrypt, with aws:SourceAccount; not supported for EventBridge); Amazon SQS
    developer guide, "Configure KMS permissions for AWS services" (EventBridge: GenerateDataKey, Decrypt; the context
    of SQS is its queue's ARN); Amazon CloudWatch Logs user guide, "Encrypt log data using AWS KMS" (the region's
    principal, the group in the context).
    """
    found = key_policy()
    assert set(found) == {
        "ThisAccountByItsOwnPolicies", "AlarmsToTheirTopic", "UploadsToTheirQueues", "LogsOfTheFunctions",
    }  # fmt: skip
    alarms, uploads, written = found["AlarmsToTheirTopic"], found["UploadsToTheirQueues"], found["LogsOfTheFunctions"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert uploads["Principal"] == {"Service": "events.amazonaws.com"}
    assert set(uploads["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    for queue in FULL.of_type("AWS::SQS::Queue").values():
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue['QueueName']}"
        assert allowed([uploads], "kms:GenerateDataKey", KEY, {"kms:EncryptionContext:aws:sqs:arn": arn})
        assert not allowed([uploads], "kms:GenerateDataKey", KEY, {"kms:EncryptionContext:aws:sqs:arn": f"{arn}-2"})
    assert not allowed([uploads], "kms:Decrypt", KEY)
    assert written["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    assert set(written["Action"]) == {
        "kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*",
    }  # fmt: skip
    for group in FULL.of_type("AWS::Logs::LogGroup").values():
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group['LogGroupName']}"
        assert allowed([written], "kms:GenerateDataKey", KEY, {"kms:EncryptionContext:aws:logs:arn": arn})


def test_key_is_the_accounts_to_administer() -> None:
    """Without the account's own statement nobody could ever change or use the key by a policy of theirs.

    Source: AWS KMS developer guide, "Default key policy": it gives the account access and enables IAM policies.
    """
    for stack in (FULL, Resolved({"Encryption": "kms"}, read(REPLICA.read_text("utf-8")))):
        first = stack.properties("EncryptionKey")["KeyPolicy"]["Statement"][0]
        assert first["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert (first["Effect"], first["Action"], first["Resource"]) == ("Allow", "kms:*", "*")


@pytest.mark.parametrize("role", [*LAMBDA_ROLES, "BackupRole"])
def test_role_follows_to_the_key_that_is_brought_along(role: str) -> None:
    """With a key of the owner's the roles may use that one, and the stack makes none."""
    stack = Resolved({**EVERYTHING, "KmsKeyArn": KEY_ARN})
    assert key(KEY_ARN) <= granted(stack, role)
    assert "EncryptionKey" not in stack.resources
    assert not [resource for _, resource in granted(stack, role) if resource == KEY]


def test_replication_may_do_what_s3_asks_for_and_no_more() -> None:
    """Read versions here, write replicas there; with KMS decrypt here and encrypt there, through S3 alone.

    Source: Amazon S3 user guide, "Setting up permissions for live replication" and "Replicating encrypted objects";
    "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys" (a data key for the destination's bucket key).
    """
    assert granted(FULL, "ReplicationRole") == {
        *(
            (f"s3:{action}", bucket)
            for bucket in (INPUT, OUTPUT)
            for action in ("GetReplicationConfiguration", "ListBucket")
        ),
        *(
            (f"s3:{action}", f"{bucket}/*")
            for bucket in (INPUT, OUTPUT)
            for action in ("GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging")
        ),
        *(
            (f"s3:{action}", f"arn:aws:s3:::far-{bucket}/*")
            for bucket in ("input", "output")
            for action in ("ReplicateObject", "ReplicateDelete", "ReplicateTags")
        ),
        ("kms:Decrypt", KEY),
        ("kms:Encrypt", FAR_KEY),
        ("kms:GenerateDataKey", FAR_KEY),
    }
    role = FULL.statements("ReplicationRole")
    near, far = f"s3.{REGION}.amazonaws.com", "s3.eu-central-1.amazonaws.com"
    assert allowed(role, "kms:Decrypt", KEY, {"kms:ViaService": near})
    assert not allowed(role, "kms:Decrypt", KEY)
    assert allowed(role, "kms:Encrypt", FAR_KEY, {"kms:ViaService": far})
    assert not allowed(role, "kms:Encrypt", FAR_KEY, {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"})


def test_replication_of_one_bucket_touches_the_other_one_not() -> None:
    """Only what is replicated is readable to the role; without replication there is no role."""
    one = Resolved({**CODE, "ReplicaInputBucketArn": REPLICAS["ReplicaInputBucketArn"]})
    assert not [each for each in granted(one, "ReplicationRole") if "output" in each[1]]
    assert "ReplicationConfiguration" not in one.properties("OutputBucket")
    assert "ReplicationRole" not in PLAIN.resources


def test_backup_reaches_the_stacks_own_buckets_and_table_alone() -> None:
    """What AWS Backup's guide lists, narrowed to what is backed up.

    Source: AWS Backup developer guide, "Managed policies for AWS Backup", customer managed policies for Amazon S3 and
    Amazon DynamoDB.
    """
    own = (INPUT, OUTPUT, TABLE, KEY, f"arn:aws:events:{REGION}:{ACCOUNT}:rule/AwsBackupManagedRule")
    for action, resource in granted(FULL, "BackupRole"):
        assert resource.startswith(own) or action in WITHOUT_RESOURCE
    for bucket in (INPUT, OUTPUT):
        needed = {"s3:GetObjectVersion", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
        assert needed <= {action for action, resource in granted(FULL, "BackupRole") if resource == f"{bucket}/*"}
    assert ("dynamodb:StartAwsBackupJob", TABLE) in granted(FULL, "BackupRole")
    assert not [action for action, _ in granted(FULL, "BackupRole") if re.match(r"s3:(Delete|PutObject)", action)]


def test_schedule_may_call_the_digest_and_nothing_may_call_the_others() -> None:
    """The only permission to invoke is the schedule's; the queues are polled, they do not call."""
    assert list(FULL.of_type("AWS::Lambda::Permission")) == ["DigestPermission"]
    assert FULL.properties("DigestPermission")["FunctionName"] == "image-processor-digest"
