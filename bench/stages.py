"""`python -m bench.stages`: where the CPU time of job A goes, each stage by Safelight's own functions."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import TypeVar

import msgspec
import pyvips
from msgspec import Struct

from bench import corpus, report
from bench.engines import ROOT
from bench.job import JOB_A, Output
from bench.jobs import CACHE, RESULTS
from bench.peers.safelight_render import LIMITS, RECIPE
from safelight.decode import Opened, decode, open_upload
from safelight.encode import Encoding, Format, encode
from safelight.render import render
from safelight.steps.color import to_srgb
from safelight.steps.orient import SIDEWAYS, orient
from safelight.steps.resize import Resize, plan, resize

Made = TypeVar("Made")
WHOLE = "render, all at once"
REST = "rest: what stages at once cost more or less than one by one"


class Stages(Struct, frozen=True, kw_only=True):
    """CPU milliseconds a photograph of each stage, in their order; the last two are the whole and the rest."""

    machine: report.Machine
    rounds: int
    photos: int
    cpu_ms: Mapping[str, float]


class Watch:
    """Times stages of one photograph."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], Made]) -> Made:
        """Do some work and note its CPU time."""
        begin_s = time.process_time()
        made = work()
        self.spent_s[stage] = time.process_time() - begin_s
        return made


def main() -> int:
    """Measure and write `stages.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the photographs, one round; to .cache/bench")
    quick = parser.parse_args().quick
    here = report.machine()
    photos = corpus.photographs(ROOT / ".cache" / "corpus")[:: 4 if quick else 1]
    rounds = 1 if quick else 3
    found = Stages(machine=here, rounds=rounds, photos=len(photos), cpu_ms=_measured(photos, rounds))
    folder = CACHE if quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    for stage, cpu_ms in found.cpu_ms.items():
        print(f"{cpu_ms:7.1f} ms  {stage}")
    return 0


def _measured(photos: Sequence[Path], rounds: int) -> dict[str, float]:
    _stages(photos[0])
    spent: dict[str, list[float]] = defaultdict(list)
    for photo in photos:
        runs = [_stages(photo) for _ in range(rounds)]
        for stage in runs[0]:
            spent[stage].append(median(run[stage] for run in runs))
    found = {stage: fmean(values) * 1000 for stage, values in spent.items()}
    return {**found, REST: found[WHOLE] - sum(value for stage, value in found.items() if stage != WHOLE)}


def _stages(photo: Path) -> Mapping[str, float]:
    watch = Watch()
    body = photo.read_bytes()
    opened = watch.time("look: structure, header, limits", lambda: open_upload(body, LIMITS))
    small, medium, large = JOB_A.outputs
    sizes = {output: _size(opened, output) for output in JOB_A.outputs}
    turned = opened.source.orientation in SIDEWAYS
    stored = sizes[large][::-1] if turned else sizes[large]
    image = watch.time(
        "decode the JPEG, shrunk where it can be",
        lambda: decode(opened, least_width=stored[0], least_height=stored[1]).copy_memory(),
    )
    image = watch.time("resize to 2048 px, colour", lambda: to_srgb(resize(image, stored)).copy_memory())
    image = watch.time("turn upright", lambda: orient(image, opened.source.orientation).copy_memory())
    middle = watch.time("resize to 1280 px", lambda: resize(image, sizes[medium]).copy_memory())
    little = watch.time("resize to 320 px", lambda: resize(middle, sizes[small]).copy_memory())
    for output, made in ((large, image), (medium, middle), (small, little)):
        watch.time(f"encode the {output.box_px} px {output.format}", partial(_encoded, made, output))
    watch.time(WHOLE, lambda: render(body, photo.name, RECIPE, LIMITS))
    return watch.spent_s


def _encoded(image: pyvips.Image, output: Output) -> bytes:
    kind: Format = "webp" if output.format == "webp" else "jpeg"
    return encode(image, kind, Encoding(quality=output.quality, effort=output.effort), "none")


def _size(opened: Opened, output: Output) -> tuple[int, int]:
    width, height = opened.source.width, opened.source.height
    if opened.source.orientation in SIDEWAYS:
        width, height = height, width
    return plan(Resize(width=output.box_px, height=output.box_px, fit="inside"), width, height).scaled


if __name__ == "__main__":
    sys.exit(main())
