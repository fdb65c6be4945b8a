"""The result of a run: as a table, and as a file that says everything it depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.corpus import Photo
from bench.measure import Memory, Sample
from bench.outputs import Written
from bench.ratios import Ratio

HEADS = ("engine", "CPU ms", "of Pillow", "in all", "of sharp", "wall ms", "peak MB", "private", "KB out", "score")


class Row(Struct, frozen=True, kw_only=True):
    """One engine's figures. `total_of_pillow` is the ratio of the sums over all photographs."""

    name: str
    label: str
    cpu_ms: float
    wall_ms: float
    of_pillow: Ratio
    total_of_pillow: float
    of_sharp: Ratio | None
    memory: Memory
    written: Written


class Machine(Struct, frozen=True, kw_only=True):
    """Where it ran. `load` is the number of busy processes just before: above 0.5, others shared the machine."""

    cpu: str
    cores: int
    system: str
    load: float


class Result(Struct, frozen=True, kw_only=True):
    """Everything that one run of the benchmark found."""

    command: str
    machine: Machine
    versions: Mapping[str, str]
    settings: Mapping[str, str]
    rounds: int
    photos: tuple[Photo, ...]
    rows: tuple[Row, ...]
    samples: tuple[Sample, ...]


def machine() -> Machine:
    """Return what this machine is."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        models = []
    return Machine(
        cpu=models[0] if models else platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=platform.platform(),
        load=os.getloadavg()[0],
    )


def table(result: Result) -> str:
    """Return the figures as lines for a terminal."""
    lines = [HEADS, *(_cells(row) for row in result.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def save(result: Result, path: Path) -> None:
    """Write the result as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.label,
        f"{row.cpu_ms:.0f}",
        str(row.of_pillow),
        f"{row.total_of_pillow:.2f}",
        str(row.of_sharp or "-"),
        f"{row.wall_ms:.0f}",
        f"{row.memory.peak_mb:.0f}",
        "-" if row.memory.private_mb is None else f"{row.memory.private_mb:.0f}",
        f"{row.written.kilobytes:.0f}",
        "-" if row.written.score is None else f"{row.written.score:.1f}",
    )
