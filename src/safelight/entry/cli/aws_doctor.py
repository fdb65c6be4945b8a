"""`safelight doctor --aws`: the configuration, the account, and what is deployed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from safelight.config import Loaded, load
from safelight.deploy.account import Account, explained, open_account
from safelight.deploy.environment import environment_of
from safelight.deploy.errors import AwsRefused, AwsUnreachable, DeployError, RegionDisabled
from safelight.entry.checkup import Verdict, fail, ok, warn
from safelight.entry.cli.aws_checks import BEFORE, Cloud, looked
from safelight.entry.cli.stack_checks import DEPLOYED, stack
from safelight.errors import InvalidRecipe

Named = tuple[str, Verdict]


def verdicts(
    config: Path | None, environment: str, environ: Mapping[str, str], now: Callable[[], float]
) -> Iterator[Named]:
    """Yield each check's verdict as soon as it is known; without a configuration or an account there are no others.

    Args:
        config: the file.
        environment: what to look at.
        environ: where credentials are.
        now: the time.
    """
    try:
        found = load(config, environ, environment=environment)
    except InvalidRecipe as err:
        yield "configuration", fail(err.message, err.remedy)
        return
    yield "configuration", _configuration(found, environment)
    try:
        account = open_account(found.settings.region, environ)
    except DeployError as err:
        name = "region" if isinstance(err, RegionDisabled | AwsUnreachable) else "credentials"
        yield name, fail(f"{err.message}\nNothing else can be looked at without an account.", err.remedy)
        return
    described, unseen = _stack(account, environment_of(found, environment, account.id).stack)
    cloud = Cloud(
        account=account,
        environment=environment_of(found, environment, account.id),
        settings=found.settings,
        now=now,
        stack=described,
        unseen=unseen,
        ca_bundle=environ.get("AWS_CA_BUNDLE") or None,
    )
    for name, check in (*BEFORE, ("stack", stack), *(DEPLOYED if cloud.outputs else ())):
        yield looked(name, check, cloud)


def _configuration(found: Loaded, environment: str) -> Verdict:
    notes = "\n".join(map(str, (*found.warnings, *found.on_aws)))
    if notes:
        return warn(notes, "Look at the lines named; `safelight lint` shows them again.")
    return ok(f"{found.path.name if found.path else 'no safelight.yaml here: the default recipe'}, {environment}")


def _stack(account: Account, name: str) -> tuple[dict[str, Any], DeployError | None]:
    """Return what CloudFormation tells of a stack, blank where there is none, or why it does not."""
    try:
        with explained(account):
            return account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0], None
    except AwsRefused as err:
        # A valid name gives a ValidationError for one reason alone: there is no such stack.
        missing = (
            isinstance(err.__cause__, ClientError) and err.__cause__.response["Error"]["Code"] == "ValidationError"
        )
        return {}, None if missing else err
    except DeployError as err:
        return {}, err
