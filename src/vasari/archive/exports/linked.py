"""Works as JSON-LD 1.1 in Dublin Core terms, with every statement and who made it.

The context is in the file: nobody needs the network to read it. Each work is on a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vasari.archive.exports.records import MANY, Record
from vasari.archive.exports.targets import whole_file

TERMS = "urn:x-vasari:terms:1.0:"
CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "dcterms": "http://purl.org/dc/terms/",
    "dcmitype": "http://purl.org/dc/dcmitype/",
    "edtf": "http://id.loc.gov/datatypes/edtf/",
    "premis": "http://www.loc.gov/premis/rdf/v3/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "vasari": TERMS,
    "works": {"@id": "dcterms:hasPart", "@container": "@set"},
    "identifier": "dcterms:identifier",
    "title": "dcterms:title",
    "creator": "dcterms:creator",
    "created": "dcterms:created",
    "date": {"@id": "dcterms:date", "@type": "edtf:EDTF"},
    "medium": "dcterms:medium",
    "spatial": "dcterms:spatial",
    "provenance": "dcterms:provenance",
    "rights": "dcterms:rights",
    "source": "dcterms:source",
    "subject": {"@id": "dcterms:subject", "@container": "@set"},
    "derived": {"@id": "vasari:derived", "@type": "xsd:boolean"},
    "statements": {"@id": "vasari:statement", "@container": "@set"},
    "field": "vasari:field",
    "kind": "vasari:kind",
    "by": "vasari:by",
    "value": "vasari:value",
    "confidence": {"@id": "vasari:confidence", "@type": "xsd:double"},
    "at": {"@id": "dcterms:modified", "@type": "xsd:dateTime"},
    "files": {"@id": "dcterms:hasFormat", "@container": "@set"},
    "path": "vasari:path",
    "page": {"@id": "vasari:page", "@type": "xsd:integer"},
    "sha256": "premis:messageDigest",
    "bytes": {"@id": "dcterms:extent", "@type": "xsd:integer"},
    "format": "dcterms:format",
    "width": {"@id": "vasari:width", "@type": "xsd:integer"},
    "height": {"@id": "vasari:height", "@type": "xsd:integer"},
    "state": "vasari:state",
}
#: Fields of a work by their Dublin Core term.
_SHOWN = {
    "title": "title", "artist": "creator", "date": "created", "medium": "medium", "place": "spatial",
    "collection": "provenance", "rights": "rights", "url": "source",
}  # fmt: skip
_SAID = ("field", "kind", "by", "value", "confidence", "at")
_FILE = ("path", "page", "sha256", "bytes", "format", "width", "height", "state")


def write_json_ld(records: Iterable[Record], target: Path, archive_id: str, *, overwrite: bool = False) -> int:
    """Write a JSON-LD file; how many works it holds; raises `PlanError`, `WriteError`."""
    count = 0
    with whole_file(target, overwrite=overwrite) as file:
        head = {"@context": CONTEXT, "@id": f"urn:x-vasari:archive:{archive_id}", "@type": "dcmitype:Collection"}
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "works": [')
        for record in records:
            file.write((",\n" if count else "\n") + json.dumps(_work(record, archive_id), ensure_ascii=False))
            count += 1
        file.write("\n]}\n")
    return count


def _work(record: Record, archive_id: str) -> dict[str, Any]:
    row = record.row
    shown = {term: record.shown(field) for field, term in _SHOWN.items()}
    return {
        "@id": f"urn:x-vasari:archive:{archive_id}:{quote(row['key'], safe='')}",
        "@type": "dcmitype:StillImage",
        "identifier": row["key"],
        **{term: value for term, value in shown.items() if value},
        **({"date": row["date_edtf"]} if row["date_kind"] != "unknown" else {}),
        "subject": sorted({value for name in MANY if name != "note" for value in record.values(name)}),
        "derived": bool(row["derived"]),
        "statements": [{name: said[name] for name in _SAID} for said in record.statements],
        "files": [{name: file[name] for name in _FILE} for file in record.files],
    }
