"""`safelight init --ci github`: the workflow, where GitHub looks for it, and what is to be set up once."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import click

from safelight import __version__
from safelight.config import load
from safelight.deploy import workflow


def write_workflow(folder: Path) -> None:
    """Write the workflow of the project in `folder` and what it installs; what is there already stays as it is.

    Raises:
        InvalidFile: the project's safelight.yaml is wrong; then nothing is written.
    """
    settings = load(folder / "safelight.yaml").settings
    root = workflow.root(folder)
    within = PurePosixPath(folder.resolve().relative_to(root))
    _write(folder / workflow.REQUIREMENTS, workflow.requirements(__version__))
    # Relative where it can be: so it is shown as one would type it.
    _write((folder if within == PurePosixPath() else root) / workflow.FILE, workflow.workflow(settings, within))
    click.echo(_setup(settings.name))


def _write(path: Path, text: str) -> None:
    if path.exists():
        click.echo(f"Kept {path}: it is there already.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {path}.")


def _setup(name: str) -> str:
    environments = ", ".join(workflow.ENVIRONMENTS)
    return f"""
Set up once, before the first push:
  1. A role for each environment, which GitHub takes while a job runs: no key is kept anywhere. With an administrator's
     credentials, and your repository in place of OWNER/REPO:
       safelight template --github > github.yaml
       aws cloudformation deploy --template-file github.yaml --stack-name {name}-github-dev \\
         --capabilities CAPABILITY_NAMED_IAM \\
         --parameter-overrides Name={name} Repository=OWNER/REPO Environment=dev Suffix=-dev MakeProvider=true
     Then without MakeProvider (an account has one provider): {name}-github-staging with Environment=staging
     Suffix=-staging, and {name}-github-prod with Environment=prod.
  2. On GitHub, in the repository's settings: the environments {environments}, each for the branch main only;
     for prod required reviewers; the variable AWS_ACCOUNT_ID, of the repository or of each environment.
  3. Commit both files, and push."""
