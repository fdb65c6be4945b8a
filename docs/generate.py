"""Write what is generated from the code: `python docs/generate.py`, or `--check` to exit 1 when a file has drifted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for docs.make and demo, which are not installed

from docs.make import bills, codes, commands, configuration, pictures, stack, terraform, transforms
from docs.make.examples import EXAMPLES
from safelight.recipe import schema
from safelight.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs/reference"
TRANSFORMS = REFERENCE / "transforms"
TERRAFORM = ROOT / "infra/terraform"
PAGES: list[tuple[Path, Callable[[], str]]] = [
    (REFERENCE / "configuration.md", configuration.configuration),
    (REFERENCE / "commands.md", commands.commands),
    (REFERENCE / "errors.md", codes.errors),
    (REFERENCE / "template.md", stack.page),
    (ROOT / "docs/howto/cost.md", bills.cost),
    (ROOT / "docs/scale.md", bills.scale),
    (schema.SHIPPED, lambda: schema.text(Settings)),
    (TERRAFORM / "variables.tf.json", terraform.variables),
    (TERRAFORM / "outputs.tf.json", terraform.outputs),
    (TRANSFORMS / "README.md", transforms.index),
    *((TRANSFORMS / f"{each.step}.md", lambda each=each: transforms.page(each)) for each in EXAMPLES),
]


def main(arguments: list[str]) -> int:
    """Write the pages and pictures, or with `--check` name those that differ from the code."""
    is_check = "--check" in arguments
    drifted = [*_pages(is_check=is_check), *_pictures(is_check=is_check)]
    word = "has drifted; run python docs/generate.py" if is_check else "written"
    for path in drifted:
        sys.stdout.write(f"{path.relative_to(ROOT)}: {word}\n")
    return 1 if drifted and is_check else 0


def _pages(*, is_check: bool) -> Iterator[Path]:
    for path, make in PAGES:
        text = make()
        if not path.exists() or path.read_text("utf-8") != text:
            if not is_check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            yield path


def _pictures(*, is_check: bool) -> Iterator[Path]:
    """Draw the pictures that are not there. Their names tell what they show, so bytes need not be compared."""
    wanted = {TRANSFORMS / pictures.name(each): each for each in EXAMPLES}
    for path in sorted({*TRANSFORMS.glob("*.webp")} - {*wanted}):
        if not is_check:
            path.unlink()
        yield path
    for path, example in wanted.items():
        if not path.exists():
            if not is_check:
                path.write_bytes(pictures.sheet(example))
            yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
