"""`python -m bench.function.cold`: what a start costs, Safelight's function beside the usual one.

CPU (user and system) of a process that imports the handler, which makes its clients. It is given twice: of the whole
process, and without its end, when Python takes apart what it holds; Lambda just stops a process.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from bench import ratios
from bench.function.places import Places, PlacesError, places
from bench.measure import Sample

BARE, OURS, USUAL, FIRST = "bare interpreter", "safelight", "usual", "usual, then TLS"
ENVIRONMENT = {
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "SAFELIGHT_OUTPUT_BUCKET": "myimage-processor-output",
    "SAFELIGHT_TABLE": "image-processor-jobs",
    "SAFELIGHT_TOPIC": "arn:aws:sns:eu-north-1:123456789012:image-processing-notifications",
    "SAFELIGHT_QUEUE_URL": "https://sqs.eu-north-1.amazonaws.com/123456789012/image-processor",
    "AWS_LAMBDA_FUNCTION_NAME": "image-processor-function",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
}
# botocore reads its certificates when the first connection is opened, once for each client.
READ_CERTIFICATES = """
from botocore.httpsession import get_cert_path
for client in (usual_function.s3, usual_function.sns):
    made = client._endpoint.http_session
    made._manager.connection_pool_kw["ssl_context"].load_verify_locations(get_cert_path(True))
"""


ENDS = {"whole process": "", "without its end": "\nimport os\nos._exit(0)"}


class Start(Struct, frozen=True, kw_only=True):
    """One way to start: what the interpreter is told to run, with what on its path."""

    name: str
    code: str
    path: str


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.function.cold", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="how often each is started (40)")
    asked = parser.parse_args()
    try:
        found = places()
    except PlacesError as err:
        print(err, file=sys.stderr)
        return 1
    print(found.versions)
    print(f"zip: {found.zip_bytes / 1e6:.1f} MB")
    for title, end in ENDS.items():
        table(title, starts(found, end, asked.rounds))
    return 0


def ways(found: Places) -> list[Start]:
    """Return what is started."""
    return [
        Start(name=BARE, code="pass", path=str(found.ours)),
        Start(name=OURS, code="import safelight.entry.lambda_handler", path=str(found.ours)),
        Start(name=USUAL, code="import usual_function", path=str(found.usual)),
        Start(name=FIRST, code="import usual_function" + READ_CERTIFICATES, path=str(found.usual)),
    ]


def starts(found: Places, end: str, rounds: int) -> list[Sample]:
    """Start each in every round, in a shuffled but repeatable order; the first round does not count.

    `end` is code that runs at last.
    """
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    samples = []
    for number in range(rounds + 1):
        made = [_start(found, way, end, number) for way in order.sample(ways(found), 4)]
        samples += made if number else []
    return samples


def _start(found: Places, way: Start, end: str, number: int) -> Sample:
    environ = {**ENVIRONMENT, "PYTHONPATH": way.path, "LAMBDA_TASK_ROOT": way.path, "PATH": os.environ["PATH"]}
    process = subprocess.Popen([found.python, "-B", "-c", way.code + end], env=environ)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way.name} does not start")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Sample(engine=way.name, photo="start", round=number, cpu_s=cpu_s, wall_s=0)


def table(title: str, samples: Sequence[Sample]) -> None:
    """Print medians, and ratios of pairs of one round."""
    bare = {each.round: each.cpu_s for each in samples if each.engine == BARE}
    above = [replace(each, cpu_s=each.cpu_s - bare[each.round]) for each in samples if each.engine != BARE]
    print(f"{'CPU, ' + title:24}{'ms':>8}{'above bare':>12}  {'of usual':>20}{'above bare':>20}")
    for name in (BARE, OURS, USUAL, FIRST):
        words = [f"{name:24}{_median_ms(samples, name):8.1f}"]
        if name != BARE:
            words += [f"{_median_ms(above, name):12.1f}", f"  {ratios.ratio(samples, name, USUAL)!s:>20}"]
            words += [f"{ratios.ratio(above, name, USUAL)!s:>20}"]
        print("".join(words))


def _median_ms(samples: Sequence[Sample], name: str) -> float:
    return median(each.cpu_s for each in samples if each.engine == name) * 1000


if __name__ == "__main__":
    sys.exit(main())
