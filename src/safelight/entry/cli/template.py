"""`safelight template`: the CloudFormation that `deploy` uses, for who wants to read, check or own it."""

from __future__ import annotations

import click

from safelight.deploy.cloudformation import GITHUB, REPLICA, TEMPLATE


@click.command()
@click.option("--replica", is_flag=True, help="The buckets in another region that the stack replicates into.")
@click.option("--github", is_flag=True, help="The role by which GitHub deploys it; `init --ci github` says more.")
def template(*, replica: bool, github: bool) -> None:
    """Print the CloudFormation template of the stack.

    It is one plain file, the same for every project and environment: what differs are its parameters. To check it:
    safelight template | cfn-lint
    """
    if replica and github:
        raise click.UsageError("--replica and --github are two templates; print one at a time")
    path = GITHUB if github else REPLICA if replica else TEMPLATE
    click.echo(path.read_text(encoding="utf-8"), nl=False)
