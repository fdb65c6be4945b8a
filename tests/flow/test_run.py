"""`safelight run`: files and folders now, from the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import pyvips

from safelight.job import Outcome
from tests.flow.running import MARK, command, environment, living, until

Picture = Callable[..., bytes]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def photos(tmp_path: Path, picture: Picture) -> Path:
    """Give a tree of pictures, two files that are none, and what is never read."""
    tree = {
        "one.jpg": picture(1, side=120, ending=".jpg"),
        "trip/two words+%20.png": picture(2, side=90),
        "trip/day 1/写真é.webp": picture(3, side=80, ending=".webp"),
        "trip/UPPER.JPG": picture(4, side=200, ending=".jpg"),
        "notes.txt": b"Only text.\n",
        "trip/cut.jpg": picture(5, side=100, ending=".jpg")[:900],
        ".hidden/in.jpg": picture(6),
        "trip/.in.jpg": picture(6),
    }
    for key, body in tree.items():
        (tmp_path / "photos" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / key).write_bytes(body)
    return tmp_path / "photos"


GOOD = {"one.jpg", "trip/two words+%20.png", "trip/day 1/写真é.webp", "trip/UPPER.JPG"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give a function that runs `run` in the test's folder; nothing of it may stay behind."""
    (tmp_path / "tmp").mkdir()

    def ran(*words: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*prefix, *command("run", *words)],
            env=environment(TMPDIR=str(tmp_path / "tmp"), **{MARK: str(tmp_path)}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert list((tmp_path / "tmp").iterdir()) == []
        assert list(tmp_path.rglob(".safelight*")) == []
        assert living(str(tmp_path)) == {}
        return done

    return ran


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_run_folder_mirrors_its_tree_and_tells_of_every_file(run: Run, photos: Path, tmp_path: Path) -> None:
    """Outputs lie as their originals do; a table says what became of each; bad files make the exit code 1."""
    before = files(photos)
    done = run("photos", "--out", "out", "--width", "40", "--format", "webp")
    made = files(tmp_path / "out")
    assert set(made) == {f"{key.rpartition('.')[0]}.webp" for key in GOOD}
    assert {pyvips.Image.new_from_buffer(body, "", fail_on="warning").width for body in made.values()} == {40}
    assert done.returncode == 1
    assert all(key in done.stdout for key in before if "/." not in f"/{key}")
    assert "unknown_format" in done.stdout
    assert "truncated" in done.stdout
    assert "4 succeeded, 2 rejected" in done.stdout
    assert done.stderr == ""
    assert files(photos) == before


def test_run_as_json_prints_one_job_a_line_and_nothing_else(run: Run, photos: Path) -> None:
    """Standard output is JSON lines in the one shape; everything else would break who reads it."""
    done = run("photos", "--out", "out", "--width", "40", "--json")
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in done.stdout.splitlines()]
    assert {outcome.upload.key: outcome.status.value for outcome in outcomes} == {
        **dict.fromkeys(GOOD, "succeeded"),
        "notes.txt": "rejected",
        "trip/cut.jpg": "rejected",
    }
    assert done.returncode == 1
    assert done.stderr == ""


def test_run_good_files_end_with_0_and_replace_what_is_there(run: Run, photos: Path, tmp_path: Path) -> None:
    """Files can be named one by one; an output that is there is replaced, whoever wrote it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.jpg").write_bytes(b"an old file")
    done = run("photos/one.jpg", photos / "trip" / "UPPER.JPG", "--out", "out", "--width", "40")
    assert (done.returncode, set(files(tmp_path / "out"))) == (0, {"one.jpg", "UPPER.JPG"})
    assert pyvips.Image.new_from_file(str(tmp_path / "out" / "one.jpg")).width == 40


def test_run_with_a_recipe_file_makes_its_outputs(run: Run, photos: Path, tmp_path: Path) -> None:
    """The configuration of the folder counts; only what a recipe takes is developed."""
    (tmp_path / "safelight.yaml").write_text(
        "recipes:\n  - name: a\n    match: {suffix: [.jpg]}\n    renditions:\n"
        '      - {key: "{dir}s/{filename}-{width}.webp", resize: {width: 30}}\n'
        '      - {key: "{dir}{filename}.avif", resize: {width: 20}}\n'
    )
    done = run("photos", "--out", "out")
    assert done.returncode == 1, "trip/cut.jpg is taken and rejected"
    assert set(files(tmp_path / "out")) == {
        "s/one.jpg-30.webp",
        "one.jpg.avif",
        "trip/s/UPPER.JPG-30.webp",
        "trip/UPPER.JPG.avif",
    }


def test_run_without_any_recipe_gives_the_very_bytes(run: Run, photos: Path, tmp_path: Path) -> None:
    """The default recipe: validated copies under `processed_<filename>`."""
    done = run("photos/one.jpg", "photos/trip/cut.jpg", "--out", "out")
    assert done.returncode == 1
    assert files(tmp_path / "out") == {"processed_one.jpg": (photos / "one.jpg").read_bytes()}


@pytest.mark.parametrize("as_json", [False, True])
def test_run_dry_writes_nothing_and_says_what_it_would(run: Run, photos: Path, tmp_path: Path, as_json: bool) -> None:  # noqa: FBT001
    """Not even the output folder is made; keys that cannot be and keys that are taken are told of."""
    shutil.copy(photos / "one.jpg", photos / "one.png")
    (photos / "new\nline.jpg").write_bytes(b"x")
    before = files(tmp_path)
    done = run("photos", "--out", "out", "--format", "webp", "--dry-run", *(["--json"] if as_json else []))
    assert (done.returncode, files(tmp_path), (tmp_path / "out").exists()) == (0, before, False)
    lines = done.stdout.splitlines()
    if as_json:
        jobs = {job["upload"]["key"]: job for job in map(json.loads, lines)}
        assert jobs["one.jpg"]["would_write"] == ["one.webp"]
        assert jobs["one.png"]["error"]["code"] == "key_conflict"
        assert jobs["new\nline.jpg"]["error"]["code"] == "invalid_key"
    else:
        assert "Would write one.webp from one.jpg" in lines
        assert any(line.startswith("Would reject one.png: key_conflict: ") for line in lines)
        assert any(line.startswith(r"Would reject new\nline.jpg: invalid_key: ") for line in lines)
        assert lines[-1] == "Would develop 8 files; nothing was written"


def test_run_skip_existing_develops_only_what_is_missing(run: Run, photos: Path, tmp_path: Path) -> None:
    """What is there stays as it is, to the inode; what is missing is made; bad files come again."""
    run("photos", "--out", "out", "--width", "40")
    kept = (tmp_path / "out" / "one.jpg").stat()
    (tmp_path / "out" / "trip" / "UPPER.JPG").unlink()
    done = run("photos", "--out", "out", "--width", "40", "--skip-existing")
    assert "1 succeeded, 2 rejected" in done.stdout
    assert "3 left out" in done.stdout
    after = (tmp_path / "out" / "one.jpg").stat()
    assert (after.st_ino, after.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    assert set(files(tmp_path / "out")) == GOOD


def test_run_two_files_on_one_key_make_one_and_reject_the_other(run: Run, tmp_path: Path, picture: Picture) -> None:
    """`a.jpg` and `a.png` as WebP: one output, whole, and a coded rejection that names the other file."""
    (tmp_path / "in").mkdir()
    for ending in (".jpg", ".png"):
        (tmp_path / "in" / f"a{ending}").write_bytes(picture(1, ending=ending))
    done = run("in", "--out", "out", "--format", "webp", "--json")
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in done.stdout.splitlines()]
    rejected, made = sorted(outcomes, key=lambda outcome: outcome.status.value)
    assert (made.status.value, rejected.status.value, done.returncode) == ("succeeded", "rejected", 1)
    assert rejected.error is not None
    assert (rejected.error.code, made.upload.key in rejected.error.message) == ("key_conflict", True)
    assert set(files(tmp_path / "out")) == {"a.webp"}


def test_run_output_inside_the_input_is_left_out_the_next_time(run: Run, photos: Path) -> None:
    """A second run over the same folder does not develop the first one's outputs."""
    for _ in range(2):
        done = run("photos", "--out", "photos/small", "--width", "40")
        assert "4 succeeded, 2 rejected" in done.stdout
    assert set(files(photos / "small")) == GOOD


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photos", "--out", "photos"), "outputs would mix with originals"),
        (("photos/one.jpg", "--out", "photos"), "outputs would mix with originals"),
        (("photos/trip", "--out", "photos", "--width", "9"), "would replace the original"),
        (("photos", "--out", "photos/one.jpg/x"), "cannot be made"),
        (("nosuch", "--out", "out"), "does not exist"),
        (("pipe", "--out", "out"), "is no file"),
        (("photos", "--out", "out", "--width", "0"), "0 is not in the range"),
        (("photos", "--out", "out", "--format", "jxl"), "is not one of"),
        (("photos", "--out", "out", "--fit", "cover", "--width", "9"), "needs both"),
        (("photos", "--out", "out", "--format", "png", "--quality", "9"), "no meaning"),
        (("photos", "--out", "out", "--width", "9", "-c", "safelight.yaml"), "not both"),
        (("photos", "--out", "out", "-c", "nosuch.yaml"), "no such file"),
        (("photos",), "Missing option '--out'"),
        (("--out", "out"), "Missing argument"),
    ],
)
def test_run_that_cannot_be_meant_so_is_refused(
    run: Run, photos: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2, a sentence that says why, and nothing is written."""
    os.mkfifo(tmp_path / "pipe")
    (photos / "trip" / "trip").mkdir()
    shutil.copy(photos / "one.jpg", photos / "trip" / "trip" / "UPPER.JPG")
    before = files(photos)
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert (files(photos), (tmp_path / "out").exists()) == (before, False)


def test_run_that_finds_nothing_says_so(run: Run, tmp_path: Path) -> None:
    """An empty folder is no error, but is not passed over in silence."""
    (tmp_path / "empty").mkdir()
    done = run("empty", "--out", "out")
    assert (done.returncode, done.stdout.strip()) == (0, "No files to develop were found; nothing was written.")
    assert not (tmp_path / "out").exists()


def test_run_link_that_is_named_is_followed_and_one_in_a_folder_is_not(run: Run, photos: Path, tmp_path: Path) -> None:
    """Who names a link means its file; a folder's links could lead anywhere."""
    (tmp_path / "link.jpg").symlink_to(photos / "one.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "inner.jpg").symlink_to(photos / "one.jpg")
    done = run("link.jpg", "in", "--out", "out", "--width", "9")
    assert (done.returncode, set(files(tmp_path / "out"))) == (0, {"one.jpg"})


def test_run_picture_over_the_time_limit_fails_and_its_neighbours_do_not(
    run: Run, tmp_path: Path, picture: Picture
) -> None:
    """It is tried twice, then told as `timeout`; the others are whole, and nothing of it is left."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hard.png").write_bytes(picture(9, side=400))
    for number in range(3):
        (tmp_path / "in" / f"{number}.png").write_bytes(picture(number, side=16))
    slow = '{key: "{filename}.avif", effort: 9, quality: 95}'
    (tmp_path / "slow.yaml").write_text(f"limits: {{seconds: 1}}\nrecipes: [{{name: slow, renditions: [{slow}]}}]\n")
    done = run("in", "--out", "out", "-c", "slow.yaml", "--json")
    outcomes = {outcome.upload.key: outcome for outcome in map(_decode, done.stdout.splitlines())}
    hard = outcomes.pop("hard.png")
    assert (hard.status.value, hard.error and hard.error.code, hard.attempts) == ("failed", "timeout", 2)
    assert {outcome.status.value for outcome in outcomes.values()} == {"succeeded"}
    assert set(files(tmp_path / "out")) == {"0.png.avif", "1.png.avif", "2.png.avif"}
    assert done.returncode == 1


_decode = msgspec.json.Decoder(Outcome).decode


@pytest.fixture
def many(tmp_path: Path, picture: Picture) -> Path:
    """Give a folder with more pictures than are made in a moment."""
    body = picture(1, side=900)
    (tmp_path / "many").mkdir()
    for number in range(40):
        (tmp_path / "many" / f"{number:02}.png").write_bytes(body)
    return tmp_path / "many"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("many")
def test_run_interrupted_leaves_whole_files_and_no_process(tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C, which reaches all processes of the terminal, or a kill: what is there is whole, the rest is not there."""
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        command("run", "many", "--out", "out", "--width", "800", "--format", "avif"),
        env=environment(TMPDIR=str(tmp_path / "tmp"), **{MARK: str(tmp_path)}),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(list((tmp_path / "out").glob("*.avif"))) >= 2, "two outputs")
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert "of 40 files are done" in err
    made = files(tmp_path / "out")
    assert 2 <= len(made) < 40
    assert {pyvips.Image.new_from_buffer(body, "", fail_on="warning").width for body in made.values()} == {800}
    assert list(tmp_path.rglob(".safelight*")) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    until(lambda: not living(str(tmp_path)), "the end of all processes", patience_s=5)


def test_run_whose_reader_goes_away_ends_quietly(tmp_path: Path, many: Path) -> None:
    """`safelight run --json | head -1`: no stack, no orphan, and whatever is there is whole."""
    words = command("run", many, "--out", "out", "--width", "400", "--json")
    process = subprocess.Popen(
        words,
        env=environment(**{MARK: str(tmp_path)}),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert _decode(process.stdout.readline()).status.value == "succeeded"
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(30), err) == (1, "")
    until(lambda: not living(str(tmp_path)), "the end of all processes", patience_s=5)
    assert list(tmp_path.rglob(".safelight*")) == []


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="nothing can hold root back here")
def test_run_without_permission_names_what_it_could_not_read(run: Run, photos: Path, tmp_path: Path) -> None:
    """An unreadable file is `denied`; an unreadable folder is warned of; the rest is made."""
    (photos / "one.jpg").chmod(0)
    (photos / "trip" / "day 1").chmod(0)
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()
    done = run("photos", "--out", "out", "--width", "9", "--json", prefix=prefix)
    (photos / "trip" / "day 1").chmod(0o755)
    outcomes = {outcome.upload.key: outcome for outcome in map(_decode, done.stdout.splitlines())}
    denied = outcomes["one.jpg"]
    assert (denied.status.value, denied.error and denied.error.code) == ("failed", "denied")
    assert "warning: left out of the listing: key 'trip/day 1/': no permission" in done.stderr
    assert set(files(tmp_path / "out")) == {"trip/two words+%20.png", "trip/UPPER.JPG"}
    assert done.returncode == 1
