"""`python -m bench.function.beside`: what the function adds to the image work, in CPU.

The default recipe on a picture so small that nearly all CPU is not image work; decode, steps and encode of the same
picture are measured in another process in the same interleaved run and taken off. AWS is a stand-in.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

import pyvips

from bench.engines import ROOT, EngineError
from bench.function.functions import OURS, RENDER, Function, started
from bench.function.places import PlacesError, places
from safelight.settings import Settings
from tests.servers.aws import ministack
from tests.servers.deployment import Deployment, deploy, sqs_event, write_settings

WARM_UP = 10


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.function.beside", description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="how many pictures (200)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache") as name:
        folder = Path(name)
        try:
            found = places()
            write_settings(folder, Settings())
            print(found.versions)
            with ministack(folder) as server:
                deployment = deploy(server)
                environ = {**deployment.environment, "LAMBDA_TASK_ROOT": str(folder)}
                with (
                    started(found, OURS, folder, environ) as whole,
                    started(found, RENDER, folder, environ) as render,
                ):
                    table(*measure(whole, render, deployment, folder / "stamp.jpg", asked.images))
        except (EngineError, PlacesError) as err:
            print(err, file=sys.stderr)
            return 1
    return 0


def measure(
    whole: Function, render: Function, deployment: Deployment, path: Path, images: int
) -> tuple[list[float], list[float]]:
    """Return the CPU ms of the function and of the image work, picture by picture."""
    wholes: list[float] = []
    renders: list[float] = []
    order = random.Random(20)  # noqa: S311 - a shuffle, no secret
    for number in range(images + WARM_UP):
        body: bytes = (pyvips.Image.black(16, 16, bands=3) + number % 256).cast("uchar").jpegsave_buffer()
        path.write_bytes(body)
        event = sqs_event(deployment.put(f"{number}.jpg", body))
        for function in order.sample((whole, render), 2):
            spent_ms = function.invoke(event if function is whole else {"path": str(path)}).cpu_s * 1000
            (wholes if function is whole else renders).append(spent_ms)
    return wholes[WARM_UP:], renders[WARM_UP:]


def table(wholes: list[float], renders: list[float]) -> None:
    """Print medians and quartiles of CPU ms."""
    print(f"{'CPU ms an image':24}{'median':>8}{'mean':>8}{'middle half':>16}")
    beside = [whole - median(renders) for whole in wholes]
    for name, found in (("function", wholes), ("image work", renders), ("all but the image work", beside)):
        low, _, high = quantiles(found, n=4)
        print(f"{name:24}{median(found):8.1f}{sum(found) / len(found):8.1f}{low:8.1f} to {high:.1f}")


if __name__ == "__main__":
    sys.exit(main())
