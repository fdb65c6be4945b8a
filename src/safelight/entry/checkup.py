"""What a check-up of machine and project is made of: a site, small checks of it, and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from msgspec import Struct

from safelight.config import Loaded, load
from safelight.entry import trial
from safelight.errors import InvalidRecipe, SafelightError
from safelight.settings import Settings

Level = Literal["ok", "warn", "fail"]


class Verdict(Struct, frozen=True, kw_only=True):
    """What a check found; `remedy` says what to do about it."""

    status: Level
    detail: str
    remedy: str = ""


class Site(Struct, frozen=True, kw_only=True):
    """The project that is looked at. Exactly one of `loaded` and `error` is there."""

    folder: Path
    loaded: Loaded | None = None
    error: InvalidRecipe | None = None

    @property
    def settings(self) -> Settings:
        """The project's settings, or the defaults when its file is wrong."""
        return self.loaded.settings if self.loaded else Settings()

    @property
    def state(self) -> Path:
        """Where Safelight's own files are, or where they would be made."""
        own = self.folder / ".safelight"
        return own if own.is_dir() else self.folder


Check = Callable[[Site], Verdict]
P = TypeVar("P")


def site(config: Path | None, environ: Mapping[str, str]) -> Site:
    """Return the site of a configuration file, also when that is wrong or missing."""
    folder = (config.parent if config else Path()).resolve()
    try:
        return Site(folder=folder, loaded=load(config, environ, trial.faults))
    except InvalidRecipe as err:
        return Site(folder=folder, error=err)


def examine(check: Callable[[P], Verdict], place: P) -> Verdict:
    """Return a check's verdict; whatever it raises is one."""
    try:
        return check(place)
    except SafelightError as err:
        return fail(err.message, err.remedy)
    except OSError as err:
        return fail(
            f"{err.strerror or type(err).__name__}: {err.filename or ''}".rstrip(": "),
            "Check permissions and the disk.",
        )
    except Exception as err:  # noqa: BLE001 - a check-up that stops at the first surprise is of no use
        return fail(f"{type(err).__name__}: {err}", "Install Safelight anew; if this stays, report it.")


def ok(detail: str) -> Verdict:
    """Return that all is well."""
    return Verdict(status="ok", detail=detail)


def warn(detail: str, remedy: str) -> Verdict:
    """Return that it works, with something to know."""
    return Verdict(status="warn", detail=detail, remedy=remedy)


def fail(detail: str, remedy: str) -> Verdict:
    """Return that it does not work."""
    return Verdict(status="fail", detail=detail, remedy=remedy)
