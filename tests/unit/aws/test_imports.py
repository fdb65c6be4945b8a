"""What the function on AWS brings into a process: each import is paid at every cold start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import inspect

from safelight.deploy.own import HANDLERS
from safelight.job import Outcome
from safelight.settings import Settings
from tests.servers.deployment import write_settings

OURS = "client ledger queue notify"
HEAVY = {
    "asyncio",
    "botocore",
    "concurrent.futures",
    "email",
    "html.parser",
    "http.client",
    "sqlite3",
    "smtplib",
    "subprocess",
    "urllib.request",
    "xml.dom",
    "xml.etree",
    "xml.sax",
    "yaml",
}
NOT_ON_LAMBDA = HEAVY | {
    "PIL",
    "boto3",
    "click",
    "difflib",
    "http",
    "multiprocessing",
    "numpy",
    "pebble",
    "pi_heif",
    "rich",
    "shutil",
    "tempfile",
    "unittest",
    "watchdog",
    "safelight.config",
    "safelight.recipe.check",
    "safelight.recipe.finding",
    "safelight.recipe.parse",
    "safelight.recipe.settle",
    "safelight.recipe.walk",
}
"""The last ones read and check a file that was read and checked when the package was built."""
OTHERS = {
    "safelight.aws.alarm",
    "safelight.aws.digest",
    "safelight.aws.kept",
    "safelight.aws.parcels",
    "safelight.entry.collect",
    "safelight.entry.give_up",
}
"""What only the functions of dead letters and of the digest need."""


def test_adapters_import_nothing_heavy() -> None:
    """Together these would cost more than the whole of the adapters (http.client alone 20 ms of CPU)."""
    code = "import sys, safelight.event\n"
    code += "".join(f"import safelight.aws.{name}\n" for name in OURS.split())
    code += "import safelight.pipeline\nprint(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY.isdisjoint(done.stdout.split())


def test_handler_imports_what_a_picture_needs_and_no_more(tmp_path: Path) -> None:
    """The very module that Lambda imports, with its clients made; what other functions need is theirs alone."""
    state, modules = _started("safelight.entry.lambda_handler", tmp_path)
    assert state == "True True"
    assert "safelight.aws.store" in modules
    assert (NOT_ON_LAMBDA | OTHERS).intersection(modules) == set()


@pytest.mark.parametrize("handler", [each for each in HANDLERS if each != "safelight.entry.lambda_handler"])
def test_other_handlers_import_nothing_that_lambda_lacks(tmp_path: Path, handler: str) -> None:
    """They have time to start, but no packages beyond the zip's."""
    _, modules = _started(handler, tmp_path)
    assert OTHERS.intersection(modules)
    assert NOT_ON_LAMBDA.intersection(modules) == set()


def _started(handler: str, tmp_path: Path) -> tuple[str, set[str]]:
    """Start a function, and return how it collects garbage and what it imported.

    With -S, as site-packages' own .pth files import too.
    """
    write_settings(tmp_path, Settings())
    environ = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SAFELIGHT_OUTPUT_BUCKET": "output",
        "SAFELIGHT_TABLE": "table",
        "SAFELIGHT_TOPIC": "arn:aws:sns:eu-north-1:123456789012:topic",
        "SAFELIGHT_QUEUE_URL": "https://sqs.eu-north-1.amazonaws.com/123456789012/queue",
    }
    code = f"import sys, gc, {handler}\nprint(gc.isenabled(), gc.get_freeze_count() > 0)\n"
    code += "print(*sys.modules)"

    done = subprocess.run([sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True)

    collects, modules = done.stdout.splitlines()
    return collects, set(modules.split())


def test_decoded_structs_have_real_annotations() -> None:
    """Python 3.14 compiles each annotation that is text when a decoder is made: 7 ms of CPU at a start."""
    kinds = {*_structs(inspect.type_info(Settings)), *_structs(inspect.type_info(Outcome))}
    modules = {kind.__module__ for kind in kinds}
    assert {"safelight.recipe.model", "safelight.steps.resize", "safelight.job"} <= modules
    assert [name for name in modules if hasattr(sys.modules[name], "annotations")] == []


def _structs(kind: object) -> Iterator[type]:
    """Yield every struct in a type as msgspec sees it."""
    if isinstance(kind, inspect.StructType):
        yield kind.cls
    if isinstance(kind, inspect.Type | inspect.Field):
        for name in kind.__struct_fields__:
            yield from _structs(getattr(kind, name))
    if isinstance(kind, tuple):
        for each in kind:
            yield from _structs(each)
