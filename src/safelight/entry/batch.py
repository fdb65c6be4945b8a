"""Develop a list of uploads now, with the workers of a service and without its queue."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing, contextmanager
from pathlib import Path

from safelight import event
from safelight.entry.pool import Pool, Result, error_of, is_death
from safelight.errors import NotFound, SafelightError
from safelight.job import Outcome, Upload, jobs_for
from safelight.local.ports import KeptStore, Local, World
from safelight.settings import Notify, Settings


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
        world.scratch.mkdir()
        with closing(Local(world)) as local:
            yield local


def develop_all(local: Local, uploads: Iterable[Upload], workers: int, told: Callable[[list[Outcome]], None]) -> None:
    """Develop every upload; one that fails is tried once more, alone, before its jobs are recorded as failed."""
    todo = deque(uploads)
    if not todo:
        return
    local.world.output.mkdir(parents=True, exist_ok=True)
    pool = Pool(local.world, min(workers, len(todo)))
    finished, again = False, list[Upload]()
    try:
        again = _develop_together(local, pool, todo, workers, told)
        for upload in again:
            told(_last_try(local, pool, upload))
        finished = True
    finally:
        pool.close(at_once=not finished)
        if again or not finished:
            local.output.sweep()  # what workers were writing when they were killed


def _develop_together(
    local: Local, pool: Pool, todo: deque[Upload], workers: int, told: Callable[[list[Outcome]], None]
) -> list[Upload]:
    """Develop uploads, several at a time, and return those that failed."""
    failed: list[Upload] = []
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
                failed.append(upload)
    return failed


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
        SafelightError: a folder cannot be read, or a named file is none.
    """
    found: dict[tuple[str, str], Upload] = {}
    roots = dict(local.world.inputs)
    for path in paths:
        bucket, key = place(path)
        store, outputs = local.inputs[bucket], _prefix(local.world.output, roots[bucket])
        for upload in [_named(store, key)] if key else store.walk():
            if outputs is None or not upload.key.startswith(outputs):
                found[bucket, upload.key] = upload
    return sorted(found.values(), key=lambda upload: (upload.bucket, upload.key))


def _named(store: KeptStore, key: str) -> Upload:
    upload = store.upload_at(key)
    if upload is None:
        raise NotFound(f"{key!r} is no file", remedy="Name files, or folders that hold files.")
    return upload


def place(path: Path) -> tuple[str, str | None]:
    """Return the bucket of an argument, which is its folder as it was written, and the key if it names a file."""
    if path.is_dir():
        return str(path), None
    return str(path.parent), path.name


def _prefix(output: Path, root: Path) -> str | None:
    """Return how the keys of outputs begin that are among the inputs, or None when none can be."""
    return f"{output.relative_to(root).as_posix()}/" if output.is_relative_to(root) else None
