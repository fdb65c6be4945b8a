"""Checks of the project: its configuration, its folder and disk, its mail server, its service."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from safelight.entry.checkup import Site, Verdict, fail, ok, warn
from safelight.entry.lock import holder
from safelight.entry.stores import check_buckets
from safelight.figures import size_text
from safelight.local.database import Database
from safelight.local.ports import INPUT, OUTPUT
from safelight.local.smtp import SmtpServer, reach

LITTLE_BYTES = 1_000_000_000
MOUNTS = Path("/proc/self/mountinfo")
WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
SHARE_FOR_US = 0.8
"""Other programs of the same user watch folders too."""

REMOTE = re.compile(
    r"(nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|gluster\w*|lustre|vboxsf|prl_fs|virtiofs|davfs\w*|fuse\.(?!lxcfs).+)"
)
"""File systems that other machines may write to: no watch hears of that, and SQLite's WAL must not be shared."""

SKEW_S = 5.0
FIRST_YEAR = 2026
TEMPORARY = ".safelight-tmp-doctor-"
"""A name that the service neither lists nor watches."""


def configuration(place: Site) -> Verdict:
    """Read safelight.yaml as `lint` does."""
    if place.error:
        return fail(place.error.message, place.error.remedy)
    found = place.loaded
    if found is None or found.path is None:
        return ok("no safelight.yaml here: the default recipe")
    if found.warnings:
        return warn("\n".join(map(str, found.warnings)), "Look at the lines named; `safelight lint` shows them again.")
    recipes = found.settings.recipes
    outputs = sum(len(recipe.renditions) + bool(recipe.manifest) for recipe in recipes)
    return ok(f"{found.path.name}: {len(recipes)} recipe(s), {outputs} output(s) an upload")


def file_system(place: Site) -> Verdict:
    """See whether the project's folders are on disks of this machine."""
    if not MOUNTS.exists():
        return ok("not looked at: this system does not list its mounts")
    here = mounts(MOUNTS.read_text(encoding="utf-8", errors="replace"))
    kinds = {name: kind_of(path, here) for name, path in _folders(place)}
    remote = [f"{name} is on {kind}" for name, kind in kinds.items() if REMOTE.fullmatch(kind)]
    if remote:
        return warn(
            f"{', '.join(remote)}, which other machines may write to",
            "Run one service on one machine only; new files may be found by scans alone. A local disk is better.",
        )
    return ok(f"local ({', '.join(sorted(set(kinds.values())))})")


def _folders(place: Site) -> list[tuple[str, Path]]:
    below = [(name, place.folder / name) for name in (INPUT, OUTPUT, ".safelight")]
    return [("the project", place.folder), *((name, path) for name, path in below if path.is_dir())]


def mounts(text: str) -> dict[str, str]:
    """Return mount points and their kinds; of two at one point the later hides the earlier.

    Source: proc(5), /proc/pid/mountinfo.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])
        found[point] = after.split()[0]
    return found


def kind_of(path: Path, points: dict[str, str]) -> str:
    """Return the kind of the file system that holds `path`: that of the innermost mount point above it."""
    real = path.resolve()
    return next((points[str(above)] for above in (real, *real.parents) if str(above) in points), "unknown")


def writable(place: Site) -> Verdict:
    """Read every folder of the project; write, sync and rename a file in those that are written to."""
    if not place.folder.is_dir():
        return fail("the project's folder is not there", "Make it, or name another configuration with -c.")
    for name, path in _folders(place):
        try:
            next(path.iterdir(), None)
            if name != INPUT:  # it is only read
                _write(path)
        except OSError as err:
            return fail(f"{name}: {err.strerror}", "Give Safelight permission there, or free some space.")
    return ok("files can be written, synced and renamed")


def _write(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder) as inner:
        first = Path(inner) / "a"
        with first.open("wb") as file:
            file.write(b"safelight")
            file.flush()
            os.fsync(file.fileno())
        first.replace(Path(inner) / "b")


def disk(place: Site) -> Verdict:
    """Look at the free space."""
    free = shutil.disk_usage(place.folder).free
    if free < LITTLE_BYTES:
        return warn(f"only {size_text(free)} free", "Free some space: outputs and the database need it.")
    return ok(f"{size_text(free)} free")


def database(place: Site) -> Verdict:
    """Make a database beside the project's own, in the mode that the service wants."""
    with (
        tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=place.state) as inner,
        closing(Database(Path(inner) / "check.db")) as made,
    ):
        [[mode]] = made.read("PRAGMA journal_mode")
    if mode != "wal":
        return warn(
            f"works in mode {mode!r}, not in WAL: this file system has no shared memory",
            "It is as safe, but slower; put the project on a local disk for more.",
        )
    return ok("works in WAL mode")


def store(place: Site) -> Verdict:
    """List the input bucket; put an object into the output bucket, try to overwrite it, and remove it."""
    storage = place.settings.store
    if storage is None or place.loaded is None:
        return ok(f"the folders {INPUT} and {OUTPUT}")
    check_buckets(storage, place.loaded.storage_secrets)
    return ok(f"{storage.endpoint} lists {storage.input} and keeps what is in {storage.output}")


def watches(place: Site) -> Verdict:
    """Compare the system's limit of watched folders with what is there to watch."""
    if not WATCH_LIMIT.exists():
        return ok("not limited by this system" if sys.platform != "linux" else "the limit cannot be read")
    limit = int(WATCH_LIMIT.read_text())
    count = 1 + sum(len(folders) for _, folders, _ in os.walk(place.folder / INPUT))
    detail = f"{count} folder{'s' if count != 1 else ''} to watch, {limit} allowed"
    if count > limit * SHARE_FOR_US:
        return warn(
            f"{detail}: new files may be found by scans only",
            f"Raise the limit: sysctl fs.inotify.max_user_watches={max(524_288, count * 2)}",
        )
    return ok(detail)


def mail(place: Site) -> Verdict:
    """Connect to the mail server and log in, without sending anything."""
    smtp = place.settings.notify.smtp
    if smtp is None or place.loaded is None:
        return ok("no mail server is configured: nobody is told by mail")
    problem = reach(SmtpServer(smtp=smtp, password=place.loaded.smtp_password))
    where = f"{smtp.host}:{smtp.port}"
    if problem:
        return fail(
            f"{where}: {problem}", "Check notify.smtp (host, port, security, username), its password and the network."
        )
    return ok(f"{where} answers{' and takes the login' if smtp.username else ''}; nothing was sent")


def service(place: Site) -> Verdict:
    """See whether a service runs here now."""
    owner = holder(place.folder / ".safelight" / "lock")
    return ok(f"runs now, as process {owner}" if owner else "none runs here now; `safelight up` starts one")


def clock(place: Site) -> Verdict:
    """Compare the clock with the disk's, and with what the project remembers."""
    now = time.time()
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY, dir=place.state) as file:
        skew = os.fstat(file.fileno()).st_mtime - now
    if datetime.fromtimestamp(now, UTC).year < FIRST_YEAR:
        return fail(f"it is {shown} by this machine", "Set the clock: jobs are ordered and mail is dated by it.")
    if abs(skew) > SKEW_S:
        return warn(f"the disk's clock is {skew:.0f} s away from this machine's", "Synchronize both clocks (NTP).")
    kept = place.folder / ".safelight" / "safelight.db"
    ahead = kept.stat().st_mtime - now if kept.exists() else 0
    if ahead > SKEW_S:
        return warn(f"the project was last used {ahead:.0f} s in the future", "The clock went back: set it, by NTP.")
    return ok(shown)
