"""Least privilege of the functions beside the processor, proved as in test_least_privilege.py."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from safelight import pipeline
from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.kept import Kept
from safelight.aws.ledger import DynamoLedger
from safelight.aws.parcels import PK
from safelight.entry.dead_letter_function import DeadLetterFunction
from safelight.entry.digest_function import DigestFunction
from safelight.entry.function import TIMING
from safelight.errors import Timeout
from safelight.job import jobs_for
from safelight.ports import Ports
from safelight.settings import Settings
from tests.e2e.soak import jobs
from tests.e2e.test_least_privilege import NOT_ENFORCED, RECIPE, credentials, quiet, without  # noqa: F401 -- a fixture
from tests.e2e.working import Context
from tests.servers.aws import ministack
from tests.servers.deployment import Deployment, sqs_event, write_settings
from tests.servers.stack import Stack, create, policies
from tests.unit.fakes import MemoryNotifier, MemoryStore, png


class Tried(Struct, frozen=True, kw_only=True):
    """A function of the stack, the role that it has there, and what shows that it works."""

    kind: type[Any]
    name: str
    role: str
    works: Callable[[Any, Deployment], None]
    environ: Mapping[str, str] = {}


def ends_dead_letters(function: Any, deployment: Deployment) -> None:
    """A job has failed and a message that nobody can read is kept; both are told."""
    key = f"{uuid.uuid4().hex}.png"
    batch = sqs_event(deployment.put(key, png(3)), {"what": key})
    for number, record in enumerate(batch["Records"]):
        record["messageId"] = f"{key}-{number}"
    assert function.handle(batch, Context()) == {"batchItemFailures": []}
    assert [job.status.value for job in jobs(deployment) if job.upload.key == key] == ["failed"]
    with closing(Client(access_from(deployment.environment), TIMING)) as client:
        kept = Kept(client, deployment.table, now=TIMING.now).unreadable()
    assert any(key in each.start for each in kept)
    assert {each["TopicArn"] for each in deployment.messages()} == {deployment.topic, deployment.alarms}


def tells_what_is_owed(function: Any, deployment: Deployment) -> None:
    """What another function left owed is one mail."""
    # A run that was refused in the middle leaves a digest behind, which is leased for a while.
    deployment.server.client("dynamodb").delete_item(TableName=deployment.table, Key={"pk": {"S": PK}})
    with closing(Client(access_from(deployment.environment), TIMING)) as client:
        ledger = DynamoLedger(client, deployment.table, now=time.time, unique=lambda: uuid.uuid4().hex)
        for _ in range(2):
            key = f"{uuid.uuid4().hex}.png"
            upload = MemoryStore(deployment.input).drop(key, png(3), sequencer="01")
            [job] = jobs_for(upload, (RECIPE,))
            store = MemoryStore(deployment.input)
            ports = Ports(input=store, output=store, ledger=ledger, notifier=Collected(), now=time.time)
            pipeline.fail(job, Timeout("too slow"), ports)
    told = function.handle({}, Context())
    assert told["mails"] == 1
    assert told["endings"] >= 2
    assert len(deployment.messages()) == 1


class Collected(MemoryNotifier):
    """Leaves every notice owed."""

    def notify(self, outcome: object, *, message_id: str) -> bool:
        return True


TRIED = (
    Tried(
        kind=DeadLetterFunction,
        name="DeadLetterFunction",
        role="DeadLetterRole",
        works=ends_dead_letters,
        environ={"SAFELIGHT_DIGEST_MINUTES": "0"},
    ),
    Tried(kind=DigestFunction, name="DigestFunction", role="DigestRole", works=tells_what_is_owed),
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product's stack with a digest, where IAM is enforced and nothing but the tests takes messages."""
    with ministack(tmp_path_factory.mktemp("iam"), auth=True) as server:
        made = create(server, "iam", DigestMinutes="1440")
        functions = server.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield made


@pytest.fixture(scope="module")
def deployment(stack: Stack) -> Deployment:
    return stack.listened()


def failing(tried: Tried, stack: Stack, deployment: Deployment, statements: list[Any], folder: Path) -> str:
    """Return why the function does not work with these permissions; blank when it does."""
    write_settings(folder, Settings(recipes=(RECIPE,)))
    environ = {
        **stack.variables(tried.name),
        **stack.server.environment,
        "LAMBDA_TASK_ROOT": str(folder),
        "TMPDIR": str(folder),
        **credentials(stack, statements),
        **tried.environ,
    }
    deployment.messages()
    with closing(tried.kind(environ, StringIO())) as function:
        try:
            tried.works(function, deployment)
        except Exception as err:  # noqa: BLE001 -- whatever it is, the function does not do its work
            return f"{type(err).__name__}: {err}"
    return ""


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("tried", TRIED, ids=lambda each: each.role)
def test_role_suffices_and_none_of_its_permissions_can_be_left_out(
    tried: Tried, stack: Stack, deployment: Deployment, tmp_path: Path
) -> None:
    """The function works with its role; without any one action of any one statement it does not."""
    granted = policies(stack, tried.role)
    assert failing(tried, stack, deployment, granted, tmp_path) == ""
    wanted = [
        (number, action)
        for number, statement in enumerate(granted)
        for action in statement["Action"]
        if action not in NOT_ENFORCED
    ]
    assert wanted
    needless = [
        f"{action} on {granted[number]['Resource']}"
        for number, action in wanted
        if not failing(tried, stack, deployment, without(granted, number, action), tmp_path)
    ]
    assert needless == []
