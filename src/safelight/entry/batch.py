"""Develop a list of uploads now, with the workers of a service and without its queue."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing, contextmanager
from pathlib import Path

from safelight import event
from safelight.config import Notify, Settings
from safelight.entry.pool import Pool, Result, error_of, is_death
from safelight.errors import SafelightError
from safelight.job import Outcome, Upload, jobs_for
from safelight.local.ports import Local, World, prepared


@contextmanager
def passing_local(
    settings: Settings, inputs: Iterable[tuple[str, Path]], output: Path, folder: Path = Path()
) -> Iterator[Local]:
    """Open a world whose ledger is forgotten at the end: no mail, and whatever is in the output's place is replaced."""
    quiet = Settings(name=settings.name, limits=settings.limits, notify=Notify(), recipes=settings.recipes)
    with tempfile.TemporaryDirectory(prefix="safelight-") as state:
        world = World(
            settings=quiet, state=Path(state), inputs=tuple(inputs), output=output, folder=folder, replace_foreign=True
        )
        with closing(Local(prepared(world))) as local:
            yield local


def develop_all(local: Local, uploads: Iterable[Upload], workers: int, told: Callable[[list[Outcome]], None]) -> None:
    """Develop every upload; one that fails is tried once more, alone, before its jobs are recorded as failed."""
    todo = deque(uploads)
    again: list[Upload] = []
    pool = Pool(local.world, max(1, min(workers, len(todo))))
    finished = False
    try:
        flying: dict[Result, Upload] = {}
        while todo or flying:
            while todo and len(flying) <= workers:
                upload = todo.popleft()
                flying[pool.develop(event.message(upload))] = upload
            for result in wait(flying, return_when=FIRST_COMPLETED).done:
                upload = flying.pop(result)
                if _error(local, upload, result) is None:
                    told(result.result())
                else:
                    again.append(upload)
        for upload in again:
            told(_last_try(local, pool, upload))
        finished = True
    finally:
        pool.close(at_once=not finished)


def _last_try(local: Local, pool: Pool, upload: Upload) -> list[Outcome]:
    body = event.message(upload)
    result = pool.develop(body)
    error = _error(local, upload, result)
    return result.result() if error is None else pool.give_up(body, error).result()


def _error(local: Local, upload: Upload, result: Result) -> SafelightError | None:
    error = error_of(result, local.world.settings.limits.seconds)
    if error is None or isinstance(error, SafelightError):
        if error is not None and is_death(error):
            for job in jobs_for(upload, local.world.settings.recipes):
                local.ledger.abandon(job.id)
        return error
    return SafelightError(f"{type(error).__name__} in a worker process")


def gather(local: Local, paths: Iterable[Path]) -> list[Upload]:
    """List the files that the arguments name or hold; what lies in the output folder is left out.

    Raises:
        SafelightError: a folder cannot be read.
    """
    found: dict[tuple[str, str], Upload] = {}
    roots = dict(local.world.inputs)
    for path in paths:
        bucket, key = place(path)
        store = local.inputs[bucket]
        uploads = [store.upload_at(key)] if key else store.walk()
        for upload in uploads:
            if upload and not _inside(roots[bucket] / upload.key, local.world.output):
                found[bucket, upload.key] = upload
    return sorted(found.values(), key=lambda upload: (upload.bucket, upload.key))


def place(path: Path) -> tuple[str, str | None]:
    """Return the bucket of an argument, which is its folder as it was written, and the key if it names a file."""
    if path.is_dir():
        return str(path), None
    return str(path.parent), path.name


def _inside(path: Path, folder: Path) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
