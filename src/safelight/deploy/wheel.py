"""A wheel as a part of the package: its files without those that a function never loads, and its licence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from safelight.deploy.errors import PackageBroken
from safelight.deploy.parts import File, Part

ONLY: Mapping[str, tuple[str, ...]] = {
    # pyvips-binary brings bindings that were compiled: they need cffi's core, not what makes bindings.
    "cffi": ("_cffi_backend.",),
    # What pi-heif imports; Pillow's own codecs and fonts would weigh half as much as libvips.
    "pillow": (
        *(f"PIL/{name}." for name in ("__init__", "_binary", "_deprecate", "_imaging", "_util", "_version")),
        *(f"PIL/{name}." for name in ("ExifTags", "Image", "ImageFile", "ImageMode", "ImageSequence", "TiffTags")),
    ),
}
"""Beginnings of the only files that are taken of a package; of others all are."""
ENDINGS = (".pyi", ".pyx", ".pxd", ".h", ".c", "py.typed")
"""What only compilers, editors and type checkers read."""
KEPT_INFO = ("METADATA", "licenses", "LICENSE", "LICENCE", "NOTICE", "COPYING", "AUTHORS")
"""What stays of `*.dist-info`: who made it and on which terms. RECORD and the like differ from build to build."""
LIBRARIES = ".libs/"
"""Folder in which wheels bring shared libraries of others. Source: auditwheel."""


def part(path: Path) -> Part:
    """Read a wheel.

    Raises:
        PackageBroken: it is no wheel, or has files that only an installer can place.
    """
    bodies = _bodies(path)
    metadata = next((name for name in bodies if name.endswith(".dist-info/METADATA")), None)
    strays = [name for name in bodies if ".data/" in name.partition("/")[0] + "/"]
    if metadata is None or strays:
        why = f"has {strays[0]}, which only an installer can place" if strays else "has no METADATA"
        raise PackageBroken(f"{path.name} {why}")
    about = HeaderParser().parsestr(bodies[metadata].decode("utf-8"))
    name = about["Name"].lower().replace("_", "-")
    return Part(
        name=name,
        version=about["Version"],
        licence=_licence(about),
        files=tuple(linked([File(each, body) for each, body in bodies.items() if _is_wanted(name, each)])),
        purl=f"pkg:pypi/{name}@{about['Version']}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        boms=tuple(body for each, body in bodies.items() if ".dist-info/sboms/" in each),
    )


def _bodies(path: Path) -> dict[str, bytes]:
    try:
        with ZipFile(path) as wheel:
            return {info.filename: wheel.read(info) for info in wheel.infolist() if not info.is_dir()}
    except (BadZipFile, OSError) as err:
        raise PackageBroken(f"{path.name} is no wheel that can be read") from err


def linked(files: list[File]) -> list[File]:
    """Leave out the shared libraries that no other file links to.

    auditwheel gives each library a name of its own, by digest: a binary file that holds the name links to it.
    """
    libraries = [file for file in files if LIBRARIES in file.name]
    found = [file for file in files if file not in libraries]
    waiting = [file for file in found if file.is_binary]
    while waiting:
        binary = waiting.pop()
        named = [each for each in libraries if PurePosixPath(each.name).name.encode() in binary.body]
        libraries = [each for each in libraries if each not in named]
        found += named
        waiting += named
    return found


def _is_wanted(package: str, name: str) -> bool:
    top, _, inner = name.partition("/")
    if top.endswith(".dist-info"):
        return inner.startswith(KEPT_INFO)
    return LIBRARIES in name or (not name.endswith(ENDINGS) and name.startswith(ONLY.get(package, "")))


def _licence(about: Message) -> str:
    """Return the licence as the metadata names it. Source: core metadata; the older field may hold a whole text."""
    named = about.get("License-Expression") or about.get("License") or ""
    kinds = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith("License ::")]
    return named if named and len(named) < 80 and "\n" not in named else ", ".join(kinds)
