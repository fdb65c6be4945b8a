"""The command line: each verb translates its arguments into the world's words and back."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import click

from safelight import __version__
from safelight.deploy.errors import DeployFailed
from safelight.entry.cli.cost import cost
from safelight.entry.cli.deploy import deploy, destroy, outputs
from safelight.entry.cli.doctor import doctor
from safelight.entry.cli.init import init
from safelight.entry.cli.jobs import jobs, replay, status
from safelight.entry.cli.lint import lint
from safelight.entry.cli.logs import logs
from safelight.entry.cli.package import package
from safelight.entry.cli.preview import preview
from safelight.entry.cli.run import run
from safelight.entry.cli.smoke import smoke
from safelight.entry.cli.template import template
from safelight.entry.cli.up import up
from safelight.errors import SafelightError
from safelight.local.disk_errors import WRITE_ERRORS


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="safelight")
def cli() -> None:
    """Develop every image that lands in a folder or a bucket, as one YAML file says."""


for _command in (
    *(init, lint, run, up, preview, jobs, status, replay, doctor, package, template),
    *(deploy, destroy, outputs, logs, smoke, cost),
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; a known error ends it with 2 (a deployment that AWS rolled back with 1), and what to do."""
    try:
        sys.exit(cli.main(prog_name="safelight", standalone_mode=False))
    except click.ClickException as err:
        err.show()
        sys.exit(err.exit_code)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(128 + signal.SIGINT)
    except SafelightError as err:
        _end(err)
    except OSError as err:
        if err.errno not in WRITE_ERRORS:
            raise
        kind, why = WRITE_ERRORS[err.errno]
        _end(kind(f"{err.filename or 'a file'}: {why}"))


def _end(error: SafelightError) -> NoReturn:
    click.secho(f"error[{error.code}]: {error.message}", fg="red", err=True)
    click.echo(f"  {error.remedy}", err=True)
    sys.exit(1 if isinstance(error, DeployFailed) else 2)
