"""An account whose services give prepared answers, checked by botocore against its own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from botocore.stub import Stubber
from msgspec.structs import replace

from safelight.config import Loaded
from safelight.deploy.account import Account
from safelight.deploy.environment import Environment, environment_of
from safelight.entry.cli.aws_checks import Cloud
from safelight.settings import Settings

ID = "123456789012"
REGION = "eu-north-1"
USER = f"arn:aws:iam::{ID}:user/ann"

Answer = tuple[str, dict[str, Any] | str]
"""A method of a client, and what it gives; a text is the code of a refusal."""


class Session:
    """Stands for a session of boto3: each service gives its answers in their order, and fails when asked for more."""

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        self._answers = {service: list(given) for service, given in answers.items()}
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **_: object) -> Any:
        if service not in self._clients:
            keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
            client: Any = boto3.client(service, region_name=REGION, **keys)
            self._clients[service] = client
            stubber = Stubber(client)
            for method, answer in self._answers.get(service, ()):
                if isinstance(answer, str):
                    status = int(answer) if answer.isdigit() else 400
                    stubber.add_client_error(method, answer, "so it is", http_status_code=status)
                else:
                    stubber.add_response(method, answer)
            stubber.activate()
        return self._clients[service]

    def get_available_regions(self, *_: object) -> list[str]:
        return [REGION]


class Answering(Account):
    """An account whose clients are those of `Session`."""

    def client(self, service: Any, *_: object) -> Any:
        return self.session.client(service)


def cloud(
    settings: Settings | None = None,
    *,
    principal: str = USER,
    stack: dict[str, Any] | None = None,
    now: float = 0.0,
    **answers: list[Answer],
) -> Cloud:
    """Return production of a project in such an account; answers are named after services, _ for -."""
    by_service = {service.rstrip("_").replace("_", "-"): given for service, given in answers.items()}
    session: Any = Session(by_service)
    account = Answering(session=session, id=ID, region=REGION, principal=principal)
    settings = settings or Settings()
    return Cloud(
        account=account,
        environment=environment(settings),
        settings=settings,
        now=lambda: now,
        stack=stack or {},
    )


def environment(settings: Settings, name: str = "prod") -> Environment:
    """Return an environment of a project in that account."""
    return environment_of(Loaded(settings=replace(settings, region=REGION), folder=Path()), name, ID)
