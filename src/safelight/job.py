"""Uploads, jobs and their outcomes: the words that every other module speaks in."""

import hashlib
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from safelight.errors import SafelightError
from safelight.recipe.model import Recipe, digest

DELETED = "deleted-"
"""What the version begins with that stands for the deletion of an upload; no world has such a version of an object."""


class Status(str, Enum):
    """How far a job has come; the first two are on the way, the others are outcomes."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"

    @property
    def ended(self) -> bool:
        """Whether this is an outcome."""
        return self not in (Status.QUEUED, Status.RUNNING)


class Upload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one object that arrived.

    `version` is S3's version id, or `<size>-<mtime_ns>` in a folder, or the etag where there are no versions.
    `sequencer` orders the versions of one key where the event carries one (hex, compare right-padded).
    """

    bucket: str
    key: str
    version: str
    etag: str
    size: int
    arrived_at: str
    sequencer: str | None = None

    @property
    def deleted(self) -> bool:
        """Whether this stands for a deletion: there are no bytes, and it was deleted when it says that it arrived."""
        return self.version.startswith(DELETED)


class Job(Struct, frozen=True, kw_only=True):
    """One upload to be developed by one recipe."""

    id: str
    upload: Upload
    recipe: Recipe
    recipe_digest: str


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the upload turned out to be: pixels as stored, before it is turned upright."""

    format: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1


class Output(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rendition as it was written. `quality` is the encoder's number; `note` says why it is not as asked.

    A manifest's format is json, and it has no width and height.
    """

    key: str
    format: str
    width: int = 0
    height: int = 0
    size: int
    quality: int | None = None
    score: float | None = None
    etag: str | None = None
    note: str | None = None
    frames: int = 1


class Problem(Struct, frozen=True, kw_only=True):
    """A coded error as everybody sees it."""

    code: str
    message: str
    remedy: str


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as the ledger keeps it and as every interface shows it: the one shape of API, webhook and `--json`.

    `cost_usd` is what AWS asks for it at list prices, without cold start, storage and mails; on one machine it is
    absent.
    """

    id: str
    status: Status
    recipe: str
    recipe_digest: str
    upload: Upload
    attempts: int = 0
    warnings: tuple[str, ...] = ()
    started_at: str | None = None
    finished_at: str | None = None
    duration_ms: float | None = None
    peak_mb: int | None = None
    source: Source | None = None
    renditions: tuple[Output, ...] = ()
    cost_usd: float | None = None
    error: Problem | None = None

    @property
    def owes_notice(self) -> bool:
        """Whether somebody is to be told: the job has ended, and not because a newer version won."""
        return self.status.ended and self.status is not Status.SUPERSEDED


def job_id(upload: Upload, recipe_digest: str) -> str:
    """Return the id that every event about this upload and recipe leads to."""
    parts = f"{upload.bucket}\0{upload.key}\0{upload.version}\0{recipe_digest}"
    return "job_" + hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def jobs_for(upload: Upload, recipes: tuple[Recipe, ...]) -> tuple[Job, ...]:
    """Return one job for each recipe that takes the upload."""
    matching = ((recipe, digest(recipe)) for recipe in recipes if recipe.match.takes(upload.key))
    return tuple(
        Job(id=job_id(upload, recipe_digest), upload=upload, recipe=recipe, recipe_digest=recipe_digest)
        for recipe, recipe_digest in matching
    )


def outcome_of(job: Job, status: Status, **changes: object) -> Outcome:
    """Return the outcome of `job` with `status`, and with nothing else known yet."""
    blank = Outcome(
        id=job.id, status=status, recipe=job.recipe.name, recipe_digest=job.recipe_digest, upload=job.upload
    )
    return replace(blank, **changes)


def problem_of(error: SafelightError) -> Problem:
    """Return what may be told about `error`."""
    return Problem(code=error.code, message=error.message, remedy=error.remedy)
