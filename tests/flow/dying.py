"""Develop one upload with the real adapters, and be struck by a signal at a given step. Run by tests.

Usage: python -m tests.flow.dying PROJECT KEY STEP SIGNAL

A step is `before ledger.claim:1`, `after output.put:2` (the count of that call), or what Python's audit hooks tell:
`audit os.link:1` is the moment before a finished file becomes visible, `audit os.remove:1` the one after it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from safelight import event, pipeline
from safelight.config import load
from safelight.entry.stores import open_local
from safelight.errors import SafelightError
from safelight.job import jobs_for
from safelight.local.ports import project
from tests.unit.fakes import Death


class Struck(Death):
    """Sends this process a signal when a step is reached for the given time."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__()
        self._step, self._number = step, number
        self._counts: Counter[str] = Counter()

    def step(self, name: str) -> None:
        self._counts[name] += 1
        if f"{name}:{self._counts[name]}" == self._step:
            os.kill(os.getpid(), self._number)

    def audit(self, name: str, _arguments: tuple[object, ...]) -> None:
        if name in ("os.link", "os.remove", "os.rename"):
            self.step(f"audit {name}")


def main(folder: Path, key: str, step: str, number: int) -> None:
    """Take the upload's message as a service does, process its jobs, and print how each ended."""
    struck = Struck(step, number)
    found = load(folder / "safelight.yaml")
    settings = found.settings
    with closing(open_local(project(folder, settings, secrets=found.storage_secrets))) as local:
        [(bucket, store)] = local.inputs.items()
        upload = store.upload_at(key)
        assert upload is not None
        local.queue.send(event.message(upload), id=event.message_id(upload))
        local.queue.receive(100, visible_again_s=3600)
        sys.addaudithook(struck.audit)
        ports = struck.wrap(local.ports(bucket))
        for job in jobs_for(upload, settings.recipes):
            try:
                print(pipeline.process(job, ports, settings.limits).status.value, flush=True)  # noqa: T201
            except SafelightError as err:
                print(err.code, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
