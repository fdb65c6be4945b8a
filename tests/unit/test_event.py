"""Messages and what they tell of."""

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from safelight.errors import InvalidMessage
from safelight.event import Deletion, Event, message, message_id, parse, parse_object
from safelight.job import Upload

EVENTS = Path(__file__).parents[1] / "events"
UPLOAD = Upload(bucket="input", key="a/b.jpg", version="3-17", etag="3-17", size=3, arrived_at="2026-01-02T03:04:05Z")
PUT = Upload(
    bucket="amzn-s3-demo-bucket",
    key="happy face.jpg",
    version="096fKKXTRTtl3on89fVO.nfljtsv6qko",
    etag="d41d8cd98f00b204e9800998ecf8427e",
    size=1024,
    arrived_at="1970-01-01T00:00:00.000Z",
    sequencer="0055AED6DCD90281E5",
)
BRIDGED = Upload(
    bucket="amzn-s3-demo-bucket1",
    key="a/b+c d%20/写真.jpg",
    version="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
    etag="b57f9512698f4b09e608f4f2a65852e5",
    size=5,
    arrived_at="2021-11-12T00:00:00Z",
    sequencer="00617F08299329D189",
)


def _recorded(name: str) -> bytes:
    return (EVENTS / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "uploads"),
    [
        ("s3-put", [PUT]),
        (
            "s3-multipart-no-versions",
            [
                replace(
                    PUT,
                    key="a/b c+d%e/写真.jpg",
                    size=9437184,
                    etag="bbc6d6fdd5e9f8a0e0b4a2d53f4ae2ad-2",
                    version="bbc6d6fdd5e9f8a0e0b4a2d53f4ae2ad-2",
                )
            ],
        ),
        (
            "s3-several",
            [
                replace(PUT, key="one.jpg"),
                replace(PUT, key="two.jpg", version="v2", sequencer="0055AED6DCD90281E6"),
            ],
        ),
        ("eventbridge-created", [BRIDGED]),
        ("eventbridge-created-no-versions", [replace(BRIDGED, version=BRIDGED.etag)]),
        ("sqs-s3", [PUT]),
        ("sqs-eventbridge", [BRIDGED]),
        ("sqs-several", [PUT, replace(PUT, key="two.jpg")]),
        ("sns-s3", [PUT]),
        ("sqs-sns-s3", [PUT]),
        ("lambda-sns-s3", [PUT]),
        ("own-arrival", [replace(UPLOAD, key="a/写真 +%.jpg")]),
        ("s3-test-event", []),
        ("sqs-sns-test-event", []),
        ("s3-tagging", []),
        ("eventbridge-tags", []),
        ("s3-delete", []),
        ("eventbridge-deleted", []),
    ],
)
def test_parse_recorded_message_gives_its_uploads(name: str, uploads: list[Upload]) -> None:
    """Every way in which AWS tells of an upload gives the same upload, with the key as the store has it."""
    assert parse(_recorded(name)).uploads == tuple(uploads)
    assert parse_object(json.loads(_recorded(name))) == parse(_recorded(name))


@pytest.mark.parametrize(
    ("name", "deletion"),
    [
        ("s3-delete", Deletion(bucket=PUT.bucket, key=PUT.key, deleted_at=PUT.arrived_at, sequencer=PUT.sequencer)),
        (
            "s3-delete-marker",
            Deletion(
                bucket=PUT.bucket,
                key=PUT.key,
                deleted_at=PUT.arrived_at,
                version="marker1",
                sequencer=PUT.sequencer,
                marker=True,
            ),
        ),
        (
            "s3-lifecycle-expiration",
            Deletion(bucket=PUT.bucket, key=PUT.key, deleted_at=PUT.arrived_at, sequencer=PUT.sequencer),
        ),
        (
            "eventbridge-deleted",
            Deletion(
                bucket=BRIDGED.bucket,
                key=BRIDGED.key,
                deleted_at=BRIDGED.arrived_at,
                version="1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF",
                sequencer="0000000000000000",
            ),
        ),
        (
            "eventbridge-delete-marker",
            Deletion(
                bucket=BRIDGED.bucket,
                key=BRIDGED.key,
                deleted_at=BRIDGED.arrived_at,
                version="1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF",
                sequencer=BRIDGED.sequencer,
                marker=True,
            ),
        ),
    ],
)
def test_parse_deletion_is_told_apart_from_uploads(name: str, deletion: Deletion) -> None:
    """A deletion is kept for who honours it, and is never an upload."""
    assert parse(_recorded(name)) == Event(deletions=(deletion,))


@pytest.mark.parametrize(
    ("name", "key", "word"),
    [
        ("s3-test-event", "", "test"),
        ("s3-tagging", PUT.key, "ObjectTagging:Put"),
        ("eventbridge-tags", BRIDGED.key, "Object Tags Added"),
        ("s3-several", "folder/", "folder"),
    ],
)
def test_parse_what_is_no_upload_is_skipped_with_a_reason(name: str, key: str, word: str) -> None:
    """What is passed over is named, so that a log can say so."""
    (skipped,) = parse(_recorded(name)).skipped
    assert skipped.key == key
    assert word in skipped.reason


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.17"])
def test_parse_s3_of_any_minor_version_is_read(version: str) -> None:
    """Minor versions only add; a new major one is another shape."""
    assert parse(_recorded("s3-put").replace(b'"2.1"', f'"{version}"'.encode())).uploads == (PUT,)
    with pytest.raises(InvalidMessage):
        parse(_recorded("s3-put").replace(b'"2.1"', b'"3.0"'))


@given(key=st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_parse_any_key_comes_as_it_is(key: str) -> None:
    """S3 encodes keys as forms do; EventBridge and we do not."""
    s3, bridge = json.loads(_recorded("s3-put")), json.loads(_recorded("eventbridge-created"))
    s3["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
    bridge["detail"]["object"]["key"] = key
    bodies = [json.dumps(s3).encode(), json.dumps(bridge).encode(), message(replace(UPLOAD, key=key))]

    assert [parse(body).uploads[0].key for body in bodies] == [key] * 3


@pytest.mark.parametrize("key", ["a.jpg", "two words.jpg", "写真/é.jpg", 'q"u\\o.jpg', "a\nb.jpg", "a+b%20.jpg"])
def test_parse_own_message_gives_the_upload_back(key: str) -> None:
    """Nothing of an upload is lost or changed on its way through the queue."""
    upload = replace(UPLOAD, key=key, sequencer="00A1")
    assert parse(message(upload)) == Event(uploads=(upload,))


def _nested(depth: int) -> bytes:
    body: Any = {"safelight": 1, "upload": msgspec.to_builtins(UPLOAD)}
    for _ in range(depth):
        body = {"Type": "Notification", "Message": json.dumps(body)}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"null",
        b'{"safelight": 1}',
        b'{"safelight": 2, "upload": {}}',
        b'{"safelight": 1, "upload": {"bucket": "b", "key": 3}}',
        message(UPLOAD)[:-2],
        b"\xff" + message(UPLOAD),
        b'{"Records": []}',
        b'{"Records": [null]}',
        b'{"Records": "x"}',
        b'{"Records": [{"eventSource": "aws:dynamodb"}]}',
        b'{"Records": [{"eventSource": "aws:sqs"}]}',
        b'{"Records": [{"eventSource": "aws:sqs", "body": 3}]}',
        b'{"Records": [{"eventSource": "aws:sqs", "body": "not json"}]}',
        b'{"Records": [{"EventSource": "aws:sns", "Sns": null}]}',
        b'{"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe"}',
        b'{"Type": "Notification", "Message": "Alarm"}',
        b'{"detail-type": "Object Created", "source": "my.app", "time": "t", "detail": {}}',
        _recorded("s3-put").replace(b"happy%20face", b"%FF%FE"),
        _recorded("s3-put").replace(b"happy%20face.jpg", b""),
        _recorded("s3-put").replace(b"1024", b"-1"),
        _recorded("s3-several").replace(b'"key": "two.jpg"', b'"kay": "two.jpg"'),
        _recorded("s3-multipart-no-versions").replace(b'"eTag"', b'"tag"'),
        _nested(6),
        b'{"Records":' * 100_000,
    ],
)
def test_parse_of_what_is_no_message_is_refused_with_a_code(body: bytes) -> None:
    """A message that nobody can read is refused, never half understood."""
    with pytest.raises(InvalidMessage) as refused:
        parse(body)
    assert refused.value.code == "invalid_message"


NAMES = (
    "safelight",
    "upload",
    "Records",
    "eventSource",
    "EventSource",
    "Sns",
    "Message",
    "Type",
    "body",
    "detail-type",
)
WORDS = ("aws:sqs", "aws:sns", "Notification", "Object Created")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(NAMES), inner | st.sampled_from(WORDS), max_size=4)
        ),
    )
)
def test_parse_of_any_json_is_an_event_or_refused(found: object) -> None:
    """Whatever a stranger sends, there is no other error."""
    with contextlib.suppress(InvalidMessage):
        assert isinstance(parse(json.dumps(found).encode()), Event)


def test_message_id_of_the_same_version_is_the_same_and_differs_else() -> None:
    """However often a version is seen, the queue holds it once; no two versions or keys share an id."""
    assert message_id(UPLOAD) == message_id(replace(UPLOAD, arrived_at="later", etag="other"))
    others = [replace(UPLOAD, bucket="b"), replace(UPLOAD, key="a/c.jpg"), replace(UPLOAD, version="4-17")]
    assert len({message_id(each) for each in (UPLOAD, *others)}) == 4


def test_own_message_of_the_reference_is_read() -> None:
    """What the reference tells people to send works."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "messages.md").read_text()
    example = page.partition("```json\n")[2].partition("```")[0]

    assert parse(example.encode()).uploads == (replace(UPLOAD, key="a/b c.jpg"),)
