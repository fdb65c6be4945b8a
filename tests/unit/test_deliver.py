"""What an output carries beside its bytes, and what happens at a taken key."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from safelight.deliver import deliver
from safelight.errors import KeyConflict
from safelight.job import Job, Upload, job_id
from safelight.ports import Attributes, Claim
from safelight.recipe.model import Recipe, Rendition
from safelight.render import Rendered
from tests.unit.fakes import World

S3_METADATA_BYTES = 2048  # names and values: docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
LONGEST_VERSION = "v" * 32  # S3's version ids have 32 letters
NAMES = [
    "a.jpg",
    "two words+plus%25.jpg",
    "línea.jpg",
    "写真.jpg",
    "a\nb.jpg",
    'q"uote<>.jpg',
    "~'()*!.jpg",
    "a;b=c&d.jpg",
]


def job_of(key: str, version: str = "3-17") -> Job:
    upload = Upload(bucket="in", key=key, version=version, etag="e", size=3, arrived_at="")
    recipe = Recipe(name="r" * 63, renditions=(Rendition(key="{dir}out.jpg"),))
    return Job(id=job_id(upload, "d" * 16), upload=upload, recipe=recipe, recipe_digest="d" * 16)


def put(world: World, job: Job, body: bytes | Path = b"bytes") -> Attributes:
    claim = Claim(job_id=job.id, bucket="in", key=job.upload.key, token=1_800_000_000_000)
    rendered = Rendered(key="out.jpg", body=body, format="jpeg", width=4032, height=3024, quality=80)
    deliver(rendered, job, claim, world.ports)
    return world.output.objects["out.jpg"].attributes


@pytest.mark.parametrize("name", NAMES)
def test_deliver_any_name_keeps_it_in_ascii_and_reversible(name: str) -> None:
    """`original-filename` is the name itself where HTTP can carry it, else percent-encoded."""
    kept = put(World(), job_of(f"dir/{name}")).metadata["original-filename"]
    assert unquote(kept) == name
    assert kept.isascii()
    assert kept.isprintable()
    if name == "a.jpg":
        assert kept == name


@pytest.mark.parametrize("letter", ["a", "é", "写", "\U0001f4f7"])
def test_deliver_longest_key_fits_into_the_metadata_of_s3(letter: str) -> None:
    """A key of 1,024 bytes without a slash leaves room for everything else, and ends at a whole character."""
    name = letter * (1024 // len(letter.encode()))
    metadata = put(World(), job_of(name, LONGEST_VERSION)).metadata
    size = sum(len(key) + len(value.encode()) for key, value in metadata.items())
    assert size <= S3_METADATA_BYTES
    kept = unquote(metadata["original-filename"], errors="strict")
    assert kept
    assert name.startswith(kept)


def test_deliver_output_says_where_it_comes_from() -> None:
    """Job id, source version and recipe digest are on every output, beside what the brief asks for."""
    job = job_of("a/b.jpg")
    kept = put(World(), job)
    assert kept.content_type == "image/jpeg"
    assert kept.tags == {"status": "succeeded", "recipe": "r" * 63, "environment": "local"}
    source_id = kept.metadata["source-id"]
    assert kept.metadata == {
        "processed-at": "2027-01-15T08:00:00.000Z",
        "original-filename": "b.jpg",
        "status": "succeeded",
        "job-id": job.id,
        "recipe": "r" * 63,
        "recipe-digest": "d" * 16,
        "source-id": source_id,
        "source-version": "3-17",
        "claim": "1800000000000",
        "width": "4032",
        "height": "3024",
        "quality": "80",
    }


def test_deliver_chosen_quality_and_score_are_on_the_output_and_in_the_job() -> None:
    """What a search chose is told wherever the output is told of."""
    world, job = World(), job_of("a.jpg")
    claim = Claim(job_id=job.id, bucket="in", key="a.jpg", token=1)
    rendered = Rendered(key="o.webp", body=b"x", format="webp", width=1, height=2, quality=71, score=0.9812)
    output = deliver(rendered, job, claim, world.ports)
    kept = world.output.objects["o.webp"].attributes
    assert (kept.metadata["quality"], kept.metadata["score"]) == ("71", "0.9812")
    assert (output.quality, output.score) == (71, 0.9812)


def test_deliver_versions_of_an_upload_share_their_source_and_other_uploads_do_not() -> None:
    """Who may overwrite whom is decided by bucket and key, whole."""
    keys = ["a/b.jpg", "a/c.jpg", "b.jpg"]
    sources = [put(World(), job_of(key, version)).metadata["source-id"] for key in keys for version in ("1", "2")]
    assert len(set(sources)) == 3
    assert sources[0] == sources[1]


def test_deliver_file_body_is_described_by_its_size(tmp_path: Path) -> None:
    """An output may be a file; what is told of it is the same."""
    path = tmp_path / "body"
    path.write_bytes(b"twelve bytes")
    job = job_of("a.jpg")
    claim = Claim(job_id=job.id, bucket="in", key="a.jpg", token=1)
    world = World()
    output = deliver(Rendered(key="o.jpg", body=path, format="jpeg", width=1, height=2), job, claim, world.ports)
    assert (output.size, output.width, output.height, output.quality) == (12, 1, 2, None)
    assert output.etag == world.output.objects["o.jpg"].etag


def test_deliver_key_of_another_upload_names_it_as_people_write_it() -> None:
    """The message tells which file is in the way, not its encoding."""
    world = World()
    put(world, job_of("写真 1.jpg"))
    with pytest.raises(KeyConflict, match=r"写真 1\.jpg"):
        put(world, job_of("写真 1.png"))
