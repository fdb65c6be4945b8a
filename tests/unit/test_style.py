"""The sizes of CONTRIBUTING.md that no linter counts: lines of a module and lines of a function."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = (path for folder in ("src", "demo", "bench", "docs") for path in (ROOT / folder).rglob("*.py"))
MODULES = sorted(path for path in FOUND if "node_modules" not in path.parts)
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "ctx"}


def long_functions(tree: ast.AST) -> Iterator[str]:
    """Name the functions that are too long. A docstring does not count: it is to be as long as its subject needs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno - 1
            lines = (node.end_lineno or 0) - (start or 0)
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_as_written_keeps_to_the_sizes(path: Path) -> None:
    """A module has at most 300 lines and a function at most 40; longer ones are split by subject."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_MODULE_LINES, f"split {path.relative_to(ROOT)} by subject"
    assert list(long_functions(ast.parse(text))) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_name_is_not_vague(path: Path) -> None:
    """A file is named after what it holds."""
    assert path.stem not in VAGUE


def test_long_functions_over_the_limit_are_named() -> None:
    """The check itself finds an offender, counts no docstring, and looks inside classes."""
    body = "".join(f"        x = {i}\n" for i in range(MAX_FUNCTION_LINES))
    source = f"class C:\n    def f(self):\n        '''One.\n\n        Two.\n        '''\n{body}"
    assert list(long_functions(ast.parse(source))) == []
    assert list(long_functions(ast.parse(source + "        x = 0\n"))) == ["f has 41 lines"]
