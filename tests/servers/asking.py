"""Which permissions AWS asks for what was asked of it: requests of the product, as IAM sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers.faults import Exchange

Permission = tuple[str, str]
"""An action and the ARN of what it is done to."""


def asked(exchange: Exchange, prefix: str) -> Iterator[Permission]:
    """Yield what a caller must be allowed for a request to have the answer that it had.

    Args:
        exchange: a request that was carried out.
        prefix: region and account, as ARNs have them: `eu-west-1:000000000000`.
    """
    target = exchange.headers.get("x-amz-target", "")
    if target.startswith("DynamoDB"):
        yield from _of_dynamodb(target.rpartition(".")[2], json.loads(exchange.body), prefix)
    elif target.startswith("AmazonSQS"):
        queue = json.loads(exchange.body)["QueueUrl"].rpartition("/")[2]
        yield f"sqs:{target.rpartition('.')[2]}", f"arn:aws:sqs:{prefix}:{queue}"
    elif exchange.method == "POST":
        form = parse_qs(exchange.body.decode())
        yield f"sns:{form['Action'][0]}", form["TopicArn"][0]
    else:
        yield from _of_s3(exchange)


def _of_dynamodb(action: str, fields: dict[str, object], prefix: str) -> Iterator[Permission]:
    """Source: Amazon DynamoDB API reference, TransactWriteItems: IAM asks for each item's own action."""
    if action == "TransactWriteItems":
        items = fields["TransactItems"]
        assert isinstance(items, list)
        for item in items:
            [(kind, inner)] = item.items()
            yield from _of_dynamodb({"Update": "UpdateItem"}[kind], inner, prefix)
        return
    index = f"/index/{fields['IndexName']}" if "IndexName" in fields else ""
    yield f"dynamodb:{action}", f"arn:aws:dynamodb:{prefix}:table/{fields['TableName']}{index}"


def _of_s3(exchange: Exchange) -> Iterator[Permission]:
    """Source: Amazon S3 API reference, "Permissions" of GetObject, HeadObject, PutObject and DeleteObject.

    What is missing is 404 for who may list the bucket, and 403 for all others.
    """
    parts = urlsplit(exchange.path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    there = f"arn:aws:s3:::{bucket}/{key}"
    assert key, "the function lists no bucket"
    if exchange.method in ("GET", "HEAD"):
        versioned = "versionId" in parse_qs(parts.query)
        yield "s3:GetObjectVersion" if versioned else "s3:GetObject", there
        if exchange.status == 404:
            yield "s3:ListBucket", f"arn:aws:s3:::{bucket}"
    elif exchange.method == "DELETE":
        yield "s3:DeleteObject", there
    else:
        assert exchange.method == "PUT"
        yield "s3:PutObject", there
        if "x-amz-tagging" in exchange.headers:
            yield "s3:PutObjectTagging", there
        if "if-match" in exchange.headers:
            yield "s3:GetObject", there
