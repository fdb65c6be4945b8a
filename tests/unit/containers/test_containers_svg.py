"""SVG: what stands by itself is read, what leads elsewhere or acts is refused, metadata goes."""

from __future__ import annotations

from base64 import b64encode

import pytest

from safelight.containers.strip import strip
from safelight.containers.svg import MAX_BYTES, read
from safelight.errors import Corrupt, SafelightError, TooLarge, Truncated, Unsafe
from tests.golden.pictures import encoded, scene

RASTER = b64encode(encoded(scene(8, 6), "PNG")).decode()
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 20 10"'


def drawing(inside: str = "", attributes: str = "", before: str = "") -> memoryview:
    return memoryview(f"{before}{HEAD} {attributes}>{inside}</svg>".encode())


@pytest.mark.parametrize(
    "inside",
    [
        '<rect width="20" height="10" fill="url(#a)"/>',
        '<use href="#a"/><use xlink:href="#a"/>',
        "<style>.a{fill:url(#b)} /* a comment */</style>",
        f'<image href="data:image/png;base64,{RASTER}"/>',
        f'<image xlink:href=" data:image/PNG;base64,{RASTER[:20]}&#10;{RASTER[20:]} "/>',
        "<text style=\"font-family:'A\\b'\">x</text>",
        '<animate attributeName="x" to="5"/>',
        '<a href="#part"><path d="M0 0"/></a>',
    ],
)
def test_read_of_a_drawing_that_stands_by_itself_is_taken(inside: str) -> None:
    """References within the drawing, styles and pictures that it carries are fine."""
    read(drawing(inside, before='<?xml version="1.0" encoding="UTF-8"?>\n'))


def test_read_gives_the_pictures_within() -> None:
    """They are decoded with the drawing, so the caller checks them by the same limits."""
    found = read(drawing(f'<image href="data:image/png;base64,{RASTER}"/>')).rasters
    assert found == (encoded(scene(8, 6), "PNG"),)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT/>",
        "<x:script xmlns:x='http://www.w3.org/2000/svg'/>",
        "<foreignObject/>",
        "<iframe/>",
        "<a href='javascript:alert(1)'/>",
        "<a href='&#106;avascript:alert(1)'/>",
        "<rect onclick='alert(1)'/>",
        "<rect ONLOAD='alert(1)'/>",
        "<image href='http://example.org/a.png'/>",
        "<image href='//example.org/a.png'/>",
        "<image xlink:href='file:///etc/passwd'/>",
        "<image href='../a.png'/>",
        "<image href='data:image/svg+xml;base64,PHN2Zy8+'/>",
        "<image href='data:text/html,x'/>",
        "<use href='other.svg#a'/>",
        "<style>@import 'a.css';</style>",
        "<style><![CDATA[@import 'a.css';]]></style>",
        "<style>a{fill:url(http://example.org)}</style>",
        "<style>a{fill:u\\72l(http://example.org)}</style>",
        "<style>a{background:image-set('a.png' 1x)}</style>",
        "<rect fill='url(a.svg#b)'/>",
        "<rect style='filter:URL( &quot;a.svg#b&quot; )'/>",
        "<set attributeName='xlink:href' to='javascript:alert(1)'/>",
        "<g xml:base='http://example.org/'/>",
        "<g xmlns='http://www.w3.org/1999/xhtml'/>",
    ],
)
def test_read_of_a_drawing_that_acts_or_leads_elsewhere_is_unsafe(inside: str) -> None:
    """Scripts, other documents and references out of the drawing are refused, however they are written."""
    with pytest.raises(Unsafe) as caught:
        read(drawing(inside))
    assert "plain SVG" in caught.value.remedy


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE svg>",
        '<!DOCTYPE svg [<!ENTITY a "x">]>',
        '<!DOCTYPE svg SYSTEM "file:///etc/passwd">',
        '<?xml-stylesheet href="a.css"?>',
    ],
)
def test_read_of_a_document_type_or_style_sheet_is_unsafe(before: str) -> None:
    """Entities are never even declared."""
    with pytest.raises(Unsafe):
        read(drawing(before=before))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (bytes(drawing("<rect/>"))[:-4], Truncated),
        (bytes(drawing("<rect/>"))[:40], Truncated),
        (b"<svg", Truncated),
        (bytes(drawing("<rect></g>")), Corrupt),
        (bytes(drawing("&nbsp;")), Corrupt),
        (bytes(drawing("<image href='data:image/png;base64,A'/>")), Corrupt),
        (b'<?xml version="1.0" encoding="UTF-16"?><svg/>', Corrupt),
        (b'<?xml version="1.0" encoding="latin1"?><svg/>', Corrupt),
        ("<svg/>".encode("utf-16"), Corrupt),
        (bytes(drawing("\xff")).decode().encode("latin-1"), Corrupt),
        (bytes(drawing(" " * MAX_BYTES)), TooLarge),
    ],
)
def test_read_of_a_broken_drawing_has_a_coded_error(body: bytes, error: type[SafelightError]) -> None:
    """Cut off, not well-formed, in another encoding, or too large."""
    with pytest.raises(error):
        read(memoryview(body))


def test_strip_takes_what_does_not_show_and_leaves_the_rest_as_it_is() -> None:
    """Names, places on disk, comments and the marks of drawing programs go."""
    body = (
        b'<?xml version="1.0"?><!-- by secret -->\n'
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="urn:ink" xmlns:xlink="http://www.w3.org/1999/xlink"'
        b" i:docname='/home/secret/a.svg' width='2'>"
        b"<metadata><r xmlns='urn:r'>secret <!-- secret --></r></metadata><metadata id='secret>'/>"
        b'<i:namedview secret="1"><i:page/></i:namedview>'
        b'<g i:label="secret" id="a"\n xlink:href = "#a"><title>A</title></g></svg>'
    )
    stripped = b"".join(strip(body, "svg"))
    assert b"secret" not in stripped
    assert stripped == (
        b'<?xml version="1.0"?>\n'
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="urn:ink" xmlns:xlink="http://www.w3.org/1999/xlink"'
        b" width='2'>"
        b'<g id="a"\n xlink:href = "#a"><title>A</title></g></svg>'
    )
    read(memoryview(stripped))


def test_strip_of_a_prefixed_drawing_keeps_its_own_elements() -> None:
    """The root's prefix is that of SVG, whatever it is called."""
    body = b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g><s:metadata/></s:g></s:svg>'
    assert b"".join(strip(body, "svg")) == body.replace(b"<s:metadata/>", b"")


def test_strip_of_an_unsafe_drawing_is_refused() -> None:
    """Nothing that acts is ever passed on."""
    with pytest.raises(Unsafe):
        strip(bytes(drawing("<script/>")), "svg")
