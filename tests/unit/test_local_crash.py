"""What other processes do to a folder store, and what their sudden death leaves behind."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest

from safelight.local.store import FolderStore
from safelight.ports import Attributes

WRITER = Path(__file__).with_name("local_writer.py")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path


@pytest.fixture
def store(base: Path) -> Iterator[FolderStore]:
    with closing(FolderStore("out", base / "root", base / "safelight.db", time.time, base / "scratch")) as store:
        yield store


def _start(base: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, WRITER, base, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _assert_whole(store: FolderStore) -> int:
    count = 0
    for upload in store.walk():
        head = store.head(upload.key)
        with store.fetch(upload) as body:
            number = body[:6].decode()
            assert body == number.encode() * 10_000
        assert head.metadata == {"number": str(int(number))}
        assert head.tags == {"t": str(int(number))}
        count += 1
    return count


def test_objects_of_a_writer_killed_at_any_moment_are_whole(store: FolderStore, base: Path) -> None:
    """After SIGKILL in the middle of puts, each object has all its bytes and its own metadata, and writing goes on."""
    chance = random.Random(7)
    for _ in range(8):
        with _start(base, "replace") as writer:
            deadline = time.monotonic() + 20
            while not (base / "root/a").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            die_at = time.monotonic() + chance.uniform(0.15, 0.35)
            while time.monotonic() < die_at:  # a reader beside the writer never sees an object without its metadata
                head = store.head("a")
                assert head is None or "number" in head.metadata
            writer.kill()
        assert _assert_whole(store) >= 1
    store.sweep()

    assert not list((base / "root").rglob(".safelight-tmp-*"))
    head = store.head("a")
    store.put("a", b"after", Attributes(content_type="a/b"), expect=head.etag)
    assert dict(store.head("a").metadata) == {}


def test_processes_that_race_for_a_key_have_one_winner(store: FolderStore, base: Path) -> None:
    """Of several processes that expect nothing at a key, exactly one writes it, each time."""
    writers = [_start(base, "race", str(number)) for number in range(3)]
    time.sleep(0.5)
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    won = [writer.communicate(timeout=60)[0].split() for writer in writers]

    assert sorted(chain.from_iterable(won)) == sorted(f"k{index}" for index in range(40))
    assert _assert_whole(store) == 40
    for number, keys in enumerate(won):
        assert {store.head(key).metadata["number"] for key in keys} <= {str(number)}
