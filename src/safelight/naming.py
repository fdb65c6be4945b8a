"""What everything on AWS is called in one environment of a project: computed alone, nothing is asked."""

from __future__ import annotations

from msgspec import Struct

from safelight.placement import Aws
from safelight.recipe.units import seconds
from safelight.settings import Settings

PRODUCTION = "prod"
STANDARD = ("dev", "staging", PRODUCTION)
"""Environments that a file need not list."""
FIRST_NAME = "image-processor"
FIRST_TOPIC = "image-processing-notifications"
"""The topic of the project that has the default name; it was promised before other names could be chosen."""


class Environment(Struct, frozen=True, kw_only=True):
    """One environment of a project: its names, and what its stack is asked to be.

    `aws` are the options as merged for it. A bucket that the stack does not own is there already, and stays.
    """

    name: str
    environment: str
    suffix: str
    region: str
    stack: str
    replica_stack: str
    input_bucket: str
    output_bucket: str
    owns_input: bool
    owns_output: bool
    function: str
    dead_letter_function: str
    digest_function: str
    queue: str
    dead_letter_queue: str
    table: str
    topic: str
    alarm_topic: str
    dashboard: str
    kms_alias: str
    artifact_bucket: str
    emails: tuple[str, ...] = ()
    alarm_emails: tuple[str, ...] = ()
    digest_minutes: int = 0
    removes_outputs: bool = False
    aws: Aws = Aws()

    @property
    def log_groups(self) -> tuple[str, str, str]:
        """The log groups of the three functions: processor, dead letters, digest."""
        processor, dead_letters, digest = (self.function, self.dead_letter_function, self.digest_function)
        return f"/aws/lambda/{processor}", f"/aws/lambda/{dead_letters}", f"/aws/lambda/{digest}"


def named(settings: Settings, environment: str, account: str) -> Environment:
    """Return an environment with its names.

    Args:
        settings: as merged for it.
        environment: a name that `config.load` took.
        account: number of the account.
    """
    name, aws, notify = settings.name, settings.aws, settings.notify
    suffix = "" if environment == PRODUCTION else f"-{environment}"
    end = f"{suffix}-{account}" if settings.names.suffix == "account" else suffix
    stack = f"{name}-{environment}"
    return Environment(
        name=name,
        environment=environment,
        suffix=suffix,
        region=settings.region,
        stack=stack,
        replica_stack=f"{stack}-replica",
        input_bucket=aws.input or f"my{name}-input{end}",
        output_bucket=aws.output or f"my{name}-output{end}",
        owns_input=aws.input is None,
        owns_output=aws.output is None,
        function=f"{name}-function{suffix}",
        dead_letter_function=f"{name}-dead-letters{suffix}",
        digest_function=f"{name}-digest{suffix}",
        queue=f"{name}-queue{suffix}",
        dead_letter_queue=f"{name}-dead-letter-queue{suffix}",
        table=f"{name}-jobs{suffix}",
        topic=(FIRST_TOPIC if name == FIRST_NAME else f"{name}-notifications") + suffix,
        alarm_topic=f"{name}-alarms{suffix}",
        dashboard=f"{name}{suffix}",
        kms_alias=f"alias/{name}{suffix}",
        artifact_bucket=f"safelight-artifacts-{account}-{settings.region}",
        emails=notify.email,
        alarm_emails=notify.email if aws.alarms is None else aws.alarms,
        digest_minutes=seconds(notify.digest) // 60 if notify.digest else 0,
        removes_outputs=any(recipe.on_delete == "remove" for recipe in settings.recipes),
        aws=aws,
    )
