"""Process one upload again and again with the real adapters, beside others that do the same. Run by tests.

Usage: python -m tests.flow.repeating PROJECT KEY TIMES
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from safelight import pipeline
from safelight.config import load
from safelight.errors import Busy
from safelight.job import jobs_for
from safelight.local.ports import Local, project


def main(folder: Path, key: str, times: int) -> None:
    """Print how each try ended."""
    settings = load(folder / "safelight.yaml").settings
    with closing(Local(project(folder, settings))) as local:
        upload = local.inputs["input"].upload_at(key)
        assert upload is not None
        (job,) = jobs_for(upload, settings.recipes)
        done = 0
        while done < times:
            try:
                print(pipeline.process(job, local.ports("input"), settings.limits).status.value)  # noqa: T201
                done += 1
            except Busy:
                print("busy")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
