"""What an output keeps of EXIF, IPTC and XMP. Colour and orientation are true under every policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from safelight.containers import exif, iptc, strip, xmp
from safelight.containers.buffer import Blocks
from safelight.containers.rights import Rights, rights
from safelight.decode import Opened
from safelight.encode import Metadata
from safelight.errors import Corrupt, Truncated
from safelight.fields import blob, with_blobs, with_text, without
from safelight.recipe import model as asked
from safelight.recipe.model import Recipe, Rendition

if TYPE_CHECKING:
    from pathlib import Path

    import pyvips

STALE = ("orientation", "exif-ifd0-Orientation", "jpeg-thumbnail-data", "exif-ifd4-InteroperabilityIndex")
"""Fields that no longer hold once pixels were turned, resized and made sRGB (the last may say that they are Adobe RGB);
the thumbnail also shows what was cropped away."""
COLOR_SPACE = ("exif-ifd2-ColorSpace", "1 (sRGB, Short, 1 components, 2 bytes)")
SIGNED = ("exif-ifd0-Artist", "exif-ifd0-Copyright")
EXIF, XMP, IPTC = "exif-data", "xmp-data", "iptc-data"
ALL_IN, ALL_OUT = "exif:xmp:iptc", "none"
"""What an encoder writes, in libvips' words."""
PHOTOSHOP = b"Photoshop 3.0\0"
"""How libvips has the segment of a JPEG that holds IPTC."""
XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[2-8](?=\s*["'<])""")
"""As an attribute or as an element. Some programs believe it rather than EXIF."""


class Policy(Struct, frozen=True):
    """What an output keeps of its upload's metadata, and what the recipe says of its owner."""

    metadata: Metadata
    rights: Rights


def policy_of(rendition: Rendition, recipe: Recipe) -> Policy:
    """Return what applies to a rendition: its own word, else the recipe's."""
    said = rendition.rights or recipe.rights or asked.Rights()
    return Policy(
        rendition.metadata or recipe.metadata,
        Rights(said.creator or "", said.copyright or "", said.licence or ""),
    )


def dress(image: pyvips.Image, policy: Policy, opened: Opened, kind: str) -> tuple[pyvips.Image, str]:
    """Return the image with the metadata that `policy` lets through, and what the encoder must keep of it.

    Args:
        image: the output's pixels.
        policy: the recipe's.
        opened: the upload.
        kind: the output's format.
    """
    if policy.metadata == "strip":
        return image, ALL_OUT
    if policy.metadata == "keep":
        image = _true_again(without(image, *STALE), kind)
        return (_signed(image, policy.rights, kind) if any(policy.rights) else image), ALL_IN
    blocks = _signature(policy, opened, orientation=1)
    image = without(image, *(field for field in image.get_fields() if field.startswith("exif-")), XMP, IPTC, *STALE)
    if not any(blocks):
        return image, ALL_OUT
    exif_data = b"Exif\0\0" + blocks.exif if blocks.exif else None
    image = with_blobs(
        image, {EXIF: exif_data, XMP: blocks.xmp, IPTC: blocks.iptc and _wrapped(blocks.iptc, b"", kind)}
    )
    return with_text(image, *COLOR_SPACE), ALL_IN


def _signed(image: pyvips.Image, rights: Rights, kind: str) -> pyvips.Image:
    """Put the recipe's rights in place of the upload's, and leave the rest as it is."""
    block = (blob(image, EXIF) or b"").removeprefix(b"Exif\0\0")
    old_iptc = (blob(image, IPTC) or b"").removeprefix(PHOTOSHOP)
    new = exif.signed(block, artist=rights.creator, copyright=rights.copyright)
    blobs = {
        EXIF: b"Exif\0\0" + new if new else None,
        XMP: xmp.signed(blob(image, XMP) or b"", *rights),
        IPTC: _wrapped(iptc.signed(old_iptc, rights.creator, rights.copyright), old_iptc, kind),
    }
    # What libvips reads of these two fields it would write over the block, in ASCII.
    image = without(image, *(field for field, text in zip(SIGNED, rights, strict=False) if text))
    return with_blobs(image, blobs)


def _wrapped(data: bytes, old: bytes, kind: str) -> bytes:
    """Return IIM as the format's encoder wants it."""
    if kind == "jpeg":
        return PHOTOSHOP + iptc.resources(old, data)
    # libvips tells libtiff a quarter of the length, as if it counted in fours. NULs at the end do no harm.
    return data.ljust(4 * len(data), b"\0") if kind == "tiff" else data


def _true_again(image: pyvips.Image, kind: str) -> pyvips.Image:
    """Make the kept EXIF and XMP say what the pixels are now, sRGB and upright, and IPTC fit the format."""
    if image.get_typeof(EXIF):
        image = with_text(image, *COLOR_SPACE)
    packet, block = blob(image, XMP) or b"", blob(image, IPTC) or b""
    old = block.removeprefix(PHOTOSHOP)
    if kind == "tiff" or (kind == "jpeg" and old == block):
        block = _wrapped(iptc.iim(old), b"", kind) if old else b""
    return with_blobs(image, {XMP: XMP_ORIENTATION.sub(rb"\g<1>1", packet), IPTC: block})


def undress(opened: Opened, policy: Policy) -> bytes | Path:
    """Return the upload's own bytes less the metadata that `policy` drops; pixels are not touched.

    Raises:
        Corrupt: the file's structure does not show where its metadata ends.
    """
    if policy.metadata == "copyright" and opened.format == "svg":
        return opened.body  # an SVG tells its rights in its metadata element, and nowhere else
    if policy.metadata == "keep":
        pieces = _rewritten(opened, policy.rights)
        return opened.body if pieces is None else b"".join(pieces)
    # A turned picture's EXIF orientation is part of how it looks, so it stays under every policy.
    orientation = opened.source.orientation
    if policy.metadata == "strip":
        return b"".join(strip.strip(opened.view, opened.format, exif.build(orientation=orientation)))
    new = _signature(policy, opened, orientation=orientation)
    data = iptc.resources(b"", new.iptc) if new.iptc else None
    return b"".join(strip.strip(opened.view, opened.format, new.exif, xmp=new.xmp, iptc=data))


def unsigned(opened: Opened, policy: Policy, kind: str, *, copied: bool) -> str:
    """Say why an output does not have the rights that the recipe gives it, or nothing."""
    if policy.metadata == "strip" or not any(policy.rights):
        return ""
    if not copied:
        return "rights are not written into gif, which has no place for them" if kind == "gif" else ""
    if kind not in strip.REWRITTEN:
        return f"rights are not written into a copied {kind}, which may keep its own; add format: jpeg to convert it"
    lost = policy.metadata == "keep" and _rewritten(opened, policy.rights) is None
    return f"rights are not written into the copied {kind}: its structure does not allow it" if lost else ""


def _rewritten(opened: Opened, rights: Rights) -> list[bytes | memoryview] | None:
    """Return the upload with the recipe's rights in place of its own, all else as it is; None: that cannot be."""
    if not any(rights) or opened.format not in strip.REWRITTEN:
        return None
    old = exif.blocks(opened.view, opened.format)
    orientation = opened.source.orientation
    new = Blocks(
        exif.signed(old.exif or b"", orientation=orientation, artist=rights.creator, copyright=rights.copyright),
        xmp.signed(old.xmp or b"", *rights),
        iptc.resources(old.iptc or b"", iptc.signed(old.iptc or b"", rights.creator, rights.copyright)),
    )
    try:
        return list(strip.rewrite(opened.view, opened.format, new))
    except (Corrupt, Truncated):
        return None


def _signature(policy: Policy, opened: Opened, *, orientation: int) -> Blocks:
    """Return what says who made and owns the picture: the recipe's word, else the upload's; IPTC is not wrapped yet.

    EXIF alone holds what only the upload says, in few bytes; a licence has no place there.
    """
    found = Rights(*(said or own for said, own in zip(policy.rights, rights(opened.view, opened.format), strict=True)))
    block = exif.build(orientation=orientation, artist=found.creator, copyright=found.copyright)
    if not any(policy.rights) and not found.licence:
        return Blocks(exif=block)
    return Blocks(block, xmp.signed(b"", *found), iptc.signed(b"", found.creator, found.copyright))
