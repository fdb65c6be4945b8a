"""Whether a command line that is written somewhere would be taken by the commands of this version."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence

import click

from safelight.entry.cli import cli


def refusal(words: Sequence[str]) -> str | None:
    """Return why a command line would be refused before anything is looked at, or None when it would be taken.

    Names of files and folders are not looked up: where the line is written they need not exist. A word in capitals
    stands for whatever one would write there, and a command without any words is only named.

    Args:
        words: as a shell hands them over, beginning with `safelight`.
    """
    if not words or words[0] != "safelight":
        return f"{words} does not begin with safelight"
    command: click.Command = cli
    rest = list(words[1:])
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"there is no command {rest[0]}: {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    try:
        _parse(command, rest)
    except click.ClickException as err:
        return f"{err.format_message()}: {' '.join(words)}"
    return None


def _parse(command: click.Command, words: list[str]) -> None:
    if not words:
        return
    context = click.Context(command, info_name=command.name)
    given, left, _ = command.make_parser(context).parse_args(words)
    if given.get("help") or given.get("version"):
        return
    if left and not isinstance(command, click.Group):
        raise click.UsageError(f"too many arguments: {left}")
    for param in command.get_params(context):
        value = given.get(param.name or "")
        if isinstance(value, (str, tuple, list)) and value:
            if not isinstance(param.type, click.Path | click.File) and not _stands_for_another(value):
                param.type_cast_value(context, value)
        elif param.required:
            raise click.MissingParameter(param=param, ctx=context)


def _stands_for_another(value: str | Sequence[str]) -> bool:
    words = [value] if isinstance(value, str) else value
    return all(re.fullmatch("[A-Z][A-Z0-9_-]*", word) for word in words)


def lines(text: str) -> Iterator[str]:
    """Yield each command line of ours in a page of Markdown: in code of one line, and in blocks of code.

    In a block a line counts that begins with `safelight`; where a console is shown, one after a prompt, since the
    others are what was printed. A line that ends with a backslash goes on.
    """
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            typed = line.removeprefix("$ ")
            if kind != "console" or typed != line:
                parts = (re.match(r"\s*(safelight(?: .*)?)$", each) for each in re.split(r"&&|;|\$\(", typed))
                yield from (found[1] for found in parts if found)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`([^`]+)`", prose):
        if re.match(r"safelight(\s|$)", span):
            yield " ".join(span.split()).replace("\\|", "|")


def expanded(line: str) -> Iterator[list[str]]:
    """Yield the words of a command line once for each choice that it leaves: `a|b` is either, `[x]` may be there.

    What the shell does with it, a comment and an ellipsis end it.
    """
    line = re.split(r" [|<>&#](?: |$)|\s2?>|\)$| \.\.\.| …", line)[0]
    words = shlex.split(re.sub(r"[\[\]]|\.\.\.|…", "", line))
    choices = [word.split("|") if "://" not in word else [word] for word in words]
    for chosen in itertools.product(*choices):
        yield list(chosen)
