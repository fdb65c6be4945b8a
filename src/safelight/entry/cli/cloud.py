"""A deployment on AWS as the commands see it, found by the name of its environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from safelight.aws.faults import Refused
from safelight.config import load
from safelight.deploy.account import MEANINGS, Account, open_account
from safelight.deploy.environment import environment_of
from safelight.deploy.errors import AwsRefused, NotPermitted
from safelight.deploy.stack import outputs
from safelight.entry.cli.show import counted
from safelight.entry.function import TIMING
from safelight.errors import Denied, ResourceMissing, SafelightError
from safelight.job import Outcome
from safelight.operate.deployed import Deployed
from safelight.operate.gone import anew, is_gone
from safelight.operate.stuck import attributes_of, waiting_in
from safelight.recipe.model import Recipe

KEPT = "msg_"
"""How ids of kept messages begin; those of jobs begin with job_."""
LATEST = 200
"""Among as many of the latest jobs one is found by the beginning of its id: the table finds whole ids only."""


@contextmanager
def open_deployed(config: Path | None, environment: str) -> Iterator[AwsBackend]:
    """Open the deployment of an environment.

    Raises:
        SafelightError: the configuration is wrong, AWS cannot be asked, or there is no deployment.
    """
    found = load(config, environment=environment)
    account = open_account(found.settings.region, os.environ)
    stack = environment_of(found, environment, account.id).stack
    deployed = Deployed(account, outputs(account, stack, environment), TIMING, os.environ)
    # What AWS refuses is told as one error; the client's own line about it is for the log of a function.
    logging.getLogger("safelight.aws").addHandler(logging.NullHandler())
    with closing(deployed):
        try:
            yield AwsBackend(deployed, environment)
        except (AwsRefused, Denied, ResourceMissing) as err:
            raise _for_owner(err, account, environment) from err.__cause__


def _for_owner(err: SafelightError, account: Account, environment: str) -> SafelightError:
    """Return what the owner of a deployment can do about a refusal; the error itself speaks to who sent a picture."""
    if isinstance(err, ResourceMissing) or is_gone(err):
        return AwsRefused(err.message, remedy=anew(environment))
    if not isinstance(err.__cause__, Refused):
        return err
    refusal, action = err.__cause__.refusal, err.__cause__.message.removesuffix("Batch")
    kind, says = MEANINGS.get(refusal.code, (NotPermitted, f"{account.principal} may not {action}"))
    return kind(": ".join(filter(None, (says, refusal.code, refusal.message))))


class AwsBackend:
    """The jobs of a deployment."""

    def __init__(self, deployed: Deployed, environment: str) -> None:
        self.deployed = deployed
        self.ledger = deployed.ledger
        self.words = f" --env {environment}"

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Return the recipes of the function that is there; the file may have changed since."""
        return self.deployed.settings.recipes

    def like(self, start: str) -> list[Outcome]:
        """List those of the latest jobs whose id begins so."""
        return [each for each in self.ledger.jobs(limit=LATEST) if each.id.startswith(start)]

    def totals(self, listed: list[Outcome]) -> str:
        """Count what is listed, since to count all would be to read all; and what waits or was given up."""
        waiting, hidden = waiting_in(attributes_of(self.deployed, "QueueUrl"))
        dead = sum(waiting_in(attributes_of(self.deployed, "DeadLetterQueueUrl"))) + len(
            self.deployed.kept.unreadable()
        )
        parts = [f"{counted(len(listed), 'job')} listed" if listed else "no jobs yet"]
        parts += [f"{waiting + hidden} waiting"] if waiting + hidden else []
        parts += [counted(dead, "dead letter")] if dead else []
        return "; ".join(parts)

    def send(self, body: bytes, name: str) -> None:
        """Queue a message. It may be there twice, with one that waits: the ledger knows that it is the same job."""
        self.deployed.renew()  # to replay many takes longer than some credentials live
        self.deployed.queue.send(body, id=name)

    def send_kept(self) -> int:
        """Deliver again all messages that nobody could read; a list may lag behind, so each is delivered once."""
        kept, queue, count = self.deployed.kept, self.deployed.queue, 0
        done: set[str] = set()
        while new := [each.id for each in kept.unreadable() if each.id not in done]:
            count += sum(kept.deliver(each, queue) for each in new)
            done.update(new)
        return count

    def deliver(self, message_id: str) -> bool:
        """Deliver again the message that is kept under this id, which the mail about it names."""
        return message_id.startswith(KEPT) and self.deployed.kept.deliver(message_id, self.deployed.queue)
