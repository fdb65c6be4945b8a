"""Libraries inside of binary files: as the wheel's own bill of materials says, or by the traces that they leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from safelight.deploy.parts import File, Part
from safelight.deploy.wheel import LIBRARIES


class Library(Struct, frozen=True):
    """A library of others; its licence is an SPDX expression. What is not known is empty."""

    name: str
    version: str = ""
    licence: str = ""
    purl: str = ""


class Trace(Struct, frozen=True):
    """How a library is found: a pattern that its code leaves, whose group is the version if there is one."""

    name: str
    licence: str
    pattern: bytes


LGPL2 = "LGPL-2.1-or-later"
TRACES: Mapping[str, tuple[Trace, ...]] = {
    "libvips": (
        Trace("libvips", LGPL2, rb"\0(8\.\d+\.\d+)\0"),
        Trace("aom", "BSD-2-Clause", rb"AOMedia Project AV1 Encoder v([\d.]+)"),
        Trace("cairo", "MPL-1.1", rb"cairo_"),
        Trace("cgif", "MIT", rb"cgif: true"),
        Trace("expat", "MIT", rb"expat"),
        Trace("fontconfig", "HPND-sell-variant", rb"[Ff]ontconfig (?:warning|error)"),
        Trace("freetype", "FTL", rb"truetype"),
        Trace("fribidi", LGPL2, rb"PangoCairo"),
        Trace("glib", LGPL2, rb"GLib-GObject"),
        Trace("harfbuzz", "MIT-Modern-Variant", rb"HB_SHAPER_LIST"),
        Trace("highway", "Apache-2.0 OR BSD-3-Clause", rb"hwy/targets\.cc"),
        Trace("lcms2", "MIT", rb"lcms2: true"),
        Trace("libarchive", "BSD-2-Clause", rb"libarchive (\d+\.\d+\.\d+)"),
        Trace("libexif", LGPL2, rb"libexif"),
        Trace("libffi", "MIT", rb"GLib-GObject"),
        Trace("libheif", "LGPL-3.0-or-later", rb"libheif warning"),
        Trace("libimagequant", "BSD-2-Clause", rb"with imagequant: true"),
        Trace("libpng", "libpng-2.0", rb"\0(1\.6\.\d+)\0"),
        Trace("librsvg", LGPL2, rb"librsvg"),
        Trace("libtiff", "libtiff", rb"libtiff"),
        Trace("libultrahdr", "Apache-2.0", rb"ultrahdr\d\duhdr"),
        Trace("libwebp", "BSD-3-Clause", rb"WEBPVP8"),
        Trace("libxml2", "MIT", rb"libxml2"),
        Trace("mozjpeg", "IJG AND BSD-3-Clause AND Zlib", rb"mozjpeg version (\d[\d.]*)"),
        Trace("pango", LGPL2, rb"PangoCairo"),
        Trace("pixman", "MIT", rb"pixman-implementation\.c"),
        Trace("zlib-ng", "Zlib", rb"\.zlib-ng"),
    ),
    "libheif": (Trace("libheif", "LGPL-3.0-or-later", rb"\0(1\.\d+\.\d+)\0"),),
    "libde265": (Trace("libde265", "LGPL-3.0-or-later", rb"\0(1\.\d+\.\d+)\0"),),
}
"""By shared library, what is linked into it.

Source: THIRD-PARTY-NOTICES.md of libvips-packaging, which makes the libvips of pyvips-binary; LICENSES_bundled.txt of
pi-heif.

fribidi and libffi leave no text of their own: they come with Pango and GObject, which are not built without them.
"""
ALIASES = {"libopenjp2": "openjpeg"}
"""Shared libraries that are not called after their project."""
MODULE_MARK = "#c-ext/"
"""How Pillow's bill of materials marks its own extension modules."""


def libraries(part: Part) -> list[Library]:
    """Return the libraries of others inside a part, by name."""
    listed = [found for bom in part.boms for found in _listed(msgspec.json.decode(bom), part)]
    known = {each.name.lower(): each for each, _ in listed}
    found = {each.name: each for each, is_needed in listed if is_needed}
    for file in part.files:
        if LIBRARIES in file.name:
            for library in _inside(file, known):
                found.setdefault(library.name, library)
    return sorted(found.values(), key=lambda library: library.name.lower())


def _inside(file: File, known: Mapping[str, Library]) -> Iterator[Library]:
    """Yield what a shared library consists of: at least itself."""
    stem = PurePosixPath(file.name).name.partition("-")[0].partition(".so")[0]
    traces = TRACES.get(stem, ())
    for trace in traces:
        seen = re.search(trace.pattern, file.body)
        if seen:
            version = seen[1].decode() if seen.groups() else ""
            yield Library(trace.name, version, trace.licence, f"pkg:generic/{trace.name}")
    if not traces:
        name = ALIASES.get(stem, stem).lower()
        yield next((known[each] for each in known if each.split(" ")[0] == name), Library(stem))


def _listed(bom: dict[str, Any], part: Part) -> Iterator[tuple[Library, bool]]:
    """Yield the components of a wheel's own CycloneDX document, and whether the files that are left need them."""
    components: list[dict[str, Any]] = bom.get("components", [])
    needed = _needed(bom, part)
    for each in components:
        is_self = MODULE_MARK in each["bom-ref"] or each["name"].lower().replace("_", "-") == part.name
        if not is_self:
            purl = each.get("purl", "")
            library = Library(each["name"], each.get("version", ""), _licence(each), purl)
            yield library, each.get("scope", "required") == "required" and each["bom-ref"] in needed


def _needed(bom: dict[str, Any], part: Part) -> set[str]:
    """Return the references of what is needed: all, or where modules are listed what those that are left depend on."""
    references: list[str] = [each["bom-ref"] for each in bom.get("components", [])]
    modules = {
        each: each.partition(MODULE_MARK)[2].replace(".", "/") + "." for each in references if MODULE_MARK in each
    }
    if not modules:
        return set(references)
    names = [file.name for file in part.files]
    waiting = [each for each, path in modules.items() if any(name.startswith(path) for name in names)]
    edges = {each["ref"]: each.get("dependsOn", []) for each in bom.get("dependencies", [])}
    needed: set[str] = set()
    while waiting:
        reference = waiting.pop()
        needed.add(reference)
        waiting += [each for each in edges.get(reference, []) if each not in needed]
    return needed


def _licence(component: Mapping[str, Any]) -> str:
    choices = [
        each.get("expression") or each.get("license", {}).get("id", "") for each in component.get("licenses", [])
    ]
    return " AND ".join(filter(None, choices))
