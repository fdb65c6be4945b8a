"""The whole service: what lands in input/ is developed once, whole, and told of."""

from __future__ import annotations

import os
import shutil
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flow.conftest import Post
from tests.flow.running import RECIPE, Project, until

Picture = Callable[..., bytes]

NAMES = [
    "two words.png",
    "plus+plus.png",
    "per%20cent%.png",
    "写真é.png",
    "quote\"'s.png",
    "a;b&c=d.png",
    "$(touch x)`y`.png",
    "-dash.png",
    "[glob]*?.png",
    "nfd-e\u0301.png",
    "no ending",
    "x" * 240 + ".png",
]


def test_service_takes_files_however_they_arrive(project: Project, picture: Picture, tmp_path: Path) -> None:
    """Copied, renamed, linked, in new folders at once, slowly written, or there before the start: each is developed."""
    project.drop("before.png", picture(1))
    old = time.time() - 100
    os.utime(project.input / "before.png", (old, old))
    with project.serving() as service:
        (project.input / "copied.png").write_bytes(picture(2))
        project.drop("renamed.png", picture(3))
        (tmp_path / "aside.png").write_bytes(picture(4))
        os.link(tmp_path / "aside.png", project.input / "linked.png")
        deep = project.input / "new" / "folders" / "at once"
        deep.mkdir(parents=True)
        (deep / "deep.png").write_bytes(picture(5))
        (tmp_path / "moved in").mkdir()
        (tmp_path / "moved in" / "inner.png").write_bytes(picture(6))
        (tmp_path / "moved in").rename(project.input / "moved in")
        slow = picture(7, side=100)
        with (project.input / "slow.png").open("wb", buffering=0) as file:
            for at in range(0, len(slow), len(slow) // 5 + 1):
                file.write(slow[at : at + len(slow) // 5 + 1])
                time.sleep(0.6)
        keys = ["before.png", "copied.png", "renamed.png", "linked.png", "new/folders/at once/deep.png"]
        keys += ["moved in/inner.png", "slow.png"]
        service.wait_for(*keys)
        assert set(service.statuses().values()) == {"succeeded"}
        assert sorted(outcome.upload.key for outcome in service.outcomes) == sorted(keys)
    assert project.outputs() == {f"{key}-16.png" for key in keys}
    assert project.counts() == {"succeeded": len(keys)}


def test_service_takes_any_name(placed: Project, picture: Picture) -> None:
    """What a file is called never keeps it from being developed, nor its output from carrying its name."""
    with placed.serving() as service:
        for number, name in enumerate(NAMES):
            placed.drop(f"d{number}/{name}", picture(number))
        keys = [f"d{number}/{name}" for number, name in enumerate(NAMES)]
        service.wait_for(*keys)
        assert set(service.statuses().values()) == {"succeeded"}
    assert placed.outputs() == {f"{key}-16.png" for key in keys}


def test_service_bad_input_is_rejected_with_its_code_and_the_rest_goes_on(
    placed_mailing: Project, post: Post, picture: Picture
) -> None:
    """Each kind of bad file gets its coded error and one notice; originals stay as they are, good files are made."""
    whole = picture(1, side=100, ending=".jpg")
    bad = {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"Only text, whatever the name says.\n", "unknown_format"),
        "random.png": (os.urandom(5000), "unknown_format"),
        "cut.jpg": (whole[: len(whole) // 2], "truncated"),
        "cut.png": (picture(2)[:-30], "truncated"),
        "bomb.png": (_bomb(), "too_many_pixels"),
        "page.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "format_not_enabled"),
    }
    with placed_mailing.serving() as service:
        for name, (body, _) in bad.items():
            placed_mailing.drop(name, body)
        placed_mailing.drop("good.jpg", whole)
        outcomes = service.wait_for(*bad, "good.jpg")
    codes = {outcome.upload.key: outcome.error.code for outcome in outcomes if outcome.error}
    assert codes == {name: code for name, (_, code) in bad.items()}
    assert {outcome.status.value for outcome in outcomes[:-1]} == {"rejected"}
    assert placed_mailing.outputs() == {"good.jpg-16.png"}
    assert all(placed_mailing.original(name) == body for name, (body, _) in bad.items())
    assert post.told() == {outcome.id: 1 for outcome in outcomes}
    assert len(post.mails) == 2, "a burst of failures is one mail"


def _bomb() -> bytes:
    """Return a whole PNG of 65,500 x 65,500 black pixels: four gigapixels in half a megabyte."""
    side = 65_500
    packer = zlib.compressobj(9)
    rows = bytes(side // 8 + 2)
    body = b"".join(packer.compress(rows) for _ in range(side)) + packer.flush()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_service_hidden_files_and_what_is_no_file_are_ignored(project: Project, picture: Picture) -> None:
    """Hidden files and folders, links and pipes make no jobs, whether they come before the start or after."""
    project.drop(".hidden.png", picture(1))
    with project.serving() as service:
        project.drop(".folder/inner.png", picture(2))
        project.drop("sub/.late.png", picture(3))
        os.mkfifo(project.input / "pipe.png")
        (project.input / "link.png").symlink_to(project.input / ".hidden.png")
        (project.input / "folder.png").mkdir()
        project.drop("seen.png", picture(4))
        service.wait_for("seen.png")
        project.drop("last.png", picture(5))
        service.wait_for("last.png")
        assert set(service.statuses()) == {"seen.png", "last.png"}
    assert project.counts() == {"succeeded": 2}


def test_service_newline_in_a_name_is_developed_or_rejected_by_its_code(project: Project, picture: Picture) -> None:
    """A name that no output may have is refused by name; nothing is lost in silence."""
    with project.serving() as service:
        project.drop("new\nline.png", picture(1))
        (outcome,) = service.wait_for("new\nline.png")
        assert (outcome.status.value, outcome.error and outcome.error.code) == ("rejected", "invalid_key")
    assert project.outputs() == set()


def test_service_file_deleted_before_its_turn_is_nobodys_fault(mailing: Project, post: Post, picture: Picture) -> None:
    """Files that vanish from a full queue are superseded with `not_found`, and nobody is told."""
    for number in range(20):
        mailing.drop(f"{number:02}.png", picture(number, side=400))
        os.utime(mailing.input / f"{number:02}.png", (1e9, 1e9))
    with mailing.serving() as service:
        service.wait_until_ended(1)
        gone = [
            name for name in sorted(path.name for path in mailing.input.iterdir()) if name not in service.statuses()
        ]
        for name in gone:
            (mailing.input / name).unlink()
        until(lambda: mailing.waiting() == 0, "an empty queue")
        superseded = [outcome for outcome in service.outcomes if outcome.status.value == "superseded"]
        assert {outcome.error.code for outcome in superseded if outcome.error} == {"not_found"}
        assert set(service.statuses().values()) <= {"succeeded", "superseded"}
    told = {outcome.id for outcome in service.outcomes if outcome.status.value == "succeeded"}
    assert set(post.told()) == told


def test_service_second_on_the_same_folder_is_refused(project: Project) -> None:
    """The second one says who is there and ends with 2; the first goes on."""
    with project.serving() as service:
        said = project.cli("up", code=2)
        assert "in_use" in said
        assert str(service.process.pid) in said


def test_service_told_to_stop_finishes_what_has_begun(placed_mailing: Project, post: Post, picture: Picture) -> None:
    """SIGTERM: pictures in the making are finished and told, the rest waits for the next start; exit code 0."""
    for number in range(12):
        placed_mailing.drop(f"{number:02}.png", picture(number, side=600))
        if not placed_mailing.buckets:
            os.utime(placed_mailing.input / f"{number:02}.png", (1e9, 1e9))
    with placed_mailing.serving() as service:
        service.wait_until_ended(2)
        assert service.stop() == 0
    ended = {outcome.upload.key for outcome in service.outcomes}
    assert placed_mailing.outputs() == {f"{key}-16.png" for key in ended}
    assert placed_mailing.counts() == {"succeeded": len(ended)}
    assert placed_mailing.waiting() == 12 - len(ended)
    assert placed_mailing.temporary() == []
    assert set(post.told()) == {outcome.id for outcome in service.outcomes}
    with placed_mailing.serving() as service:
        until(lambda: placed_mailing.counts() == {"succeeded": 12}, "the rest")
    assert len(post.told()) == 12
    assert set(post.told().values()) == {1}


def test_service_mail_server_away_delays_the_mail_and_nothing_else(
    tmp_path: Path, post: Post, picture: Picture
) -> None:
    """While the mail server cannot be reached pictures are developed; when it comes, everything is told once."""
    project = Project(tmp_path / "project", RECIPE + post.config)
    with project.serving() as service:
        project.drop("a.png", picture(1))
        (first,) = service.wait_for("a.png", patience_s=5)
        until(lambda: any("mail not sent" in line["message"] for line in project.logged()), "a try that fails")
        post.open()
        until(lambda: post.told() == {first.id: 1}, "the mail", patience_s=20)
        project.drop("b.png", picture(2))
        (second,) = service.wait_for("b.png")
    assert post.told() == {first.id: 1, second.id: 1}


def test_service_input_removed_and_made_again_goes_on(project: Project, picture: Picture) -> None:
    """Without its folder the service waits and says so in the log; with it back, files are found again at once."""
    with project.serving() as service:
        project.drop("a.png", picture(1))
        service.wait_for("a.png")
        shutil.rmtree(project.input)
        until(lambda: "not_found" in project.codes(), "a line in the log")
        project.input.mkdir()
        project.drop("b.png", picture(2))
        service.wait_for("b.png", patience_s=10)
        project.drop("c.png", picture(3))
        service.wait_for("c.png", patience_s=5)


def test_service_file_replaced_while_it_waits_is_developed_in_its_last_version_only(
    mailing: Project, post: Post, picture: Picture
) -> None:
    """Versions that were replaced before their turn make no output and no mail; the last one does."""
    with mailing.serving() as service:
        for number in range(5):
            mailing.drop("a.png", picture(number, side=200 + number))
        last = (mailing.input / "a.png").stat()
        version = f"{last.st_size}-{last.st_mtime_ns}"
        until(lambda: any(each.upload.version == version for each in service.outcomes), "the last version")
        until(lambda: mailing.waiting() == 0, "an empty queue")
    made = [outcome for outcome in service.outcomes if outcome.status.value == "succeeded"]
    assert made[-1].upload.version == version
    assert set(post.told()) == {outcome.id for outcome in made}
    with mailing.ledger() as ledger:
        assert ledger.head("input", "a.png").version == version


def test_service_mtime_set_after_the_file_was_closed_is_noticed(project: Project, picture: Picture) -> None:
    """Tools such as tar set a file's time after they closed it, which makes another version; it is not left behind."""
    with project.serving() as service:
        path = project.drop("a.png", picture(1))
        service.wait_for("a.png")
        for _ in range(3):
            os.utime(path, (1e9, 1e9))
            path.write_bytes(picture(2))
            os.utime(path, (1e9 + 1, 1e9 + 1))
        version = f"{path.stat().st_size}-{path.stat().st_mtime_ns}"
        until(
            lambda: any(each.upload.version == version for each in service.outcomes),
            f"the last version {service.outcomes}",
            patience_s=15,
        )


ROOT_HELD_BACK = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="nothing can hold root back here")
def test_service_without_permission_waits_and_goes_on(project: Project, picture: Picture) -> None:
    """A file and a folder that may not be read are named in the log by their code; given permission, they are done."""
    prefix = ROOT_HELD_BACK if os.getuid() == 0 else ()
    closed = project.drop("closed.png", picture(1))
    closed.chmod(0)
    inner = project.drop("shut/inner.png", picture(2))
    inner.parent.chmod(0)
    with project.serving(prefix=prefix) as service:
        project.drop("open.png", picture(3))
        service.wait_for("open.png")
        until(lambda: "denied" in project.codes(), "a line in the log")
        assert service.statuses() == {"open.png": "succeeded"}
        closed.chmod(0o644)
        service.wait_for("closed.png", patience_s=20)
        inner.parent.chmod(0o755)
    with project.serving(prefix=prefix) as service:
        service.wait_for("shut/inner.png")
    assert project.counts() == {"succeeded": 3}
