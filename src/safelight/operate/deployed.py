"""A deployment as its owner reaches it: what the stack says it is made of, its ledger and its queue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from safelight.aws.access import Access
from safelight.aws.client import Client, Timing
from safelight.aws.kept import Kept
from safelight.aws.ledger import DynamoLedger
from safelight.aws.queue import SqsQueue
from safelight.aws.sigv4 import Credentials
from safelight.deploy.account import Account, explained
from safelight.deploy.errors import NoCredentials, NotDeployed
from safelight.operate.code import settings_of
from safelight.operate.logs import LogGroup
from safelight.settings import Settings


class Deployed:
    """One deployment. Close it at the end.

    Args:
        account: who asks, and where.
        outputs: the stack's outputs.
        timing: time and chance.
        environ: AWS_CA_BUNDLE is for proxies.
    """

    def __init__(
        self, account: Account, outputs: Mapping[str, str], timing: Timing, environ: Mapping[str, str]
    ) -> None:
        self.account = account
        self.outputs = outputs
        self.now = timing.now
        self._environ = environ
        self._client = client = Client(access_of(account, environ), timing)
        self.queue = SqsQueue(client, self.output("QueueUrl"), self.output("DeadLetterQueueUrl"))
        self.ledger = DynamoLedger(client, self.output("Table"), now=timing.now, unique=_unique)
        self.kept = Kept(client, self.output("Table"), now=timing.now)

    @cached_property
    def settings(self) -> Settings:
        """What the function that is there now develops by; `safelight.yaml` may have changed since.

        Raises:
            SafelightError: the function is not there, or another Safelight packaged it.
        """
        return settings_of(self.account, self.output("FunctionName"), self._environ.get("AWS_CA_BUNDLE"))

    def output(self, name: str) -> str:
        """Return an output of the stack.

        Raises:
            NotDeployed: it has none of that name.
        """
        if name not in self.outputs:
            remedy = f"Deploy it: `safelight deploy {self.outputs.get('Environment', 'ENV')}`."
            raise NotDeployed(f"the stack has no output {name}; another Safelight deployed it", remedy=remedy)
        return self.outputs[name]

    def log_group(self, function: str, term: str = "") -> LogGroup:
        """Return the log of a function, or only its lines that hold a term."""
        return LogGroup(self.account, f"/aws/lambda/{function}", term)

    def renew(self) -> None:
        """Take credentials that are still good: those of a role or a single sign-on end after an hour or less.

        boto3 keeps them and asks for others only when they are about to end, so this may be called often.
        """
        self._client.renew(access_of(self.account, self._environ))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def access_of(account: Account, environ: Mapping[str, str]) -> Access:
    """Return the access that AWS's own tools would have: by variables, profiles, single sign-on or roles.

    Raises:
        DeployError: there are no credentials, or they cannot be renewed.
    """
    with explained(account):
        found = account.session.get_credentials()
        if found is None:
            raise NoCredentials("no AWS credentials were found: no keys, profile, SSO login or role")
        kept = found.get_frozen_credentials()
    return Access(
        region=account.region,
        credentials=Credentials(key_id=kept.access_key or "", secret=kept.secret_key or "", token=kept.token),
        endpoint=account.endpoint,
        ca_bundle=environ.get("AWS_CA_BUNDLE") or None,
    )


def _unique() -> str:
    return os.urandom(16).hex()
