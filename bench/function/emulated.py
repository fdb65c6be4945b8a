"""`python -m bench.function.emulated`: the first invocation under AWS's Lambda Runtime Interface Emulator.

The time from the request to the answer of the first invocation, less that of the second: in between the emulator starts
the runtime, which imports the handler. The event is one that both have nothing to do for. It is a model: Lambda
gives the init of a function more CPU than its size says, and has unpacked the zip before.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from bench import ratios
from bench.engines import ROOT
from bench.function.cold import ENVIRONMENT
from bench.function.functions import HANDLERS, OURS, USUAL
from bench.function.places import Places, PlacesError, places
from bench.measure import Sample
from tests.servers import rie

TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "myimage-processor-input"}
"""What S3 sends when a notification is set up."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.function.emulated", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often each is started (10)")
    asked = parser.parse_args()
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    samples: list[Sample] = []
    try:
        found = places()
        print(f"{found.versions}; aws-lambda-rie")
        for number in range(asked.rounds + 1):
            made = [_start(found, name, number) for name in order.sample((OURS, USUAL), 2)]
            samples += made if number else []
    except PlacesError as err:
        print(err, file=sys.stderr)
        return 1
    print(f"{'init under RIE (a model)':26}{'wall ms':>9}  {'of usual':>20}")
    for name in (OURS, USUAL):
        mean_ms = ratios.mean_ms(samples, name, "wall_s")
        print(f"{name:26}{mean_ms:9.0f}  {ratios.ratio(samples, name, USUAL, 'wall_s')!s:>20}")
    return 0


def _start(found: Places, name: str, number: int) -> Sample:
    root = found.ours if name == OURS else found.usual
    with (
        tempfile.TemporaryDirectory(dir=ROOT / ".cache") as folder,
        rie.function(HANDLERS[name], root, Path(folder), ENVIRONMENT) as function,
    ):
        first_s, second_s = (_invoked_s(function) for _ in range(2))
    return Sample(engine=name, photo="start", round=number, cpu_s=0, wall_s=first_s - second_s)


def _invoked_s(function: rie.Function) -> float:
    began_s = time.perf_counter()
    answer = function.invoke(TEST_EVENT)
    if answer is not None:
        raise SystemExit(f"the function answered {answer}; {function.log.read_text()[-2000:]}")
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main())
