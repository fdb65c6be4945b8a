"""What is wrong with a configuration file, and where."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from safelight.errors import InvalidRecipe

Path = tuple[str | int, ...]
"""The way from the top of the file to a value: option names and, in lists, positions from 0."""


class Finding(Struct, frozen=True, kw_only=True):
    """One error or warning: `where` names the recipe and rendition, `message` what, what is allowed and what to do.

    `line` and `column` count from 1; 0 is the file as a whole. `code` is of a rule about deployments.
    """

    file: str
    message: str
    where: str = ""
    path: Path = ()
    line: int = 0
    column: int = 0
    code: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.where}: {self.message}; {place}" if self.where else f"{self.message}; {place}"


class InvalidFile(InvalidRecipe):
    """A configuration file with errors: the message holds one line for each, `errors` the same as data."""

    def __init__(self, errors: Iterable[Finding], *, remedy: str = "") -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.line, error.column)))
        super().__init__("\n".join(str(error) for error in self.errors), remedy=remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return (InvalidFile, (self.errors,))
