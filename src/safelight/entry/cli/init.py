"""`safelight init`: a project folder to start from."""

from __future__ import annotations

from pathlib import Path

import click

from safelight.entry.cli.ci import write_workflow
from safelight.recipe import presets
from safelight.recipe.schema import SHIPPED


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--preset",
    type=click.Choice(presets.NAMES),
    default="web",
    show_default=True,
    help="What the first recipe makes: web sizes, thumbnails, or copies without private data.",
)
@click.option(
    "--ci",
    type=click.Choice(["github"]),
    help="Also write the workflow that checks the project and deploys it to dev, staging and prod.",
)
def init(folder: Path, preset: str, ci: str | None) -> None:
    """Scaffold a project.

    In FOLDER (default: here) there will be safelight.yaml, input/ and output/. With --ci the folder may be a project
    already: then only what is missing is written.

    Nothing that is there already is changed.
    """
    target = folder / "safelight.yaml"
    if target.exists() and not ci:
        raise click.UsageError(f"{target} is there already; edit it, or choose another folder")
    if not target.exists():
        _scaffold(folder, preset)
    if ci:
        write_workflow(folder)


def _scaffold(folder: Path, preset: str) -> None:
    target = folder / "safelight.yaml"
    for name in ("input", "output", ".safelight"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / ".safelight" / SHIPPED.name).write_bytes(SHIPPED.read_bytes())
    ignore = folder / ".safelight" / ".gitignore"
    ignore.write_text("*\n")
    target.write_text(presets.read(preset), encoding="utf-8")
    click.echo(f"Wrote {target} (preset {preset}).")
    click.echo("Next: put pictures into input/ and start `safelight up`, or try `safelight preview PICTURE`.")
