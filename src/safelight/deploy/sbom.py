"""The bill of materials of a package, in CycloneDX's JSON: Python packages, and the libraries inside of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from safelight import __version__
from safelight.deploy.bundled import Library, libraries
from safelight.deploy.parts import Part

SPEC = "1.6"
EXPRESSION = re.compile(r"\(?[A-Za-z0-9.+-]+\)?( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*")
"""An SPDX expression, as against a licence that is described in words."""


def document(name: str, digest: str, parts: Sequence[Part]) -> str:
    """Return the bill of materials: the same text for the same package, so without a time. Source: CycloneDX 1.6.

    Args:
        name: the project's.
        digest: the package's, which its serial number is made of.
        parts: with a purl where they are of others or ours; a part without one is the project itself.
    """
    others = [part for part in parts if part.purl]
    bom = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "safelight", "version": __version__}]},
            "component": {"type": "application", "bom-ref": "function", "name": name, "hashes": _hashes(digest)},
        },
        "components": [_component(part) for part in others],
        "dependencies": [{"ref": "function", "dependsOn": [part.purl for part in others]}],
    }
    return msgspec.json.format(msgspec.json.encode(bom), indent=2).decode() + "\n"


def _component(part: Part) -> dict[str, Any]:
    about = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
    inside = [_inner(each, part) for each in libraries(part)]
    return {
        **about,
        **({"hashes": _hashes(part.sha256)} if part.sha256 else {}),
        **_licences(part.licence),
        **({"components": inside} if inside else {}),
    }


def _inner(library: Library, part: Part) -> dict[str, Any]:
    # The same library may be in two packages: a reference names one of them.
    reference = f"{part.purl}#{library.name}@{library.version}"
    optional = {"version": library.version, "purl": library.purl}
    told = {key: value for key, value in optional.items() if value}
    return {"type": "library", "bom-ref": reference, "name": library.name, **told, **_licences(library.licence)}


def _licences(text: str) -> dict[str, Any]:
    if not text:
        return {}
    return {"licenses": [{"expression": text} if EXPRESSION.fullmatch(text) else {"license": {"name": text}}]}


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]
