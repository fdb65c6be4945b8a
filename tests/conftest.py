"""What tests of every kind share: servers, one of each for a worker of the suite, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.servers import aws
from tests.servers.aws import Server

# An example takes as long as it takes: on a busy machine a time limit of its own only fails now and then.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """AWS's services in one process, without IAM; state is in memory."""
    with aws.ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second opinion on S3, SQS and DynamoDB."""
    with aws.moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real S3 server; without a webhook."""
    with aws.seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server
