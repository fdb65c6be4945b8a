"""One environment of a project on AWS, and the parameters that its stack gets."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from safelight.config import Loaded
from safelight.naming import Environment, named

__all__ = ["Artifact", "Environment", "environment_of", "parameters", "replica_of", "replica_parameters"]

ADDRESSES = 5
"""As many e-mail addresses as the template has parameters for, of each kind."""


class Artifact(Struct, frozen=True, kw_only=True):
    """Where the package of the functions was put."""

    bucket: str
    key: str


def environment_of(loaded: Loaded, environment: str, account_id: str) -> Environment:
    """Return an environment of a project with the names of everything in it.

    Args:
        loaded: the configuration, loaded for this environment.
        environment: its name.
        account_id: the account that it is deployed to.
    """
    return named(loaded.environments.get(environment, loaded.settings), environment, account_id)


def parameters(environment: Environment, artifact: Artifact) -> dict[str, str]:
    """Return the parameters of the stack, all but those that only a replica's stack can tell."""
    aws = environment.aws
    own_key = aws.encryption.startswith("arn:")
    return {
        "Name": environment.name,
        "Suffix": environment.suffix,
        "Environment": environment.environment,
        "InputBucketName": environment.input_bucket,
        "OutputBucketName": environment.output_bucket,
        "CreateInputBucket": _flag(environment.owns_input),
        "CreateOutputBucket": _flag(environment.owns_output),
        "TopicName": environment.topic,
        "CodeBucket": artifact.bucket,
        "CodeKey": artifact.key,
        "Architecture": aws.arch,
        "MemorySize": str(aws.memory),
        "Timeout": str(aws.seconds),
        "SlowMs": str(900 * aws.seconds),
        "MaximumConcurrency": str(aws.concurrency or 0),
        "Tracing": _flag(aws.tracing),
        "LogRetentionDays": str(aws.log_days),
        "VersionDays": str(aws.version_days),
        "Encryption": "kms" if own_key else aws.encryption,
        "KmsKeyArn": aws.encryption if own_key else "",
        "AccessLogs": _flag(aws.access_logs),
        **_addresses("Email", environment.emails),
        **_addresses("AlarmEmail", environment.alarm_emails),
        "DigestMinutes": str(environment.digest_minutes),
        "RemoveOutputs": _flag(environment.removes_outputs),
        "Backup": _flag(aws.backup),
    }


def replica_of(environment: Environment) -> Environment | None:
    """Return the buckets in another region that an environment is replicated into, as an environment of its own."""
    if environment.aws.replica is None:
        return None
    return replace(
        environment,
        region=environment.aws.replica,
        stack=environment.replica_stack,
        input_bucket=f"{environment.input_bucket}-replica",
        output_bucket=f"{environment.output_bucket}-replica",
        owns_input=True,
        owns_output=True,
        table="",
    )


def replica_parameters(replica: Environment) -> dict[str, str]:
    """Return the parameters of the stack that `replica_of` is about."""
    return {
        "Name": replica.name,
        "Suffix": replica.suffix,
        "InputBucketName": replica.input_bucket,
        "OutputBucketName": replica.output_bucket,
        "VersionDays": str(replica.aws.version_days),
        "Encryption": "s3" if replica.aws.encryption == "s3" else "kms",
    }


def _addresses(kind: str, given: tuple[str, ...]) -> dict[str, str]:
    """Return each of the parameters, also the blank ones: an address that was taken out must go from the stack."""
    padded = (*given, *[""] * ADDRESSES)[:ADDRESSES]
    return {f"{kind}{number}": address for number, address in enumerate(padded, 1)}


def _flag(on: bool) -> str:  # noqa: FBT001 -- a word for it
    return "true" if on else "false"
