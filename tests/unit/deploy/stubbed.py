"""An account whose clients are AWS's SDK with its answers written beforehand, and checked against AWS's own models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.stub import Stubber

ID, REGION = "123456789012", "eu-north-1"


@dataclass
class StubbedAccount:
    """Each client is made once; `answer` and `refuse` line up what it will be asked, in this order."""

    id: str = ID
    region: str = REGION
    principal: str = f"arn:aws:iam::{ID}:user/ann"
    partition: str = "aws"
    stubs: dict[str, Stubber] = field(default_factory=dict)

    def stub(self, service: str) -> Stubber:
        if service not in self.stubs:
            client = boto3.Session("key", "secret", region_name=self.region).client(service)  # type: ignore[call-overload]
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()
        return self.stubs[service]

    def client(self, service: str) -> Any:
        return self.stub(service).client

    def answer(self, call: str, answer: dict[str, Any] | None = None, asked: dict[str, Any] | None = None) -> None:
        """`call` is service.operation."""
        service, _, operation = call.partition(".")
        self.stub(service).add_response(operation, answer or {}, asked)

    def refuse(self, call: str, code: str, status: int = 400, message: str = "") -> None:
        service, _, operation = call.partition(".")
        self.stub(service).add_client_error(operation, code, message, status)

    def done(self) -> None:
        """Check that all was asked that was to be."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
