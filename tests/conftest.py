"""What tests of every kind share: servers, one of each for a worker of the suite, started when first asked for."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import hypothesis
import pytest

from safelight.deploy.arch import Arch
from safelight.deploy.package import build
from tests.servers import aws, packaged
from tests.servers.aws import Server

# Started in a script's background the suite would have Ctrl-C ignored, and with it each program that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Arch, list[Path]]]:
    """What the function runs on, for both processors; for tests of the group `package`."""
    folder = tmp_path_factory.mktemp("wheels")
    yield packaged.fetched(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def built(wheels: dict[Arch, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> packaged.Built:
    """A package for each processor; for tests of the group `package`."""
    folder = tmp_path_factory.mktemp("built")
    orders = {
        arch: packaged.order(folder, arch, sbom=folder / f"{arch}.json", python=packaged.PY314) for arch in wheels
    }
    return {arch: (wanted, build(wanted, wheels[arch], packaged.quiet)) for arch, wanted in orders.items()}


@pytest.fixture(scope="session")
def task(built: packaged.Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package unpacked, as Lambda has it under LAMBDA_TASK_ROOT; for tests of the group `package`."""
    wanted, _ = built["x86_64"]
    folder = tmp_path_factory.mktemp("task")
    with ZipFile(wanted.out) as zipped:
        zipped.extractall(folder)
    return folder
