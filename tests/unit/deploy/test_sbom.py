"""The bill of materials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from safelight.deploy import sbom
from safelight.deploy.bundled import libraries
from safelight.deploy.parts import File, Part
from safelight.deploy.wheel import part
from tests.unit.deploy.making import elf, wheel

VIPS = elf(183, b"\x008.18.7\0..AOMedia Project AV1 Encoder v3.15.1\0..librsvg\0mozjpeg version 5.0.0 (build 1)\0")
BOM: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "components": [
        {"bom-ref": "self", "name": "Pillow"},
        {"bom-ref": "p#c-ext/PIL._imaging", "name": "PIL._imaging"},
        {"bom-ref": "p#c-ext/PIL._avif", "name": "PIL._avif"},
        {
            "bom-ref": "jpeg",
            "name": "libjpeg / turbo",
            "version": "3",
            "licenses": [{"license": {"id": "IJG"}}],
        },
        {"bom-ref": "avif", "name": "libavif", "version": "1.4"},
        {"bom-ref": "liq", "name": "libimagequant", "scope": "optional"},
        {"bom-ref": "webp", "name": "libwebp", "version": "1.6", "licenses": [{"expression": "BSD-3-Clause"}]},
    ],
    "dependencies": [
        {"ref": "p#c-ext/PIL._imaging", "dependsOn": ["jpeg", "liq"]},
        {"ref": "p#c-ext/PIL._avif", "dependsOn": ["avif"]},
    ],
}


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    bindings = {"pyvips_binary.libs/libvips-1a.so.42": VIPS, "_libvips.so": elf(183, b"libvips-1a.so.42")}
    vips = wheel(tmp_path, "pyvips-binary", bindings)
    pillow = wheel(
        tmp_path,
        "pillow",
        {
            "PIL/_imaging.so": elf(183, b"libjpeg-1a.so libwebp-2b.so libodd-3c.so"),
            "PIL/_avif.so": elf(183),
            "pillow.libs/libjpeg-1a.so": elf(183),
            "pillow.libs/libwebp-2b.so": elf(183),
            "pillow.libs/libodd-3c.so": elf(183),
            "pillow-1.0.dist-info/sboms/pillow.cdx.json": json.dumps(BOM).encode(),
        },
    )
    ours = Part(name="safelight", version="1.0", licence="Apache-2.0", purl="pkg:pypi/safelight@1.0")
    return [Part(name="holiday", licence="yours"), ours, part(vips), part(pillow)]


def test_document_is_valid_cyclonedx(parts: list[Part]) -> None:
    """Its schema takes it, strictly: other tools can read it."""
    text = sbom.document("holiday", "ab" * 32, parts)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.replace('"library"', '"thing"')) is not None


def test_document_names_packages_and_the_libraries_inside(parts: list[Part]) -> None:
    """A weakness in libvips' AVIF encoder is found by who reads the list."""
    found = json.loads(sbom.document("holiday", "ab" * 32, parts))
    by_name = {each["name"]: each for each in found["components"]}
    assert list(by_name) == ["safelight", "pyvips-binary", "pillow"]
    inside = {each["name"]: each.get("version") for each in by_name["pyvips-binary"]["components"]}
    assert inside == {"aom": "3.15.1", "librsvg": None, "libvips": "8.18.7", "mozjpeg": "5.0.0"}
    assert by_name["pyvips-binary"]["hashes"][0]["content"] == parts[2].sha256
    assert by_name["pillow"]["licenses"] == [{"expression": "MIT"}]
    assert found["metadata"]["component"]["name"] == "holiday"


def test_document_is_the_same_for_the_same_package(parts: list[Part]) -> None:
    """No time and no random number: it can be compared, and its serial number follows the package's digest."""
    assert sbom.document("x", "ab" * 32, parts) == sbom.document("x", "ab" * 32, parts)
    first, second = (json.loads(sbom.document("x", each * 32, parts))["serialNumber"] for each in ("ab", "cd"))
    assert first != second


def test_libraries_of_a_wheel_with_its_own_list_are_those_that_are_left(parts: list[Part]) -> None:
    """What a left-out module needs is not there, nor what is optional; unlisted files are named all the same."""
    found = {each.name: (each.version, each.licence) for each in libraries(parts[3])}
    assert found == {
        "libjpeg / turbo": ("3", "IJG"),
        "libodd": ("", ""),
        "libwebp": ("1.6", "BSD-3-Clause"),
    }


def test_libraries_of_pure_python_are_none() -> None:
    """No file, no library."""
    assert libraries(Part(name="x", files=(File("x/a.py", b"mozjpeg version 5.0.0"),))) == []


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        ("MIT", [{"expression": "MIT"}]),
        ("Apache-2.0 OR (MIT AND Zlib)", [{"expression": "Apache-2.0 OR (MIT AND Zlib)"}]),
        ("MIT License", [{"license": {"name": "MIT License"}}]),
        ("", None),
    ],
)
def test_document_tells_expressions_from_words(text: str, licences: object) -> None:
    """SPDX has an expression for it, or the package's own words stand."""
    one = Part(name="a", licence=text, purl="pkg:pypi/a@1")
    [found] = json.loads(sbom.document("x", "ab" * 32, [one]))["components"]
    assert found.get("licenses") == licences
