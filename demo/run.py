"""`make demo`: start the service on a fresh project, drop pictures in, and show what becomes of them."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo import scenes
from safelight.config import load
from safelight.entry import sheet_views
from safelight.entry.cli import show
from safelight.entry.sheet import sheet_parts
from safelight.job import Outcome, Status
from safelight.local import ports as local

CONFIG = Path(__file__).with_name("safelight.yaml")
CACHE = Path(__file__).parents[1] / ".cache" / "scenes"
START_PATIENCE_S = 30
console = Console(highlight=False)


def main() -> int:
    """Run the demonstration; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of pictures of yours, which are copied, never changed")
    photos = parser.parse_args().photos
    if photos is not None and not photos.is_dir():
        parser.error(f"PHOTOS={photos} is not a folder")
    began = time.monotonic()
    project = Path(tempfile.mkdtemp(prefix="safelight-demo-"))
    shutil.copyfile(CONFIG, project / "safelight.yaml")
    (project / "input").mkdir()
    pictures = _own(photos) if photos else _drawn()
    if not pictures:
        parser.error(f"PHOTOS={photos} holds no files")
    with _service(project) as service:
        outcomes = _drop(pictures, project / "input", service)
    _tell(outcomes, project)
    console.print(f"\n[dim]All of it took {time.monotonic() - began:.1f} s.[/dim]")
    return 0 if _as_expected(outcomes, photos) else 1


def _own(photos: Path) -> dict[str, Path]:
    files = (path for path in sorted(photos.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(photos).as_posix(): path for path in files}


def _drawn() -> dict[str, Path]:
    """Draw the scenes, unless an earlier run of the same brushes left them."""
    brushes = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    folder = CACHE / hashlib.sha256(brushes).hexdigest()[:12]
    done = folder / "scenes.json"
    if not done.exists():
        with console.status("Drawing sample scenes ...") as status:
            made = scenes.draw(folder, tell=lambda scene: status.update(f"Drawing sample scenes: {scene.key} ..."))
        done.write_bytes(msgspec.json.encode(made))
    drawn = msgspec.json.decode(done.read_bytes(), type=list[scenes.Scene])
    console.print(f"{len(drawn)} sample scenes:")
    for scene in drawn:
        console.print(f"  {scene.key:<24} [dim]{scene.shows}[/dim]")
    console.print()
    return {scene.key: folder / scene.key for scene in drawn}


@contextmanager
def _service(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real service on the project, and stop it as Ctrl-C would."""
    command = [sys.executable, "-m", "safelight", "up", "-c", str(project / "safelight.yaml"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
        try:
            _wait_for(project / ".safelight" / "safelight.log", service)
            console.print(f"[bold]safelight up[/bold] watches {project / 'input'}", soft_wrap=True)
            yield service
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(timeout=60)


def _wait_for(log: Path, service: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + START_PATIENCE_S
    while not (log.exists() and "service started" in log.read_text()):
        if service.poll() is not None or time.monotonic() > give_up_at:
            sys.exit("The service did not start; its message is above.")
        time.sleep(0.05)


def _drop(pictures: dict[str, Path], folder: Path, service: subprocess.Popen[bytes]) -> list[Outcome]:
    """Copy the pictures into the watched folder, and collect the line that the service prints for each."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    outcomes: dict[str, Outcome] = {}
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("developing", total=len(pictures))
        for key, path in pictures.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / key)
        while len(outcomes) < len(pictures) and service.stdout and (line := service.stdout.readline()):
            outcome = msgspec.json.decode(line, type=Outcome)
            outcomes[outcome.upload.key] = outcome
            progress.update(task, completed=len(outcomes), description=f"developed {outcome.upload.key}")
    return sorted(outcomes.values(), key=lambda each: each.upload.key)


def _tell(outcomes: list[Outcome], project: Path) -> None:
    show.print_table(console, show.table(outcomes, most=40, ids=False))
    why = show.reasons(outcomes)
    if why:
        console.print("\n[bold]Not developed, and why:[/bold]")
        console.print(why, end="", soft_wrap=True)
    console.print(f"\n{show.totals(outcomes)}")
    console.print("\n[bold]Look at[/bold]")
    for name, where in (
        ("the sheet", _sheet(outcomes, project)),
        ("outputs", project / "output"),
        ("originals", project / "input"),
        ("recipe", project / "safelight.yaml"),
        ("log", project / ".safelight" / "safelight.log"),
    ):
        console.print(f"  {name:<10} {where}", soft_wrap=True)
    console.print("  jobs       safelight jobs -c " + str(project / "safelight.yaml"), soft_wrap=True)


def _sheet(outcomes: list[Outcome], project: Path) -> Path:
    """Write the page of every picture beside its renditions."""
    path = project / "sheet.html"
    world = local.project(project, load(project / "safelight.yaml").settings)
    with sheet_views.pictured(world, outcomes, workers=2) as pictures, path.open("w", encoding="utf-8") as file:
        file.writelines(sheet_parts(pictures, title="Safelight's demonstration"))
    return path


def _as_expected(outcomes: list[Outcome], photos: Path | None) -> bool:
    """Whether the demonstration showed what it is to show; pictures of others may well be rejected."""
    if photos is not None:
        return all(outcome.status is not Status.FAILED for outcome in outcomes)
    codes = [outcome.error.code for outcome in outcomes if outcome.error]
    return sorted(codes) == ["truncated", "unknown_format"]


if __name__ == "__main__":
    sys.exit(main())
