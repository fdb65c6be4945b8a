"""What the stack is made of, with the options off, on, and one at a time: the brief's names, and no silent failure."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from safelight.aws import emf
from safelight.aws.ports import MAX_RECEIVES, names_from
from safelight.aws.table import BY_OWED, DEFINITION, TIME_TO_LIVE
from safelight.deploy.cloudformation import REPLICA, TEMPLATE, read
from safelight.deploy.own import SOURCE
from safelight.recipe.model import Limits
from tests.unit.deploy.resolving import CODE, EVERYTHING, KEY_ARN, REPLICAS, Resolved

ROOT = Path(__file__).parents[3]
TEXT = TEMPLATE.read_text("utf-8")
PLAIN, FULL = Resolved(CODE), Resolved(EVERYTHING)
FUNCTIONS = ("Function", "DeadLetterFunction", "DigestFunction")
KEPT = {"InputBucket", "OutputBucket", "JobsTable", "EncryptionKey", "AccessLogBucket", "BackupVault"}
SIX_TIMES = 6
"""Source: AWS Lambda developer guide, "Configuring a queue to use with Lambda"."""


def test_template_is_one_plain_file_that_anybody_can_own() -> None:
    """No transform, no macro, no alias of YAML (CloudFormation refuses those), and under 700 lines."""
    template = read(TEXT)
    assert len(TEXT.splitlines()) < 700
    assert set(template) == {
        "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Conditions", "Resources",
        "Outputs",
    }  # fmt: skip
    assert "Fn::Transform" not in json.dumps(template)
    assert not re.search(r"(^|[\s\[:,])[&*][A-Za-z_]", re.sub(r'"[^"]*"|#.*', "", TEXT), re.MULTILINE)


def test_template_without_parameters_has_the_names_of_the_brief() -> None:
    """Whoever deploys the plain file gets the names, sizes and retention that the brief gives."""
    function = PLAIN.properties("Function")
    assert PLAIN.properties("InputBucket")["BucketName"] == "myimage-processor-input"
    assert PLAIN.properties("OutputBucket")["BucketName"] == "myimage-processor-output"
    assert function["FunctionName"] == "image-processor-function"
    assert (function["Runtime"], function["MemorySize"], function["Timeout"]) == ("python3.14", "512", "60")
    assert function["Architectures"] == ["arm64"]
    assert PLAIN.properties("NoticesTopic")["TopicName"] == "image-processing-notifications"
    logs = PLAIN.properties("FunctionLogs")
    assert (logs["LogGroupName"], logs["RetentionInDays"]) == ("/aws/lambda/image-processor-function", "30")


def test_template_of_another_environment_shares_no_name_with_production() -> None:
    """dev, staging and prod stand beside each other in one account and region."""
    dev = Resolved(
        {**EVERYTHING, "Suffix": "-dev", "Environment": "dev", "TopicName": "image-processing-notifications-dev",
         "InputBucketName": "myimage-processor-input-dev", "OutputBucketName": "myimage-processor-output-dev"}
    )  # fmt: skip
    ours, theirs = _names(dev), _names(FULL)
    assert ours
    assert ours & theirs == set()


def _names(stack: Resolved) -> set[str]:
    words = ("BucketName", "QueueName", "TopicName", "TableName", "FunctionName", "LogGroupName", "AlarmName", "Name",
             "AliasName", "DashboardName")  # fmt: skip
    kinds = {"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Backup::BackupVault"}
    found = (each["Properties"] for each in stack.resources.values() if each["Type"] not in kinds)
    return {str(properties[word]) for properties in found for word in words if word in properties}


@pytest.mark.parametrize("chosen", list(itertools.product((False, True), repeat=6)))
def test_template_with_any_options_refers_only_to_what_is_made(chosen: tuple[bool, ...]) -> None:
    """No choice of options names a resource that a condition left out: that fails only when one deploys it."""
    options: list[dict[str, str]] = [
        {"CreateInputBucket": "false"},
        {"CreateOutputBucket": "false"},
        {"Encryption": "kms", "ReplicaKmsKeyArn": KEY_ARN},
        {"KmsKeyArn": KEY_ARN},
        REPLICAS,
        {"AccessLogs": "true", "Backup": "true", "DigestMinutes": "1", "Tracing": "true", "RemoveOutputs": "true"},
    ]
    given = {name: value for on, option in zip(chosen, options, strict=True) if on for name, value in option.items()}
    stack = Resolved({**CODE, **given})
    assert "Function" in stack.resources
    assert ("EncryptionKey" in stack.resources) == (chosen[2] and not chosen[3])


def test_table_is_the_one_that_the_ledger_was_tested_with() -> None:
    """The template and `safelight.aws.table` say the same; old jobs go by themselves, lost ones come back."""
    table = PLAIN.properties("JobsTable")
    assert {name: table[name] for name in DEFINITION} == DEFINITION
    assert table["TimeToLiveSpecification"] == TIME_TO_LIVE
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert {each["IndexName"] for each in table["GlobalSecondaryIndexes"]} >= {BY_OWED}


@pytest.mark.parametrize("bucket", ["InputBucket", "OutputBucket"])
def test_bucket_is_private_versioned_encrypted_and_cleans_up(bucket: str) -> None:
    """The stand-in drops a lifecycle without a word, so that this is where it is looked at."""
    found = PLAIN.properties(bucket)
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(found["PublicAccessBlockConfiguration"]) == 4
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert _encryption(found) == {"SSEAlgorithm": "AES256"}
    rules = {each["Id"]: each for each in found["LifecycleConfiguration"]["Rules"]}
    assert all(each["Status"] == "Enabled" for each in rules.values())
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": "30"}
    assert rules["old-versions"]["ExpiredObjectDeleteMarker"] is True
    assert rules["broken-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert not any("ExpirationInDays" in each for each in rules.values()), "pictures themselves are never deleted"
    assert not {"LoggingConfiguration", "ReplicationConfiguration", "AccessControl"} & found.keys()


def _encryption(bucket: dict[str, Any]) -> dict[str, str]:
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return dict(rule["ServerSideEncryptionByDefault"])


def test_what_holds_data_outlives_the_stack() -> None:
    """Deleting the stack, or a change that replaces a resource, deletes no picture, job or key."""
    template = read(TEXT)
    for name, resource in template["Resources"].items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        assert policies == (("Retain", "Retain") if name in KEPT else (None, None)), name
    replica = read(REPLICA.read_text("utf-8"))["Resources"]
    kept = {name for name, each in replica.items() if each.get("DeletionPolicy") == "Retain"}
    assert kept == {"InputBucket", "OutputBucket", "EncryptionKey"}
    assert all(replica[name]["UpdateReplacePolicy"] == "Retain" for name in kept)


def test_uploads_reach_the_queue_and_only_the_events_that_are_wanted() -> None:
    """The rule takes the input bucket's objects; deletions only where a recipe wants them."""
    for stack, types in ((PLAIN, ["Object Created"]), (FULL, ["Object Created", "Object Deleted"])):
        rule = stack.properties("UploadsRule")
        assert rule["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": types,
            "detail": {"bucket": {"name": ["myimage-processor-input"]}},
        }
        [target] = rule["Targets"]
        assert target["Arn"].endswith(":image-processor-queue")
        assert target["DeadLetterConfig"]["Arn"].endswith(":image-processor-dead-letter-queue")
    notifications = PLAIN.properties("InputBucket")["NotificationConfiguration"]
    assert notifications == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


@pytest.mark.parametrize("seconds", [10, 60, 900])
def test_queue_hides_a_message_long_enough_and_gives_up_after_five(seconds: int) -> None:
    """At least six times the function's time, at most SQS's 12 hours; dead letters are kept as long as SQS can."""
    stack = Resolved({**CODE, "Timeout": str(seconds)})
    queue, dead = stack.properties("Queue"), stack.properties("DeadLetterQueue")
    assert SIX_TIMES * seconds <= int(queue["VisibilityTimeout"]) <= 43_200
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith(":image-processor-dead-letter-queue")
    assert dead["VisibilityTimeout"] >= SIX_TIMES * stack.properties("DeadLetterFunction")["Timeout"]
    assert queue["MessageRetentionPeriod"] < dead["MessageRetentionPeriod"] == 14 * 86_400
    [source] = dead["RedriveAllowPolicy"]["sourceQueueArns"]
    assert source.endswith(f":{queue['QueueName']}")


def test_event_sources_hand_over_one_message_and_hear_which_failed() -> None:
    """A batch of one; a picture that fails takes no other along."""
    for stack in (PLAIN, FULL):
        sources = stack.of_type("AWS::Lambda::EventSourceMapping")
        assert {name: each["BatchSize"] for name, each in sources.items()} == {
            "EventSource": 1,
            "DeadLetterEventSource": 1,
        }
        assert all(each["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for each in sources.values())
    assert "ScalingConfig" not in PLAIN.properties("EventSource")
    assert FULL.properties("EventSource")["ScalingConfig"] == {"MaximumConcurrency": "10"}
    assert FULL.properties("DeadLetterEventSource")["EventSourceArn"].endswith(":image-processor-dead-letter-queue")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_configured_as_the_code_reads_it(name: str) -> None:
    """The variables are ones that the code knows, and the handler's module is there."""
    function = FULL.properties(name)
    variables = function["Environment"]["Variables"]
    found = names_from(variables)
    assert (found.output_bucket, found.table) == ("myimage-processor-output", "image-processor-jobs")
    assert found.topic == FULL.outputs["TopicArn"]
    assert found.max_receives == MAX_RECEIVES
    source = "".join(path.read_text("utf-8") for path in (SOURCE / "safelight").rglob("*.py"))
    assert [each for each in variables if f'"{each}"' not in source] == []
    module = function["Handler"].rpartition(".")[0]
    assert (SOURCE / module.replace(".", "/")).with_suffix(".py").is_file()
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{function['FunctionName']}"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Architectures"] == ["arm64"], "one package for all of them"
    assert function["Code"] == {"S3Bucket": "artifacts", "S3Key": "digest.zip"}


def test_function_has_the_time_that_the_configuration_may_ask_for() -> None:
    """The brief's 60 seconds are what a picture's own limit is by default, too."""
    assert int(PLAIN.properties("Function")["Timeout"]) >= Limits().seconds


def test_function_writes_with_the_key_where_the_owner_wants_one() -> None:
    """Outputs in a bucket of the owner's are encrypted by the key as well; without one the bucket decides."""
    assert "SAFELIGHT_ENCRYPTION" not in PLAIN.properties("Function")["Environment"]["Variables"]
    own = Resolved({**CODE, "Encryption": "kms", "KmsKeyArn": KEY_ARN, "CreateOutputBucket": "false"})
    assert own.properties("Function")["Environment"]["Variables"]["SAFELIGHT_ENCRYPTION"] == KEY_ARN


@pytest.mark.parametrize(("minutes", "rate"), [("1", "rate(1 minute)"), ("15", "rate(15 minutes)")])
def test_digest_runs_only_where_notices_are_collected(minutes: str, rate: str) -> None:
    """EventBridge knows `1 minute` and `2 minutes` and refuses `1 minutes`; no digest, no function that costs."""
    assert not [name for name in PLAIN.resources if name.startswith("Digest")]
    stack = Resolved({**CODE, "DigestMinutes": minutes})
    assert stack.properties("DigestSchedule")["ScheduleExpression"] == rate
    permission = stack.properties("DigestPermission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"].endswith(":rule/image-processor-digest")


def test_subscriptions_are_made_for_the_addresses_that_are_given() -> None:
    """An address subscribes to its topic and a blank one makes nothing."""
    assert PLAIN.of_type("AWS::SNS::Subscription") == {}
    stack = Resolved({**CODE, "Email2": "owner@example.com", "AlarmEmail5": "ops@example.com"})
    found = {(each["TopicArn"], each["Endpoint"]) for each in stack.of_type("AWS::SNS::Subscription").values()}
    assert found == {
        (stack.outputs["TopicArn"], "owner@example.com"),
        (stack.outputs["AlarmTopicArn"], "ops@example.com"),
    }
    every = FULL.of_type("AWS::SNS::Subscription").values()
    assert len({each["Endpoint"] for each in every}) == 10
    assert {each["Protocol"] for each in every} == {"email"}


ALARMS = {
    ("AWS/Lambda", "Errors", "image-processor-function"),
    ("AWS/Lambda", "Throttles", "image-processor-function"),
    ("AWS/Lambda", "Duration", "image-processor-function"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "image-processor-queue"),
    ("AWS/Lambda", "Errors", "image-processor-dead-letters"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "image-processor-dead-letter-queue"),
    ("AWS/Lambda", "Errors", "image-processor-digest"),
    ("Safelight", "Failed", "image-processor"),
}


def test_alarms_watch_what_must_not_be_silent_and_reach_somebody() -> None:
    """Every alarm looks at something that is there, is quiet without data, and tells its own topic."""
    found = FULL.of_type("AWS::CloudWatch::Alarm").values()
    assert {(each["Namespace"], each["MetricName"], each["Dimensions"][0]["Value"]) for each in found} == ALARMS
    assert all(each["AlarmActions"] == [FULL.outputs["AlarmTopicArn"]] for each in found)
    assert all(each["TreatMissingData"] == "notBreaching" and each["AlarmDescription"] for each in found)
    assert len({each["AlarmName"] for each in found}) == len(ALARMS)
    failed = FULL.properties("FailedAlarm")
    assert failed["Namespace"] == emf.NAMESPACE
    assert failed["MetricName"] in emf.UNITS
    assert tuple(each["Name"] for each in failed["Dimensions"]) == emf.DIMENSIONS


def test_duration_alarm_rings_before_the_time_is_over() -> None:
    """Its threshold lies below the time limit."""
    threshold = int(PLAIN.properties("DurationAlarm")["Threshold"])
    assert 0.8 <= threshold / (int(PLAIN.properties("Function")["Timeout"]) * 1000) < 1


def test_dashboard_shows_metrics_that_the_functions_write() -> None:
    """Its body is JSON, and of our own metrics it names only those that there are, by their dimensions."""
    widgets = json.loads(PLAIN.properties("Dashboard")["DashboardBody"])["widgets"]
    places = {(each["x"], each["y"]) for each in widgets}
    assert len(places) == len(widgets)
    shown: set[str] = set()
    for widget in widgets:
        before: list[Any] = []
        for row in widget["properties"].get("metrics", []):
            words = [each for each in row if isinstance(each, str)]
            words = before[:] if words == ["..."] else [b if w == "." else w for w, b in _padded(words, before)]
            before = words
            if words[0] == emf.NAMESPACE:
                assert words[1] in emf.UNITS
                assert tuple(words[2::2]) == emf.DIMENSIONS
                assert words[3::2] == ["image-processor", "prod"]
                shown.add(words[1])
    assert shown == set(emf.UNITS)


def _padded(words: list[str], before: list[str]) -> list[tuple[str, str]]:
    return [(word, before[number] if number < len(before) else "") for number, word in enumerate(words)]


def test_outputs_are_what_other_commands_read() -> None:
    """`safelight outputs`, `logs`, `status` and `smoke` go by these names."""
    always = {
        "InputBucket", "OutputBucket", "Table", "QueueUrl", "DeadLetterQueueUrl", "TopicArn", "AlarmTopicArn",
        "FunctionName", "DeadLetterFunctionName", "LogGroup", "Dashboard", "Environment", "Version",
    }  # fmt: skip
    assert set(PLAIN.outputs) == always
    assert set(FULL.outputs) == always | {"DigestFunctionName"}
    assert PLAIN.outputs["Version"] == "digest.zip"


def test_buckets_that_are_brought_along_are_left_as_they_are() -> None:
    """The stack makes nothing of a bucket that is there: no policy, no notification, no replication."""
    stack = Resolved({**EVERYTHING, "CreateInputBucket": "false", "CreateOutputBucket": "false"})
    assert not [name for name in stack.resources if "Bucket" in name or name.startswith(("AccessLog", "Replication"))]
    assert stack.outputs["InputBucket"] == "myimage-processor-input"


def test_access_logs_go_to_a_bucket_that_s3_may_write_to() -> None:
    """S3 delivers to buckets encrypted by its own keys only; nobody else may write, and logs go after their time.

    Source: Amazon S3 user guide, "Enabling Amazon S3 server access logging": permissions, default encryption.
    """
    assert not [name for name in PLAIN.resources if name.startswith("AccessLog")]
    for bucket, prefix in (("InputBucket", "input/"), ("OutputBucket", "output/")):
        logging = FULL.properties(bucket)["LoggingConfiguration"]
        assert logging == {"DestinationBucketName": "AccessLogBucket", "LogFilePrefix": prefix}
    assert _encryption(FULL.properties("AccessLogBucket")) == {"SSEAlgorithm": "AES256"}
    [rule] = FULL.properties("AccessLogBucket")["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == "30"


@pytest.mark.parametrize("bucket", ["Input", "Output"])
def test_replication_takes_everything_along_and_deletions_too(bucket: str) -> None:
    """Both sides have versions; a rule for delete markers needs a filter and a priority; KMS names the far key.

    Source: Amazon S3 user guide, "Replication configuration file elements", "Replicating encrypted objects".
    """
    found = FULL.properties(f"{bucket}Bucket")["ReplicationConfiguration"]
    assert found["Role"].endswith(":role/ReplicationRole")
    [rule] = found["Rules"]
    assert (rule["Status"], rule["Priority"], rule["Filter"]) == ("Enabled", 1, {"Prefix": ""})
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::far-{bucket.lower()}"
    assert rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"].endswith(":key/far")
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    plain = Resolved({**CODE, **REPLICAS}).properties(f"{bucket}Bucket")["ReplicationConfiguration"]["Rules"][0]
    assert "SourceSelectionCriteria" not in plain
    assert "EncryptionConfiguration" not in plain["Destination"]


def test_replicas_of_encrypted_buckets_need_a_key() -> None:
    """CloudFormation refuses the parameters at once, in our words, instead of half a stack later."""
    rule = read(TEXT)["Rules"]["ReplicaOfEncryptedBucketsNeedsAKey"]
    for parameters, wanted in (
        ({**CODE, **REPLICAS}, (False, False)),
        ({**CODE, **REPLICAS, "Encryption": "kms"}, (True, False)),
        (EVERYTHING, (True, True)),
    ):
        stack = Resolved(parameters)
        [assertion] = rule["Assertions"]
        assert (stack.value(rule["RuleCondition"]), stack.value(assertion["Assert"])) == wanted


@pytest.mark.parametrize(("bound", "taken"), [("0", True), ("1", False), ("2", True), ("10", True)])
def test_bound_of_one_is_refused_in_our_words(bound: str, *, taken: bool) -> None:
    """SQS takes 2 to 1000, and would refuse 1 when half of the stack is there.

    Source: AWS Lambda API reference, ScalingConfig.
    """
    [assertion] = read(TEXT)["Rules"]["NoneOrTwoAtOnce"]["Assertions"]
    assert Resolved({**CODE, "MaximumConcurrency": bound}).value(assertion["Assert"]) is taken


@pytest.mark.parametrize("kms", [False, True])
def test_replica_is_ready_for_replication(*, kms: bool) -> None:
    """The far buckets have versions, the same protection, and a key of their own region where there is to be one."""
    replica = Resolved({"Encryption": "kms"} if kms else {}, read(REPLICA.read_text("utf-8")))
    for name in ("InputBucket", "OutputBucket"):
        bucket = replica.properties(name)
        near = PLAIN.properties(name)
        assert bucket["BucketName"] == f"{near['BucketName']}-replica"
        for same in ("VersioningConfiguration", "PublicAccessBlockConfiguration", "OwnershipControls"):
            assert bucket[same] == near[same]
        assert bucket["LifecycleConfiguration"] == near["LifecycleConfiguration"]
        assert _encryption(bucket)["SSEAlgorithm"] == ("aws:kms" if kms else "AES256")
    assert set(replica.outputs) == {"InputBucketArn", "OutputBucketArn", *(["KmsKeyArn"] if kms else [])}
    assert {f"Replica{each}" for each in ("InputBucketArn", "OutputBucketArn", "KmsKeyArn")} <= set(
        read(TEXT)["Parameters"]
    )


def test_backups_are_off_until_wanted_and_take_buckets_and_table() -> None:
    """A daily snapshot, kept for as long as it says, of all that holds data; in a vault that outlives the stack."""
    assert not [name for name in PLAIN.resources if name.startswith("Backup")]
    [rule] = FULL.properties("BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": "35"}
    assert rule["TargetBackupVault"] == "BackupVault"
    assert FULL.properties("BackupSelection")["BackupSelection"]["Resources"] == [
        "arn:aws:dynamodb:eu-north-1:123456789012:table/image-processor-jobs",
        "arn:aws:s3:::myimage-processor-input",
        "arn:aws:s3:::myimage-processor-output",
    ]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{2,50}", FULL.properties("BackupVault")["BackupVaultName"])


def test_key_encrypts_everything_that_is_kept() -> None:
    """With a key: buckets, table, queues, topics, logs, variables and backups; without one none of them has it."""
    key = "arn:aws:kms:eu-north-1:123456789012:key/EncryptionKey"
    where = {
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::Lambda::Function": "KmsKeyArn",
        "AWS::Backup::BackupVault": "EncryptionKeyArn",
    }
    for kind, word in where.items():
        assert {each.get(word) for each in FULL.of_type(kind).values()} == {key}, kind
        assert {each.get(word) for each in PLAIN.of_type(kind).values()} <= {None}, kind
    for bucket in ("InputBucket", "OutputBucket"):
        assert _encryption(FULL.properties(bucket)) == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    table = FULL.properties("JobsTable")["SSESpecification"]
    assert table == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    assert "SSESpecification" not in PLAIN.properties("JobsTable")
    for queue in ("Queue", "DeadLetterQueue"):
        assert PLAIN.properties(queue)["SqsManagedSseEnabled"] is True
        assert "SqsManagedSseEnabled" not in FULL.properties(queue)
    assert FULL.properties("EncryptionKey")["EnableKeyRotation"] is True


def test_howto_names_parameters_that_there_are() -> None:
    """Every `Name=value` that the how-to gives to CloudFormation is a parameter of one of the two templates."""
    page = (ROOT / "docs/howto/own-the-template.md").read_text("utf-8")
    blocks = re.findall(r"--parameter-overrides((?:.|\\\n)*)", page)
    words = [word for block in blocks for word in re.findall(r"(\w+)=", block)]
    words += re.findall(r"`(\w+)=\w+`", page)
    assert len(words) > 15
    known = {*read(TEXT)["Parameters"], *read(REPLICA.read_text("utf-8"))["Parameters"]}
    assert set(words) - known == set()
