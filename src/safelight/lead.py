"""How a rendition begins: the whole picture is scaled once, and crop and resize become one box on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from safelight.steps import region
from safelight.steps.crop import crop, place
from safelight.steps.region import Crop, Region
from safelight.steps.resize import Geometry, Resize, plan

if TYPE_CHECKING:
    import pyvips

    from safelight.recipe.model import Rendition, Step

Size = tuple[int, int]


class Lead(Struct, frozen=True, kw_only=True):
    """The first steps of a rendition in numbers, for one source.

    `scaled` is the size of the whole upright picture, `region` the part of it that is kept first (its corner is None
    where the pixels decide), `geometry` what then becomes of that part; `rest` are the steps that are left.
    """

    scaled: Size
    region: Region | None = None
    geometry: Geometry | None = None
    looks: str = "center"
    position: str = "center"
    rest: tuple[Step, ...] = ()

    @property
    def streams(self) -> bool:
        """Whether the picture is needed once, from top to bottom, and to its end: a cut would hide damage below it."""
        return not (self.rest or self.region or (self.geometry and self.geometry.crop))


def lead_of(rendition: Rendition, width: int, height: int) -> Lead:
    """Return how the rendition of an upright source of `width` x `height` pixels begins."""
    steps = rendition.steps
    if rendition.crop and steps[0] == "crop":
        part = region.resolve(rendition.crop, width, height)
        if rendition.resize and steps[1:2] == ("resize",):
            return _cropped(rendition.crop, part, rendition.resize, (width, height), steps[2:])
        return Lead(scaled=(width, height), region=part, looks=rendition.crop.position, rest=steps[1:])
    if rendition.resize and steps[0] == "resize":
        geometry = plan(rendition.resize, width, height)
        position = rendition.resize.position
        return Lead(scaled=geometry.scaled, geometry=geometry, position=position, rest=steps[1:])
    return Lead(scaled=(width, height), rest=steps)


def _cropped(options: Crop, part: Region, size: Resize, whole: Size, rest: tuple[Step, ...]) -> Lead:
    """Scale the whole picture so that the part gets the size that it is resized to."""
    geometry = plan(size, *part.size)
    scales = [scaled / side for scaled, side in zip(geometry.scaled, part.size, strict=True)]
    if max(scales) > 1:  # enlarging all of the picture for the sake of a part may need any amount of memory
        return Lead(scaled=whole, region=part, looks=options.position, rest=("resize", *rest))
    least = geometry.scaled
    scaled = (max(least[0], round(whole[0] * scales[0])), max(least[1], round(whole[1] * scales[1])))
    return Lead(
        scaled=scaled,
        region=Region(size=least, corner=part.corner and _corner(part.corner, least, scaled, whole)),
        geometry=geometry,
        looks=options.position,
        position=size.position,
        rest=rest,
    )


def _corner(corner: Size, size: Size, scaled: Size, whole: Size) -> Size:
    """Return where the part begins on the scaled picture; it must not end outside."""
    x, y = (round(at * new / old) for at, new, old in zip(corner, scaled, whole, strict=True))
    return min(x, scaled[0] - size[0]), min(y, scaled[1] - size[1])


def begin(image: pyvips.Image, lead: Lead) -> pyvips.Image:
    """Take the rendition's part out of the whole picture, which has the size `lead.scaled`."""
    part = lead.region
    if part and part.size != (image.width, image.height):
        image = crop(image, part.size, lead.looks) if part.corner is None else image.crop(*part.corner, *part.size)
    if lead.geometry is None:
        return image
    if lead.geometry.crop:
        return crop(image, lead.geometry.crop, lead.position)
    return place(image, lead.geometry.canvas, lead.position) if lead.geometry.canvas else image
