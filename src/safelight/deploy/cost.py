"""The monthly bill: each unit at its price, with what is free and without."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from safelight.deploy.arch import Arch
from safelight.deploy.prices import Price, Prices, gb_s_name
from safelight.deploy.usage import Load, Usage


class Line(Struct, frozen=True, kw_only=True):
    """One line: units of a month and what they cost. `free_usd` is what the free tier takes off."""

    name: str
    service: str
    what: str
    fixed: float
    images: float
    fixed_usd: float
    images_usd: float
    free_usd: float
    verified: bool

    @property
    def usd(self) -> float:
        """Return what it costs without any free tier."""
        return self.fixed_usd + self.images_usd

    @property
    def after_free_usd(self) -> float:
        """Return what it costs in an account whose free tier nobody else uses."""
        return self.usd - self.free_usd


class Bill(Struct, frozen=True, kw_only=True):
    """A month. `image_usd` is what one image costs by itself."""

    images: float
    mb: float
    lines: tuple[Line, ...]
    image_usd: float

    @property
    def fixed_usd(self) -> float:
        """Return what the stack costs with nothing to do."""
        return sum(line.fixed_usd for line in self.lines)

    @property
    def usd(self) -> float:
        """Return the whole without any free tier."""
        return sum(line.usd for line in self.lines)

    @property
    def after_free_usd(self) -> float:
        """Return the whole with the free tier."""
        return sum(line.after_free_usd for line in self.lines)


def bill(load: Load, used: Usage, prices: Prices) -> Bill:
    """Return what a month costs.

    Args:
        load: how many images, and of which project.
        used: what `usage` says of it.
        prices: what AWS asks.
    """
    lines = tuple(
        line
        for name, price in known(prices, load.machine.arch).items()
        if (line := _line(name, price, used.fixed.get(name, 0), used.image.get(name, 0) * load.images))
    )
    return Bill(images=load.images, mb=load.mb, lines=lines, image_usd=image_usd(used, prices, load.machine.arch))


def known(prices: Prices, arch: Arch) -> Mapping[str, Price]:
    """Return prices under the names of units, GB-seconds with that of the processor."""
    own = gb_s_name(arch)
    others = {name: price for name, price in prices.price.items() if name not in ("lambda_gb_s", "lambda_gb_s_arm")}
    ordered = {name: others.pop(name) for name in ("lambda_request",) if name in others}
    return {**ordered, "lambda_gb_s": prices.price[own], **others}


def image_usd(used: Usage, prices: Prices, arch: Arch) -> float:
    """Return what one image costs at list prices."""
    found = known(prices, arch)
    return sum(count * found[name].rate for name, count in used.image.items())


def _line(name: str, price: Price, fixed: float, images: float) -> Line | None:
    """Return the line of a unit, or nothing where none is used."""
    if not fixed + images:
        return None
    used = fixed + images
    return Line(
        name=name,
        service=price.service,
        what=price.what,
        fixed=fixed,
        images=images,
        fixed_usd=fixed * price.rate,
        images_usd=images * price.rate,
        free_usd=min(used, price.free) * price.rate,
        verified=price.verified,
    )
