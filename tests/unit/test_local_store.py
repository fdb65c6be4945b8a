"""What is special to folders: links, hidden names, permissions, full disks, files that change while they are read."""

import logging
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from safelight.errors import Conflict, Denied, DiskFull, InvalidKey, KeyConflict, NotFound, Superseded, Unavailable
from safelight.local import folder
from safelight.local.store import MAX_IN_MEMORY_BYTES, FolderStore
from safelight.ports import Attributes

PLAIN = Attributes(content_type="image/webp", metadata={"job-id": "1"})
NOBODY = 65534


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> Iterator[FolderStore]:
    with closing(_open(root)) as store:
        yield store


def _open(root: Path) -> FolderStore:
    base = root.parent
    return FolderStore("out", root, base / "safelight.db", lambda: 1_800_000_000.0, base / "scratch")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder and the rest of the test belong to a user whom permissions bind."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        if os.geteuid() != 0:
            yield base
        else:
            os.chown(base, NOBODY, NOBODY)
            os.seteuid(NOBODY)
            try:
                yield base
            finally:
                os.seteuid(0)
        for path in base.rglob("*"):
            path.chmod(0o700)


def _visible(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_linked_folder_in_a_key_is_refused_and_nothing_leaves_the_root(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    """A link inside the folder cannot lead a key out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (root / "link").symlink_to(outside)

    for call in (
        lambda: store.head("link/secret"),
        lambda: store.put("link/new", b"x", PLAIN, expect=None),
        lambda: store.put("link/deep/new", b"x", PLAIN, expect=None),
        lambda: store.delete("link/secret"),
    ):
        with pytest.raises(InvalidKey):
            call()

    assert _visible(outside) == ["secret"]
    assert list(store.walk()) == []


def test_linked_file_is_no_object(store: FolderStore, root: Path, tmp_path: Path) -> None:
    """A link to a file is neither listed, read, replaced nor removed."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")
    (root / "real").write_bytes(b"r")
    upload = store.upload_at("real")
    (root / "real").unlink()
    (root / "real").symlink_to(secret)

    assert store.head("real") is None
    assert list(store.walk()) == []
    with pytest.raises(InvalidKey), store.fetch(upload):
        pass
    with pytest.raises(KeyConflict):
        store.put("real", b"x", PLAIN, expect=None)
    store.delete("real")
    assert (root / "real").is_symlink()
    assert secret.read_bytes() == b"s"


def test_hidden_names_and_devices_are_not_listed(store: FolderStore, root: Path) -> None:
    """Hidden files and folders, ours among them, and pipes are no uploads; a pipe is not waited for."""
    for name in (".hidden", ".safelight/safelight.db", ".git/x.jpg", "a/.b.jpg", "a/c.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    upload = store.upload_at("a/c.jpg")
    (root / "a/c.jpg").rename(root / "seen.jpg")
    os.mkfifo(root / "a/c.jpg")

    assert [found.key for found in store.walk()] == ["seen.jpg"]
    with pytest.raises(NotFound), store.fetch(upload):
        pass


def test_name_that_is_no_text_is_left_out_and_logged_once(
    store: FolderStore, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad name neither stops a scan nor fills the log."""
    (root / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    (root / "good.jpg").write_bytes(b"x")

    with caplog.at_level(logging.WARNING):
        assert [upload.key for upload in store.walk()] == ["good.jpg"]
        assert [upload.key for upload in store.walk()] == ["good.jpg"]

    assert [record.code for record in caplog.records] == ["invalid_key"]


def test_folder_without_permission_is_left_out_and_logged(as_nobody: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A scan goes on past what it may not read; reading there is denied."""
    root = as_nobody / "root"
    (root / "closed").mkdir(parents=True)
    (as_nobody / "scratch").mkdir()
    (root / "closed/a.jpg").write_bytes(b"x")
    (root / "open.jpg").write_bytes(b"x")
    with closing(_open(root)) as store, caplog.at_level(logging.WARNING):
        upload = store.upload_at("closed/a.jpg")
        (root / "closed").chmod(0)

        assert [found.key for found in store.walk()] == ["open.jpg"]
        with pytest.raises(Denied), store.fetch(upload):
            pass

    assert [record.code for record in caplog.records] == ["denied"]


def test_unreadable_file_is_denied(as_nobody: Path) -> None:
    """A file without permission is denied, which a person can mend, not missing."""
    (as_nobody / "root").mkdir()
    (as_nobody / "scratch").mkdir()
    with closing(_open(as_nobody / "root")) as store:
        (as_nobody / "root/a.jpg").write_bytes(b"x")
        (as_nobody / "root/a.jpg").chmod(0)

        with pytest.raises(Denied), store.fetch(store.upload_at("a.jpg")):
            pass


def test_put_into_a_read_only_folder_is_denied(as_nobody: Path) -> None:
    """A folder that may not be written gives a coded error, and nothing is left in it."""
    root = as_nobody / "root"
    root.mkdir()
    (as_nobody / "scratch").mkdir()
    root.chmod(0o500)
    with closing(_open(root)) as store:
        for key in ("a.webp", "deep/a.webp"):
            with pytest.raises(Denied):
                store.put(key, b"x", PLAIN, expect=None)
    assert _visible(root) == []


def test_put_on_a_full_disk_says_so_and_keeps_the_old_object(tmp_path: Path, small_disk: Path) -> None:
    """Nothing half-written stays, what was there stays whole, and a smaller object still fits."""
    (tmp_path / "scratch").mkdir()
    store = FolderStore("out", small_disk, tmp_path / "safelight.db", lambda: 1.8e9, tmp_path / "scratch")
    with closing(store):
        etag = store.put("a", b"old", PLAIN, expect=None)
        before = store.head("a")

        with pytest.raises(DiskFull):
            store.put("a", b"x" * 2_000_000, Attributes(content_type="b/c"), expect=etag)

        assert store.head("a") == before
        assert _visible(small_disk) == ["a"]
        store.put("a", b"y" * 500_000, PLAIN, expect=etag)


def test_put_when_the_database_is_full_says_so(tmp_path: Path, small_disk: Path) -> None:
    """A full disk under the database is the same coded error, and no file appears without its row."""
    (tmp_path / "root").mkdir()
    store = FolderStore("out", tmp_path / "root", small_disk / "safelight.db", lambda: 1.8e9, tmp_path)
    with closing(store):
        _fill(small_disk / "ballast")
        large = Attributes(content_type="a/b", metadata={"large": "x" * 1_000_000})
        with pytest.raises(DiskFull):
            store.put("large", b"x", large, expect=None)
        assert _visible(tmp_path / "root") == []
        (small_disk / "ballast").unlink()
        store.put("after", b"x", PLAIN, expect=None)


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_missing_root_is_unavailable_not_empty(root: Path, store: FolderStore) -> None:
    """A disk that is not mounted is no reason to reject what was on it."""
    (root / "a").write_bytes(b"x")
    upload = store.upload_at("a")
    (root / "a").unlink()
    root.rmdir()

    for call in (lambda: list(store.walk()), lambda: store.head("a"), lambda: store.fetch(upload).__enter__()):
        with pytest.raises(Unavailable):
            call()


def test_output_has_the_mode_that_the_umask_leaves(store: FolderStore, root: Path) -> None:
    """An output is an ordinary file that others may read, unless the user's umask says otherwise."""
    old = os.umask(0o027)
    try:
        store.put("deep/a", b"x", PLAIN, expect=None)
    finally:
        os.umask(old)

    assert (root / "deep/a").stat().st_mode & 0o777 == 0o640
    assert (root / "deep").stat().st_mode & 0o777 == 0o750


def test_touched_output_is_foreign(store: FolderStore, root: Path) -> None:
    """A file whose size or time is another has lost its row: better no metadata than a wrong one."""
    store.put("a", b"x", PLAIN, expect=None)

    os.utime(root / "a", ns=(1, 1))

    assert dict(store.head("a").metadata) == {}
    assert store.head("a").etag == "1-1"


@pytest.mark.parametrize("seconds", [-99_999_999_999, 0, 4_000_000_000, 99_999_999_999_999])
def test_file_of_any_date_is_listed(root: Path, store: FolderStore, seconds: int) -> None:
    """What a file claims of its time cannot stop a scan."""
    (root / "a").write_bytes(b"x")
    os.utime(root / "a", (seconds, seconds))

    (upload,) = store.walk()

    assert upload == store.upload_at("a")
    with store.fetch(upload) as body:
        assert body == b"x"


def test_large_upload_is_given_as_a_private_copy_that_goes_away(store: FolderStore, root: Path, tmp_path: Path) -> None:
    """A large body is a file of our own: what happens to the original meanwhile does not matter."""
    with (root / "big").open("wb") as file:
        file.truncate(MAX_IN_MEMORY_BYTES + 1)
        file.write(b"begin")

    with store.fetch(store.upload_at("big")) as body:
        (root / "big").write_bytes(b"overwritten")
        assert body.stat().st_size == MAX_IN_MEMORY_BYTES + 1
        with body.open("rb") as copy:
            assert copy.read(6) == b"begin\0"

    assert list((tmp_path / "scratch").iterdir()) == []


def test_large_upload_that_fails_leaves_no_copy(store: FolderStore, root: Path, tmp_path: Path) -> None:
    """The copy goes also when the caller fails, or the upload is another one by now."""
    with (root / "big").open("wb") as file:
        file.truncate(MAX_IN_MEMORY_BYTES + 1)
    upload = store.upload_at("big")
    with pytest.raises(ZeroDivisionError), store.fetch(upload):
        raise ZeroDivisionError
    os.utime(root / "big", ns=(5, 5))
    with pytest.raises(Superseded), store.fetch(upload):
        pass

    assert list((tmp_path / "scratch").iterdir()) == []


def test_upload_that_grows_while_it_is_read_is_never_given_in_part(store: FolderStore, root: Path) -> None:
    """Either all bytes of the version that was asked for, or `Superseded`."""
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with (root / "a").open("ab", buffering=0) as file:
                file.write(b"x" * 100_000)
                if file.tell() > 3_000_000:
                    file.truncate(0)

    writer = threading.Thread(target=grow)
    writer.start()
    given = 0
    try:
        for _ in range(300):
            upload = store.upload_at("a")
            if upload is None:
                continue
            try:
                with store.fetch(upload) as body:
                    assert len(body) == upload.size
                    given += 1
            except Superseded:
                continue
    finally:
        stop.set()
        writer.join()


def test_put_that_meets_an_outsider_never_overwrites_the_outsiders_file(store: FolderStore, root: Path) -> None:
    """A file that appears between our look and our write is kept: a first put and an outsider have one winner."""
    keys = [f"k{number}" for number in range(60)]
    theirs = set()

    def drop() -> None:
        for key in keys:
            try:
                with (root / key).open("xb") as file:
                    file.write(b"theirs")
            except FileExistsError:
                continue
            theirs.add(key)

    outsider = threading.Thread(target=drop)
    ours = set()
    for key in reversed(keys):
        if key == keys[-5]:
            outsider.start()
        try:
            store.put(key, b"ours", PLAIN, expect=None)
        except Conflict:
            continue
        ours.add(key)
    outsider.join()

    assert ours | theirs == set(keys)
    assert not ours & theirs
    assert {key for key in keys if (root / key).read_bytes() == b"theirs"} == theirs


def test_place_new_never_replaces(root: Path) -> None:
    """The system itself refuses to give a taken name."""
    (root / "new").write_bytes(b"new")
    (root / "taken").write_bytes(b"old")

    with folder.opened(root, ()) as place, pytest.raises(FileExistsError):
        folder.place_new(place, "new", "taken")
    assert (root / "taken").read_bytes() == b"old"


def test_sweep_removes_what_the_dead_left_and_nothing_else(store: FolderStore, root: Path) -> None:
    """A temporary file goes when its writer is gone; who still writes is left alone."""
    (root / "a/b").mkdir(parents=True)
    dead = [root / ".safelight-tmp-1", root / "a/b/.safelight-tmp-2"]
    for path in dead:
        path.write_bytes(b"half")
    (root / "a/whole.webp").write_bytes(b"x")

    with folder.opened(root, ("a",)) as place, folder.temporary(place) as (name, _):
        assert store.sweep() == 2
        assert (root / "a" / name).exists()

    assert _visible(root) == ["a/whole.webp"]
    assert store.sweep() == 0
