"""The configuration: `safelight.yaml` and the environment become one `Settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from safelight.recipe.model import DEFAULT_RECIPE, Limits, Recipe

Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", description="An e-mail address.", examples=["owner@example.com"])]


class Smtp(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The mail server of the local world. The password comes from the environment, never from the file."""

    host: Annotated[str, Meta(min_length=1, description="Name or address of the server.")]
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the server.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection is encrypted.")
    ] = "starttls"
    sender: Annotated[Email | None, Meta(description="Address the mail comes from; without it the first recipient's.")] = None
    username: Annotated[str | None, Meta(description="Log in under this name.")] = None
    password_env: Annotated[str, Meta(description="Environment variable that holds the password.")] = "SAFELIGHT_SMTP_PASSWORD"


class Notify(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who is told what, and how often."""

    email: Annotated[tuple[Email, ...], Meta(description="Recipients.")] = ()
    on: Annotated[
        tuple[Literal["success", "failure"], ...], Meta(description="Which endings are told; failure holds rejections.")
    ] = ("success", "failure")
    digest: Annotated[
        str | None,
        Meta(pattern=r"^[1-9]\d*(s|m|h|d)$", description="Collect notices and send one mail each 15m, 2h, 1d ...", examples=["15m"]),
    ] = None
    smtp: Smtp | None = None


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A whole `safelight.yaml`."""

    name: Annotated[
        str,
        Meta(pattern="^[a-z0-9][a-z0-9-]{1,40}$", description="Name of the project; AWS buckets are called after it."),
    ] = "image-processor"
    region: Annotated[str, Meta(pattern="^[a-z]{2}(-[a-z]+)+-\\d$", description="AWS region.")] = "eu-north-1"
    notify: Notify = Notify()
    limits: Limits = Limits()
    recipes: Annotated[tuple[Recipe, ...], Meta(min_length=1, description="What to do with uploads.")] = (DEFAULT_RECIPE,)
