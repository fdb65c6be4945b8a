"""The zip of a package: the same bytes for the same files, within Lambda's limits, and never half of one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from safelight.deploy.errors import OutputUnwritable, PackageTooLarge
from safelight.deploy.parts import File
from safelight.figures import size_text

MOST_UNPACKED = 262_144_000
MOST_DIRECT = 52_428_800
"""Above this a zip goes to Lambda by way of S3. Source of both: Lambda quotas, deployment package (250 MB, 50 MB)."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can tell: every file has it, so that builds do not differ."""
LEVEL = 6
"""Level 9 saves half a percent for 2.7 times the CPU."""
UNIX = 3
REGULAR_FILE = 0o100000


def digest(files: Iterable[File]) -> str:
    """Return what names the contents of a package: SHA-256 over names, permissions and bytes."""
    lines = (f"{hashlib.sha256(file.body).hexdigest()} {file.mode:o} {file.name}\n" for file in _sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_size(files: Iterable[File], most: int = MOST_UNPACKED) -> None:
    """Check that Lambda takes as much.

    Raises:
        PackageTooLarge
    """
    size = sum(len(file.body) for file in files)
    if size > most:
        raise PackageTooLarge(f"the package has {size_text(size)} unpacked; Lambda takes {size_text(most)}")


def check_place(out: Path) -> None:
    """Check early that a file can be written there.

    Raises:
        OutputUnwritable
    """
    if out.is_dir():
        raise OutputUnwritable(f"{out} is a folder, not a file")
    if not out.parent.is_dir():
        raise OutputUnwritable(f"the folder of {out} is not there")
    if not os.access(out.parent, os.W_OK):
        raise OutputUnwritable(f"the folder of {out} may not be written to")


def write(files: Iterable[File], out: Path) -> dict[str, int]:
    """Write the zip, all of it or nothing.

    Returns:
        Bytes that each file takes in the zip, by its name.
    """
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            for file in _sorted(files):
                archive.writestr(_info(file), file.body)
            sizes = {info.filename: info.compress_size for info in archive.infolist()}
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return sizes


def write_text(text: str, out: Path) -> None:
    """Write a text, all of it or nothing."""
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _sorted(files: Iterable[File]) -> list[File]:
    return sorted(files, key=lambda file: file.name)


def _info(file: File) -> ZipInfo:
    info = ZipInfo(file.name, EPOCH)
    info.create_system = UNIX  # else a build on Windows would lose the permissions
    info.compress_type = ZIP_DEFLATED
    info.external_attr = (REGULAR_FILE | file.mode) << 16
    return info
