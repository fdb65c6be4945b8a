"""Wheels as parts of a package."""

from pathlib import Path

import pytest

from safelight.deploy.wheel import part
from tests.unit.deploy.making import ARM, elf, wheel


def names(path: Path) -> set[str]:
    return {file.name for file in part(path).files}


def test_part_leaves_out_what_a_function_never_reads(tmp_path: Path) -> None:
    """Stubs, headers and the installer's notes stay behind; code, data and licences do not."""
    files = {"lib/a.py": b"", "lib/a.pyi": b"", "lib/py.typed": b"", "lib/a.h": b"", "lib/data.bin": b"1"}
    info = {f"lib-1.0.dist-info/{name}": b"" for name in ("INSTALLER", "direct_url.json", "top_level.txt", "NOTICE.md")}
    assert names(wheel(tmp_path, "lib", {**files, **info})) == {
        "lib/a.py",
        "lib/data.bin",
        "lib-1.0.dist-info/METADATA",
        "lib-1.0.dist-info/NOTICE.md",
        "lib-1.0.dist-info/licenses/LICENSE",
    }


def test_part_keeps_libraries_that_are_linked_to_and_theirs(tmp_path: Path) -> None:
    """A codec that was left out takes its libraries along, but not those that others share."""
    files = {
        "PIL/_imaging.cpython-314.so": elf(183, b"\0libjpeg-1a2b.so.8\0"),
        "PIL/_avif.cpython-314.so": elf(183, b"\0libavif-3c4d.so.1\0libjpeg-1a2b.so.8\0"),
        "PIL/Image.py": b"",
        "PIL/ImageFont.py": b"",
        "pillow.libs/libjpeg-1a2b.so.8": elf(183, b"\0libz-5e6f.so.1\0"),
        "pillow.libs/libavif-3c4d.so.1": ARM,
        "pillow.libs/libz-5e6f.so.1": ARM,
    }
    assert {name for name in names(wheel(tmp_path, "pillow", files)) if ".dist-info/" not in name} == {
        "PIL/_imaging.cpython-314.so",
        "PIL/Image.py",
        "pillow.libs/libjpeg-1a2b.so.8",
        "pillow.libs/libz-5e6f.so.1",
    }


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: MIT-CMU\nLicense: older", "MIT-CMU"),
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        (
            "License: Copyright\n    and more\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
        ),
        ("Classifier: License :: OSI Approved :: A\nClassifier: License :: OSI Approved :: B", "A, B"),
        ("Summary: none", ""),
    ],
)
def test_part_names_the_licence_of_the_metadata(tmp_path: Path, lines: str, licence: str) -> None:
    """Whichever of its three fields a package uses."""
    metadata = f"Metadata-Version: 2.4\nName: My_Lib\nVersion: 2.0\n{lines}\n\nText\n"
    found = part(wheel(tmp_path, "lib", {"lib-1.0.dist-info/METADATA": metadata.encode()}))
    assert (found.licence, found.name, found.version, found.purl) == (licence, "my-lib", "2.0", "pkg:pypi/my-lib@2.0")
