"""TrueType and OpenType files: which characters they can draw, and under which name they go."""

from __future__ import annotations

import struct
import unicodedata
from typing import TYPE_CHECKING

from safelight.errors import InvalidRecipe

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (b"\0\1\0\0", b"OTTO", b"true")
NAMED = (1, 2, 4, 6)
"""Family, style, full name and PostScript name. Source: OpenType 1.9.1, `name`."""
UNSEEN = ("Cf", "Cc")
"""Characters that are drawn as nothing: joiners, marks of direction, line feeds."""


def missing_glyphs(text: str, font: bytes) -> str:
    """Return the characters of `text` that the font has no glyph for, each once, in order.

    Raises:
        InvalidRecipe: the bytes are no font that we can draw with.
    """
    known = _characters(font)
    wanted = dict.fromkeys(unicodedata.normalize("NFC", text))
    return "".join(each for each in wanted if not _drawn(each, known))


def _drawn(character: str, known: set[int]) -> bool:
    selector = 0xFE00 <= ord(character) <= 0xFE0F
    if selector or unicodedata.category(character) in UNSEEN:
        return True
    # A font without the composed letter may have its parts, and the shaper puts them together.
    parts = unicodedata.normalize("NFD", character)
    return ord(character) in known or all(ord(part) in known for part in parts)


def renamed(font: bytes, family: str) -> bytes:
    """Return the font under another family name, so that no other font can be taken for it.

    Raises:
        InvalidRecipe: the bytes are no font that we can draw with.
    """
    tables = _tables(font)
    tables[b"name"] = _name_table(family)
    offset = 12 + 16 * len(tables)
    directory, bodies = [], []
    for tag, body in sorted(tables.items()):
        padded = body + bytes(-len(body) % 4)
        directory.append(struct.pack(">4sIII", tag, _checksum(padded), offset, len(body)))
        bodies.append(padded)
        offset += len(padded)
    # The three search hints are left 0: readers of our time compute them.
    head = struct.pack(">4sHHHH", font[:4], len(tables), 0, 0, 0)
    return b"".join((head, *directory, *bodies))


def _checksum(padded: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF


def _name_table(family: str) -> bytes:
    texts = {1: family, 2: "Regular", 4: family, 6: family}
    encoded = [texts[number].encode("utf-16-be") for number in NAMED]
    records, start = b"", 0
    for number, text in zip(NAMED, encoded, strict=True):
        records += struct.pack(">6H", 3, 1, 0x409, number, len(text), start)
        start += len(text)
    return struct.pack(">3H", 0, len(NAMED), 6 + len(records)) + records + b"".join(encoded)


def _tables(font: bytes) -> dict[bytes, bytes]:
    if font[:4] not in KINDS:
        raise InvalidRecipe(
            "the font is no TrueType or OpenType file (.ttf, .otf)",
            remedy="Name a .ttf or .otf file: collections (.ttc) and web fonts (.woff, .woff2) must be converted.",
        )
    try:
        (count,) = struct.unpack_from(">H", font, 4)
        entries = [struct.unpack_from(">4sIII", font, 12 + 16 * i) for i in range(count)]
    except struct.error as err:
        raise _broken() from err
    tables = {tag: font[offset : offset + length] for tag, _, offset, length in entries}
    if any(len(tables[tag]) != length for tag, _, _, length in entries) or b"cmap" not in tables:
        raise _broken()
    return tables


def _broken() -> InvalidRecipe:
    return InvalidRecipe("the font file is broken or cut off", remedy="Fetch the font file again from its source.")


def _characters(font: bytes) -> set[int]:
    """Read the Unicode character map. Source: OpenType 1.9.1, `cmap`, formats 4 and 12."""
    cmap = _tables(font)[b"cmap"]
    known: set[int] = set()
    try:
        (count,) = struct.unpack_from(">H", cmap, 2)
        for i in range(count):
            platform, encoding, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * i)
            if platform == 0 or (platform == 3 and encoding in (1, 10)):
                known.update(_mapped(cmap, offset))
    except (struct.error, MemoryError) as err:
        raise _broken() from err
    return known


def _mapped(cmap: bytes, start: int) -> Iterator[int]:
    (form,) = struct.unpack_from(">H", cmap, start)
    if form == 4:
        yield from _mapped_by_segments(cmap, start)
    elif form == 12:
        (count,) = struct.unpack_from(">I", cmap, start + 12)
        for i in range(count):
            first, last, _ = struct.unpack_from(">III", cmap, start + 16 + 12 * i)
            yield from range(first, min(last, 0x10FFFF) + 1)


def _mapped_by_segments(cmap: bytes, start: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", cmap, start + 6)
    ends, firsts = start + 14, start + 16 + twice
    for i in range(0, twice, 2):
        (last,), (first,) = struct.unpack_from(">H", cmap, ends + i), struct.unpack_from(">H", cmap, firsts + i)
        (delta,), place = struct.unpack_from(">h", cmap, firsts + twice + i), firsts + 2 * twice + i
        (hop,) = struct.unpack_from(">H", cmap, place)
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code if hop == 0 else struct.unpack_from(">H", cmap, place + hop + 2 * (code - first))[0]
            if glyph and (glyph + delta) & 0xFFFF:
                yield code
