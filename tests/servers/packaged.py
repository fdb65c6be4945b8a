"""The package for Lambda, built once for all tests that run or look at it: they share one group of the suite."""

from __future__ import annotations

import os
from pathlib import Path

from safelight.config import load
from safelight.deploy import bytecode, fetch, own
from safelight.deploy.arch import Arch
from safelight.deploy.package import Order, Package
from safelight.recipe import presets

# The one that `make test` got for Lambda's parts counts too.
SERVERS = own.SOURCE.parent / ".cache/servers/lambda/bin"
PY314 = bytecode.find_python(os.pathsep.join((os.environ.get("PATH", ""), str(SERVERS))))
STARTS = own.HANDLERS
Built = dict[Arch, tuple[Order, Package]]


def quiet(_: str) -> None:
    """Be told of what begins."""


def fetched(folder: Path) -> dict[Arch, list[Path]]:
    """Fetch everything for arm64; for x86_64 without pyvips, whose wheel is the same for all."""
    lock, pip = fetch.LOCK.read_text(encoding="utf-8"), fetch.Pip(environ=os.environ)
    (folder / "arm").mkdir()
    (folder / "intel").mkdir()
    arm = fetch.wheels(pip, "arm64", folder / "arm", lock, quiet)
    pins = fetch.pinned(lock)
    rest = "".join(pins[name] for name in pins if name not in (*fetch.SOURCES, *fetch.TOOLS))
    intel = fetch.wheels(pip, "x86_64", folder / "intel", rest, quiet)
    return {"arm64": arm, "x86_64": [*intel, *(each for each in arm if each.name.startswith("pyvips-"))]}


def order(folder: Path, arch: Arch, **changes: object) -> Order:
    """Return the order of a package of the preset `web` in a folder."""
    (folder / "safelight.yaml").write_text(presets.read("web"), encoding="utf-8")
    fields: dict[str, object] = {
        "found": load(folder / "safelight.yaml", {}),
        "arch": arch,
        "out": folder / f"{arch}.zip",
    }
    return Order(**{**fields, "starts": STARTS, **changes})  # type: ignore[arg-type]
