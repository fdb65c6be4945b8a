"""What a server's webhook may say, and who is believed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest

from safelight.entry.hook import MAX_BODY_BYTES, BucketWatch, Event, key_of
from safelight.errors import InUse
from safelight.storage import Webhook
from tests.servers.process import free_ports

WORD = "a word"


class Arrivals:
    """Collects keys from the thread of a watch."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._more = threading.Semaphore(0)

    def add(self, key: str) -> None:
        self.keys.append(key)
        self._more.release()

    def wait(self, count: int) -> list[str]:
        for _ in range(count):
            assert self._more.acquire(timeout=20)
        return self.keys


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def port(arrivals: Arrivals) -> Iterator[int]:
    [port] = free_ports(1)
    watch = BucketWatch("in", Webhook(port=port), WORD, arrivals.add)
    watch.start()
    yield port
    watch.stop()


def post(port: int, body: bytes, *, token: str | None = WORD, path: str = "/hook") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status


@pytest.mark.parametrize(
    ("kind", "path", "key"),
    [
        ("create", "/buckets/in/a/b c+%é.jpg", "a/b c+%é.jpg"),
        ("update", "/buckets/in/a.jpg", "a.jpg"),
        ("create", "/buckets/in/a.jpg.versions/v_67149caef0b83d71d90731be90d4a0a8", "a.jpg"),
        ("update", "/buckets/in/a.jpg.versions", "a.jpg"),
        ("delete", "/buckets/in/a.jpg", "a.jpg"),
        ("create", "/buckets/in/.uploads/aabe13/0001.part", None),
        ("create", "/buckets/in", None),
        ("create", "/buckets/input/a.jpg", None),
        ("create", "/buckets/.system/owners", None),
        ("create", "/elsewhere/in/a.jpg", None),
    ],
)
def test_event_leads_to_the_key_of_what_is_new_in_the_bucket(kind: str, path: str, key: str | None) -> None:
    """Paths of the server become keys; what is not new, not whole or not in the bucket becomes nothing."""
    assert key_of(Event(event_type=kind, key=path), "in") == key


def test_hook_lets_what_it_is_told_of_arrive(port: int, arrivals: Arrivals) -> None:
    """A body as SeaweedFS sends it is answered with 200, and the key arrives; so does one that is looked at again."""
    body = {"event_type": "create", "key": "/buckets/in/a.jpg", "message": {"new_entry": {"name": "a.jpg"}}}
    assert post(port, msgspec.json.encode(body)) == 200
    assert arrivals.wait(1) == ["a.jpg"]
    assert post(port, msgspec.json.encode({**body, "event_type": "delete"})) == 200
    assert arrivals.wait(1) == ["a.jpg", "a.jpg"]


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        (b"{}", {}, 400),
        (b"no json", {}, 400),
        (b'{"event_type": 1, "key": []}', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b'{"event_type": "create", "key": "/buckets/in/a"}', {"token": "another"}, 401),
        (b'{"event_type": "create", "key": "/buckets/in/a"}', {"token": "\xe9"}, 401),
        (b'{"event_type": "create", "key": "/buckets/in/a"}', {"token": None}, 401),
        (b'{"event_type": "create", "key": "/buckets/in/a"}', {"path": "/other"}, 404),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413),
    ],
    ids=["empty", "no json", "types", "no text", "token", "odd token", "no token", "path", "length"],
)
def test_hook_refuses_what_it_does_not_know_and_goes_on(
    port: int, arrivals: Arrivals, body: bytes, options: dict[str, str], status: int
) -> None:
    """What is not the server's word is refused by a status, lets nothing arrive, and ends nothing."""
    try:
        assert post(port, body, **options) == status
    except (ConnectionResetError, BrokenPipeError):
        assert status == 413, "only a body that nobody reads may be cut off"
    assert post(port, b'{"event_type": "create", "key": "/buckets/in/last"}') == 200
    assert arrivals.wait(1) == ["last"]


def test_hook_on_a_port_that_is_taken_says_so(port: int) -> None:
    """Two services cannot listen at one port; the second is told which, and what to do."""
    with pytest.raises(InUse, match=f"port={port}") as raised:
        BucketWatch("in", Webhook(port=port), WORD, print)
    assert "another port" in raised.value.remedy


def test_watch_without_a_webhook_still_looks_at_what_it_is_asked_to(arrivals: Arrivals) -> None:
    """A watch that never listens lets keys arrive from its own thread, and ends; one never started ends too."""
    watch = BucketWatch("in", None, None, arrivals.add)
    watch.start()
    watch.look_at("again")
    assert arrivals.wait(1) == ["again"]
    watch.stop()
    BucketWatch("in", None, None, arrivals.add).stop()
