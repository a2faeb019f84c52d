"""The properties of an XMP packet as plain texts (ISO 16684-1); what is malformed gives nothing."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
#: A packet larger than this is no description of a picture.
LARGEST_PACKET_BYTES = 4 << 20
#: In what order languages of an alternative are taken; after them the first that is there.
LANGUAGES = ("x-default", "en", "en-us", "en-gb")

Name = tuple[str, str]


def properties(packet: bytes | None) -> dict[Name, list[str]]:
    """Every simple property, array and member of a structure: (namespace, name) -> texts in order.

    Of language alternatives the default comes first, the others after it. Members of structures stand under their own
    names. A packet that is no XML, declares a document type, or is too large gives nothing.
    """
    found: dict[Name, list[str]] = {}
    for description in _descriptions(packet):
        for key, value in description.attrib.items():
            _keep(found, _name(key), value)
        for node in description:
            _collect(node, found)
    return found


def _descriptions(packet: bytes | None) -> Iterator[ElementTree.Element]:
    data = (packet or b"").strip(b"\x00 \r\n\t")
    if not data or len(data) > LARGEST_PACKET_BYTES or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return iter(())
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return iter(())
    return (node for rdf in root.iter(f"{{{RDF}}}RDF") for node in rdf if node.tag == f"{{{RDF}}}Description")


def _collect(node: ElementTree.Element, found: dict[Name, list[str]], depth: int = 0) -> None:
    if depth > 8:
        return
    name = _name(node.tag)
    for key, value in node.attrib.items():
        if _name(key)[0] not in (RDF, XML):
            _keep(found, _name(key), value)
    if len(node) == 0:
        _keep(found, name, node.get(f"{{{RDF}}}resource") or node.text or "")
        return
    for child in node:
        space, local = _name(child.tag)
        if space == RDF and local in ("Alt", "Bag", "Seq"):
            for item in _ordered(child):
                if len(item) == 0 and not _members(item):
                    _keep(found, name, item.text or "")
                else:
                    _collect_item(item, found, depth)
        elif space == RDF and local == "Description":
            _collect_item(child, found, depth)
        elif space != RDF:
            _collect(child, found, depth + 1)


def _collect_item(item: ElementTree.Element, found: dict[Name, list[str]], depth: int) -> None:
    for key, value in item.attrib.items():
        _keep(found, _name(key), value)
    for child in item:
        if child.tag == f"{{{RDF}}}Description":
            _collect_item(child, found, depth + 1)
        else:
            _collect(child, found, depth + 1)


def _members(item: ElementTree.Element) -> bool:
    return any(_name(key)[0] not in (RDF, XML) for key in item.attrib)


def _ordered(array: ElementTree.Element) -> list[ElementTree.Element]:
    items = list(array)
    if not array.tag.endswith("}Alt"):
        return items
    ranks = {language: place for place, language in enumerate(LANGUAGES)}
    return sorted(items, key=lambda item: ranks.get(item.get(f"{{{XML}}}lang", "").lower(), len(ranks)))


def _keep(found: dict[Name, list[str]], name: Name, text: str) -> None:
    text = text.strip()
    if text and name[0] not in (RDF, XML):
        found.setdefault(name, []).append(text)


def _name(tag: str) -> Name:
    space, _, local = tag.rpartition("}")
    return space.lstrip("{"), local
