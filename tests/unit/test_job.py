"""Job ids, statuses and outcomes."""

import json
import pickle

import msgspec
import pytest
from msgspec.structs import replace

from safelight.errors import Truncated
from safelight.job import Output, Source, Status, Upload, job_id, jobs_for, outcome_of, problem_of
from safelight.recipe.model import DEFAULT_RECIPE, Match, Recipe, Rendition, digest
from safelight.steps.resize import Resize

UPLOAD = Upload(bucket="in", key="a/b.JPG", version="v1", etag="e", size=3, arrived_at="2026-01-02T03:04:05.678Z")
PHOTOS = Recipe(name="photos", match=Match(suffix=(".jpg",)), renditions=(Rendition(key="{dir}x_{filename}"),))
SCANS = Recipe(name="scans", match=Match(prefix="scans/"), renditions=(Rendition(key="{dir}x_{filename}"),))


def test_job_id_of_equal_events_is_equal() -> None:
    """The id depends on nothing that differs between two events about the same version."""
    again = replace(UPLOAD, arrived_at="later", sequencer="00A1", etag="other")
    assert job_id(UPLOAD, "d") == job_id(again, "d")


@pytest.mark.parametrize("field", ["bucket", "key", "version"])
def test_job_id_of_another_upload_or_recipe_differs(field: str) -> None:
    """Bucket, key, version and recipe digest each make another job."""
    assert job_id(UPLOAD, "d") != job_id(replace(UPLOAD, **{field: "x"}), "d")
    assert job_id(UPLOAD, "d") != job_id(UPLOAD, "e")


def test_job_id_parts_that_run_together_stay_apart() -> None:
    """A key that ends as a version begins makes no second job of the same id."""
    one, other = replace(UPLOAD, key="ab", version="c"), replace(UPLOAD, key="a", version="bc")
    assert job_id(one, "d") != job_id(other, "d")


def test_jobs_for_upload_makes_one_job_for_each_matching_recipe() -> None:
    """Recipes match without regard to case; one that does not match makes no job."""
    jobs = jobs_for(UPLOAD, (PHOTOS, SCANS, DEFAULT_RECIPE))
    assert [job.recipe.name for job in jobs] == ["photos", "default"]
    assert [job.recipe_digest for job in jobs] == [digest(PHOTOS), digest(DEFAULT_RECIPE)]
    assert len({job.id for job in jobs}) == 2


def test_digest_of_a_changed_recipe_changes() -> None:
    """An option of a rendition makes another digest, so that every job gets a new id."""
    changed = replace(PHOTOS, renditions=(replace(PHOTOS.renditions[0], quality=70),))
    assert digest(PHOTOS) == digest(replace(PHOTOS))
    assert digest(PHOTOS) != digest(changed)


def test_digest_of_a_recipe_that_went_to_another_process_stays() -> None:
    """Service and worker must mean the same job; an option that is written as its default makes no other job either."""
    recipe = Recipe(name="r", renditions=(Rendition(key="{stem}.webp", resize=Resize(width=16)),))
    assert digest(pickle.loads(pickle.dumps(recipe))) == digest(recipe)  # noqa: S301 -- our own
    written = Rendition(key="{stem}.webp", resize=Resize(width=16, fit=str(b"cover", "ascii")), greyscale=False)
    assert digest(replace(recipe, match=Match(prefix=""), renditions=(written,))) == digest(recipe)


@pytest.mark.parametrize(("status", "ended"), [(each, each.value not in ("queued", "running")) for each in Status])
def test_status_on_the_way_has_not_ended(status: Status, ended: bool) -> None:  # noqa: FBT001 -- a parameter of a test
    """Two statuses are on the way, all others are outcomes."""
    assert status.ended is ended


def test_outcome_as_json_has_the_one_shape_and_leaves_out_what_is_absent() -> None:
    """The interfaces show a job exactly so; nothing null, nothing empty."""
    (job,) = jobs_for(UPLOAD, (PHOTOS,))
    output = Output(key="a/x_b.JPG", format="jpeg", width=4, height=3, size=100)
    source = Source(format="jpeg", width=4032, height=3024, orientation=6)
    outcome = outcome_of(job, Status.SUCCEEDED, attempts=1, source=source, renditions=(output,))
    shown = json.loads(msgspec.json.encode(outcome))
    assert shown == {
        "id": job.id,
        "status": "succeeded",
        "recipe": "photos",
        "recipe_digest": job.recipe_digest,
        "attempts": 1,
        "upload": {
            "bucket": "in",
            "key": "a/b.JPG",
            "version": "v1",
            "etag": "e",
            "size": 3,
            "arrived_at": "2026-01-02T03:04:05.678Z",
        },
        "source": {"format": "jpeg", "width": 4032, "height": 3024, "orientation": 6},
        "renditions": [{"key": "a/x_b.JPG", "format": "jpeg", "width": 4, "height": 3, "size": 100}],
    }


def test_problem_of_error_has_code_message_and_remedy() -> None:
    """What is told of an error is its stable code, what happened and what to do; a remedy of its own wins."""
    problem = problem_of(Truncated("the jpeg file ends early"))
    assert (problem.code, problem.message) == ("truncated", "the jpeg file ends early")
    assert problem.remedy == Truncated.default_remedy
    assert problem_of(Truncated("x", remedy="Call us.")).remedy == "Call us."
