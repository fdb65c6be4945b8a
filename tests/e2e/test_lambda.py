"""The package as Lambda runs it: AWS's own emulator and runtime client, Python 3.14, nothing but the zip's contents."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from safelight.config import Loaded, load
from safelight.recipe.model import Recipe, Rendition
from safelight.settings import Settings
from safelight.steps.resize import Resize
from tests.flow.running import command, environment
from tests.servers import rie
from tests.servers.aws import Server
from tests.servers.chain import DEAD_LETTERS, DIGEST, HANDLER
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings
from tests.servers.rie import Function
from tests.unit.fakes import png

pytestmark = pytest.mark.xdist_group("package")
EVERY = """
recipes:
  - name: every
    metadata: copyright
    renditions:
      - {key: "{dir}{filename}-24.jpg", resize: {width: 24}, quality: auto}
      - {key: "{dir}{filename}-24.webp", resize: {width: 24}, quality: auto}
      - {key: "{dir}{filename}-24.avif", resize: {width: 24}, quality: auto}
      - {key: "{dir}{filename}-24.png", resize: {width: 24}}
      - {key: "{dir}processed_{filename}"}
"""
PLAIN = Settings()
Start = Callable[..., tuple[Function, Deployment]]


@pytest.fixture
def start(task: Path, ministack: Server, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts the package with settings, on a deployment of its own."""
    with ExitStack() as stack:

        def started(
            settings: Settings = PLAIN, *, handler: str = HANDLER, timeout_s: int = 60, **environ: str
        ) -> tuple[Function, Deployment]:
            deployment = deploy(ministack)
            root = tmp_path / "task"
            shutil.copytree(task, root, symlinks=True)
            write_settings(root, settings)
            folder = tmp_path / "rie"
            folder.mkdir()
            settings_of = {**deployment.environment, **environ}
            return stack.enter_context(
                rie.function(handler, root, folder, settings_of, timeout_s=timeout_s)
            ), deployment

        yield started


def every(folder: Path) -> Loaded:
    (folder / "safelight.yaml").write_text(EVERY)
    return load(folder / "safelight.yaml", {})


def invoke(function: Function, *bodies: object, receives: int = 1) -> Any:
    return function.invoke(sqs_event(*bodies, receives=receives))


def test_lambda_upload_becomes_its_output(start: Start) -> None:
    """The brief's function: `processed_<name>` with the very bytes, logs and metrics as lines of JSON."""
    function, deployment = start(AWS_LAMBDA_LOG_FORMAT="JSON")
    assert invoke(function, deployment.put("a/b.png", png(7))) == {"batchItemFailures": []}
    assert deployment.outputs() == {"a/processed_b.png": png(7)}
    printed = [line for line in function.log.read_text().splitlines() if line.startswith("{")]
    [metrics] = [found for line in printed if "_aws" in (found := json.loads(line))]
    assert (metrics["Processed"], metrics["ColdStart"]) == (1, 1)
    begun, ended = (json.loads(line) for line in printed if "_aws" not in line)
    assert (begun["message"], ended["message"]) == ("start", "end")
    assert 0.000005 < ended["cost_usd"] < 0.001, "by the rates that the package carries"


def test_lambda_bad_picture_is_acknowledged(start: Start) -> None:
    """A rejection is an outcome, not an error of the function."""
    function, deployment = start()
    assert invoke(function, deployment.put("a.png", b"no picture")) == {"batchItemFailures": []}
    assert "unknown_format" in json.dumps(deployment.messages())


def test_lambda_error_has_lambdas_shape(start: Start) -> None:
    """Whoever calls the function itself gets the code's name and message, and tries again."""
    function, _ = start()
    answer = function.invoke({"what": "ever"})
    assert answer["errorType"] == "InvalidMessage"
    assert answer["errorMessage"] == "the message is not of a known shape"


def test_lambda_that_lacks_a_variable_says_which(start: Start) -> None:
    """A start that fails names what is missing and what to do."""
    function, deployment = start(SAFELIGHT_TABLE="")
    with pytest.raises(HTTPError) as caught:
        invoke(function, deployment.put("a.png", png(7)))
    caught.value.close()
    assert "InvalidRecipe: the environment variable SAFELIGHT_TABLE is not set" in function.log.read_text()


def test_lambda_answers_before_its_time_is_up(start: Start) -> None:
    """A picture that takes longer than the function may is handed back, and the function is not killed for it."""
    slow = Rendition(key="{filename}.avif", resize=Resize(width=4000, enlarge=True), effort=9)
    settings = Settings(recipes=(Recipe(name="slow", renditions=(slow,)),))
    function, deployment = start(settings, timeout_s=6)
    assert invoke(function, deployment.put("a.png", png(7))) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert "timed out" not in function.log.read_text().lower()


def test_lambda_dead_letters_are_ended(start: Start) -> None:
    """The function of dead letters starts from the same zip, and leaves nothing in its batch."""
    function, deployment = start(handler=DEAD_LETTERS)
    assert invoke(function, deployment.put("a.png", png(7)), {"what": "ever"}) == {"batchItemFailures": []}
    assert {each["TopicArn"] for each in deployment.messages()} == {deployment.topic, deployment.alarms}
    [metrics] = [line for line in function.log.read_text().splitlines() if '"_aws"' in line]
    assert json.loads(metrics)["Failed"] == 1


def test_lambda_digest_answers_what_it_told(start: Start) -> None:
    """So does the digest's."""
    function, _ = start(handler=DIGEST, SAFELIGHT_DIGEST_MINUTES="15")
    assert function.invoke({"source": "aws.events"}) == {"mails": 0, "endings": 0}


def test_lambda_many_invocations_do_not_grow(start: Start, tmp_path: Path) -> None:
    """Memory is flat: what a picture took is given back."""
    function, deployment = start(every(tmp_path).settings)
    for number in range(40):
        assert invoke(function, deployment.put(f"{number}.png", png(number, 64))) == {"batchItemFailures": []}
    found = [json.loads(line) for line in function.log.read_text().splitlines() if line.startswith("{")]
    peaks = [line["peak_mb"] for line in found if line.get("message") == "end"]
    assert len(peaks) == 40
    assert max(peaks[30:]) <= max(peaks[5:15]) * 1.1


def test_lambda_and_run_give_equal_digests(start: Start, tmp_path: Path) -> None:
    """The same recipe gives the same bytes on one machine and on AWS, whatever the Python."""
    function, deployment = start(every(tmp_path).settings)
    pictures = {"a.png": png(7, 64), "deep/b.png": png(200, 300)}
    for key, body in pictures.items():
        (tmp_path / "in" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / key).write_bytes(body)
        assert invoke(function, deployment.put(key, body)) == {"batchItemFailures": []}
    words = command("run", tmp_path / "in", "--out", tmp_path / "out", "-c", tmp_path / "safelight.yaml")
    subprocess.run(words, env=environment(), check=True, capture_output=True)
    local = {
        path.relative_to(tmp_path / "out").as_posix().removeprefix("in/"): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert local == deployment.outputs()
    assert len(local) == 10
