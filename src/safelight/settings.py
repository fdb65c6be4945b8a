"""The settings of a project as data; `config` reads them from YAML, and a package for Lambda carries them parsed."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from safelight.placement import Aws, Email, EnvironmentName, Naming, Region
from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe
from safelight.storage import Storage

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


On = Annotated[
    tuple[Literal["success", "failure"], ...], Meta(description="Which endings are told; failure holds rejections.")
]
Digest = Annotated[Interval | None, Meta(description="Collect notices and send one mail each interval.")]


class Notify(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who is told what, and how often."""

    email: Annotated[tuple[Email, ...], Meta(description="Recipients.")] = ()
    on: On = ("success", "failure")
    digest: Digest = None
    smtp: Smtp | None = None


Recipes = Annotated[tuple[Recipe, ...], Meta(min_length=1, description="What to do with uploads.")]


class NotifyThere(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who is told what there; mail from AWS is sent by SNS, which needs no server of yours."""

    email: Annotated[tuple[Email, ...], Meta(description="Recipients.")] = ()
    on: On = ("success", "failure")
    digest: Digest = None


class Override(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is different in one environment: groups are merged with those of the file, lists and values replace them.

    What is not written here is as the file says. `name` is what environments have in common, and `store` is of one
    machine, so neither can differ.
    """

    region: Region = "eu-north-1"
    names: Naming = Naming()
    aws: Aws = Aws()
    notify: NotifyThere = NotifyThere()
    limits: Limits = Limits()
    recipes: Recipes = (DEFAULT_RECIPE,)


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
    region: Region = "eu-north-1"
    store: Storage | None = None
    notify: Notify = Notify()
    limits: Limits = Limits()
    recipes: Recipes = (DEFAULT_RECIPE,)
    names: Naming = Naming()
    aws: Aws = Aws()
    environments: Annotated[
        dict[EnvironmentName, Override],
        Meta(
            description="What is different in each environment on AWS; dev, staging and prod need not be listed.",
        ),
    ] = {}

    def __hash__(self) -> int:
        # A worker keeps the world that it opened for some settings, and a dict would make them no key.
        return hash((self.name, self.region, self.notify, self.limits, self.recipes))
