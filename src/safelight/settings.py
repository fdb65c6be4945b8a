"""The settings of a project as data; `config` reads them from YAML, and a package for Lambda carries them parsed."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe
from safelight.storage import Storage

Email = Annotated[
    str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", description="An e-mail address.", examples=["owner@example.com"])
]

Interval = Annotated[
    str,
    Meta(
        pattern="^[1-9][0-9]{0,5}(s|m|h|d)$",
        description="A time: a whole number and s, m, h or d (seconds, minutes, hours, days).",
        examples=["15m", "2h", "1d"],
    ),
]


class Smtp(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The mail server of the local world. The password comes from the environment, never from the file."""

    host: Annotated[
        str, Meta(min_length=1, description="Name or address of the server.", examples=["mail.example.com"])
    ]
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the server.")] = 587
    security: Annotated[Literal["starttls", "tls", "none"], Meta(description="How the connection is encrypted.")] = (
        "starttls"
    )
    sender: Annotated[
        Email | None, Meta(description="Address the mail comes from; without it the first recipient's.")
    ] = None
    username: Annotated[str | None, Meta(description="Log in under this name.", examples=["owner@example.com"])] = None
    password_env: Annotated[
        str,
        Meta(
            pattern="^[A-Z][A-Z0-9_]{0,99}$",
            description="Name of the environment variable that holds the password, never the password itself: "
            "capitals, digits and _.",
            examples=["SAFELIGHT_SMTP_PASSWORD"],
            extra={"secret": True},
        ),
    ] = "SAFELIGHT_SMTP_PASSWORD"  # noqa: S105 -- a variable's name


class Notify(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who is told what, and how often."""

    email: Annotated[tuple[Email, ...], Meta(description="Recipients.")] = ()
    on: Annotated[
        tuple[Literal["success", "failure"], ...], Meta(description="Which endings are told; failure holds rejections.")
    ] = ("success", "failure")
    digest: Annotated[Interval | None, Meta(description="Collect notices and send one mail each interval.")] = None
    smtp: Smtp | None = None


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A whole `safelight.yaml`."""

    name: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9-]{1,40}$",
            description="Name of the project, which buckets are called after: small letters, digits and -, 2 to 41.",
            examples=["image-processor"],
        ),
    ] = "image-processor"
    region: Annotated[
        str,
        Meta(pattern="^[a-z]{2}(-[a-z]+)+-\\d$", description="An AWS region.", examples=["eu-north-1", "us-east-1"]),
    ] = "eu-north-1"
    store: Storage | None = None
    notify: Notify = Notify()
    limits: Limits = Limits()
    recipes: Annotated[tuple[Recipe, ...], Meta(min_length=1, description="What to do with uploads.")] = (
        DEFAULT_RECIPE,
    )
