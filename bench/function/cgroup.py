"""A machine as small as Lambda's: a share of the CPU and a limit of memory, by cgroups of version 1.

Source: kernel documentation, "CFS Bandwidth Control" and "Memory Resource Controller" (cgroup-v1).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CPU = 0.289
"""What Lambda gives 512 MB of the CPU that it gives 1,769 MB."""
MEMORY_BYTES = 512 * 1024**2
PERIOD_US = 100_000


class NoCgroupError(Exception):
    """This machine lets nobody make cgroups of version 1; the message says what was tried."""


@contextmanager
def small(name: str) -> Iterator[tuple[str, ...]]:
    """Make the cgroups, and give the words that start a program in them.

    Raises:
        NoCgroupError
    """
    limits = {
        ROOT / "cpu" / name: {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": int(PERIOD_US * CPU)},
        ROOT / "memory" / name: {"memory.limit_in_bytes": MEMORY_BYTES},
    }
    try:
        try:
            for folder, values in limits.items():
                folder.mkdir()
                for file, value in values.items():
                    (folder / file).write_text(str(value))
        except OSError as err:
            raise NoCgroupError(f"cgroups of version 1 cannot be made in {ROOT}: {err}") from err
        join = " ".join(f"echo $$ >{folder}/cgroup.procs;" for folder in limits)
        yield ("sh", "-c", f'{join} exec "$@"', "sh")
    finally:
        for folder in limits:
            _remove(folder)


def _remove(folder: Path) -> None:
    for _ in range(50):  # a process that was killed leaves its cgroup a moment later
        with suppress(FileNotFoundError):
            try:
                os.rmdir(folder)  # noqa: PTH106 - Path.rmdir says the same
            except OSError:
                time.sleep(0.1)
                continue
        return
