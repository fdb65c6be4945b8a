"""What everything on AWS is called."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from safelight.config import Loaded
from safelight.deploy.environment import Artifact, environment_of, parameters
from safelight.environments import check_environments
from safelight.naming import Environment, named
from safelight.placement import ENVIRONMENT_PATTERN, Aws, Naming
from safelight.recipe.check import Source
from safelight.settings import Notify, Settings
from safelight.variants import BY_ITSELF, Variant

ACCOUNT = "123456789012"
BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
FUNCTION = re.compile(r"[a-zA-Z0-9_-]{1,64}")
QUEUE = re.compile(r"[a-zA-Z0-9_-]{1,80}")
STACK = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")
TABLE = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
TOPIC = re.compile(r"[a-zA-Z0-9_-]{1,256}")
KMS_ALIAS = re.compile(r"alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}")
LOG_GROUP = re.compile(r"[a-zA-Z0-9_/.#-]{1,512}")

NAMES = st.from_regex("^[a-z0-9][a-z0-9-]{1,40}$", fullmatch=True)
ENVIRONMENTS = st.from_regex(ENVIRONMENT_PATTERN, fullmatch=True)


def test_names_of_production_are_those_of_the_brief() -> None:
    """Production of the default project carries the names that were promised, and nothing else."""
    found = named(Settings(), "prod", ACCOUNT)
    assert (found.input_bucket, found.output_bucket) == ("myimage-processor-input", "myimage-processor-output")
    assert (found.function, found.topic) == ("image-processor-function", "image-processing-notifications")
    assert found.log_groups[0] == "/aws/lambda/image-processor-function"
    assert (found.region, found.stack, found.suffix) == ("eu-north-1", "image-processor-prod", "")


def test_names_of_another_environment_end_with_its_name() -> None:
    """An environment can never touch what another one has."""
    found = named(Settings(name="photos"), "dev", ACCOUNT)
    assert found.stack == "photos-dev"
    assert (found.input_bucket, found.output_bucket) == ("myphotos-input-dev", "myphotos-output-dev")
    assert (found.function, found.dead_letter_function) == ("photos-function-dev", "photos-dead-letters-dev")
    assert (found.digest_function, found.table) == ("photos-digest-dev", "photos-jobs-dev")
    assert (found.queue, found.dead_letter_queue) == ("photos-queue-dev", "photos-dead-letter-queue-dev")
    assert (found.topic, found.alarm_topic) == ("photos-notifications-dev", "photos-alarms-dev")
    assert (found.dashboard, found.kms_alias) == ("photos-dev", "alias/photos-dev")
    assert found.artifact_bucket == f"safelight-artifacts-{ACCOUNT}-eu-north-1"


def test_names_with_the_accounts_number_change_buckets_alone() -> None:
    """Only names of buckets are shared with the whole world."""
    plain, numbered = (named(Settings(names=Naming(suffix=each)), "dev", ACCOUNT) for each in ("none", "account"))
    assert numbered.input_bucket == f"myimage-processor-input-dev-{ACCOUNT}"
    changed = {name for name in Environment.__struct_fields__ if getattr(plain, name) != getattr(numbered, name)}
    assert changed == {"input_bucket", "output_bucket"}


def variants_of(settings: Settings, *environments: str) -> dict[str, Variant]:
    one = Variant(source=Source(file="safelight.yaml", lines={}), settings=settings)
    return dict.fromkeys((BY_ITSELF, *environments), one)


@given(NAMES, ENVIRONMENTS, st.sampled_from(["none", "account"]))
def test_names_are_valid_on_aws_or_refused(name: str, environment: str, suffix: str) -> None:
    """Whatever project and environment are called, AWS takes every name, or `lint` says so before anything is made."""
    settings = Settings(name=name, names=Naming(suffix=suffix))
    found = named(settings, environment, ACCOUNT)
    allowed = all(
        (
            BUCKET.fullmatch(found.input_bucket) and BUCKET.fullmatch(found.output_bucket),
            STACK.fullmatch(found.stack),
            all(map(FUNCTION.fullmatch, (found.function, found.dead_letter_function, found.digest_function))),
            QUEUE.fullmatch(found.queue) and QUEUE.fullmatch(found.dead_letter_queue),
            TABLE.fullmatch(found.table) and KMS_ALIAS.fullmatch(found.kms_alias),
            TOPIC.fullmatch(found.topic) and TOPIC.fullmatch(found.alarm_topic),
            all(map(LOG_GROUP.fullmatch, found.log_groups)),
            BUCKET.fullmatch(found.artifact_bucket),
        )
    )
    reserved = found.input_bucket.endswith(("-s3alias", "--x-s3", "--ol-s3", "--table-s3"))
    errors = check_environments(variants_of(settings, environment)).errors
    assert bool(errors) == (reserved or not allowed)


@given(NAMES, ENVIRONMENTS, ENVIRONMENTS)
def test_names_of_two_environments_share_nothing(name: str, one: str, other: str) -> None:
    """Two environments of a project never have a name in common."""
    if one == other:
        return
    first, second = (named(Settings(name=name), each, ACCOUNT) for each in (one, other))
    common = {"name", "region", "owns_input", "owns_output", "artifact_bucket"}
    common |= {"emails", "alarm_emails", "digest_minutes", "removes_outputs", "aws"}
    assert {n for n in Environment.__struct_fields__ if getattr(first, n) == getattr(second, n)} == common


def test_parameters_of_the_defaults_are_those_of_the_brief() -> None:
    """Without options the stack is what the brief describes."""
    loaded = Loaded(settings=Settings(), folder=Path())
    found = parameters(environment_of(loaded, "prod", ACCOUNT), Artifact(bucket="b", key="k"))
    assert found["InputBucketName"] == "myimage-processor-input"
    assert (found["MemorySize"], found["Timeout"], found["Architecture"]) == ("512", "60", "arm64")
    assert (found["Suffix"], found["CreateInputBucket"], found["MaximumConcurrency"]) == ("", "true", "0")
    assert (found["CodeBucket"], found["CodeKey"], found["Encryption"]) == ("b", "k", "s3")
    assert all(isinstance(value, str) for value in found.values())


def test_parameters_say_each_option() -> None:
    """Each option of `aws:` reaches the stack, and so do mail and the wish to remove outputs."""
    key = f"arn:aws:kms:eu-north-1:{ACCOUNT}:key/1234"
    aws = Aws(arch="x86_64", concurrency=7, encryption=key, input="ours", alarms=("ops@example.com",), backup=True)
    recipe = replace(Settings().recipes[0], on_delete="remove")
    settings = Settings(
        aws=aws, notify=Notify(email=("a@example.com", "b@example.com"), digest="2h"), recipes=(recipe,)
    )
    loaded = Loaded(settings=settings, folder=Path())
    found = parameters(environment_of(loaded, "dev", ACCOUNT), Artifact(bucket="b", key="k"))
    assert (found["Encryption"], found["KmsKeyArn"]) == ("kms", key)
    assert (found["InputBucketName"], found["CreateInputBucket"]) == ("ours", "false")
    assert (found["OutputBucketName"], found["CreateOutputBucket"]) == ("myimage-processor-output-dev", "true")
    assert [found[f"Email{i}"] for i in range(1, 6)] == ["a@example.com", "b@example.com", "", "", ""]
    assert [found[f"AlarmEmail{i}"] for i in range(1, 6)] == ["ops@example.com", "", "", "", ""]
    assert (found["DigestMinutes"], found["RemoveOutputs"], found["Backup"]) == ("120", "true", "true")
    assert (found["Architecture"], found["MaximumConcurrency"]) == ("x86_64", "7")


@pytest.mark.parametrize(("alarms", "told"), [(None, "a@example.com"), ((), "")])
def test_alarms_go_to_the_owner_unless_somebody_else_is_named(alarms: tuple[str, ...] | None, told: str) -> None:
    """Without `aws.alarms` the recipients of notices get them; a blank list tells nobody."""
    settings = Settings(aws=Aws(alarms=alarms), notify=Notify(email=("a@example.com",)))
    environment = named(settings, "prod", ACCOUNT)
    assert parameters(environment, Artifact(bucket="b", key="k"))["AlarmEmail1"] == told
