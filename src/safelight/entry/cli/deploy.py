"""`safelight deploy`, `destroy` and `outputs`: environments on AWS."""

# What these do is imported when they do it: boto3 alone costs other commands half a second.

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from safelight.deploy.errors import AwsRefused
from safelight.entry.cli.options import config_option, json_option, loaded

GOES_ON = "Read what AWS says; what was made until then stays, and the same command goes on from there."


@click.command()
@click.argument("environment", metavar="ENV")
@config_option
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@click.option("--drift", is_flag=True, help="Tell first what others changed by hand; takes a minute.")
def deploy(environment: str, config: Path | None, *, dry_run: bool, yes: bool, drift: bool) -> None:
    """Make an environment on AWS, or bring it up to date: dev, staging, prod or one of safelight.yaml.

    The package is built, what will change is shown and asked about, and AWS does it. Buckets and jobs that an earlier
    `destroy` left are taken back. Ctrl-C before the answer leaves everything as it was; after it, AWS goes on, and the
    same command follows it.
    """
    from safelight.entry.cli import rollout  # noqa: PLC0415

    if not (dry_run or yes or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to answer at: add --yes, or --dry-run to see the plan")
    asked = rollout.Asked(dry_run=dry_run, yes=yes, drift=drift)
    try:
        rollout.deploy(loaded(config, environment), environment, asked)
    except AwsRefused as err:
        if err.remedy == err.default_remedy:
            err.remedy = GOES_ON
        raise


@click.command()
@click.argument("environment", metavar="ENV")
@config_option
@click.option("--with-data", is_flag=True, help="Delete buckets, jobs and key, too; is asked for apart.")
@click.option("--yes", metavar="STACK", help="The stack's name, where nobody can type it.")
@click.option("--yes-data", metavar="STACK", help="The same once more, for --with-data.")
def destroy(environment: str, config: Path | None, *, with_data: bool, yes: str | None, yes_data: str | None) -> None:
    """Delete an environment from AWS; buckets and jobs stay unless --with-data says otherwise.

    What stays is listed, and the next `deploy` takes it back. Buckets that safelight.yaml only names are never touched.
    """
    from safelight.entry.cli import teardown  # noqa: PLC0415

    teardown.destroy(
        loaded(config, environment), environment, teardown.Agreed(with_data=with_data, stack=yes, data=yes_data)
    )


@click.command()
@click.argument("environment", metavar="ENV")
@config_option
@json_option
def outputs(environment: str, config: Path | None, *, as_json: bool) -> None:
    """Print names and addresses of what an environment has on AWS."""
    from safelight.deploy import account, stack  # noqa: PLC0415
    from safelight.deploy.environment import environment_of  # noqa: PLC0415
    from safelight.entry.cli import stack_view  # noqa: PLC0415

    found = loaded(config, environment)
    opened = account.open_account(found.settings.region, os.environ)
    made = stack.outputs(opened, environment_of(found, environment, opened.id).stack, environment)
    if as_json:
        click.echo(msgspec.json.encode(made))
    else:
        stack_view.print_outputs(made)
