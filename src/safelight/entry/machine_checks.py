"""Checks of the machine: Python, libvips and its formats, worker processes, limits of the system."""

# Whatever may be broken here is imported by the check that is about it.
# ruff: noqa: PLC0415

from __future__ import annotations

import platform
import resource
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from safelight.entry.checkup import Site, Verdict, fail, ok, warn
from safelight.figures import time_text
from safelight.recipe.model import Limits, Recipe, Rendition
from safelight.settings import Settings
from safelight.steps.resize import Resize

if TYPE_CHECKING:
    import pyvips

    from safelight.encode import Format
    from safelight.job import Outcome

OLDEST_PYTHON = (3, 11)
OLDEST_VIPS, TESTED_VIPS = (8, 15), (8, 18)  # 8.15 brought `keep`, which says what metadata is written
OLDEST_SQLITE = (3, 34)
FEW_FILES = 256
SIDE_PX = 64
GIF = bytes.fromhex("474946383961 01000100800000 000000ffffff 2c000000000100010000 0202440100 3b")
"""The smallest GIF: one pixel. libvips is not asked to write this format, only to read it."""

REINSTALL = "Install the package pyvips-binary, which brings a complete libvips."


def python(_: Site) -> Verdict:
    """Look at the interpreter."""
    detail = (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    if sys.version_info < OLDEST_PYTHON:
        return fail(detail, f"Use Python {'.'.join(map(str, OLDEST_PYTHON))} or newer.")
    return ok(detail)


def vips(_: Site) -> Verdict:
    """Look at libvips and how it is called."""
    try:
        import pyvips
    except (ImportError, OSError) as err:
        return fail(f"libvips does not load: {err}", REINSTALL)
    version = tuple(pyvips.version(part) for part in range(3))
    detail = f"{'.'.join(map(str, version))}, pyvips {pyvips.__version__} in {'API' if pyvips.API_mode else 'ABI'} mode"
    if version < OLDEST_VIPS:
        return fail(detail, REINSTALL)
    if version < TESTED_VIPS:
        return warn(f"{detail}; tested is {'.'.join(map(str, TESTED_VIPS))}", REINSTALL)
    return ok(detail)


def jpeg(_: Site) -> Verdict:
    """Write and read a JPEG."""
    return _writes("jpeg")


def png(_: Site) -> Verdict:
    """Write and read a PNG."""
    return _writes("png")


def webp(_: Site) -> Verdict:
    """Write and read a WebP."""
    return _writes("webp")


def avif(_: Site) -> Verdict:
    """Write and read an AVIF."""
    return _writes("avif")


def gif(_: Site) -> Verdict:
    """Read a GIF."""
    return _reads("gif", GIF)


def tiff(_: Site) -> Verdict:
    """Read a TIFF."""
    import pyvips

    try:
        made = _sample().tiffsave_buffer()
    except pyvips.Error:
        return fail("this libvips has no TIFF", REINSTALL)
    return _reads("tiff", made)


def heic(_: Site) -> Verdict:
    """Import the decoder of HEIC."""
    try:
        import pi_heif
    except (ImportError, OSError) as err:
        return fail(f"the decoder does not load: {err}", "Install the package pi-heif.")
    info: dict[str, Any] = vars(pi_heif)["libheif_info"]()  # the package does not mark what it exports
    if not any("HEVC" in name for name in info["decoders"].values()):
        return fail("this libheif has no decoder for it", "Install the package pi-heif from its wheel.")
    return ok(f"reads, by libheif {info['libheif']}")


def _writes(kind: Format) -> Verdict:
    import pyvips

    from safelight.encode import Encoding, encode

    try:
        made = encode(_sample(), kind, Encoding(), "none")
    except pyvips.Error:
        return fail("does not encode", REINSTALL)
    read = _reads(kind, made)
    return ok("writes and reads") if read.status == "ok" else read


def _reads(kind: str, made: bytes) -> Verdict:
    from safelight.decode import open_upload
    from safelight.errors import SafelightError
    from safelight.validate import validate

    try:
        opened = open_upload(made, Limits())
        validate(opened)
    except SafelightError:
        return fail("does not decode", REINSTALL)
    return ok("reads") if opened.format == kind else fail(f"is taken for {opened.format}", REINSTALL)


def _sample() -> pyvips.Image:
    """Return a small picture: a gradient."""
    import pyvips

    ramp = pyvips.Image.xyz(SIDE_PX, SIDE_PX) * (255 / SIDE_PX)
    return ramp.bandjoin(128).cast("uchar").copy(interpretation="srgb")


def sqlite(_: Site) -> Verdict:
    """Look at the database engine that Python brings."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return fail(version, f"Use a Python with SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer.")
    return ok(version)


def open_files(_: Site) -> Verdict:
    """Look at how many files a process may have open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return ok("no limit")
    if soft < FEW_FILES:
        return warn(f"only {soft} for a process", f"Raise the limit before `safelight up`: ulimit -n {FEW_FILES * 4}")
    return ok(f"{soft} for a process")


def worker(place: Site) -> Verdict:
    """Develop a small picture from end to end in a worker process, with the project's limits."""
    with tempfile.TemporaryDirectory(prefix="safelight-doctor-") as folder:
        outcomes = _develop(Path(folder), place.settings.limits)
    if not outcomes:
        return fail("a worker process gave no outcome", "Report this with the output of `safelight doctor --json`.")
    [outcome] = outcomes
    if outcome.error:
        return fail(f"{outcome.error.code}: {outcome.error.message}", outcome.error.remedy)
    made = f"{len(outcome.renditions)} renditions in {time_text(outcome.duration_ms or 0)}"
    return ok(f"{made}, {outcome.peak_mb} MB at the peak of the {place.settings.limits.memory} MB allowed")


def _develop(folder: Path, limits: Limits) -> list[Outcome]:
    from safelight.entry import batch

    recipe = Recipe(
        name="doctor",
        renditions=tuple(
            Rendition(key=f"{{stem}}.{ending}", resize=Resize(width=SIDE_PX // 2)) for ending in ("jpg", "webp", "avif")
        ),
    )
    source = folder / "in"
    source.mkdir()
    _sample().pngsave(str(source / "sample.png"))
    outcomes: list[Outcome] = []
    settings = Settings(limits=replace(limits, seconds=min(limits.seconds, 30)), recipes=(recipe,))
    with batch.passing_local(settings, [("in", source)], folder / "out") as local:
        batch.develop_all(local, list(local.inputs["in"].walk()), 1, outcomes.extend)
    return outcomes
