"""XMP packets that say who made a picture, who owns it, and under which licence.

Source: XMP specification, part 1 (ISO 16684-1), 7 and 8; IPTC Photo Metadata Standard 2023.2: Creator (dc:creator),
Copyright Notice (dc:rights), Web Statement of Rights (xmpRights:WebStatement).
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

RDF, DC = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://purl.org/dc/elements/1.1/"
RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
MAX_BYTES, MAX_MERGED = 1 << 20, 1 << 18
"""Of a packet that is read, and of one that is changed."""
_NO_XML = re.compile("[\0-\x08\v\f\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold (2.2)."""


def signed(packet: bytes, creator: str, notice: str, licence: str) -> bytes:
    """Return the packet with these properties, as far as they are given, in place of its own.

    One that is broken is replaced: nobody can read it. One that is too large to be held as a tree stays as it is.

    Args:
        packet: blank for a new one.
        creator: who made the picture.
        notice: its copyright.
        licence: the address of the terms under which it may be used.
    """
    found = {
        (DC, "creator"): creator and f"<dc:creator><rdf:Seq><rdf:li>{_text(creator)}</rdf:li></rdf:Seq></dc:creator>",
        (DC, "rights"): notice
        and f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{_text(notice)}</rdf:li></rdf:Alt></dc:rights>',
        (RIGHTS, "Marked"): notice and "<xmpRights:Marked>True</xmpRights:Marked>",
        (RIGHTS, "WebStatement"): licence and f"<xmpRights:WebStatement>{_text(licence)}</xmpRights:WebStatement>",
    }
    properties = {name: markup for name, markup in found.items() if markup}
    new = _packet("".join(properties.values()))
    if len(packet) > MAX_MERGED:
        return packet
    document = parse(packet) if packet else None
    try:
        return (_merged(document, properties, new) if document else None) or new
    except RecursionError:  # elements are nested by the thousand
        return new


def parse(packet: bytes) -> Document | None:
    """Return a packet as a document, or None when it is none.

    A document type is refused: entities, and with them the bombs of XML, need one.
    """
    from xml.dom.minidom import parseString  # noqa: PLC0415 -- slow to import and seldom needed
    from xml.parsers.expat import ExpatError  # noqa: PLC0415

    text = packet[:MAX_BYTES].decode("utf-8", "replace").strip("\0 \r\n\t\ufeff")
    if not text or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return parseString(text.encode())  # noqa: S318 -- no document type
    except (ExpatError, ValueError):
        return None


def _packet(properties: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:dc="{DC}" xmlns:xmpRights="{RIGHTS}">'
        f'{properties}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def _merged(document: Document, properties: dict[tuple[str, str], str], new: bytes) -> bytes | None:
    """Take the properties out wherever they are, and add a description that has them; None: there is no RDF."""
    from xml.dom import Node  # noqa: PLC0415

    every, source = document.getElementsByTagNameNS(RDF, "RDF"), parse(new)
    if not every or source is None:
        return None
    descriptions = [each for each in every[0].childNodes if each.nodeType == Node.ELEMENT_NODE]
    for description in descriptions:
        _forget(description, properties)
    added = source.getElementsByTagNameNS(RDF, "Description")[0]
    added.setAttribute("xmlns:rdf", RDF)  # the packet may have another prefix for it
    added.setAttribute("rdf:about", next((each.getAttributeNS(RDF, "about") for each in descriptions), ""))
    every[0].appendChild(document.importNode(added, deep=True))
    return "".join(node.toxml() for node in document.childNodes).encode()


def _forget(description: Element, properties: dict[tuple[str, str], str]) -> None:
    for namespace, name in properties:
        if description.hasAttributeNS(namespace, name):
            description.removeAttributeNS(namespace, name)
        for child in [
            each for each in description.childNodes if (each.namespaceURI, each.localName) == (namespace, name)
        ]:
            description.removeChild(child)


def _text(value: str) -> str:
    return escape(_NO_XML.sub("", value), quote=False)
