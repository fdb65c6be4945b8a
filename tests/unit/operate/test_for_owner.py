"""What the owner of a deployment is told of refusals that speak elsewhere to whoever sent a picture."""

from __future__ import annotations

import pytest

from safelight.aws.faults import Refusal, Refused, error_of
from safelight.entry.cli.cloud import _for_owner
from safelight.errors import SafelightError
from tests.unit.deploy.answering import USER, cloud


def told(code: str) -> SafelightError:
    """Return what becomes of a refusal as the client of the ledger raises it."""
    refusal = Refusal(code=code, status=400, message="so it is")
    try:
        raise error_of("DynamoDB", refusal) from Refused("dynamodb:Query", refusal=refusal)
    except SafelightError as err:
        return _for_owner(err, cloud().account, "dev")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDeniedException", "not_permitted", f"{USER} may not dynamodb:Query: AccessDeniedException: so it is"),
        ("ExpiredTokenException", "expired_credentials", "the AWS credentials have expired"),
        ("ResourceNotFoundException", "aws_refused", "DynamoDB answered 400 ResourceNotFoundException"),
    ],
)
def test_refusal_of_the_ledger_names_action_and_remedy(code: str, kind: str, words: str) -> None:
    """Nobody at a terminal is told to replay a picture."""
    found = told(code)
    assert (found.code, words in found.message, "replay" in found.remedy) == (kind, True, False)


def test_table_that_is_gone_is_made_again_by_destroy_and_deploy() -> None:
    """CloudFormation does not notice that it is missing."""
    assert "`safelight destroy dev`, then `safelight deploy dev`" in told("ResourceNotFoundException").remedy
