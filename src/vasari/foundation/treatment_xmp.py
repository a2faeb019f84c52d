"""The treatment record inside a picture: merged into the XMP packet that its source carries.

What the packet held stays; replaced are only the properties that speak of the file itself
(`Iptc4xmpExt:DigitalSourceType`, `xmpMM:DerivedFrom`, `InstanceID`, `DocumentID`) and an older
treatment; `xmpMM:History` is continued. What it tells of the size of the picture follows the picture
(`with_size`). Namespaces and meaning: XMP Specification Part 1 and 2
(ISO 16684-1), IPTC Photo Metadata 2023.1.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from vasari.foundation.treatment import Treatment

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element, Text

X = "adobe:ns:meta/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
VASARI = "urn:x-vasari:treatment:1.0:"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_MM = "http://ns.adobe.com/xap/1.0/mm/"
ST_EVT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
ST_REF = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_PREFIXES = {
    "vasari": VASARI,
    "Iptc4xmpExt": IPTC_EXT,
    "xmpMM": XMP_MM,
    "stEvt": ST_EVT,
    "stRef": ST_REF,
}
_OPENING = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_EMPTY = f'<x:xmpmeta xmlns:x="{X}"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
# JPEG keeps XMP in one APP1 segment: 65,533 bytes less the 29 of its name, less some room.
LARGEST_JPEG_PACKET_BYTES = 65_000


def merged(packet: bytes | None, treatment: Treatment, largest_bytes: int | None = None) -> bytes | None:
    """The source's XMP packet with the treatment in it, or a new packet; None where it cannot be merged.

    A packet that is no well-formed RDF, declares a document type, or would outgrow `largest_bytes` is not
    touched: the caller then keeps the source's own bytes, and the record stands in the sidecar alone.
    Equal inputs give equal bytes: identifiers come from the job, times from the record.
    """
    document = _parse(packet)
    if document is None:
        return None
    nodes = document.getElementsByTagNameNS(RDF, "RDF")
    if len(nodes) != 1:
        return None
    _write(document, nodes[0], treatment)
    whole = _whole(document)
    return whole if largest_bytes is None or len(whole) <= largest_bytes else None


def with_size(packet: bytes, width: int, height: int, scale: int) -> bytes:
    """The packet of a picture that was enlarged by `scale` to a size in pixels, wherever it tells of size and density.

    A packet that tells nothing of it stays as it is; so does one that `merged` would not touch, too.
    """
    document = _parse(packet)
    nodes = [] if document is None else document.getElementsByTagNameNS(RDF, "RDF")
    if document is None or len(nodes) != 1:
        return packet
    changes: dict[tuple[str, str], Callable[[str], str]] = {
        (TIFF, "ImageWidth"): lambda _: str(width),
        (TIFF, "ImageLength"): lambda _: str(height),
        (EXIF, "PixelXDimension"): lambda _: str(width),
        (EXIF, "PixelYDimension"): lambda _: str(height),
        (TIFF, "XResolution"): lambda text: _times(text, scale),
        (TIFF, "YResolution"): lambda text: _times(text, scale),
    }
    changed = [_changed(document, nodes[0], *name, change) for name, change in changes.items()]
    whole = _whole(document)
    outgrown = len(packet) <= LARGEST_JPEG_PACKET_BYTES < len(whole)  # a JPEG could hold it no more
    return whole if any(changed) and not outgrown else packet


def _times(rational: str, scale: int) -> str:
    """So many times a number of XMP, "300/1"; what is none, or longer than the ten digits it may have, stays."""
    above, slash, below = rational.strip().partition("/")
    return f"{int(above) * scale}{slash}{below}" if above.isdecimal() and len(above) <= 10 else rational


def _changed(document: Document, rdf: Element, space: str, name: str, change: Callable[[str], str]) -> bool:
    """Change the text of a property, written as an element or as an attribute; False where there is none."""
    attributes = [one.getAttributeNodeNS(space, name) for one in _descriptions(rdf)]
    for attribute in (one for one in attributes if one is not None):
        attribute.value = change(attribute.value)
    nodes = [node for _, node in _properties(rdf, space, name)]
    for node in nodes:
        text = "".join(child.data for child in node.childNodes if isinstance(child, minidom.Text))
        for child in list(node.childNodes):
            node.removeChild(child)
        node.appendChild(_text(document, change(text)))
    return bool(nodes) or any(attributes)


def _whole(document: Document) -> bytes:
    """A packet as bytes."""
    body = document.documentElement.toxml()  # type: ignore[union-attr]
    return f'{_OPENING}{body}\n<?xpacket end="w"?>'.encode()


def _parse(packet: bytes | None) -> Document | None:
    data = (packet or b"").strip(b"\x00 \r\n\t") or _EMPTY.encode()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return None
    try:
        document = minidom.parseString(data)
    except (ExpatError, ValueError, LookupError):
        return None
    return None if document.doctype else document  # in UTF-16 the bytes above are others


def _write(document: Document, rdf: Element, treatment: Treatment) -> None:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{VASARI}{treatment.job}")
    old_document = _remove(rdf, XMP_MM, "DocumentID")
    old_instance = _remove(rdf, XMP_MM, "InstanceID")
    original = _remove(rdf, XMP_MM, "OriginalDocumentID") or old_document
    for space, name in ((IPTC_EXT, "DigitalSourceType"), (XMP_MM, "DerivedFrom")):
        _remove(rdf, space, name)
    _remove_all(rdf, VASARI)
    target = document.createElementNS(RDF, _name(rdf, "Description"))
    target.setAttributeNS(RDF, _name(rdf, "about"), _about(rdf))
    for prefix, space in _PREFIXES.items():
        target.setAttributeNS(_XMLNS, f"xmlns:{prefix}", space)
    rdf.appendChild(target)

    def add(name: str, text: str, space: str) -> None:
        node = document.createElementNS(space, name)
        node.appendChild(_text(document, text))
        target.appendChild(node)

    add("Iptc4xmpExt:DigitalSourceType", treatment.digital_source_type, IPTC_EXT)
    add("xmpMM:DocumentID", f"xmp.did:{identity}", XMP_MM)
    add("xmpMM:InstanceID", f"xmp.iid:{identity}", XMP_MM)
    if original:
        add("xmpMM:OriginalDocumentID", original, XMP_MM)
    derived = {
        "stRef:documentID": old_document or f"sha256:{treatment.source.sha256}",
        "stRef:instanceID": old_instance or f"sha256:{treatment.source.sha256}",
        "stRef:filePath": treatment.source.path.replace("\\", "/").rsplit("/", 1)[-1],
    }
    target.appendChild(_resource(document, rdf, "xmpMM:DerivedFrom", XMP_MM, derived, ST_REF))
    event = {
        "stEvt:action": "derived",
        "stEvt:instanceID": f"xmp.iid:{identity}",
        "stEvt:when": treatment.created,
        "stEvt:softwareAgent": f"Vasari {treatment.version}",
        "stEvt:parameters": "; ".join(f"{stage.name}: {stage.did}" for stage in treatment.stages),
    }
    _continue_history(document, rdf, target, event)
    for name, text in _facts(treatment).items():
        add(f"vasari:{name}", text, VASARI)


def _facts(treatment: Treatment) -> dict[str, str]:
    """The properties of Vasari's own namespace: everything a replay needs."""
    models = [f"{one.name} sha256:{one.digest} share:{one.share:g}" for one in treatment.models]
    return {
        "Operation": treatment.operation,
        "Version": treatment.version,
        "Created": treatment.created,
        "SourceSHA256": treatment.source.sha256,
        "SourcePage": str(treatment.source.page + 1),
        "Models": "; ".join(models),
        "Plan": json.dumps(treatment.plan, ensure_ascii=False, sort_keys=True),
        "Seed": str(treatment.seed),
        "Stages": ", ".join(stage.name for stage in treatment.stages),
    }


def _name(rdf: Element, local: str) -> str:
    """A qualified name with the prefix that this packet uses for RDF."""
    return f"{rdf.prefix}:{local}" if rdf.prefix else local


def _descriptions(rdf: Element) -> list[Element]:
    return [
        node
        for node in rdf.childNodes
        if isinstance(node, minidom.Element) and (node.namespaceURI, node.localName) == (RDF, "Description")
    ]


def _about(rdf: Element) -> str:
    # All descriptions of one packet must be about the same thing.
    return next((one.getAttributeNS(RDF, "about") for one in _descriptions(rdf)), "")


def _properties(rdf: Element, space: str, name: str | None = None) -> list[tuple[Element, Element]]:
    return [
        (parent, node)
        for parent in _descriptions(rdf)
        for node in list(parent.childNodes)
        if isinstance(node, minidom.Element) and node.namespaceURI == space and name in (None, node.localName)
    ]


def _remove(rdf: Element, space: str, name: str) -> str | None:
    """Take a property out, written as an element or as an attribute; its text, if it has any."""
    text = None
    for one in _descriptions(rdf):
        if one.hasAttributeNS(space, name):
            text = one.getAttributeNS(space, name)
            one.removeAttributeNS(space, name)
    for parent, node in _properties(rdf, space, name):
        text = "".join(child.data for child in node.childNodes if isinstance(child, minidom.Text)).strip() or text
        parent.removeChild(node)
    return text


def _remove_all(rdf: Element, space: str) -> None:
    for parent, node in _properties(rdf, space):
        parent.removeChild(node)
    for one in _descriptions(rdf):
        for index in reversed(range(one.attributes.length)):
            attribute = one.attributes.item(index)
            if attribute is not None and attribute.namespaceURI == space:
                one.removeAttributeNode(attribute)  # type: ignore[arg-type]


def _resource(document: Document, rdf: Element, name: str, space: str, values: dict[str, str], inner: str) -> Element:
    node = document.createElementNS(space, name)
    node.setAttributeNS(RDF, _name(rdf, "parseType"), "Resource")
    for key, text in values.items():
        child = document.createElementNS(inner, key)
        child.appendChild(_text(document, text))
        node.appendChild(child)
    return node


def _continue_history(document: Document, rdf: Element, target: Element, event: dict[str, str]) -> None:
    """Append `event` to the packet's `xmpMM:History`, or begin one in `target`."""
    entry = _resource(document, rdf, _name(rdf, "li"), RDF, event, ST_EVT)
    entry.setAttributeNS(_XMLNS, "xmlns:stEvt", ST_EVT)
    for _, history in _properties(rdf, XMP_MM, "History"):
        for sequence in history.getElementsByTagNameNS(RDF, "Seq")[:1]:
            sequence.appendChild(entry)
            return
    history = document.createElementNS(XMP_MM, "xmpMM:History")
    sequence = document.createElementNS(RDF, _name(rdf, "Seq"))
    sequence.appendChild(entry)
    history.appendChild(sequence)
    target.appendChild(history)


def _text(document: Document, text: str) -> Text:
    """A text node; characters that XML cannot hold (control codes, stray surrogates) become '?'."""
    safe = text.encode("utf-8", "replace").decode()
    return document.createTextNode("".join(one if one >= " " or one in "\t\n\r" else "?" for one in safe))
