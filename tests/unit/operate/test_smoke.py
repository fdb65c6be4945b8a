"""A smoke test against a deployment in memory: what it finds wrong, and that it cleans up whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from safelight.deliver import source_id
from safelight.job import Output, Status, Upload, jobs_for, outcome_of
from safelight.operate.smoke import Order, Report, Smoke
from safelight.operate.step import Step
from safelight.ports import KeyHead
from safelight.recipe.model import Recipe, Rendition
from safelight.settings import Settings

RECIPE = Recipe(name="small", renditions=(Rendition(key="{dir}{filename}.webp"),))
KEY = "safelight-smoke-t1/picture.jpg"
OUT = f"{KEY}.webp"


class Deployment:
    """Buckets, ledger and a function that runs as soon as something is put; `develop` is what it does."""

    def __init__(self, develop: Callable[[Deployment, Upload], None]) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.settings = Settings(recipes=(RECIPE,))
        self.account = SimpleNamespace(principal="me", client=lambda _service: self)
        self.ledger = SimpleNamespace(get=self.known, head=lambda _bucket, _key: self.begun)
        self.jobs: dict[str, Any] = {}
        self.begun: KeyHead | None = None
        self._develop = develop

    def known(self, job_id: str) -> Any:
        return self.jobs.get(job_id)

    def now(self) -> float:
        return 1_800_000_000.0

    def renew(self) -> None:
        return

    def output(self, name: str) -> str:
        return {"InputBucket": "in", "OutputBucket": "out", "Environment": "prod"}[name]

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_more: str) -> dict[str, str]:  # noqa: N803 -- boto3's
        self.objects[Bucket, Key] = {"ContentLength": len(Body), "Metadata": {}, "TagSet": []}
        upload = Upload(bucket=Bucket, key=Key, version="v1", etag="e1", size=len(Body), arrived_at="2026-01-02T03:04Z")
        self._develop(self, upload)
        return {"ETag": '"e1"', "VersionId": "v1"}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- as above
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "404", "Message": ""}}, "HeadObject")
        return self.objects[Bucket, Key]

    def get_object_tagging(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- as above
        return self.objects[Bucket, Key]

    def get_paginator(self, _name: str) -> Deployment:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 -- as above
        found = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        yield {"Versions": [{"Key": key, "VersionId": "v1"} for key in found]}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> None:  # noqa: N803 -- as above
        del self.objects[Bucket, Key]

    def try_it(self) -> Report:
        fake: Any = self
        told: list[Step] = []
        report = Smoke(fake, Order(token="t1", timeout_s=0.0), told.append).run()  # noqa: S106 -- no secret
        assert tuple(told) == report.steps
        return report


def develop(deployment: Deployment, upload: Upload, *, recipe: str = "small", key: str = OUT) -> None:
    """Do what the function does, or nearly."""
    (job,) = jobs_for(upload, (RECIPE,))
    deployment.begun = KeyHead(version=upload.version)
    output = Output(key=key, format="webp", width=8, height=8, size=9)
    deployment.jobs[job.id] = outcome_of(job, Status.SUCCEEDED, renditions=(output,), duration_ms=5.0)
    facts = {"status": "succeeded", "job-id": job.id, "recipe": recipe, "original-filename": "picture.jpg"}
    metadata = {**facts, "source-id": source_id(upload), "processed-at": "2026-01-02T03:04:06.000Z"}
    tags = {"status": "succeeded", "recipe": "small", "environment": "prod"}
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    deployment.objects["out", key] = {"ContentLength": 9, "Metadata": metadata, "TagSet": tag_set}


def failed(report: Report) -> list[str]:
    return [step.detail for step in report.steps if not step.ok]


def test_smoke_of_what_works_is_ok_and_leaves_nothing() -> None:
    """The fake deployment itself is sound."""
    deployment = Deployment(develop)
    report = deployment.try_it()
    assert (report.ok, failed(report), report.key, report.left) == (True, [], KEY, ())
    assert deployment.objects == {}


def test_smoke_finds_metadata_that_is_not_as_promised() -> None:
    """A job that calls itself succeeded is not believed."""
    deployment = Deployment(lambda there, upload: develop(there, upload, recipe="other"))
    report = deployment.try_it()
    assert failed(report) == [f"{OUT}: has metadata recipe='other', not 'small'"]
    assert not report.ok
    assert deployment.objects == {}


def test_smoke_finds_outputs_under_other_keys_than_the_recipe_asks_for() -> None:
    """What is missing and what is too much; both are removed."""
    deployment = Deployment(lambda there, upload: develop(there, upload, key="else.webp"))
    report = deployment.try_it()
    assert failed(report) == [
        "else.webp was written, and no rendition asks for it",
        f"{OUT} was not written",
    ]
    assert deployment.objects == {}


def test_smoke_never_removes_what_is_somebody_elses() -> None:
    """Under a key of the plan there may be another upload's output, or a file of the owner's."""
    deployment = Deployment(lambda there, upload: develop(there, upload, key="else.webp"))
    deployment.objects["out", OUT] = {"ContentLength": 1, "Metadata": {"source-id": "another"}, "TagSet": []}
    assert not deployment.try_it().ok
    assert list(deployment.objects) == [("out", OUT)]


def test_smoke_that_is_interrupted_cleans_up_all_the_same() -> None:
    """Ctrl-C while it waits; the interrupt goes on its way afterwards."""
    deployment = Deployment(develop)

    def interrupt(_job_id: str) -> None:
        raise KeyboardInterrupt

    deployment.ledger.get = interrupt
    with pytest.raises(KeyboardInterrupt):
        deployment.try_it()
    assert deployment.objects == {}
