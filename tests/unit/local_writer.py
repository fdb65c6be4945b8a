"""A process that puts objects until it is killed, or races others for keys. Run by test_local_crash.py."""

import sys
import time
from pathlib import Path

from safelight.errors import Conflict
from safelight.local.store import FolderStore
from safelight.ports import Attributes


def _put(store: FolderStore, key: str, number: int, expect: str | None) -> None:
    attributes = Attributes(content_type="a/b", metadata={"number": str(number)}, tags={"t": str(number)})
    store.put(key, f"{number:06}".encode() * 10_000, attributes, expect=expect)


def replace_until_killed(store: FolderStore) -> None:
    """Replace the same three objects by newer ones, again and again; each has the same size."""
    number = int(time.time() * 1000) % 900_000
    while True:
        for key in ("a", "deep/b", "deep/er/c"):
            number += 1
            head = store.head(key)
            _put(store, key, number, head.etag if head else None)


def race(store: FolderStore, number: int) -> None:
    """Try to be the first at each of forty keys, and print those that were won."""
    sys.stdin.readline()
    for index in range(40):
        try:
            _put(store, f"k{index}", number, None)
        except Conflict:
            continue
        print(f"k{index}", flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    base = Path(sys.argv[1])
    here = FolderStore("out", base / "root", base / "safelight.db", time.time, base / "scratch")
    if sys.argv[2] == "race":
        race(here, int(sys.argv[3]))
    else:
        replace_until_killed(here)
    here.close()
