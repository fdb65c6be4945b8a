"""The configuration: `safelight.yaml` and the environment become one `Settings`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from safelight.environments import check_environments
from safelight.errors import InvalidRecipe
from safelight.naming import PRODUCTION, STANDARD
from safelight.recipe.check import Source
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.merge import ENVIRONMENTS, overrides
from safelight.recipe.parse import compose
from safelight.recipe.settle import Trial, untried
from safelight.recipe.wording import nearest, shown
from safelight.settings import Notify, Settings
from safelight.storage import StorageSecrets, secrets_of
from safelight.variants import BY_ITSELF, Origin, Variant, sound, variants

DEFAULT_PATH = Path("safelight.yaml")


class Loaded(Struct, frozen=True, kw_only=True):
    """The settings of a project, where they came from, and what lint has to say.

    `path` is None when there is no file. The local world lives in `folder`, beside the file. `settings` are those of
    `environment`, or of this machine; `environments` are those of production and each one that the file lists.
    `on_aws` is what `lint` has to say of deploying alone.
    """

    settings: Settings
    folder: Path
    path: Path | None = None
    warnings: tuple[Finding, ...] = ()
    smtp_password: str | None = None
    storage_secrets: StorageSecrets = StorageSecrets()
    environment: str | None = None
    environments: Mapping[str, Settings] = {}
    on_aws: tuple[Finding, ...] = ()


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    trial: Trial = untried,
    environment: str | None = None,
) -> Loaded:
    """Read the configuration; without a `path` it is ./safelight.yaml, or the defaults when that is missing.

    Args:
        path: the file.
        environ: where secrets are.
        trial: draws each watermark once (see `entry.trial`); where pictures will be developed, one that fails must
            fail now.
        environment: the settings are those of this environment on AWS; without it, those of this machine.

    Raises:
        InvalidFile: with every error of the file and of all its environments.
        InvalidRecipe: the file knows no such environment.
    """
    if path is None and not DEFAULT_PATH.exists():
        _check_listed(environment, ())
        names = dict.fromkeys(filter(None, (PRODUCTION, environment)), Settings())
        missing = tuple(_misnamed())
        return Loaded(settings=Settings(), folder=Path(), warnings=missing, environment=environment, environments=names)
    path = path or DEFAULT_PATH
    # A message may reach whoever sent a picture, so it carries no absolute path.
    file = path.name if path.is_absolute() else str(path)
    root = compose(_text(path, file), file)
    _check_listed(environment, overrides(root))
    found = variants(root, Origin(file=file, folder=path.parent, trial=trial), environment)
    return _loaded(found, path, environ, environment)


def _loaded(found: Mapping[str, Variant], path: Path, environ: Mapping[str, str], environment: str | None) -> Loaded:
    checked = check_environments(found)
    source = found[BY_ITSELF].source
    is_for_aws = environment is not None or any((option,) in source.lines for option in ("names", "aws", ENVIRONMENTS))
    errors = [error for each in found.values() for error in each.errors] + [*(checked.errors if is_for_aws else ())]
    settings = found[environment or BY_ITSELF].settings
    if errors or settings is None:
        raise InvalidFile(errors)
    smtp = settings.notify.smtp
    password = environ.get(smtp.password_env) if smtp else None
    warnings = [warning for each in found.values() for warning in each.warnings]
    if environment is None:
        warnings += _mail(settings.notify, source, has_password=password is not None, is_for_aws=is_for_aws)
    return Loaded(
        settings=settings,
        folder=path.parent,
        path=path,
        warnings=tuple(sorted(warnings, key=lambda warning: warning.line)),
        smtp_password=password,
        storage_secrets=secrets_of(settings.store, environ),
        environment=environment,
        environments=sound(found),
        on_aws=checked.warnings if is_for_aws else (*checked.errors, *checked.warnings),
    )


def _check_listed(environment: str | None, listed: Collection[str]) -> None:
    """Refuse an environment that nobody named: a slip of the pen would make a second stack."""
    if environment is None or environment in (*STANDARD, *listed):
        return
    hint = nearest(environment, (*STANDARD, *listed))
    message = f"the environment {shown(environment, quoted=True)} is not in the configuration"
    known = f"Known are {', '.join(dict.fromkeys((*STANDARD, *listed)))}; list others under `environments:`."
    raise InvalidRecipe("; ".join(filter(None, (message, hint))), remedy=known)


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


def _mail(notify: Notify, source: Source, *, has_password: bool, is_for_aws: bool) -> Iterator[Finding]:
    """Yield why mail would not be sent as wished; on AWS, SNS sends it."""
    smtp = notify.smtp
    if notify.email and not smtp and not is_for_aws:
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
