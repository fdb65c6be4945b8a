"""The processors that Lambda has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from safelight.deploy.errors import PackageBroken
from safelight.deploy.parts import File

Arch = Literal["arm64", "x86_64"]
ARCHES: tuple[Arch, ...] = get_args(Arch)
DEFAULT: Arch = "arm64"
"""As the function is deployed: a fifth cheaper than x86_64."""

MACHINES: dict[Arch, str] = {"arm64": "aarch64", "x86_64": "x86_64"}
"""How wheels call them."""
ELF_MACHINES: dict[Arch, int] = {"arm64": 183, "x86_64": 62}
"""`e_machine` of binary files. Source: System V ABI, ELF header; EM_AARCH64 and EM_X86_64."""

NEWEST_GLIBC = 34
"""Minor number of the C library that Lambda's Python 3.14 runs on, which is Amazon Linux 2023 with glibc 2.34."""


def platforms(arch: Arch) -> list[str]:
    """Return every platform tag of wheels that run on Lambda, the newest first. Source: PEP 600."""
    machine = MACHINES[arch]
    return [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, 16, -1)] + [f"manylinux2014_{machine}"]


def check_machine(files: Iterable[File], arch: Arch) -> None:
    """Check that every binary file is for the processor.

    Raises:
        PackageBroken
    """
    for file in files:
        if file.is_binary and int.from_bytes(file.body[18:20], "little") != ELF_MACHINES[arch]:
            raise PackageBroken(f"{file.name} is no binary file for {arch}, which the package is to be for")
