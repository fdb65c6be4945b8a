"""Safelight's own part of the package: the modules that the handlers reach, and the project that it is to develop."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from safelight import __version__, packed
from safelight.config import Loaded
from safelight.deploy.errors import PackageBroken
from safelight.deploy.parts import File, Part
from safelight.recipe import assets

HANDLERS = ("safelight.entry.lambda_handler", "safelight.entry.dead_letters", "safelight.entry.digest")
"""What the stack's functions start with; one package serves all of them."""
SOURCE = Path(__file__).parents[2]
"""The folder that has the package safelight."""
LICENCE_NAMES = ("LICENSE", "NOTICE", "OFL", "COPYING")


class Reached(Struct, frozen=True, kw_only=True):
    """What importing a module brings along: modules of ours with their files, and packages of others with who asks."""

    modules: dict[str, Path]
    others: dict[str, str]


def source(root: Path = SOURCE, starts: Iterable[str] = HANDLERS) -> tuple[Part, dict[str, str]]:
    """Return Safelight's code, and the packages of others that it imports, each with the module that does.

    Whatever a module that is reached imports, also inside of functions, is reached; a data file goes along when a
    module that is reached names it.

    Raises:
        PackageBroken: a module to start from is missing.
    """
    found = reached(root, starts)
    paths = [*found.modules.values(), *_named_files(found.modules.values())]
    files = [File(path.relative_to(root).as_posix(), path.read_bytes()) for path in dict.fromkeys(paths)]
    part = Part(
        name="safelight",
        version=__version__,
        licence="Apache-2.0",
        files=(*files, *_licences()),
        purl=f"pkg:pypi/safelight@{__version__}",
    )
    return part, found.others


def project(found: Loaded) -> Part:
    """Return the settings as parsed, and the logos and fonts that they name.

    Raises:
        InvalidRecipe: a file changed since the configuration was read.
    """
    bodies = {packed.FILE: packed.dump(found.settings), **assets.read(found.settings.recipes, found.folder)}
    files = tuple(File(f"{packed.FOLDER}/{name}", body) for name, body in bodies.items())
    return Part(name=found.settings.name, licence="yours", files=files)


def reached(root: Path, starts: Iterable[str]) -> Reached:
    """Follow the imports of modules, as written, from some of them on.

    Raises:
        PackageBroken: a module to start from is missing.
    """
    waiting = list(starts)
    for start in waiting:
        if _file(root, start) is None:
            raise PackageBroken(f"this Safelight has no module {start}")
    modules: dict[str, Path] = {}
    others: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        path = _file(root, name)
        if name in modules or path is None:
            continue
        modules[name] = path
        for imported in (name.rpartition(".")[0], *_imports(path, name)):
            if _file(root, imported):
                waiting.append(imported)
            elif imported.partition(".")[0] not in (*sys.stdlib_module_names, name.partition(".")[0], ""):
                others.setdefault(imported.partition(".")[0], name)
    return Reached(modules=modules, others=others)


def _file(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    candidates = (place.with_name(place.name + ".py"), place / "__init__.py")
    return next((path for path in candidates if module and path.is_file()), None)


def _imports(path: Path, name: str) -> Iterator[str]:
    """Yield the modules that a file may import; of `from a import b` both a and a.b."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _run_nodes(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            yield module
            # What is no module of ours, such as a class, is found to be none.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but those that only a type checker sees."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from _run_nodes(child)


def _named_files(modules: Iterable[Path]) -> Iterator[Path]:
    """Yield the data files below a module's folder that it names, and the licences beside those."""
    for module in modules:
        text = module.read_text(encoding="utf-8")
        for path in sorted(module.parent.rglob("*")):
            if path.is_file() and path.suffix not in (".py", ".pyc") and f'"{path.name}"' in text:
                yield path
                yield from (each for each in sorted(path.parent.iterdir()) if each.name.startswith(LICENCE_NAMES))


def _licences() -> list[File]:
    """Return our own licence and notice, from where the installed package has them."""
    folder = f"safelight-{__version__}.dist-info/licenses"
    try:
        texts = {
            name: metadata.distribution("safelight").read_text(f"licenses/{name}") for name in ("LICENSE", "NOTICE")
        }
    except metadata.PackageNotFoundError:
        return []
    return [File(f"{folder}/{name}", text.encode()) for name, text in texts.items() if text]
