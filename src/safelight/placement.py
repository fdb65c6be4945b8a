"""`names:` and `aws:` of safelight.yaml: what a deployment on AWS is called, and how it is built."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from safelight.storage import Bucket

PROGRAM_MB = 100
"""What the function takes beside the pictures, as measured; the rest of its memory is theirs."""
MB_PER_MIB = 1.048576

Email = Annotated[
    str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", description="An e-mail address.", examples=["owner@example.com"])
]
REGION_PATTERN = "^[a-z]{2}(-[a-z]+)+-\\d$"
Region = Annotated[
    str,
    Meta(pattern=REGION_PATTERN, description="An AWS region.", examples=["eu-north-1", "us-east-1"]),
]
ENVIRONMENT_PATTERN = "^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$"
EnvironmentName = Annotated[
    str,
    Meta(
        pattern=ENVIRONMENT_PATTERN,
        description="Name of an environment: small letters, digits and -, a letter first, at most 16.",
        examples=["dev", "staging", "prod"],
    ),
]


class Naming(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How what the stack makes is called."""

    suffix: Annotated[
        Literal["none", "account"],
        Meta(
            description="What the names of buckets end with. Every bucket of the world needs a name of its own: where "
            "yours is taken, `account` adds the account's number."
        ),
    ] = "none"


class Aws(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How `safelight deploy` builds the stack. Nothing of it matters on one machine."""

    arch: Annotated[Literal["arm64", "x86_64"], Meta(description="Processor of the function; arm64 costs less.")] = (
        "arm64"
    )
    memory: Annotated[
        int,
        Meta(
            ge=256,
            le=10240,
            description="Memory of the function in MiB; its share of processors grows with it. New accounts get at "
            "most 3008.",
        ),
    ] = 512
    seconds: Annotated[
        int,
        Meta(ge=10, le=900, description="Time limit of the function in seconds; `limits.seconds` may not be above it."),
    ] = 60
    concurrency: Annotated[
        Annotated[int, Meta(ge=2, le=1000)] | None,
        Meta(
            description="Uploads developed at once, at most; without it as many as the account allows.",
            examples=["10"],
        ),
    ] = None
    tracing: Annotated[bool, Meta(description="Trace invocations with X-Ray.")] = False
    log_days: Annotated[
        int,
        Meta(ge=1, le=3653, description="Days that logs are kept; CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90 ..."),
    ] = 30
    version_days: Annotated[
        int, Meta(ge=1, le=36500, description="Days that replaced and deleted versions of objects are kept.")
    ] = 30
    encryption: Annotated[
        str,
        Meta(
            pattern="^(s3|kms|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)$",
            description="Who holds the key of buckets, table, queues and topics: s3 (AWS), kms (a key that the stack "
            "makes), or the ARN of a KMS key of yours in the same region.",
            examples=["kms", "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
        ),
    ] = "s3"
    access_logs: Annotated[bool, Meta(description="Log each access to the buckets, in a bucket of its own.")] = False
    input: Annotated[
        Bucket | None,
        Meta(
            description="Bucket of yours whose uploads are developed; without it the stack makes one. Small letters, "
            "digits, dots and -, 3 to 63.",
            examples=["our-photos"],
        ),
    ] = None
    output: Annotated[
        Bucket | None,
        Meta(
            description="Bucket of yours for the outputs; without it the stack makes one. Small letters, digits, dots "
            "and -, 3 to 63.",
            examples=["our-developed-photos"],
        ),
    ] = None
    alarms: Annotated[
        tuple[Email, ...] | None,
        Meta(description="Who is told of alarms, at most 5 addresses; without it those of `notify.email`."),
    ] = None
    backup: Annotated[bool, Meta(description="Snapshots of buckets and table by a plan of AWS Backup.")] = False
    replica: Annotated[
        Region | None,
        Meta(
            description="Another AWS region that the buckets are replicated into; without it none is.",
            examples=["eu-central-1"],
        ),
    ] = None
