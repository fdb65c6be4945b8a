"""One server and one clock for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.aws.serving import Server, Times, client_of


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def client(server: Server, times: Times) -> Iterator[object]:
    made = client_of(server.url, times)
    yield made
    made.close()
