"""What only a bucket has: versions by events, encryption, permissions, throttling, pages, large objects."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs
from msgspec.structs import replace

from safelight.aws.access import Access
from safelight.aws.listing import listed, signed_url
from safelight.aws.sigv4 import Credentials
from safelight.aws.store import MAX_IN_MEMORY_BYTES, S3Store
from safelight.errors import Conflict, Denied, InvalidKey, NotFound, Superseded, TooLarge, Unavailable
from safelight.ports import Attributes
from tests.contract.conftest import access_of
from tests.servers.aws import Server
from tests.servers.faults import SLOW_DOWN, Proxy, proxy

PLAIN = Attributes(content_type="image/webp", metadata={"job-id": "job_1"}, tags={"status": "succeeded"})


def _credentials(secret: str, token: str | None = None, *, key_id: str = "AKIDEXAMPLE") -> Credentials:
    return Credentials(key_id=key_id, secret=secret, token=token)


@pytest.fixture(params=["ministack", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(server: Server, tmp_path: Path) -> S3Store:
    return S3Store(server.bucket(), access_of(server), tmp_path)


@pytest.fixture
def faulty(seaweedfs: Server) -> Iterator[Proxy]:
    """A server that checks signatures, behind a proxy with faults."""
    with proxy(seaweedfs.endpoint) as found:
        yield found


@pytest.fixture
def distant(seaweedfs: Server, faulty: Proxy, tmp_path: Path) -> S3Store:
    access = replace(access_of(seaweedfs), endpoint=faulty.endpoint)
    return S3Store(seaweedfs.bucket(), access, tmp_path, patience_s=5)


def test_upload_larger_than_memory_should_hold_comes_as_a_file_that_is_gone_afterwards(
    store: S3Store, tmp_path: Path
) -> None:
    """Above a size the body is a file in the scratch folder, which nothing can leave behind."""
    body = bytes(range(251)) * (MAX_IN_MEMORY_BYTES // 251 + 1)
    store.put("large", body, PLAIN, expect=None)
    upload = store.upload_at("large")
    assert upload is not None
    with store.fetch(upload) as fetched:
        assert isinstance(fetched, Path)
        assert fetched.read_bytes() == body
        assert fetched.stat().st_size == len(body)
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_upload_at_agrees_with_the_listing(server: Server, tmp_path: Path) -> None:
    """What an event leads to and what a scan finds is the same upload, so that it makes the same job."""
    for versioned in (False, True):
        store = S3Store(server.bucket(versioned=versioned), access_of(server), tmp_path)
        store.put("a/b.webp", b"x", PLAIN, expect=None)
        (found,) = store.walk()
        at = store.upload_at("a/b.webp")
        assert at is not None
        assert replace(at, arrived_at="") == replace(found, arrived_at="")
        assert at.arrived_at[:19] == found.arrived_at[:19]
        assert (at.version != at.etag) is versioned
        assert store.upload_at("a/c.webp") is None


def test_listing_goes_through_all_pages_and_gives_only_the_newest_versions(server: Server, tmp_path: Path) -> None:
    """Pages of three over keys with several versions, deleted ones and odd names give each current object once."""
    bucket = server.bucket(versioned=True)
    store = S3Store(bucket, access_of(server), tmp_path)
    keys = [f"p/{number:02}+ %é.jpg" for number in range(8)]
    for key in keys:
        for body in (b"1", b"22", b"333"):
            there = store.head(key)
            store.put(key, body, PLAIN, expect=there.etag if there else None)
    store.delete(keys[3])
    found = list(listed(bucket, access_of(server), "p/", set(), page=3))
    assert sorted(upload.key for upload in found) == sorted(set(keys) - {keys[3]})
    assert {upload.size for upload in found} == {3}


def test_listing_leaves_out_what_cannot_be_fetched_and_says_so_once(
    seaweedfs: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One odd key in a bucket hides no other; a folder's placeholder is nothing to speak of."""
    bucket = seaweedfs.bucket()
    store = S3Store(bucket, access_of(seaweedfs), tmp_path)
    for key in ("good.jpg", "new\nline.jpg", "folder/"):
        seaweedfs.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    for _ in range(2):
        assert [upload.key for upload in store.walk()] == ["good.jpg"]
    assert [record.code for record in caplog.records] == ["invalid_key"]
    with pytest.raises(InvalidKey):
        store.head("new\nline.jpg")


def test_signed_url_is_what_botocore_signs() -> None:
    """The address of a listing carries the signature that AWS's own SDK makes."""
    credentials = _credentials("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "tok/en+")
    access = Access(region="eu-north-1", credentials=credentials, endpoint="http://127.0.0.1:9000")
    query = {"versions": "", "prefix": "a b/+é~", "max-keys": "7"}
    request = AWSRequest(method="GET", url="http://127.0.0.1:9000/bucket", params=query)
    theirs_as = Theirs(credentials.key_id, credentials.secret, credentials.token)
    S3SigV4QueryAuth(theirs_as, "s3", "eu-north-1", expires=300).add_auth(request)
    theirs = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    at = datetime.strptime(theirs["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z").timestamp()
    ours = parse_qs(urlsplit(signed_url("bucket", access, query, at)).query, keep_blank_values=True)
    assert ours == theirs


@pytest.mark.parametrize("encryption", ["AES256", "1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_put_with_encryption_asks_for_it(ministack: Server, tmp_path: Path, encryption: str) -> None:
    """Outputs are encrypted as the store is told to; without, the bucket's own rule counts."""
    bucket = ministack.bucket()
    S3Store(bucket, access_of(ministack), tmp_path, encryption=encryption).put("k", b"x", PLAIN, expect=None)
    head = ministack.client("s3").head_object(Bucket=bucket, Key="k")
    if encryption == "AES256":
        assert head["ServerSideEncryption"] == "AES256"
    else:
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", encryption)


def test_put_above_the_limit_of_one_put_is_refused_before_it_is_read(store: S3Store, tmp_path: Path) -> None:
    """Five gigabytes and a byte are too large, by a code; nothing is sent."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(5 * 1024**3 + 1)
    with pytest.raises(TooLarge, match="5368709120"):
        store.put("huge", tmp_path / "huge", PLAIN, expect=None)
    assert store.head("huge") is None


def test_throttled_bucket_is_tried_again(faulty: Proxy, distant: S3Store) -> None:
    """503 SlowDown, dropped connections and broken listings delay each kind of request and fail none."""
    faulty.faults = [SLOW_DOWN, "drop", SLOW_DOWN]
    distant.put("k", b"x", PLAIN, expect=None)
    faulty.faults = [SLOW_DOWN, "drop"]
    head = distant.head("k")
    assert head is not None
    faulty.faults = [SLOW_DOWN, SLOW_DOWN, "drop", "cut"]
    (upload,) = distant.walk()
    faulty.faults = [SLOW_DOWN]
    with distant.fetch(upload) as body:
        assert body == b"x"
    faulty.faults = [SLOW_DOWN]
    distant.delete("k")
    assert distant.head("k") is None


def test_bucket_throttled_for_too_long_is_unavailable(faulty: Proxy, distant: S3Store) -> None:
    """What does not pass in the time that the store has is a coded error that another try may help."""
    faulty.faults = [SLOW_DOWN] * 100
    for call in (lambda: distant.head("k"), lambda: distant.put("k", b"", PLAIN, expect=None)):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            call()
        assert time.monotonic() - began < 20
    with pytest.raises(Unavailable):
        list(distant.walk())


def test_put_whose_answer_was_lost_is_there(faulty: Proxy, distant: S3Store) -> None:
    """A first put that went through unheard either succeeds or meets itself; the pipeline then sees its own job id."""
    faulty.faults = ["lost"]
    with suppress(Conflict):
        distant.put("k", b"x", PLAIN, expect=None)
    head = distant.head("k")
    assert head is not None
    assert head.metadata["job-id"] == "job_1"


def test_body_that_breaks_off_is_whole_or_an_error(faulty: Proxy, distant: S3Store) -> None:
    """A connection that breaks in mid-body never passes half an upload on."""
    body = b"0123456789" * 100_000
    distant.put("k", body, PLAIN, expect=None)
    upload = distant.upload_at("k")
    assert upload is not None
    faulty.faults = ["cut"]
    try:
        with distant.fetch(upload) as fetched:
            assert fetched == body
    except Unavailable:
        pass


def test_wrong_credentials_are_denied(seaweedfs: Server, tmp_path: Path) -> None:
    """What the bucket refuses is told apart from what is missing, for each kind of call."""
    credentials = _credentials("wrong", key_id=seaweedfs.access_key)
    bucket = seaweedfs.bucket()
    mine = S3Store(bucket, access_of(seaweedfs), tmp_path)
    mine.put("k", b"x", PLAIN, expect=None)
    (upload,) = mine.walk()
    store = S3Store(bucket, replace(access_of(seaweedfs), credentials=credentials), tmp_path)
    calls = [
        lambda: store.head("k"),
        lambda: store.head("missing"),
        lambda: store.put("k", b"", PLAIN, expect=None),
        lambda: store.delete("k"),
        lambda: list(store.walk()),
        lambda: store.fetch(upload).__enter__(),
    ]
    for call in calls:
        with pytest.raises(Denied) as raised:
            call()
        assert "s3:List" in raised.value.remedy


def test_missing_key_without_permission_to_list_is_denied_and_with_it_missing(
    seaweedfs: Server, tmp_path: Path
) -> None:
    """S3 hides what is missing from those who may not list; that is never taken for gone, which would end the job."""
    bucket = seaweedfs.bucket()
    with proxy(seaweedfs.endpoint) as hiding:
        hiding.faults = [(403, b""), None]
        store = S3Store(bucket, replace(access_of(seaweedfs), endpoint=hiding.endpoint), tmp_path)
        with pytest.raises(Denied, match="refused"):
            store.head("missing")
        assert store.head("missing") is None


def test_missing_bucket_is_unavailable_not_an_empty_one(ministack: Server, tmp_path: Path) -> None:
    """Nothing is lost in a bucket that is not there: puts and listings say so; it may be made meanwhile."""
    store = S3Store("test-no-such-bucket", access_of(ministack), tmp_path)
    with pytest.raises(Unavailable, match="bucket is not there"):
        store.put("k", b"", PLAIN, expect=None)
    with pytest.raises(Unavailable, match="bucket is not there"):
        list(store.walk())


def test_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """A refused connection is a passing fault."""
    access = Access(region="eu-west-1", credentials=_credentials("b"), endpoint="http://127.0.0.1:9")
    store = S3Store("bucket", access, tmp_path, patience_s=1)
    with pytest.raises(Unavailable):
        store.head("k")


def test_version_that_was_deleted_for_good_is_not_found(server: Server, tmp_path: Path) -> None:
    """An upload whose very version is gone is not found, though its key has another."""
    bucket = server.bucket(versioned=True)
    store = S3Store(bucket, access_of(server), tmp_path)
    store.put("k", b"1", PLAIN, expect=None)
    (upload,) = store.walk()
    server.client("s3").put_object(Bucket=bucket, Key="k", Body=b"2")
    server.client("s3").delete_object(Bucket=bucket, Key="k", VersionId=upload.version)
    with pytest.raises((NotFound, Superseded)), store.fetch(upload):
        pass


def test_environment_is_not_looked_at(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the store is told counts: obstore's own look at the environment finds nothing to use."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "wrong",
        "AWS_SECRET_ACCESS_KEY": "wrong",
        "AWS_SESSION_TOKEN": "wrong",
        "AWS_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, value)
    store = S3Store(server.bucket(), access_of(server), tmp_path, patience_s=1)
    store.put("k", b"x", PLAIN, expect=None)
    assert [upload.key for upload in store.walk()] == ["k"]


def test_import_of_the_store_brings_no_web_client() -> None:
    """The function on AWS imports this at each cold start; what only listing needs waits for a listing."""
    source = "import sys, json, safelight.aws.store; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
    loaded = set(json.loads(ran.stdout))
    assert {
        "tempfile",
        "http.client",
        "urllib.request",
        "ssl",
        "xml.etree.ElementTree",
        "asyncio",
        "botocore",
    } & loaded == set()
