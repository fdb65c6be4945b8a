"""Write one output so that the newest version of its upload always wins, and nobody else's output is lost."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

from safelight.errors import Conflict, KeyConflict, Superseded, Unavailable
from safelight.job import Job, Output, Upload
from safelight.ports import Attributes, Claim, Head, Ports
from safelight.render import Rendered
from safelight.times import timestamp

TRIES = 5
"""Each lost race for a key means that somebody else's put went through; five in a row are a fault."""

MAX_NAME_BYTES = 1200
"""S3 takes 2 KB of metadata: docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html."""

SAFE = " !#$&'()+,;=@[]{}~"
"""What stays as it is in the value of a header."""


def deliver(rendered: Rendered, job: Job, claim: Claim, ports: Ports) -> Output:
    """Put one output under its key and describe it.

    Raises:
        Superseded: a newer version of the same upload wrote there.
        KeyConflict: another upload's output, or a file that is not ours, is there.
    """
    return Output(
        key=rendered.key,
        format=rendered.format,
        width=rendered.width,
        height=rendered.height,
        size=rendered.size,
        quality=rendered.quality,
        score=rendered.score,
        note=rendered.note,
        frames=rendered.frames,
        etag=_put(rendered, job, claim, ports),
    )


def _put(rendered: Rendered, job: Job, claim: Claim, ports: Ports) -> str:
    attributes = _attributes(rendered, job, claim, ports)
    expect: str | None = None
    for _ in range(TRIES):
        try:
            return ports.output.put(rendered.key, rendered.body, attributes, expect=expect)
        except Conflict:
            there = ports.output.head(rendered.key)
        if there is None:
            expect = None
        elif there.metadata.get("job-id") == job.id:
            return there.etag
        else:
            expect = _replaceable(there, job, claim, ports)
    raise Unavailable("the output's key changed hands five times in a row")


def _replaceable(there: Head, job: Job, claim: Claim, ports: Ports) -> str:
    """Return the etag of what may be overwritten.

    Raises:
        Superseded, KeyConflict
    """
    if "source-id" not in there.metadata:
        if ports.replace_foreign:
            return there.etag
        raise KeyConflict("a file that Safelight did not make is in the output's place")
    if there.metadata["source-id"] != source_id(job.upload):
        name = unquote(there.metadata.get("original-filename", ""))
        raise KeyConflict(f"the output's key already holds the output of another upload, {name}")
    if int(there.metadata["claim"]) > claim.token or not _is_head(job, ports):
        raise Superseded("a newer version of this upload was developed meanwhile")
    return there.etag


def _is_head(job: Job, ports: Ports) -> bool:
    """Say whether the job's version is still the newest that a worker began.

    The output's claim alone does not tell: while we slept, the key may have gone back to the version whose output
    is there, and that job left its own output as it was.
    """
    newest = ports.ledger.head(job.upload.bucket, job.upload.key)
    return newest is None or newest.version == job.upload.version


def source_id(upload: Upload) -> str:
    """Return what all versions of one upload have in common, short enough for S3's 2 KB of metadata."""
    return hashlib.sha256(f"{upload.bucket}\0{upload.key}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def header_name(name: str) -> str:
    """Return a file's name as HTTP headers can carry it: percent-encoded, and cut where it would fill all metadata."""
    encoded = quote(name, safe=SAFE, errors="replace")
    while len(encoded) > MAX_NAME_BYTES:
        name = name[:-1]  # whole characters, or what is left would not decode
        encoded = quote(name, safe=SAFE, errors="replace")
    return encoded


def _facts(rendered: Rendered) -> dict[str, str]:
    """Return what is known of the picture: a manifest has no sides, and not every output a quality or score."""
    facts = {name: getattr(rendered, name) for name in ("width", "height", "quality", "score")}
    return {name: str(value) for name, value in facts.items() if value}


def _attributes(rendered: Rendered, job: Job, claim: Claim, ports: Ports) -> Attributes:
    return Attributes(
        content_type=rendered.content_type,
        metadata={
            "processed-at": timestamp(ports.now()),
            "original-filename": header_name(job.upload.key.rpartition("/")[2]),
            "status": "succeeded",
            "job-id": job.id,
            "recipe": job.recipe.name,
            "recipe-digest": job.recipe_digest,
            "source-id": source_id(job.upload),
            "source-version": quote(job.upload.version),
            "claim": str(claim.token),
            **_facts(rendered),
        },
        tags={"status": "succeeded", "recipe": job.recipe.name, "environment": ports.environment},
    )
