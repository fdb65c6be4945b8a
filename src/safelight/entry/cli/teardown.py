"""What `safelight destroy` does: the end of an environment on AWS, and of its data where that is asked for twice."""

from __future__ import annotations

import os
import sys

import click
from msgspec import Struct
from msgspec.structs import replace

from safelight.config import Loaded
from safelight.deploy.account import Account, explained, open_account
from safelight.deploy.destroy import KEY_DAYS, erase, is_empty
from safelight.deploy.environment import Environment, environment_of, replica_of
from safelight.deploy.remains import Remains, is_there, made_by
from safelight.deploy.stack import find
from safelight.entry.cli.package import tell
from safelight.entry.cli.rollout import stacks_of


class Agreed(Struct, frozen=True, kw_only=True):
    """What is to go, and the answers that were given beforehand: the stack's name, and once more for its data."""

    with_data: bool
    stack: str | None
    data: str | None


def destroy(found: Loaded, environment: str, agreed: Agreed) -> None:
    """Delete an environment from AWS, and what it left when that was asked for."""
    account = open_account(found.settings.region, os.environ)
    target = environment_of(found, environment, account.id)
    places = [(account, target.stack)]
    if replica := replica_of(target):
        places.append((replace(account, region=replica.region), replica.stack))
    with explained(account):
        _destroy(target, places, agreed)


def _destroy(target: Environment, places: list[tuple[Account, str]], agreed: Agreed) -> None:
    # A bucket that safelight.yaml names is its owner's, also where an earlier stack had made it.
    named = ((target.input_bucket, target.owns_input), (target.output_bucket, target.owns_output))
    theirs = [Remains(kind="bucket", name=name) for name, owns in named if not owns]
    there = [(account, stack) for account, stack in places if find(account.client("cloudformation"), stack)]
    holding = [(account, each) for account, stack in places for each in _remains(account, stack) if each not in theirs]
    if not there and not (agreed.with_data and holding):
        _print_absent(target, holding)
        return
    for account, stack in there:
        click.echo(f"{stack} in {account.region}, account {account.id}, will be deleted.")
    if there:
        _ask(f"Type {target.stack} to delete it", target.stack, agreed.stack, "--yes")
    if agreed.with_data and holding:
        for account, each in holding:
            click.secho(f"  {each.kind} {each.name}: {_contents(account, each)}", fg="red")
        question = f"All of this will be gone for good. Type {target.stack} once more to delete it"
        _ask(question, target.stack, agreed.data, "--yes-data")
    for account, stack in there:
        stacks_of(account, f"destroy {target.environment}").delete(stack, f"Deleting {stack}")
    if agreed.with_data:
        _erase(holding)
    _print_kept(target, [] if agreed.with_data else holding)


def _ask(question: str, name: str, given: str | None, option: str) -> None:
    if given is None and not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal to answer at: add {option} {name}")
    answer = click.prompt(question) if given is None else given
    if answer != name:
        click.echo(f"That is not {name}: nothing was deleted.", err=True)
        sys.exit(1)


def _remains(account: Account, stack: str) -> list[Remains]:
    found = (each for each in made_by(account, stack) if is_there(account, each))
    return sorted(found, key=lambda each: (each.kind, each.name))


def _erase(holding: list[tuple[Account, Remains]]) -> None:
    for account, each in holding:
        erase(account, each, tell)
        later = f"; KMS deletes it in {KEY_DAYS} days, until then `aws kms cancel-key-deletion` keeps it"
        click.echo(f"Deleted {each.kind} {each.name}{later if each.kind == 'key' else ''}.")


def _print_absent(target: Environment, holding: list[tuple[Account, Remains]]) -> None:
    click.echo(f"There is no stack {target.stack}.")
    if holding:  # else there may never have been one, nor packages
        _print_kept(target, holding)


def _print_kept(target: Environment, holding: list[tuple[Account, Remains]]) -> None:
    click.echo(f"Packages stay in the bucket {target.artifact_bucket}, which all environments share.")
    if not target.owns_input:
        click.echo(f"{target.input_bucket} is as it was; that it sends its events to EventBridge stays turned on.")
    if not holding:
        return
    click.echo("These stay:")
    for account, each in holding:
        click.echo(f"  {each.kind} {each.name}: {_contents(account, each)}")
    click.echo(
        f"`safelight deploy {target.environment}` takes them back; "
        f"`safelight destroy {target.environment} --with-data` deletes them."
    )


def _contents(account: Account, each: Remains) -> str:
    if each.kind != "bucket":
        return {"table": "the jobs", "key": "what the rest is encrypted with"}[each.kind]
    return "empty" if is_empty(account, each.name) else "with objects"
