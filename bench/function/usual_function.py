"""What Safelight is compared with: the function of tutorials and examples, boto3 and Pillow, clients made at import.

`JOB` says what it does: `copy` is the brief's own job as its document lists it (nothing looks into the picture), else
job A.
"""

import io
import os
import urllib.parse
from typing import Any

import boto3  # type: ignore[import-not-found, import-untyped, unused-ignore]
from PIL import Image, ImageOps

s3 = boto3.client("s3")
sns = boto3.client("sns")


def handle(event: dict[str, Any], _context: object) -> None:
    """Do the job with each picture that S3 tells of."""
    for record in event.get("Records", []):
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        outputs = {f"processed_{key}": body} if os.environ.get("JOB") == "copy" else job_a(key, body)
        for name, made in outputs.items():
            s3.put_object(
                Bucket=os.environ["SAFELIGHT_OUTPUT_BUCKET"],
                Key=name,
                Body=made,
                Metadata={"status": "processed", "original-filename": key},
                Tagging="status=processed",
            )
        message = f"{key}: {', '.join(outputs)}"
        sns.publish(TopicArn=os.environ["SAFELIGHT_TOPIC"], Subject="Image processed", Message=message)


def job_a(key: str, body: bytes) -> dict[str, bytes]:
    """Return the outputs of job A."""
    with Image.open(io.BytesIO(body)) as opened:
        image = ImageOps.exif_transpose(opened)
    return {
        f"{key}-small.jpg": small(image, 320, format="JPEG", quality=80),
        f"{key}-medium.webp": small(image, 1280, format="WEBP", quality=80, method=4),
        f"{key}-large.jpg": small(image, 2048, format="JPEG", quality=82),
    }


def small(image: Image.Image, box_px: int, **options: Any) -> bytes:
    """Return the picture in a box, encoded."""
    copy = image.copy()
    copy.thumbnail((box_px, box_px), Image.Resampling.LANCZOS)
    body = io.BytesIO()
    copy.convert("RGB").save(body, **options)
    return body.getvalue()
