"""What the pages say can be done: their commands exist with those options, and their links lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from safelight.deploy.cloudformation import TEMPLATE, read
from tests.commands import expanded, lines, refusal

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
PAGES = [ROOT / name for name in LISTED.split()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_those_of_this_version(page: Path) -> None:
    """Each is taken by the command line as it is written, with every choice that it leaves."""
    written = [words for line in lines(page.read_text("utf-8")) for words in expanded(line)]
    assert [said for words in written if (said := refusal(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    """A relative link names a file of the repository, and after # one of its headings."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if re.match(r"[a-z]+:", target):
            continue
        if not path.exists() or (anchor and anchor not in headings(path)):
            broken.append(target)
    assert broken == []


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


def test_pages_name_commands() -> None:
    """The check itself: it finds commands in blocks, tables and prose, and each mistake in them."""
    assert len([line for page in PAGES for line in lines(page.read_text("utf-8"))]) > 50
    text = """`safelight lint`, `safelight.yaml`
| `safelight init [FOLDER] --preset web\\|nope` |
```console
$ cd x && safelight up --wrong | cat # so
safelight 0.1.0
$ safelight run a --out b \\
  --width 9
```
"""
    found = [words for line in lines(text) for words in expanded(line)]
    assert found == [
        ["safelight", "up", "--wrong"],
        ["safelight", "run", "a", "--out", "b", "--width", "9"],
        ["safelight", "lint"],
        ["safelight", "init", "FOLDER", "--preset", "web"],
        ["safelight", "init", "FOLDER", "--preset", "nope"],
    ]
    assert [bool(refusal(words)) for words in found] == [True, False, False, False, True]


def test_names_of_the_stack_are_those_of_the_template() -> None:
    """What the page on the six pillars points at is there: resources and parameters."""
    stack = read(TEMPLATE.read_text("utf-8"))
    page = (ROOT / "docs" / "well-architected.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", page))
    assert len(named) > 30
    properties = {"VisibilityTimeout"}
    assert named - stack["Resources"].keys() - stack["Parameters"].keys() - properties - {"Duration"} == set()
