"""The package of the function: Safelight, what it runs on and the project, in a zip that Lambda takes as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from safelight import packed
from safelight.config import Loaded
from safelight.deploy import arch, archive, bytecode, own, sbom, wheel
from safelight.deploy.errors import PackageBroken
from safelight.deploy.parts import File, Part
from safelight.deploy.prices import hot_rates, prices


class Order(Struct, frozen=True, kw_only=True):
    """What is to be packed, and where to.

    `python` compiles the sources where it is given; `starts` are the modules that have to run.
    """

    found: Loaded
    arch: arch.Arch
    out: Path
    sbom: Path | None = None
    python: str | None = None
    source: Path = own.SOURCE
    starts: tuple[str, ...] = own.HANDLERS


class Row(Struct, frozen=True, kw_only=True):
    """One line of the list of contents; sizes in bytes."""

    name: str
    version: str
    licence: str
    files: int
    size: int
    zipped_size: int


class Package(Struct, frozen=True, kw_only=True):
    """A package that was written. The digest is that of its contents before anything was compiled."""

    file: str
    arch: arch.Arch
    digest: str
    compiled: bool
    size: int
    zipped_size: int
    parts: tuple[Row, ...]


def build(order: Order, wheels: Sequence[Path], told: Callable[[str], None]) -> Package:
    """Write the zip, and the bill of materials if one is asked for.

    Args:
        order: what and where to.
        wheels: what `fetch.wheels` gave for the same processor.
        told: is called with what begins.

    Raises:
        PackageBroken, PackageTooLarge, OutputUnwritable, InvalidRecipe
    """
    check(order)
    parts = collect(order, wheels)
    whole = _compiled(parts, order.python, told)
    archive.check_size(_files(whole))
    digest = archive.digest(_files(parts))
    bill = sbom.document(order.found.settings.name, digest, parts) if order.sbom else ""
    told(f"Writing {order.out} ...")
    zipped = archive.write(_files(whole), order.out)
    if order.sbom:
        archive.write_text(bill, order.sbom)
    return Package(
        file=str(order.out),
        arch=order.arch,
        digest=digest,
        compiled=whole is not parts,
        size=sum(part.size for part in whole),
        zipped_size=order.out.stat().st_size,
        parts=tuple(_row(part, zipped) for part in whole),
    )


def digest_of(order: Order, wheels: Sequence[Path]) -> str:
    """Return the digest that a package would have, without compiling or writing it.

    Raises:
        PackageBroken, PackageTooLarge, InvalidRecipe
    """
    files = _files(collect(order, wheels))
    archive.check_size(files)
    return archive.digest(files)


def check(order: Order) -> None:
    """Check what can be known before anything is fetched.

    Raises:
        PackageBroken, OutputUnwritable, InvalidRecipe
    """
    for place in filter(None, (order.out, order.sbom)):
        archive.check_place(place)
    own.source(order.source, order.starts)
    _project(order)


def collect(order: Order, wheels: Iterable[Path]) -> list[Part]:
    """Return the parts of a package, as they are before anything is compiled.

    Raises:
        PackageBroken: a file is there twice or for another processor, or something that is imported is missing.
        InvalidRecipe
    """
    code, others = own.source(order.source, order.starts)
    parts = [_project(order), code, *map(wheel.part, wheels)]
    names: dict[str, str] = {}
    for part in parts:
        for file in part.files:
            if file.name in names:
                raise PackageBroken(f"{file.name} is in {names[file.name]} and in {part.name}")
            names[file.name] = part.name
    arch.check_machine(_files(parts), order.arch)
    _check_imports(others, names)
    return parts


def _project(order: Order) -> Part:
    """Return the project's part, with the rates by which jobs tell their cost."""
    part, rates = own.project(order.found), hot_rates(prices(order.found.folder), order.arch)
    return replace(part, files=(*part.files, File(f"{packed.FOLDER}/{packed.RATES}", packed.dump_rates(rates))))


def _check_imports(others: Mapping[str, str], names: Iterable[str]) -> None:
    provided = {name.partition("/")[0].partition(".")[0] for name in names}
    missing = {name: asks for name, asks in others.items() if name not in provided}
    if missing:
        name, asks = next(iter(missing.items()))
        raise PackageBroken(f"{asks} imports {name}, which no wheel of the package has")


def _compiled(parts: list[Part], python: str | None, told: Callable[[str], None]) -> list[Part]:
    if python is None:
        return parts
    told("Compiling ...")
    made = bytecode.compiled(_files(parts), python)
    if not made:
        return parts
    return [replace(each, files=(*each.files, *(made[f.name] for f in each.files if f.name in made))) for each in parts]


def _files(parts: Iterable[Part]) -> list[File]:
    return [file for part in parts for file in part.files]


def _row(part: Part, zipped: Mapping[str, int]) -> Row:
    return Row(
        name=part.name,
        version=part.version,
        licence=part.licence,
        files=len(part.files),
        size=part.size,
        zipped_size=sum(zipped[file.name] for file in part.files),
    )
