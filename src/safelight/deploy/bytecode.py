"""Compiled Python beside the source: importing it costs about half, and Lambda cannot keep what it compiles itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from safelight.deploy.parts import File

VERSION = (3, 14)
TASK = "/var/task"
"""Where Lambda unpacks a package, so that stacks name the files that are there."""
ENVIRON = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
"""All that the compiler sees: sets are written in the order of their hashes, which so is always the same."""


def find_python(path: str) -> str | None:
    """Return a Python of Lambda's version: the running one, or one of the folders of a PATH."""
    return sys.executable if sys.version_info[:2] == VERSION else shutil.which("python3.14", path=path)


def compiled(files: Iterable[File], python: str) -> dict[str, File]:
    """Compile sources.

    Returns:
        The compiled files by the name of their source; empty when this Python cannot do it.
    """
    sources = [file for file in files if file.name.endswith(".py")]
    with tempfile.TemporaryDirectory(prefix="safelight-") as folder:
        root = Path(folder).resolve()
        for file in sources:
            path = root / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.body)
        # Unchecked: nobody compares it with the source again, whose time the zip does not keep.
        words = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", TASK, str(root)]
        try:
            done = subprocess.run(  # noqa: S603 -- the user's own Python
                [python, "-P", "-m", "compileall", *words], env=ENVIRON, capture_output=True, check=False
            )
        except OSError:
            return {}
        if done.returncode:
            return {}
        made = {file.name: _made(root / file.name) for file in sources}
        return {name: File(path.relative_to(root).as_posix(), path.read_bytes()) for name, path in made.items() if path}


def _made(source: Path) -> Path | None:
    return next((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"), None)
