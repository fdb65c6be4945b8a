"""What developing one upload will take: CPU by its recipe's renditions, bytes of its outputs, calls and time.

Sizes, shrinking and order of sizes are Safelight's own; how long each stage takes was measured (`durations.toml`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from msgspec import Struct

from safelight import sample
from safelight.deploy.arch import DEFAULT, Arch
from safelight.deploy.durations import Around, Durations, Output
from safelight.lead import lead_of
from safelight.recipe.keys import output_format
from safelight.recipe.model import Recipe, Rendition
from safelight.shrink import jpeg_factor

FULL_CPU_MB = 1769
"""With so much memory a function has one whole CPU; with less, its share.

Source: AWS Lambda developer guide, "Configure Lambda function memory".
"""
SHAPE = 4 / 3
"""Width to height of the upload that is reckoned with."""
MANIFEST_MB = 0.002
SAMPLE_MP = sample.MOST / 1e6
"""A search for a quality looks at so much of a picture at most."""
CALLS = {"UpdateItem": 1, "GetItem": 1, "TransactWriteItems": 1, "get": 1}
"""What a job asks of AWS before its first output, `put` for each of those aside: lease, job, start, the upload."""
CALLS_AFTER = 4
"""Ending, notice, what was told, and the end of the lease."""

Size = tuple[int, int]


class Machine(Struct, frozen=True, kw_only=True):
    """The function: its memory in MB as AWS counts them, and its processor."""

    memory: int = 512
    arch: Arch = DEFAULT

    @property
    def share(self) -> float:
        """Return how much of a CPU it has; developing uses one at most."""
        return min(1.0, self.memory / FULL_CPU_MB)


class Work(Struct, frozen=True, kw_only=True):
    """What a job is in itself: CPU at full speed, and MB of the upload and of each output."""

    recipe: str
    cpu_ms: float
    mb: float
    outputs_mb: Sequence[float]


class Forecast(Struct, frozen=True, kw_only=True):
    """One job. `work_ms` is the time of its stages, `after_ms` from the record of its ending to the answer."""

    recipe: str
    cpu_ms: float
    work_ms: float
    after_ms: float
    outputs: int
    out_mb: float


def upload_size(mb: float, kind: str, durations: Durations) -> Size:
    """Return width and height of an upload of so many MB, as pictures of its format have them."""
    pixels = mb / durations.source[kind].mb * 1e6
    return max(1, round(sqrt(pixels * SHAPE))), max(1, round(sqrt(pixels / SHAPE)))


def forecast(recipe: Recipe, mb: float, kind: str, machine: Machine, durations: Durations) -> Forecast:
    """Return what a job will take.

    Args:
        recipe: what is to be made.
        mb: the size of the upload (10^6 bytes).
        kind: its format.
        machine: the function.
        durations: what was measured.
    """
    source = upload_size(mb, kind, durations)
    changed = [each for each in recipe.renditions if not each.copies]
    cpu_ms = _copy_ms(source, kind, durations) if not changed else _change_ms(changed, source, kind, durations)
    sizes = [mb if each.copies else _mb(each, source, kind, durations) for each in recipe.renditions]
    if recipe.manifest:
        sizes.append(MANIFEST_MB)
    work = Work(recipe=recipe.name, cpu_ms=cpu_ms, mb=mb, outputs_mb=sizes)
    return timed(work, machine, durations.around)


def timed(work: Work, machine: Machine, around: Around) -> Forecast:
    """Return the time of a job on a function: its CPU, its calls, and moving the bytes."""
    slower = around.arm_factor if machine.arch == "arm64" else 1.0
    count, moved_mb = len(work.outputs_mb), work.mb + sum(work.outputs_mb)
    waited_ms = (len(CALLS) - 1) * around.call_ms + (1 + count) * around.object_ms + moved_mb * around.mb_ms
    return Forecast(
        recipe=work.recipe,
        cpu_ms=work.cpu_ms,
        work_ms=(work.cpu_ms + around.invocation_ms) * slower / machine.share + waited_ms,
        after_ms=CALLS_AFTER * around.call_ms,
        outputs=count,
        out_mb=sum(work.outputs_mb),
    )


def _copy_ms(source: Size, kind: str, durations: Durations) -> float:
    """Return the CPU of looking whether a file is whole."""
    return durations.source[kind].check_ms * _mp(source)


def _change_ms(renditions: Sequence[Rendition], source: Size, kind: str, durations: Durations) -> float:
    leads = [lead_of(each, *source) for each in renditions]
    scaled = sorted({lead.scaled for lead in leads}, key=_mp, reverse=True)
    factor = jpeg_factor(source, scaled[0]) if kind == "jpeg" else 1
    known = durations.source[kind]
    decoded = (source[0] // factor, source[1] // factor)
    levels = [decoded, *scaled]
    resized = sum(_mp(before) for before, after in pairwise(levels) if before != after)
    # A step works on the pixels of its rendition, and costs about as much as to resample them.
    steps = sum(len(lead.rest) * _mp(lead.scaled) for lead in leads)
    encoded = sum(_encode_ms(each, _mp(_made(each, source)), kind, durations) for each in renditions)
    return known.decode_ms[str(factor)] * _mp(source) + durations.resize_ms * (resized + steps) + encoded


def _encode_ms(rendition: Rendition, megapixels: float, kind: str, durations: Durations) -> float:
    how = _output(rendition, kind, durations)
    searched = rendition.quality is not None and not isinstance(rendition.quality, int)
    return how.encode_ms * megapixels + (how.search_ms * min(megapixels, SAMPLE_MP) if searched else 0)


def _mb(rendition: Rendition, source: Size, kind: str, durations: Durations) -> float:
    return _output(rendition, kind, durations).mb * _mp(_made(rendition, source))


def _output(rendition: Rendition, kind: str, durations: Durations) -> Output:
    """Return what is known of the output's format; what was not measured (GIF, TIFF) is taken for a PNG."""
    return durations.output.get(output_format(rendition.key, rendition.format) or kind, durations.output["png"])


def _made(rendition: Rendition, source: Size) -> Size:
    lead = lead_of(rendition, *source)
    if lead.geometry:
        return lead.geometry.size
    return lead.region.size if lead.region else lead.scaled


def _mp(size: Size) -> float:
    return size[0] * size[1] / 1e6
