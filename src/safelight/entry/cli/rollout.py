"""What `safelight deploy` does: an environment on AWS, made or brought up to date."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from safelight.config import Loaded
from safelight.deploy import buckets, bytecode, cloudformation, fetch, remains, wheelhouse
from safelight.deploy.account import Account, explained, open_account
from safelight.deploy.adopt import imported, left_over, reduced
from safelight.deploy.artifacts import Artifacts
from safelight.deploy.drift import drifted, gone
from safelight.deploy.environment import (
    Artifact,
    Environment,
    environment_of,
    parameters,
    replica_of,
    replica_parameters,
)
from safelight.deploy.errors import ResourceGone
from safelight.deploy.package import Order, build, digest_of
from safelight.deploy.plan import Row, changed_parameters, leaves_key, rows
from safelight.deploy.stack import Kind, Stacks, Wanted, find, outputs
from safelight.entry.cli import stack_view
from safelight.entry.cli.package import tell

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef as Event

MOST_INLINE = 51_200
"""Bytes of a template that CloudFormation takes in a call. Source: CloudFormation quotas."""


KEY_STAYS = "The key that was used until now stays, and must: what it has encrypted cannot be read without it."
CONNECTS = "sends its events to EventBridge; its other notifications stay"


class Asked(Struct, frozen=True, kw_only=True):
    """The options of the command, and the answer to its question where it was given beforehand."""

    dry_run: bool
    yes: bool
    drift: bool


class Rollout(Struct, frozen=True, kw_only=True):
    """One stack that is being deployed. `prepare` puts there what it is made from, once it is agreed to."""

    account: Account
    environment: Environment
    template: Path
    parameters: Mapping[str, str]
    prepare: Callable[[], object]
    asked: Asked

    @property
    def stacks(self) -> Stacks:
        """The stacks of the account in the region of this one."""
        return stacks_of(self.account, self.again)

    @property
    def again(self) -> str:
        """The words of the command."""
        return f"deploy {self.environment.environment}"


def deploy(found: Loaded, environment: str, asked: Asked) -> None:
    """Make an environment on AWS, or bring it up to date."""
    account = open_account(found.settings.region, os.environ)
    target = environment_of(found, environment, account.id)
    click.echo(f"{target.stack} in {account.region}, account {account.id}, as {account.principal}", err=True)
    with explained(account), _told_when_nothing_changed(target.stack):
        if asked.drift:
            _print_drift(account, target)
        replicas = _replica(account, target, asked)
        with _packaged(found, target, account) as (artifact, upload):
            rollout = Rollout(
                account=account,
                environment=target,
                template=cloudformation.TEMPLATE,
                parameters={**parameters(target, artifact), **replicas},
                prepare=upload,
                asked=asked,
            )
            _roll_out(rollout)
        if not asked.dry_run:
            _connect(account, target)
            stack_view.print_next(target, outputs(account, target.stack))


def stacks_of(account: Account, again: str) -> Stacks:
    """Return an account's stacks, shown on this terminal.

    Args:
        account: the account.
        again: the words of the command, which after Ctrl-C follows what AWS goes on with.
    """

    def watch(title: str, events: Iterator[Event]) -> list[Event]:
        with _told_that_aws_goes_on(again):
            return stack_view.watch(title, events)

    return Stacks(cloudformation=account.client("cloudformation"), watch=watch, pause=time.sleep)


@contextmanager
def _told_that_aws_goes_on(again: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nAWS goes on with what it has begun; `safelight {again}` follows it.", err=True)
        sys.exit(130)


@contextmanager
def _told_when_nothing_changed(stack: str) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"\nInterrupted: nothing of {stack} was changed.", err=True)
        sys.exit(130)


def _replica(account: Account, target: Environment, asked: Asked) -> dict[str, str]:
    """Deploy the buckets in another region that are replicated into, and return the parameters that tell of them."""
    if (replica := replica_of(target)) is None:
        return {}
    there, stacks = replace(account, region=replica.region), stacks_of(account, "")
    # A name that is taken is told before anything is made anywhere.
    left_over(account, target, stacks.held(target.stack) if find(stacks.cloudformation, target.stack) else ())
    click.echo(f"First its replica, {replica.stack} in {replica.region}:", err=True)
    rollout = Rollout(
        account=there,
        environment=replica,
        template=cloudformation.REPLICA,
        parameters=replica_parameters(replica),
        prepare=lambda: None,
        asked=asked,
    )
    _roll_out(rollout)
    if asked.dry_run and not find(there.client("cloudformation"), replica.stack):
        return {}
    made = outputs(there, replica.stack)
    names = ("InputBucketArn", "OutputBucketArn", "KmsKeyArn")
    return {f"Replica{name}": made[name] for name in names if name in made}


def _roll_out(rollout: Rollout) -> None:
    """Bring one stack to what it is to be, in one change set or, where something is taken back first, in two."""
    name, stacks = rollout.environment.stack, rollout.stacks
    kind = stacks.ready(name, repair=not rollout.asked.dry_run)
    left = left_over(rollout.account, rollout.environment, stacks.held(name) if kind == "UPDATE" else ())
    bucket = rollout.environment.input_bucket
    if not rollout.environment.owns_input and not buckets.is_connected(rollout.account, bucket):
        # It is no part of the stack, so no change set tells of it.
        stack_view.print_rows([Row(verb="change", name=bucket, kind="S3 Bucket, yours", details=(CONNECTS,))])
    text = rollout.template.read_text(encoding="utf-8")
    template = cloudformation.read(text)
    if left and kind == "CREATE":
        click.echo("An earlier deployment has left this; it is taken back with all that is in it:")
        body, imports = reduced(template, left)
        if rollout.asked.dry_run:  # nothing but this list would be in a change set
            stack_view.print_plan(rows(imported(imports)), ())
            click.echo("What is added around it is shown when it is back.")
            return
        stacks.delete(name, f"Deleting {name}, which is empty")
        wanted = Wanted(name=name, template={"TemplateBody": body}, parameters=rollout.parameters, imports=imports)
        _change(rollout, wanted, "IMPORT")
        kind = "UPDATE"
    tags = {remains.TAG: name, "safelight:environment": rollout.environment.environment}
    fitting = _fitting(rollout, text, template)
    retained = [
        each for each, resource in template["Resources"].items() if resource.get("UpdateReplacePolicy") == "Retain"
    ]
    wanted = Wanted(name=name, template=fitting, parameters=rollout.parameters, tags=tags, retained=retained)
    _change(rollout, wanted, kind)


def _change(rollout: Rollout, wanted: Wanted, kind: Kind) -> None:
    stacks = rollout.stacks
    before = find(stacks.cloudformation, wanted.name)
    made = stacks.propose(wanted, kind)
    if made is None:
        if missing := gone(rollout.account, outputs(rollout.account, wanted.name)):
            told = f"{' and '.join(missing)} {'were' if missing[1:] else 'was'} deleted by hand"
            raise ResourceGone(f"{told}; no deployment makes that anew", remedy=_anew(rollout.environment))
        click.echo(f"{wanted.name} is up to date: nothing to change.")
        return
    try:
        old = before.get("Parameters", ()) if before else ()
        changed = changed_parameters(old, wanted.parameters)
        stack_view.print_plan(rows(made.changes, wanted.retained), changed)
        _tell_of_key(changed)
        agreed = not rollout.asked.dry_run and (rollout.asked.yes or click.confirm("Do this?"))
        if agreed:
            rollout.prepare()
    except BaseException:
        stacks.discard(made)
        raise
    if agreed:
        # Also when the answer to the call itself is not waited for: AWS may have taken it.
        with _told_that_aws_goes_on(rollout.again):
            stacks.execute(made, f"{'Taking back' if kind == 'IMPORT' else 'Deploying'} {wanted.name}")
        _tell_of_key(changed)
        return
    stacks.discard(made)
    click.echo("Nothing was changed.")
    if not rollout.asked.dry_run:
        sys.exit(1)


def _tell_of_key(changed: Sequence[tuple[str, str, str]]) -> None:
    if leaves_key(changed):
        click.echo(KEY_STAYS)


def _fitting(rollout: Rollout, text: str, template: Mapping[str, object]) -> dict[str, str]:
    """Return a template as CloudFormation takes it: as written, without comments, or by way of the artifact bucket."""
    for body in (text, json.dumps(template, separators=(",", ":"))):
        if len(body.encode()) <= MOST_INLINE:
            return {"TemplateBody": body}
    artifacts = Artifacts(account=rollout.account, bucket=rollout.environment.artifact_bucket)
    key = f"templates/{hashlib.sha256(text.encode()).hexdigest()}.yaml"
    tell(f"The template is too long for a call: putting it into {artifacts.bucket}, where it stays ...")
    return {"TemplateURL": artifacts.put(key, text.encode())}


@contextmanager
def _packaged(found: Loaded, target: Environment, account: Account) -> Iterator[tuple[Artifact, Callable[[], object]]]:
    """Give where the package is to be, by its digest, and what puts it there unless it is there already."""
    artifacts = Artifacts(account=account, bucket=target.artifact_bucket)
    python = bytecode.find_python(os.environ.get("PATH", ""))
    lock = fetch.LOCK.read_text(encoding="utf-8")
    with (
        wheelhouse.wheels(fetch.Pip(environ=os.environ), target.aws.arch, lock, tell) as wheels,
        tempfile.TemporaryDirectory(prefix="safelight-deploy-") as folder,
    ):
        order = Order(found=found, arch=target.aws.arch, out=Path(folder) / "package.zip", python=python)
        digest = digest_of(order, wheels)
        compiled, plain = f"packages/{digest}-compiled.zip", f"packages/{digest}.zip"
        key = compiled if python or artifacts.has(compiled) else plain

        def upload() -> None:
            if not artifacts.has(key):
                tell("Building the package ...")
                made = build(order, wheels, lambda _: None)
                tell(f"Uploading {made.zipped_size / 1e6:.0f} MB to {artifacts.bucket} ...")
                artifacts.put(key, order.out.read_bytes())

        yield Artifact(bucket=artifacts.bucket, key=key), upload


def _connect(account: Account, target: Environment) -> None:
    if not target.owns_input and buckets.connect(account, target.input_bucket):
        click.echo(f"{target.input_bucket} sends its events to EventBridge now; its other notifications are as before.")


def _print_drift(account: Account, target: Environment) -> None:
    stacks = account.client("cloudformation")
    if find(stacks, target.stack) is None:
        return
    click.echo("Looking for changes by hand ...", err=True)
    lines = drifted(stacks, target.stack, time.sleep)
    for line in lines or ["Everything is as it was deployed."]:
        click.secho(line, fg="yellow" if lines else None)
    if lines:
        click.echo("A deployment sets only what differs from the one before. What was changed: put it back by hand, or")
        click.echo(f"into the template. What was deleted: {_anew(target)}")


def _anew(target: Environment) -> str:
    name = target.environment
    return f"`safelight destroy {name}`, then `safelight deploy {name}`; buckets and jobs stay, and are taken back."
