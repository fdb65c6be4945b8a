"""The functions beside the processor, in this process, on a stand-in of AWS: dead letters, and the digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from safelight import event
from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.digest import Digest
from safelight.aws.kept import Kept, KeptMessage
from safelight.aws.ports import names_from
from safelight.aws.queue import SqsQueue
from safelight.entry.dead_letter_function import DeadLetterFunction
from safelight.entry.digest_function import DigestFunction
from safelight.entry.function import TIMING, Function
from safelight.errors import InvalidMessage, OutOfTime, ResourceMissing, SafelightError
from safelight.recipe.model import DEFAULT_RECIPE
from safelight.settings import Notify, Settings
from tests.e2e.soak import jobs
from tests.e2e.working import Context
from tests.servers.aws import Server
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings
from tests.unit.fakes import png

NOTHING: dict[str, list[object]] = {"batchItemFailures": []}
Make = Callable[..., Any]


@pytest.fixture
def deployment(ministack: Server) -> Deployment:
    return deploy(ministack)


@pytest.fixture
def printed() -> StringIO:
    return StringIO()


@pytest.fixture
def make(deployment: Deployment, tmp_path: Path, printed: StringIO) -> Iterator[Make]:
    """Give functions of one deployment, each by its class."""
    with ExitStack() as stack:

        def made(kind: type[Any], settings: Settings | None = None, **environ: str) -> Any:
            write_settings(tmp_path, settings or Settings(recipes=(replace(DEFAULT_RECIPE, on_delete="remove"),)))
            whole = {**deployment.environment, "LAMBDA_TASK_ROOT": str(tmp_path), "TMPDIR": str(tmp_path), **environ}
            return stack.enter_context(closing(kind(whole, printed)))

        yield made


@pytest.fixture
def kept(deployment: Deployment) -> Iterator[Kept]:
    with closing(Client(access_from(deployment.environment), TIMING)) as client:
        yield Kept(client, deployment.table, now=TIMING.now)


def lines(printed: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def test_dead_letters_of_a_batch_end_each_in_its_way(
    make: Make, deployment: Deployment, kept: Kept, printed: StringIO
) -> None:
    """A picture's job has failed, what nobody can read is kept and alarms, and all of it may be deleted."""
    upload = deployment.put("a.png", png(7))
    batch = sqs_event(upload, {"what": "ever"})
    assert make(DeadLetterFunction).handle(batch, Context()) == NOTHING

    (job,) = jobs(deployment)
    assert (job.status.value, job.error.code) == ("failed", "dead_letter")
    (message,) = kept.unreadable()
    assert kept.body(message.id) == b'{"what": "ever"}'
    told = {each["TopicArn"]: each for each in deployment.messages()}
    assert set(told) == {deployment.topic, deployment.alarms}
    assert "(dead_letter)" in told[deployment.topic]["Subject"]
    alarm = told[deployment.alarms]
    assert alarm["Subject"] == f"[image-processor-test] unreadable message {message.id}"
    assert msgspec.json.decode(alarm["Message"], type=KeptMessage) == message
    found = lines(printed)
    assert [line["Failed"] for line in found if "_aws" in line] == [1]
    errors = [line for line in found if line.get("level") == "ERROR"]
    assert [line["error"]["code"] for line in errors] == ["dead_letter", "invalid_message"]
    assert {line["function_request_id"] for line in errors} == {"request-1"}


def test_dead_letter_that_comes_again_is_told_once(make: Make, deployment: Deployment, kept: Kept) -> None:
    """The function answered, and the answer was lost."""
    batch = sqs_event(deployment.put("a.png", png(7)), {"what": "ever"})
    function = make(DeadLetterFunction)
    for _ in range(3):
        assert function.handle(batch, Context()) == NOTHING
    assert len(deployment.messages()) == 2
    assert len(kept.unreadable()) == 1
    assert [job.attempts for job in jobs(deployment)] == [1]


def test_dead_letter_whose_topic_is_gone_comes_again(make: Make, deployment: Deployment, printed: StringIO) -> None:
    """Nobody was told, so it is not done with; the job's notice is owed, and the log says why."""
    deployment.server.client("sns").delete_topic(TopicArn=deployment.topic)
    function = make(DeadLetterFunction)
    answer = function.handle(sqs_event(deployment.put("a.png", png(7)), {"what": "ever"}), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert len(deployment.messages()) == 1, "the alarm has a topic of its own"
    assert any("resource_missing" in json.dumps(line) for line in lines(printed))


def test_dead_letter_without_time_comes_again(make: Make, kept: Kept) -> None:
    """What is begun shortly before the end would only be repeated."""
    with pytest.raises(OutOfTime):
        make(DeadLetterFunction).handle(sqs_event({"what": "ever"}), Context(5))
    assert kept.unreadable() == []


def test_dead_letters_of_which_none_can_be_ended_are_an_error(make: Make, deployment: Deployment) -> None:
    """Lambda counts an answer as a success, whatever it says: only an error is seen by the alarm on errors."""
    deployment.server.client("dynamodb").delete_table(TableName=deployment.table)
    with pytest.raises(ResourceMissing):
        make(DeadLetterFunction).handle(sqs_event({"what": "ever"}, {"who": "ever"}), Context())


def test_dead_letter_function_takes_nothing_but_its_queue(make: Make) -> None:
    """An event by hand is an error that says what is expected."""
    with pytest.raises(InvalidMessage, match="dead-letter queue"):
        make(DeadLetterFunction).handle({"what": "ever"}, Context())


def test_dead_letter_is_replayed_to_its_output(make: Make, deployment: Deployment) -> None:
    """The whole circle: failed, put back, developed by the processor, told."""
    first = deployment.put("a.png", png(7))
    make(DeadLetterFunction).handle(sqs_event(first), Context())
    (job,) = jobs(deployment)
    function = make(Function)
    function.handle(sqs_event(json.loads(event.message(job.upload))), Context())
    assert deployment.outputs() == {"processed_a.png": png(7)}
    assert [each.status.value for each in jobs(deployment)] == ["succeeded"]
    assert [each["MessageAttributes"]["status"]["Value"] for each in deployment.messages()] == ["failed", "succeeded"]


def test_kept_message_is_delivered_to_a_processor_that_reads_it(make: Make, deployment: Deployment, kept: Kept) -> None:
    """A shape that nobody knew is mended by an update, and its message delivered again: here, one in base64."""
    make(DeadLetterFunction).handle(sqs_event({"what": "ever"}), Context())
    (message,) = kept.unreadable()
    with closing(Client(access_from(deployment.environment), TIMING)) as client:
        assert kept.deliver(message.id, SqsQueue(client, deployment.queue, ""))
    assert deployment.messages(deployment.queue) == [{"what": "ever"}]
    assert kept.unreadable() == []


def test_alarm_without_a_topic_of_its_own_goes_to_the_other(make: Make, deployment: Deployment) -> None:
    """A deployment by hand has one topic; nothing is silent there either."""
    make(DeadLetterFunction, SAFELIGHT_ALARM_TOPIC="").handle(sqs_event({"what": "ever"}), Context())
    assert [each["TopicArn"] for each in deployment.messages()] == [deployment.topic]


def test_digest_tells_in_one_mail_what_the_processor_left_owed(
    make: Make, deployment: Deployment, printed: StringIO
) -> None:
    """Three endings, none of them told at once, are one mail; machines get each job; a second run tells nothing."""
    processor, digest = make(Function, SAFELIGHT_DIGEST_MINUTES="15"), make(DigestFunction)
    events = [deployment.put(key, body) for key, body in {"a.png": png(1), "b.png": png(2), "bad.png": b"no"}.items()]
    for each in events:
        assert processor.handle(sqs_event(each), Context()) == NOTHING
    assert deployment.messages() == []

    assert digest.handle({"source": "aws.events"}, Context()) == {"mails": 1, "endings": 3}
    assert digest.handle({"source": "aws.events"}, Context()) == {"mails": 0, "endings": 0}
    (mail,) = deployment.messages()
    assert mail["Subject"] == "[image-processor-test] 1 picture could not be developed, 2 developed"
    found = msgspec.json.decode(mail["Message"], type=Digest)
    assert found.counts == {"succeeded": 2, "rejected": 1}
    assert {each.id for each in found.jobs} == {each.id for each in jobs(deployment)}
    attributes = mail["MessageAttributes"]
    assert attributes["message_id"]["Value"] == found.digest
    assert attributes["status"] == {"Type": "String.Array", "Value": '["rejected","succeeded"]'}
    assert any(f"digest {found.digest} tells of 3 jobs" in json.dumps(line) for line in lines(printed))
    # Repeats of the events owe no further notice.
    for each in events:
        assert processor.handle(sqs_event(each), Context()) == NOTHING
    assert digest.handle({}, Context()) == {"mails": 0, "endings": 0}


def test_digest_tells_of_dead_letters_too(make: Make, deployment: Deployment) -> None:
    """A failure that the dead-letter function found is owed like the others."""
    make(DeadLetterFunction, SAFELIGHT_DIGEST_MINUTES="15").handle(
        sqs_event(deployment.put("a.png", png(7))), Context()
    )
    assert deployment.messages() == []
    assert make(DigestFunction).handle({}, Context()) == {"mails": 1, "endings": 1}
    (mail,) = deployment.messages()
    assert mail["Subject"] == "[image-processor-test] failed: a.png (dead_letter)"


def test_processor_owes_no_notice_that_nobody_wants(make: Make, deployment: Deployment) -> None:
    """With `on: [failure]` a million successes a day are not left to one function to look through."""
    settings = Settings(notify=Notify(on=("failure",)))
    processor = make(Function, settings, SAFELIGHT_DIGEST_MINUTES="15")
    processor.handle(sqs_event(deployment.put("a.png", png(7))), Context())
    assert make(DigestFunction, settings).handle({}, Context()) == {"mails": 0, "endings": 0}


def test_digest_whose_topic_is_gone_raises(make: Make, deployment: Deployment) -> None:
    """Lambda tries a function again that raises, and its alarm sees it."""
    processor, digest = make(Function, SAFELIGHT_DIGEST_MINUTES="15"), make(DigestFunction)
    processor.handle(sqs_event(deployment.put("a.png", png(7))), Context())
    deployment.server.client("sns").delete_topic(TopicArn=deployment.topic)
    with pytest.raises(SafelightError) as caught:
        digest.handle({}, Context())
    assert caught.value.code == "resource_missing"


@pytest.mark.parametrize("minutes", ["", "0"])
def test_names_without_a_digest_tell_at_once(minutes: str) -> None:
    """Notices wait for a digest only where its function is."""
    environ = {"SAFELIGHT_OUTPUT_BUCKET": "out", "SAFELIGHT_TABLE": "table", "SAFELIGHT_DIGEST_MINUTES": minutes}
    assert names_from(environ).digest_minutes == 0
