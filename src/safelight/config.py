"""The configuration: `safelight.yaml` and the environment become one `Settings`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from safelight.recipe.check import Source, check
from safelight.recipe.fan_out import fan_out
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.model import Recipe, in_written_order
from safelight.recipe.parse import Reading, build, read
from safelight.recipe.settle import Trial, settle, untried
from safelight.settings import Notify, Settings
from safelight.storage import StorageSecrets, secrets_of

DEFAULT_PATH = Path("safelight.yaml")


class Loaded(Struct, frozen=True, kw_only=True):
    """The settings of a project, where they came from, and what lint has to say.

    `path` is None when there is no file. The local world lives in `folder`, beside the file.
    """

    settings: Settings
    folder: Path
    path: Path | None = None
    warnings: tuple[Finding, ...] = ()
    smtp_password: str | None = None
    storage_secrets: StorageSecrets = StorageSecrets()


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ, trial: Trial = untried) -> Loaded:
    """Read the configuration; without a `path` it is ./safelight.yaml, or the defaults when that is missing.

    Args:
        path: the file.
        environ: where secrets are.
        trial: draws each watermark once (see `entry.trial`); where pictures will be developed, one that fails must
            fail now.

    Raises:
        InvalidFile: with every error of the file.
    """
    if path is None and not DEFAULT_PATH.exists():
        return Loaded(settings=Settings(), folder=Path(), warnings=tuple(_misnamed()))
    path = path or DEFAULT_PATH
    # A message may reach whoever sent a picture, so it carries no absolute path.
    file = path.name if path.is_absolute() else str(path)
    source, settings, warnings = _settings(_text(path, file), file)
    settings = replace(settings, recipes=settle(settings.recipes, path.parent, source, settings.limits, trial))
    smtp = settings.notify.smtp
    password = environ.get(smtp.password_env) if smtp else None
    mail = _mail(settings.notify, source, has_password=password is not None)
    return Loaded(
        settings=settings,
        folder=path.parent,
        path=path,
        warnings=tuple(sorted((*warnings, *mail), key=lambda warning: warning.line)),
        smtp_password=password,
        storage_secrets=secrets_of(settings.store, environ),
    )


def _settings(text: str, file: str) -> tuple[Source, Settings, tuple[Finding, ...]]:
    reading = read(text, Settings, file)
    written = Source(file=file, lines=reading.lines)
    fanned = fan_out(reading.plain, {error.path[:2] for error in reading.errors}, written)
    reading = _ordered(replace(reading, plain=fanned.plain, errors=(*reading.errors, *fanned.errors)))
    source = replace(written, entries=fanned.entries)
    checked = check(_sound_recipes(reading, file), source)
    errors = (*reading.errors, *checked.errors)
    if errors:
        raise InvalidFile(errors)
    return source, build(reading.plain, Settings, file), checked.warnings


def _ordered(reading: Reading) -> Reading:
    """Keep the order in which the steps of each rendition are written."""
    recipes = reading.plain.get("recipes")
    if not isinstance(recipes, list):
        return reading
    return replace(reading, plain={**reading.plain, "recipes": [_ordered_recipe(recipe) for recipe in recipes]})


def _ordered_recipe(recipe: object) -> object:
    if not isinstance(recipe, dict) or not isinstance(recipe.get("renditions"), list):
        return recipe
    renditions = [in_written_order(each) if isinstance(each, dict) else each for each in recipe["renditions"]]
    return {**recipe, "renditions": renditions}


def _sound_recipes(reading: Reading, file: str) -> list[Recipe | None]:
    """Return the recipes without errors of their own, so that all errors of a file are seen at once."""
    broken = {error.path[:2] for error in reading.errors}
    recipes = reading.plain.get("recipes") or []
    return [
        build(plain, Recipe, file) if isinstance(plain, dict) and ("recipes", i) not in broken else None
        for i, plain in enumerate(recipes)
    ]


def _text(path: Path, file: str) -> str:
    """Return the text of the file, or say why there is none."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        message, remedy = "there is no such file", "Write it with `safelight init`, or name another one with -c."
    except IsADirectoryError:
        message, remedy = "is a folder, not a file", "Name the file in it: -c FOLDER/safelight.yaml."
    except OSError as error:
        message, remedy = f"cannot be read: {error.strerror}", "Give Safelight permission to read it."
    else:
        return _decoded(raw, file)
    raise InvalidFile([Finding(file=file, message=message)], remedy=remedy)


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        what = "is UTF-16 text" if utf16 else f"holds the byte 0x{raw[error.start]:02x}, which is not UTF-8"
        line = 0 if utf16 else raw.count(b"\n", 0, error.start) + 1
        finding = Finding(file=file, message=f"{what}; save it as UTF-8", line=line)
        raise InvalidFile([finding], remedy="Save the file as UTF-8 in your editor.") from error


def _misnamed() -> Iterator[Finding]:
    """Yield a warning when a file beside looks like the configuration but has another name."""
    for name in ("safelight.yml", "Safelight.yaml", "safelight.yaml.txt"):
        if Path(name).exists():
            yield Finding(file=name, message=f"is not read; rename it to {DEFAULT_PATH}")


def _mail(notify: Notify, source: Source, *, has_password: bool) -> Iterator[Finding]:
    """Yield why mail would not be sent as wished."""
    smtp = notify.smtp
    if notify.email and not smtp:
        message = "notify.email has no mail server to send through on this machine; add notify.smtp: {host: ...}"
        yield source.finding(message, ("notify", "email"), "")
    if notify.email and not notify.on:
        yield source.finding("notify.on is empty, so nobody is told; remove it", ("notify", "on"), "")
    if not smtp:
        return
    if not notify.email:
        yield source.finding("notify.smtp has nobody to write to; add notify.email", ("notify", "smtp"), "")
    if smtp.username and not has_password:
        message = f"notify.smtp.username has no password; set the environment variable {smtp.password_env}"
        yield source.finding(message, ("notify", "smtp", "username"), "")
    if smtp.username and smtp.security == "none":
        message = "notify.smtp.security=none sends the password in the clear; use starttls or tls"
        yield source.finding(message, ("notify", "smtp", "security"), "")
