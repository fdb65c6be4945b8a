"""Developing in a process of its own, so that a crash, a hang or a swelling is seen as one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

CODE = """
import json, sys, time
from pathlib import Path
from safelight.errors import SafelightError
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.render import render
from safelight.steps.resize import Resize
path, kind = Path(sys.argv[1]), sys.argv[2]
rendition = Rendition(key="copy") if kind == "copy" else Rendition(key="o.png", resize=Resize(width=64))
recipe = Recipe(name="t", renditions=(rendition,))

def high_water():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

before, began, code = high_water(), time.process_time(), "ok"
try:
    render(path, "a", recipe, Limits())
except SafelightError as err:
    code = err.code
print(json.dumps({"code": code, "cpu_s": time.process_time() - began, "grown_mb": high_water() - before}))
"""


class Run(NamedTuple):
    """How it ended, what it cost, and by how much the peak of memory grew."""

    code: str
    cpu_s: float
    grown_mb: float


@pytest.fixture
def develop_apart(tmp_path: Path) -> Callable[..., Run]:
    """Develop bytes in a fresh process."""

    def develop(body: bytes, kind: str = "small") -> Run:
        path = tmp_path / "upload"
        path.write_bytes(body)
        run = subprocess.run(
            [sys.executable, "-c", CODE, str(path), kind], capture_output=True, check=False, timeout=60
        )
        assert run.returncode == 0, f"exit code {run.returncode}: {run.stderr[-600:]!r}"
        return Run(**json.loads(run.stdout))

    return develop
