"""`safelight template`: the CloudFormation that `deploy` uses, for who wants to read, check or own it."""

from __future__ import annotations

import click

from safelight.deploy.cloudformation import REPLICA, TEMPLATE


@click.command()
@click.option("--replica", is_flag=True, help="The buckets in another region that the stack replicates into.")
def template(*, replica: bool) -> None:
    """Print the CloudFormation template of the stack.

    It is one plain file, the same for every project and environment: what differs are its parameters. To check it:
    safelight template | cfn-lint
    """
    click.echo((REPLICA if replica else TEMPLATE).read_text(encoding="utf-8"), nl=False)
