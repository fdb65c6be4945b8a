"""Made-up wheels, source trees and projects to pack."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from safelight.config import load
from safelight.deploy.package import Order

VERSION = "1.0"
METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n\nText.\n"


def elf(machine: int, text: bytes = b"") -> bytes:
    """Return what begins as a binary file for a machine does."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(8) + text


ARM, INTEL = elf(183), elf(62)


def wheel(
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    tag: str = "py3-none-any",
    seed: int = 0,
) -> Path:
    """Write a wheel; another seed gives the same files in another order and with other times."""
    info = f"{name.replace('-', '_')}-{VERSION}.dist-info"
    bodies = {
        f"{info}/METADATA": METADATA.format(name=name, version=VERSION).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\nRoot-Is-Purelib: true\n".encode(),
        f"{info}/RECORD": b"",
        f"{info}/licenses/LICENSE": b"Permission is granted.\n",
        **files,
    }
    path = folder / f"{name.replace('-', '_')}-{VERSION}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(bodies)
    random.Random(seed).shuffle(names)
    with ZipFile(path, "w") as made:
        for each in names:
            made.writestr(ZipInfo(each, (2000 + seed, 1, 1, 0, 0, 0)), bodies[each])
    return path


def lock(*wheels: Path) -> str:
    """Return a lock of these wheels."""
    lines = ["# made\n"]
    for path in wheels:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name, version = path.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}\n")
    return "".join(lines)


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a tree of texts."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


SOURCE = {
    "safelight/__init__.py": "",
    "safelight/entry/__init__.py": "",
    "safelight/entry/lambda_handler.py": "from safelight import core\nimport lib\nNAMES = {'a', 'b', 'c', 'd', 'e'}\n",
    "safelight/entry/dead_letters.py": "from safelight import core\n",
    "safelight/entry/digest.py": "from safelight import later\n",
    "safelight/later.py": "",
    "safelight/core.py": "import json\n",
    "safelight/entry/cli.py": "import click\n",
}
"""A Safelight of a few lines."""
RECIPE = """\
name: holiday
recipes:
  - name: photos
    renditions:
      - key: "{dir}{filename}-320.webp"
        resize: {width: 320}
        watermark: {image: brand/logo.png}
"""


def order(folder: Path, logo: bytes, **changes: object) -> Order:
    """Return an order to pack a project with a logo and the Safelight of a few lines."""
    project = tree(folder / "project", {"safelight.yaml": RECIPE})
    (project / "brand").mkdir(exist_ok=True)
    (project / "brand/logo.png").write_bytes(logo)
    (folder / "out").mkdir(exist_ok=True)
    fields: dict[str, object] = {
        "found": load(project / "safelight.yaml", {}),
        "arch": "arm64",
        "out": folder / "out/function.zip",
        "source": tree(folder / "source", SOURCE),
    }
    return Order(**{**fields, **changes})  # type: ignore[arg-type]
