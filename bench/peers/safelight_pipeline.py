"""Job A with Safelight's whole way of an image: message, claim, fetch, render, put, finish, log, notify."""

import itertools
import os
import tempfile
from pathlib import Path

from bench.peers.safelight_render import RECIPE
from bench.peers.serve import Outputs, serve
from safelight import __version__, event, log
from safelight.entry import worker
from safelight.job import Status
from safelight.local.ports import INPUT, Local, project
from safelight.settings import Settings


class Developer:
    """A project folder of its own, and the worker's function on it: every photograph arrives under a new key."""

    def __init__(self, folder: Path) -> None:
        (folder / INPUT).mkdir()
        self._world = project(folder, Settings(recipes=(RECIPE,)))
        self._input = Local(self._world).inputs[INPUT]
        self._numbers = itertools.count()
        log.configure(self._world.log)

    def develop(self, photo: Path, out: Path, outputs: Outputs) -> None:
        """Write the outputs of `photo` to the folder `out`; they must be those of job A.

        Raises:
            RuntimeError: the job did not succeed.
        """
        key = f"{next(self._numbers)}/{photo.name}"
        arrived = dict(self._world.inputs)[INPUT] / key
        arrived.parent.mkdir()
        os.link(photo, arrived)
        upload = self._input.upload_at(key)
        if upload is None:
            raise RuntimeError(f"the store does not see {key}")
        outcome = worker.develop(self._world, event.message(upload))[0]
        if outcome.status is not Status.SUCCEEDED:
            raise RuntimeError(f"{photo.name}: {outcome.status.value}, {outcome.error}")
        for output in outputs:
            (out / output.file).unlink(missing_ok=True)
            (self._world.output / key).parent.joinpath(output.file).rename(out / output.file)


if __name__ == "__main__":
    cache = Path(__file__).parents[2] / ".cache"
    cache.mkdir(exist_ok=True)
    # In the checkout, not in /tmp: what fsync costs depends on the disk, and links to photographs need theirs.
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        serve(Developer(Path(folder)).develop, {"safelight": __version__})
