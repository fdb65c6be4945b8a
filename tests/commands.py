"""Whether a command line that is written somewhere would be taken by the commands of this version."""

from __future__ import annotations

from collections.abc import Sequence

import click

from safelight.entry.cli import cli


def refusal(words: Sequence[str]) -> str | None:
    """Return why a command line would be refused before anything is looked at, or None when it would be taken.

    Names of files and folders are not looked up: where the line is written they need not exist.

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
    context = click.Context(command, info_name=command.name)
    given, left, _ = command.make_parser(context).parse_args(words)
    if given.get("help") or given.get("version"):
        return
    if left and not isinstance(command, click.Group):
        raise click.UsageError(f"too many arguments: {left}")
    for param in command.get_params(context):
        value = given.get(param.name or "")
        if isinstance(value, (str, tuple, list)) and value:
            if not isinstance(param.type, click.Path | click.File):
                param.type_cast_value(context, value)
        elif param.required:
            raise click.MissingParameter(param=param, ctx=context)
