"""The contract of every store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from safelight.errors import Conflict, InvalidKey, KeyConflict, NotFound, Superseded
from safelight.job import Upload
from safelight.ports import Attributes, Store
from tests.contract.conftest import StoreWorld

Drop = Callable[[str, bytes], None]

PLAIN = Attributes(content_type="image/webp")


def _upload(store: Store, key: str) -> Upload:
    return next(upload for upload in store.walk() if upload.key == key)


def test_head_of_missing_key_is_none(store: Store) -> None:
    """Nothing at a key is None, also where the folders that lead there are missing."""
    assert store.head("a.jpg") is None
    assert store.head("no/such/a.jpg") is None


def test_put_then_head_gives_attributes(store: Store, store_world: StoreWorld) -> None:
    """What is put beside the bytes comes back with them."""
    attributes = Attributes(
        content_type="image/webp", metadata={"job-id": "job_1", "width": "320"}, tags={"status": "succeeded"}
    )

    etag = store.put("a/b/c.webp", b"pixels", attributes, expect=None)

    head = store.head("a/b/c.webp")
    assert (head.etag, head.size, head.content_type) == (etag, 6, "image/webp")
    assert (dict(head.metadata), store_world.tags("a/b/c.webp")) == (attributes.metadata, attributes.tags)


@pytest.mark.parametrize("body", [b"", b"x", b"\0\xff" * 70_000])
def test_fetch_after_put_gives_the_bytes(store: Store, body: bytes) -> None:
    """Bytes come back as they went in, none and many."""
    store.put("k", body, PLAIN, expect=None)

    with store.fetch(_upload(store, "k")) as fetched:
        assert fetched == body


def test_put_of_a_file_equals_put_of_its_bytes(store: Store, tmp_path: Path) -> None:
    """A body may be a file; the etag tells of the bytes alone."""
    source = tmp_path / "source"
    source.write_bytes(b"abc" * 1000)

    assert store.put("f", source, PLAIN, expect=None) == store.put("b", source.read_bytes(), PLAIN, expect=None)
    with store.fetch(_upload(store, "f")) as fetched:
        assert fetched == source.read_bytes()
    assert source.read_bytes() == b"abc" * 1000


def test_put_where_nothing_may_be_but_is_conflicts(store: Store) -> None:
    """`expect=None` never replaces anything."""
    store.put("k", b"old", PLAIN, expect=None)

    with pytest.raises(Conflict):
        store.put("k", b"new", PLAIN, expect=None)
    with store.fetch(_upload(store, "k")) as body:
        assert body == b"old"


def test_put_on_the_expected_etag_replaces_bytes_and_attributes(store: Store, store_world: StoreWorld) -> None:
    """A conditional put that holds changes both together."""
    first = store.put("k", b"old", Attributes(content_type="a/b", metadata={"job-id": "1"}), expect=None)

    second = store.put("k", b"newer", Attributes(content_type="c/d", tags={"t": "2"}), expect=first)

    head = store.head("k")
    assert (head.etag, head.size, head.content_type) == (second, 5, "c/d")
    assert (dict(head.metadata), store_world.tags("k")) == ({}, {"t": "2"})


@pytest.mark.parametrize("expect", ["0" * 32, None])
def test_put_on_another_etag_conflicts_and_changes_nothing(store: Store, expect: str | None) -> None:
    """A conditional put that does not hold writes neither bytes nor attributes."""
    store.put("k", b"old", Attributes(content_type="a/b", metadata={"job-id": "1"}), expect=None)
    before = store.head("k")

    with pytest.raises(Conflict):
        store.put("k", b"new", PLAIN, expect=expect)

    assert store.head("k") == before
    assert [upload.key for upload in store.walk()] == ["k"]


def test_put_on_an_etag_where_nothing_is_conflicts(store: Store) -> None:
    """What is to be replaced must be there."""
    with pytest.raises(Conflict):
        store.put("k", b"new", PLAIN, expect="0" * 32)
    assert store.head("k") is None


def test_put_of_the_same_bytes_is_a_new_version_with_the_same_etag(store: Store, store_world: StoreWorld) -> None:
    """Etags tell of bytes, versions of puts; where there are no versions, of bytes too."""
    first = store.put("k", b"same", PLAIN, expect=None)
    before = store.head("k")

    assert store.put("k", b"same", Attributes(content_type="c/d"), expect=first) == first
    assert (store.head("k").version != before.version) is store_world.counts
    assert store.head("k").content_type == "c/d"


def test_put_over_a_foreign_file_needs_its_etag(store: Store, drop: Drop) -> None:
    """A file that Safelight did not make has an etag and no metadata, and is replaced only on purpose."""
    drop("k", b"theirs")
    with pytest.raises(Conflict):
        store.put("k", b"ours", PLAIN, expect=None)
    head = store.head("k")
    assert (dict(head.metadata), dict(head.tags), head.size) == ({}, {}, 6)

    etag = store.put("k", b"ours", PLAIN, expect=head.etag)

    assert store.head("k").etag == etag


def test_foreign_file_in_place_of_ours_loses_our_metadata(store: Store, drop: Drop) -> None:
    """Metadata belongs to the bytes that it was put with and to no others."""
    store.put("k", b"ours", Attributes(content_type="a/b", metadata={"job-id": "1"}), expect=None)

    drop("k", b"THEM")

    assert dict(store.head("k").metadata) == {}


def test_delete_removes_and_repeats(store: Store) -> None:
    """A deleted object is gone; deleting what is not there is no error."""
    store.put("a/k", b"x", PLAIN, expect=None)

    store.delete("a/k")
    store.delete("a/k")
    store.delete("never/was")

    assert store.head("a/k") is None
    assert list(store.walk()) == []


def test_put_after_delete_starts_anew(store: Store) -> None:
    """A deleted object's attributes do not come back."""
    store.put("k", b"x", Attributes(content_type="a/b", metadata={"job-id": "1"}), expect=None)
    store.delete("k")

    store.put("k", b"x", PLAIN, expect=None)

    assert dict(store.head("k").metadata) == {}


def test_fetch_of_missing_object_is_not_found(store: Store, store_world: StoreWorld) -> None:
    """An upload that went before it was read is not found, unless the bucket keeps its version."""
    store_world.drop("a/k", b"x")
    upload = _upload(store, "a/k")
    store.delete("a/k")

    with nullcontext() if store_world.keeps else pytest.raises(NotFound), store.fetch(upload) as body:
        assert body == b"x"
    assert store.head("a/k") is None


def test_fetch_of_replaced_object_is_superseded(store: Store, store_world: StoreWorld) -> None:
    """Only the version that was asked for is ever given; where the bucket keeps it, it is."""
    store_world.drop("k", b"first")
    upload = _upload(store, "k")
    store_world.drop("k", b"second")

    with nullcontext() if store_world.keeps else pytest.raises(Superseded), store.fetch(upload) as body:
        assert body == b"first"
    assert store.head("k").version != upload.version


def test_fetch_leaves_the_callers_errors_alone(store: Store, drop: Drop) -> None:
    """What goes wrong with the bytes is the caller's and passes through unchanged."""
    drop("k", b"first")

    with pytest.raises(PermissionError, match="the caller's"), store.fetch(_upload(store, "k")):
        raise PermissionError("the caller's")


def test_walk_lists_each_object_once_as_head_sees_it(store: Store, drop: Drop) -> None:
    """A listing agrees with head on version, etag and size."""
    drop("a/b/c.jpg", b"123")
    drop("a.jpg", b"12")
    store.put("z.webp", b"1", PLAIN, expect=None)

    uploads = {upload.key: upload for upload in store.walk()}

    assert sorted(uploads) == ["a.jpg", "a/b/c.jpg", "z.webp"]
    for key, upload in uploads.items():
        head = store.head(key)
        assert (upload.bucket, upload.version, upload.etag, upload.size) == (
            store.name, head.version, head.etag, head.size,
        )  # fmt: skip
        assert upload.arrived_at.endswith("Z")
        assert len(upload.arrived_at) == len("2026-01-02T03:04:05.678Z")


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("", ["a/b/c", "a/bc", "ab"]),
        ("a", ["a/b/c", "a/bc", "ab"]),
        ("a/", ["a/b/c", "a/bc"]),
        ("a/b", ["a/b/c", "a/bc"]),
        ("a/b/", ["a/b/c"]),
        ("x", []),
    ],
)
def test_walk_with_prefix_compares_text_not_folders(store: Store, drop: Drop, prefix: str, keys: list[str]) -> None:
    """A prefix is the beginning of a key and may end within a name."""
    for key in ("a/b/c", "a/bc", "ab"):
        drop(key, b"x")

    assert sorted(upload.key for upload in store.walk(prefix)) == keys


@pytest.mark.parametrize(
    "key",
    ["", "/", "/etc/x", "a//b", "a/", "./a", "a/./b", "..", "../a", "a/../b", "a\0b", "a\udcff", "a" * 1025,
     "é" * 513],
)  # fmt: skip
def test_unsafe_key_is_refused_by_every_method(store: Store, key: str) -> None:
    """A key that leads elsewhere, or is no text of at most 1024 bytes, is refused before anything is touched."""
    upload = Upload(bucket="bucket", key=key, version="1-1", etag="", size=1, arrived_at="")
    calls: list[Callable[[], object]] = [
        lambda: store.head(key),
        lambda: store.fetch(upload).__enter__(),
        lambda: store.put(key, b"x", PLAIN, expect=None),
        lambda: store.delete(key),
    ]
    for call in calls:
        with pytest.raises(InvalidKey):
            call()
    assert list(store.walk()) == []


@pytest.mark.parametrize("key", ["photo été 12:30 (1).jpg", "日本/写真.jpg", "a b/%41+&.jpg", "'; DROP TABLE x--.jpg"])
def test_unusual_but_safe_key_keeps_its_name(store: Store, key: str) -> None:
    """Names of people's pictures are taken as they are."""
    store.put(key, b"x", PLAIN, expect=None)

    assert [upload.key for upload in store.walk()] == [key]
    assert store.head(key).size == 1


def test_racing_first_puts_have_one_winner(racing_stores: Callable[[], Store]) -> None:
    """Of many writers that expect nothing, one writes; bytes and attributes are the winner's."""
    stores = [racing_stores() for _ in range(6)]

    def put(number: int) -> int | None:
        attributes = Attributes(content_type="a/b", metadata={"writer": str(number)})
        try:
            stores[number].put("k", b"%d" % number * 5000, attributes, expect=None)
        except Conflict:
            return None
        return number

    with ThreadPoolExecutor(6) as pool:
        winners = [number for number in pool.map(put, range(6)) if number is not None]

    assert len(winners) == 1
    head = stores[0].head("k")
    assert head.metadata["writer"] == str(winners[0])
    with stores[0].fetch(_upload(stores[0], "k")) as body:
        assert body == b"%d" % winners[0] * 5000


def test_racing_replacements_are_never_lost(racing_stores: Callable[[], Store]) -> None:
    """Of two writers that read the same etag, one has to look again: each change builds on the one before."""
    stores = [racing_stores() for _ in range(4)]
    stores[0].put("counter", b"0", PLAIN, expect=None)

    def add_five(store: Store) -> None:
        done = 0
        while done < 5:
            try:
                head = store.head("counter")
                with store.fetch(_upload(store, "counter")) as body:
                    store.put("counter", b"%d" % (int(body) + 1), PLAIN, expect=head.etag)
                done += 1
            except (Conflict, Superseded, StopIteration):
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_five, stores))

    with stores[0].fetch(_upload(stores[0], "counter")) as body:
        assert body == b"20"


def test_attributes_stay_with_their_object_while_it_is_replaced(racing_stores: Callable[[], Store]) -> None:
    """Writers that replace an object, be it by the same bytes, never leave or show it without its attributes."""
    stores = [racing_stores() for _ in range(4)]
    stores[0].put("k", b"0", Attributes(content_type="a/b", metadata={"writer": "0"}), expect=None)
    heads = []

    def replace(store: Store, writer: int) -> None:
        attributes = Attributes(content_type="a/b", metadata={"writer": str(writer)})
        for number in range(40):
            with suppress(Conflict):
                store.put("k", b"%d" % (number % 2), attributes, expect=store.head("k").etag)

    def look(store: Store) -> None:
        while writing:
            heads.append(store.head("k"))

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(replace, store, number) for number, store in enumerate(stores[1:])]
        looking = pool.submit(look, stores[0])
        for writer in list(writing):
            writer.result()
        writing.clear()
        looking.result()

    heads.append(stores[0].head("k"))
    assert [head for head in heads if head is None or "writer" not in head.metadata] == []


@pytest.mark.parametrize(("there", "key"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a")])
def test_put_where_a_file_and_a_folder_meet_is_a_key_conflict(
    store: Store, store_world: StoreWorld, there: str, key: str
) -> None:
    """Where keys are paths, a name is a file or a folder, and that no try will ever help is said at once."""
    store.put(there, b"x", PLAIN, expect=None)
    refused = ("file" if there.startswith(key) else "below") in store_world.refuses

    with pytest.raises(KeyConflict) if refused else nullcontext():
        store.put(key, b"y", PLAIN, expect=None)
    assert (store.head(key) is None) is refused
    assert {upload.key for upload in store.walk()} == ({there} if refused else {there, key})
