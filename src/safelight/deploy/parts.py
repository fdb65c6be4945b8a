"""What a package is made of: parts, each with its files and its licence."""

from __future__ import annotations

from msgspec import Struct

ELF = b"\x7fELF"


class File(Struct, frozen=True):
    """A file of the package: its path in it, with /, and its bytes."""

    name: str
    body: bytes

    @property
    def is_binary(self) -> bool:
        """Whether it is machine code."""
        return self.body.startswith(ELF)

    @property
    def mode(self) -> int:
        """Permissions: Lambda runs as a user who is not the owner, so all may read."""
        return 0o755 if self.is_binary else 0o644


class Part(Struct, frozen=True, kw_only=True):
    """One ingredient of the package, such as a Python package."""

    name: str
    version: str = ""
    licence: str = ""
    files: tuple[File, ...] = ()
    purl: str = ""
    sha256: str = ""
    """Digest of the wheel it came from."""
    boms: tuple[bytes, ...] = ()
    """The CycloneDX documents that its wheel brings (PEP 770)."""

    @property
    def size(self) -> int:
        """Bytes when unpacked."""
        return sum(len(file.body) for file in self.files)
