"""What a deployment asks of AWS, so that `doctor --aws` can ask IAM before."""

from __future__ import annotations

from msgspec import Struct

from safelight.deploy.account import Account
from safelight.deploy.environment import Environment


class Grant(Struct, frozen=True, kw_only=True):
    """Actions on one resource."""

    resource: str
    actions: tuple[str, ...]


def grants(environment: Environment, account: Account) -> list[Grant]:
    """Return what `deploy` and CloudFormation, which acts by our permissions, do to the main parts of the stack."""
    partition = account.partition

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{account.region}:{account.id}:{resource}"

    bucket = f"arn:{partition}:s3:::"
    role = f"arn:{partition}:iam::{account.id}:role/{environment.stack}-FunctionRole-EXAMPLE"
    made = [
        name
        for name, is_made in (
            (environment.input_bucket, environment.owns_input),
            (environment.output_bucket, environment.owns_output),
        )
        if is_made
    ]
    return [
        Grant(resource=arn("cloudformation", f"stack/{environment.stack}/EXAMPLE"), actions=STACK),
        *(Grant(resource=bucket + name, actions=BUCKET) for name in (*made, environment.artifact_bucket)),
        Grant(resource=f"{bucket}{environment.artifact_bucket}/packages/EXAMPLE", actions=OBJECT),
        Grant(resource=role, actions=ROLE),
        Grant(resource=arn("lambda", f"function:{environment.function}"), actions=FUNCTION),
        Grant(resource=arn("dynamodb", f"table/{environment.table}"), actions=TABLE),
        Grant(resource=arn("sqs", environment.queue), actions=QUEUE),
        Grant(resource=arn("sns", environment.topic), actions=TOPIC),
        Grant(resource=arn("events", f"rule/{environment.name}-uploads{environment.suffix}"), actions=RULE),
        Grant(resource=arn("logs", f"log-group:{environment.log_groups[0]}"), actions=LOGS),
        Grant(resource=arn("cloudwatch", f"alarm:{environment.name}-errors{environment.suffix}"), actions=ALARM),
    ]


STACK = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackEvents",
)
BUCKET = (
    "s3:CreateBucket",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
)
OBJECT = ("s3:GetObject", "s3:PutObject")
ROLE = ("iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRole")
FUNCTION = (
    "lambda:CreateFunction",
    "lambda:GetFunction",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
)
TABLE = ("dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTimeToLive")
QUEUE = ("sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:GetQueueAttributes")
TOPIC = ("sns:CreateTopic", "sns:Subscribe", "sns:SetTopicAttributes")
RULE = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
LOGS = ("logs:CreateLogGroup", "logs:PutRetentionPolicy")
ALARM = ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms")
