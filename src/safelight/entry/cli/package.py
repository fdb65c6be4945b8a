"""`safelight package`: the zip that AWS Lambda runs."""

from __future__ import annotations

import os
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from safelight.deploy import archive, bytecode, fetch, wheelhouse
from safelight.deploy.arch import ARCHES, Arch
from safelight.deploy.package import Order, Package, build, check
from safelight.entry.cli import show
from safelight.entry.cli.options import config_option, json_option, loaded
from safelight.figures import size_text


@click.command()
@config_option
@click.option(
    "--arch", type=click.Choice(ARCHES), help="Processor of the function.  [default: aws.arch of safelight.yaml]"
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The zip to write.  [default: NAME-ARCH.zip, after the project]"
)
@click.option("--sbom", type=click.Path(path_type=Path), help="Write a bill of materials beside it, as CycloneDX JSON.")
@json_option
def package(config: Path | None, arch: Arch | None, out: Path | None, sbom: Path | None, *, as_json: bool) -> None:
    """Build the zip that AWS Lambda runs.

    It holds Safelight, what it runs on, safelight.yaml as parsed, and the logos and fonts that it names. Packages come
    from your package index by pip, each checked by its hash; no Docker is needed, and the machine may be of another
    kind than Lambda's. The same Safelight, project and processor give the same bytes. With a python3.14 on the PATH
    the package is compiled, and starts faster.
    """
    found = loaded(config)
    arch = arch or found.settings.aws.arch
    order = Order(
        found=found,
        arch=arch,
        out=out or Path(f"{found.settings.name}-{arch}.zip"),
        sbom=sbom,
        python=bytecode.find_python(os.environ.get("PATH", "")),
    )
    check(order)
    with wheelhouse.wheels(fetch.Pip(environ=os.environ), arch, fetch.LOCK.read_text(encoding="utf-8"), tell) as wheels:
        made = build(order, wheels, tell)
    if as_json:
        click.echo(msgspec.json.encode(made))
    else:
        _print(made)


def tell(text: str) -> None:
    """Say what begins, where it does not get into what is piped on."""
    click.echo(text, err=True)


def _print(made: Package) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("part", "version", "licence"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "unpacked", "zipped"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in made.parts:
        figures = (str(row.files), size_text(row.size), size_text(row.zipped_size))
        table.add_row(escape(row.name), row.version, escape(row.licence), *figures)
    show.print_table(Console(), table)
    click.echo(f"\n{made.file}: for {made.arch}, {size_text(made.zipped_size)} zipped, {size_text(made.size)} unpacked")
    click.echo(f"digest: {made.digest}")
    if not made.compiled:
        click.echo("Not compiled: no python3.14 on the PATH that works; cold starts take longer.")
    if made.zipped_size > archive.MOST_DIRECT:
        click.echo(f"Above {size_text(archive.MOST_DIRECT)} Lambda takes a zip by way of S3 only.")
