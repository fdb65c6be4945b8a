"""The workflow of GitHub Actions that checks a project and deploys it; `safelight init --ci github` writes it."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from safelight.settings import Settings

TEMPLATE = Path(__file__).with_name("workflow.yaml")
FILE = Path(".github", "workflows", "safelight.yml")
REQUIREMENTS = "safelight-requirements.txt"
ENVIRONMENTS = ("dev", "staging", "prod")


def root(folder: Path) -> Path:
    """Return the folder of the Git repository that holds the project, or the project's own where there is none.

    GitHub looks for workflows there only. In a worktree or submodule `.git` is a file.
    """
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def workflow(settings: Settings, folder: PurePosixPath) -> str:
    """Return the workflow of a project in `folder` of its repository."""
    samples = str(folder / "samples" / "**").replace("'", "''")
    text = TEMPLATE.read_text(encoding="utf-8")
    words = {"FOLDER": json.dumps(str(folder)), "SAMPLES": samples, "NAME": settings.name, "REGION": settings.region}
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def requirements(version: str) -> str:
    """Return what the workflow installs: the version of Safelight that wrote it, and no other."""
    return (
        "# What the workflow installs. Where your package index has no Safelight, put a wheel of it beside this file:\n"
        "# `pip wheel --no-deps --wheel-dir . CLONE`, with the folder of its clone; then name it here instead:\n"
        f"# ./safelight-{version}-py3-none-any.whl\n"
        f"safelight=={version}\n"
    )
