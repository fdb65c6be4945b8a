"""Messages and the uploads that they tell of."""

import pytest
from msgspec.structs import replace

from safelight.errors import InvalidMessage
from safelight.event import message, message_id, parse
from safelight.job import Upload

UPLOAD = Upload(bucket="input", key="a/b.jpg", version="3-17", etag="3-17", size=3, arrived_at="2026-01-02T03:04:05Z")


@pytest.mark.parametrize("key", ["a.jpg", "two words.jpg", "写真/é.jpg", 'q"u\\o.jpg', "a\nb.jpg", "a+b%20.jpg"])
def test_parse_own_message_gives_the_upload_back(key: str) -> None:
    """Nothing of an upload is lost or changed on its way through the queue."""
    upload = replace(UPLOAD, key=key, sequencer="00A1")
    assert parse(message(upload)) == (upload,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"safelight": 1}',
        b'{"safelight": 2, "upload": {}}',
        b'{"safelight": 1, "upload": {"bucket": "b", "key": 3}}',
        message(UPLOAD)[:-2],
        b"\xff" + message(UPLOAD),
    ],
)
def test_parse_of_what_is_no_message_is_refused_with_a_code(body: bytes) -> None:
    """A message that nobody can read is refused, never half understood."""
    with pytest.raises(InvalidMessage) as refused:
        parse(body)
    assert refused.value.code == "invalid_message"


def test_message_id_of_the_same_version_is_the_same_and_differs_else() -> None:
    """However often a version is seen, the queue holds it once; no two versions or keys share an id."""
    assert message_id(UPLOAD) == message_id(replace(UPLOAD, arrived_at="later", etag="other"))
    others = [replace(UPLOAD, bucket="b"), replace(UPLOAD, key="a/c.jpg"), replace(UPLOAD, version="4-17")]
    assert len({message_id(each) for each in (UPLOAD, *others)}) == 4
