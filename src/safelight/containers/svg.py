"""SVG: whether it stands by itself, the pictures that it carries, and its metadata.

Source: SVG 2 (W3C, 2018), 2.2 (secure static mode), 5 and 16; Namespaces in XML 1.0.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import NamedTuple
from xml.parsers import expat  # document types are refused, and with them all entities

from safelight.containers.buffer import Part, Range
from safelight.errors import Corrupt, TooLarge, Truncated, Unsafe

MAX_BYTES = 5_000_000
"""Drawings have far fewer; librsvg takes at most 10 MB."""
_ACTIVE = frozenset(("script", "foreignobject", "iframe", "object", "embed", "audio", "video", "handler", "listener"))
_RASTER = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,(.*)", re.DOTALL | re.IGNORECASE)
_CSS_URL = re.compile(r"""url\(\s*["']?\s*(.?)""", re.IGNORECASE | re.DOTALL)
_CSS_LOADS = re.compile(r"@import|image-set\s*\(|\bsrc\s*\(", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG_END = re.compile(rb"\s*/?>")
_TEXT = re.compile(rb"<([\w.-]+:)?text[\s>]")
_XHTML = "http://www.w3.org/1999/xhtml"
_UNFINISHED = {
    expat.errors.codes[reason]
    for reason in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


class Drawing(NamedTuple):
    """What a drawing holds: the pictures in it, and where things are that are no part of what it shows."""

    rasters: tuple[bytes, ...]
    metadata: tuple[Range, ...]


def read(view: memoryview) -> Drawing:
    """Read a drawing and make sure that nothing in it acts or leads elsewhere.

    Raises:
        TooLarge: it has more bytes than any drawing needs.
        Truncated, Corrupt: it is no well-formed XML in UTF-8.
        Unsafe: it has a document type, a script or a reference to something else.
    """
    if len(view) > MAX_BYTES:
        raise TooLarge(
            f"an SVG of {len(view) / 1e6:.1f} MB; the limit is {MAX_BYTES // 1_000_000} MB",
            remedy="Simplify the drawing, or convert it to PNG.",
        )
    if view[:2].tobytes() in (b"\xff\xfe", b"\xfe\xff"):
        raise Corrupt("SVG: encoded in UTF-16; must be UTF-8")
    reader = _Reader(view.tobytes())
    try:
        reader.parser.Parse(reader.text, True)  # noqa: FBT003 -- pyexpat takes no names
    except expat.ExpatError as err:
        if err.code in _UNFINISHED:
            raise Truncated("the svg file ends before its drawing does") from err
        raise Corrupt(f"SVG: not well-formed in line {err.lineno}") from err
    return Drawing(tuple(reader.rasters), tuple(reader.cuts))


def has_text(view: memoryview) -> bool:
    """Return whether letters are drawn, in whatever font there is."""
    return _TEXT.search(view) is not None


def strip(view: memoryview) -> list[Part]:
    """Return the drawing without metadata, comments, and what drawing programs note for themselves.

    Raises:
        TooLarge, Truncated, Corrupt, Unsafe: as `read`.
    """
    parts: list[Part] = []
    at = 0
    for start, end in read(view).metadata:
        parts.append((at, start))
        at = end
    return [*parts, (at, len(view))]


class _Reader:
    """Collects while expat reads: the parser's events come as calls."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.rasters: list[bytes] = []
        self.cuts: list[Range] = []
        self._above: list[str] = []
        self._own: set[str] = set()
        self._cut: tuple[int, int] | None = None  # depth and first byte of what is being left out
        self._style = ""
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        # Another reader would believe it, and see another document than this one.
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise Corrupt(f"SVG: encoded in {encoding[:20]}; must be UTF-8")

    def _doctype(self, *_: object) -> None:
        raise Unsafe("the SVG has a document type, which could define entities")

    def _instruction(self, target: str, _text: str) -> None:
        if target.lower() == "xml-stylesheet":
            raise Unsafe("the SVG names a style sheet outside itself")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        prefix, local = _split(name)
        if local.lower() in _ACTIVE:
            raise Unsafe(f"the SVG holds <{local[:20]}>, which can act or show other documents")
        if not self._above:
            self._own = {"", prefix}
        self._above.append(local.lower())
        for attribute, value in attributes.items():
            self._check(attribute, value)
        at = self.parser.CurrentByteIndex
        if self._cut is None and (local == "metadata" or prefix not in self._own):
            self._cut = (len(self._above), at)
        elif self._cut is None:
            self.cuts += _foreign(self.text, at)

    def _check(self, attribute: str, value: str) -> None:
        prefix, local = _split(attribute.lower())
        plain = value.strip()
        if (not prefix and local.startswith("on")) or plain.lower().startswith("javascript:"):
            raise Unsafe(f"the SVG has the script {attribute[:20]}")
        if (prefix == "xml" and local == "base") or (local == "attributename" and plain.lower().endswith("href")):
            raise Unsafe(f"the SVG has {attribute[:20]}, which changes where references lead")
        if value == _XHTML:
            raise Unsafe("the SVG holds a web page")
        if local in ("href", "src"):
            self._follow(plain)
        elif not prefix:
            _check_style(value)

    def _follow(self, target: str) -> None:
        """Take a picture out of a reference; others than those to the drawing itself are refused."""
        if not target or target.startswith("#"):
            return
        raster = _RASTER.fullmatch(target)
        if raster is None:
            raise Unsafe(f"the SVG refers to {target[:40]!r}, which is outside of it")
        try:
            self.rasters.append(b64decode(raster[1]))
        except (Base64Error, ValueError) as err:
            raise Corrupt("SVG: a picture in it is no base64") from err

    def _characters(self, text: str) -> None:
        if self._above and self._above[-1] == "style":
            self._style += text

    def _end(self, _name: str) -> None:
        if self._cut and self._cut[0] == len(self._above):
            start = self._cut[1]
            end = _tag_end(self.text, start)
            if self.text[end - 2 : end] != b"/>":
                end = _tag_end(self.text, self.parser.CurrentByteIndex)
            self.cuts.append((start, end))
            self._cut = None
        if self._above.pop() == "style":
            _check_style(self._style)
            self._style = ""

    def _comment(self, _text: str) -> None:
        at = self.parser.CurrentByteIndex
        if self._cut is None:
            self.cuts.append((at, self.text.index(b"-->", at) + 3))


def _split(name: str) -> tuple[str, str]:
    prefix, _, local = name.rpartition(":")
    return prefix, local


def _check_style(text: str) -> None:
    escaped = "\\" in text and "(" in text  # url( may be written with escapes
    if escaped or _CSS_LOADS.search(text) or any(found != "#" for found in _CSS_URL.findall(text)):
        raise Unsafe(f"the SVG has the style {text.strip()[:40]!r}, which may refer to something outside of it")


def _foreign(text: bytes, at: int) -> list[Range]:
    """Return where in a start tag the attributes of other programs are, such as inkscape:label."""
    found = _attributes(text, at)
    return [each.span() for each in found if _split(each[1].decode())[0] not in ("", "xml", "xmlns", "xlink")]


def _attributes(text: bytes, at: int) -> list[re.Match[bytes]]:
    at = _name_end(text, at)
    found = []
    while match := _ATTRIBUTE.match(text, at):
        found.append(match)
        at = match.end()
    return found


def _name_end(text: bytes, at: int) -> int:
    match = re.compile(rb"</?[^\s/>]+").match(text, at)
    return match.end() if match else at


def _tag_end(text: bytes, at: int) -> int:
    found = _attributes(text, at)
    end = _TAG_END.match(text, found[-1].end() if found else _name_end(text, at))
    return end.end() if end else at
