"""The watch on a real folder: each file arrives once it is whole, soon, and none before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from safelight.entry.still import HELD_S, STILL_S, is_open_for_writing, is_whole
from safelight.entry.watch import Watch
from tests.flow.running import until

SOON_S = 3.0
linux_only = pytest.mark.skipif(not hasattr(os, "eventfd"), reason="only Linux tells of files that are held open")


class Seen:
    """A watch and what it told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys: list[str] = []
        self.gone: list[str] = []
        self.missed = 0
        self.watch = Watch(root, self.keys.append, self._miss, self.gone.append)

    def _miss(self) -> None:
        self.missed += 1

    def wait(self, key: str) -> None:
        until(lambda: key in self.keys, f"{key}; seen {self.keys}", patience_s=SOON_S)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    root = tmp_path / "input"
    root.mkdir()
    seen = Seen(root)
    seen.watch.start()
    yield seen
    seen.watch.stop()


def test_watch_copied_file_arrives_once_when_it_is_closed(seen: Seen) -> None:
    """Many writes make one arrival, at the close."""
    with (seen.root / "a").open("wb", buffering=0) as file:
        for _ in range(20):
            file.write(b"x" * 1000)
            time.sleep(0.02)
        assert seen.keys == []
    seen.wait("a")
    time.sleep(0.3)
    assert seen.keys == ["a"]


def test_watch_file_renamed_from_elsewhere_arrives_at_once(seen: Seen, tmp_path: Path) -> None:
    """The safe way to drop a file is also the quick one."""
    (tmp_path / "aside").write_bytes(b"x")
    (tmp_path / "aside").rename(seen.root / "a")
    seen.wait("a")


def test_watch_file_renamed_inside_arrives_under_its_new_name(seen: Seen) -> None:
    """A download that is renamed when it is done arrives under its last name."""
    (seen.root / ".part").write_bytes(b"x")
    (seen.root / ".part").rename(seen.root / "a b")
    seen.wait("a b")
    assert seen.keys == ["a b"]


@linux_only
def test_watch_hard_link_and_files_of_a_moved_or_new_folder_arrive(seen: Seen, tmp_path: Path) -> None:
    """What comes without a close is found as well, sub-folders at once included."""
    (tmp_path / "there").mkdir()
    for name in ("one", "two"):
        (tmp_path / "there" / name).write_bytes(b"x")
    os.link(tmp_path / "there" / "one", seen.root / "linked")
    shutil.copytree(tmp_path / "there", seen.root / "made" / "deep" / "er")
    (tmp_path / "there").rename(seen.root / "moved")
    for key in ("linked", "made/deep/er/one", "made/deep/er/two", "moved/one", "moved/two"):
        seen.wait(key)
    (seen.root / "moved" / "three").write_bytes(b"x")
    seen.wait("moved/three")


@linux_only
def test_watch_file_held_open_does_not_arrive_until_it_is_closed(seen: Seen) -> None:
    """A copy that stalls, however long, is not taken for whole, also where two programs write to the file."""
    first = (seen.root / "a").open("wb", buffering=0)
    with (seen.root / "a").open("ab", buffering=0) as second:
        first.write(b"half")
        time.sleep(1)
        first.close()
        time.sleep(1)
        assert seen.keys == []
        second.write(b"whole")
    seen.wait("a")
    assert (seen.root / "a").read_bytes() == b"halfwhole"


@pytest.mark.parametrize("name", ["two words", "plus+%20", "写真", "new\nline", "x" * 255, "-", "\\", "a;b"])
def test_watch_any_name_arrives_as_it_is(seen: Seen, name: str) -> None:
    """Names are never changed on the way."""
    (seen.root / name).write_bytes(b"x")
    seen.wait(name)


def test_watch_hidden_files_folders_and_names_that_are_no_text_do_not_arrive(seen: Seen) -> None:
    """What has a hidden part, and what can have no key, is left out."""
    (seen.root / ".git").mkdir()
    (seen.root / ".git" / "a").write_bytes(b"x")
    (seen.root / ".a").write_bytes(b"x")
    with open(os.fsencode(seen.root) + b"/\xff", "wb") as file:  # noqa: PTH123 -- a name of bytes
        file.write(b"x")
    (seen.root / "last").write_bytes(b"x")
    seen.wait("last")
    assert seen.keys == ["last"]


def test_watch_files_and_folders_that_go_are_told_of(seen: Seen, tmp_path: Path) -> None:
    """Deleted, renamed or moved away: each is told of under its old name, hidden ones are not."""
    for name in ("deleted", "renamed", ".hidden"):
        (seen.root / name).write_bytes(b"x")
    (seen.root / "a folder" / "deep").mkdir(parents=True)
    (seen.root / "a folder" / "deep" / "file").write_bytes(b"x")
    seen.wait("a folder/deep/file")
    (seen.root / "deleted").unlink()
    (seen.root / ".hidden").unlink()
    (seen.root / "renamed").rename(seen.root / "new")
    (seen.root / "a folder").rename(tmp_path / "away")
    until(lambda: len(seen.gone) == 3, f"three that went: {seen.gone}", patience_s=SOON_S)
    assert set(seen.gone) == {"deleted", "renamed", "a folder"}
    seen.wait("new")


def test_watch_folder_that_goes_and_comes_back_is_watched_again(seen: Seen) -> None:
    """The new folder's files arrive, and what was missed meanwhile is asked for."""
    shutil.rmtree(seen.root)
    until(lambda: seen.missed, "the note that files may have been missed", patience_s=SOON_S)
    time.sleep(0.5)
    before = seen.missed
    seen.root.mkdir()
    until(lambda: seen.missed > before, "the note that files may have been missed", patience_s=SOON_S)
    (seen.root / "a").write_bytes(b"x")
    seen.wait("a")


def test_watch_of_a_folder_that_comes_later_begins_then(tmp_path: Path) -> None:
    """A disk that is mounted after the start is watched from then on."""
    seen = Seen(tmp_path / "later")
    seen.watch.start()
    try:
        seen.root.mkdir()
        until(lambda: seen.missed, "a look at the new folder", patience_s=SOON_S)
        (seen.root / "a").write_bytes(b"x")
        seen.wait("a")
    finally:
        seen.watch.stop()


def test_watch_stopped_tells_nothing_more(seen: Seen) -> None:
    """After `stop` nobody is called, and stopping ends every thread."""
    seen.watch.stop()
    (seen.root / "a").write_bytes(b"x")
    time.sleep(0.5)
    assert seen.keys == []
    assert seen.missed == 0


def test_watch_asked_to_look_at_a_file_tells_of_it_again(seen: Seen) -> None:
    """Whoever finds that a file is another one by now can have it arrive once more; a missing one never does."""
    (seen.root / "a").write_bytes(b"x")
    seen.wait("a")
    seen.watch.look_at("a")
    seen.watch.look_at("gone")
    until(lambda: seen.keys == ["a", "a"], f"a second arrival: {seen.keys}", patience_s=STILL_S + SOON_S)


@linux_only
def test_still_file_is_whole_when_nobody_has_it_open_for_writing(tmp_path: Path) -> None:
    """Readers do not matter; a writer does, until the file lay unchanged for a minute."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with path.open("rb"):
        assert is_open_for_writing(path) is False
        assert is_whole(path, 0)
    with path.open("ab"):
        assert is_open_for_writing(path) is True
        assert not is_whole(path, HELD_S - 1)
        assert is_whole(path, HELD_S)


def test_still_file_that_cannot_be_asked_about_is_whole_after_a_while(tmp_path: Path) -> None:
    """Where the system does not tell, time decides."""
    missing = tmp_path / "missing"
    assert is_open_for_writing(missing) is None
    assert not is_whole(missing, STILL_S - 0.1)
    assert is_whole(missing, STILL_S)


@linux_only
def test_still_asking_while_others_write_harms_nobody(tmp_path: Path) -> None:
    """A writer that opens the file at the very moment is neither refused nor are we killed by the kernel's signal."""
    path = tmp_path / "a"
    path.write_bytes(b"")
    code = "import os, sys\nfor _ in range(20000): os.close(os.open(sys.argv[1], os.O_WRONLY))"
    answers = []
    with subprocess.Popen([sys.executable, "-c", code, path]) as writer:
        while writer.poll() is None:
            answers.append(is_open_for_writing(path))
    assert writer.returncode == 0
    assert set(answers) <= {True, False}
    assert len(answers) > 100
