"""Works as IIIF Presentation API 3.0: a collection, and a manifest for each work that has pictures.

https://iiif.io/api/presentation/3.0/ - sections 2 (types), 3 (properties), 4 (JSON-LD), 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vasari.archive.exports.records import MANY, SINGLE, Record
from vasari.archive.exports.targets import whole_file, whole_folder
from vasari.archive.statements import digest_of
from vasari.archive.writer import Row
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import FORMATS

#: The file by which such an export is known.
SIGN = "collection.json"
CONTEXT = "http://iiif.io/api/presentation/3/context.json"
#: What `rights` may be: Creative Commons licenses and RightsStatements.org (section 3.2).
_RIGHTS = re.compile(r"https?://(creativecommons\.org/(licenses|publicdomain)/|rightsstatements\.org/vocab/)\S+")
_LABELS = {name: {"en": [name.capitalize()]} for name in (*SINGLE, *MANY)}
_MEDIA = {"jpeg": "image/jpeg", "png": "image/png", "tiff": "image/tiff", "webp": "image/webp", "gif": "image/gif"}


def write_iiif(
    records: Iterable[Record], target: Path, base: str, label: str, *, overwrite: bool = False
) -> tuple[int, int]:
    """Write `collection.json` and `manifests/`; works with a manifest, and works left out for want of a picture.

    `base` is the https address under which the folder will be served; pictures are expected there as
    `images/CONTENT.EXT`, CONTENT being the hash, "-page" after it for further pages. Raises `PlanError`.
    """
    if not re.match(r"https?://[^\s#?]+$", base):
        raise PlanError(f"base={base!r} is no web address.", remedy="give --base https://example.org/archive")
    base = base.rstrip("/")
    written = left_out = 0
    with whole_folder(target, SIGN, overwrite=overwrite) as folder:
        head = {"@context": CONTEXT, "id": f"{base}/{SIGN}", "type": "Collection", "label": {"none": [label]}}
        with whole_file(folder / SIGN) as file:
            file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "items": [')
            for record in records:
                if not record.files:
                    left_out += 1
                    continue
                one = manifest(record, base)
                name = one["id"].rsplit("/", 1)[1]
                with whole_file(folder / "manifests" / name) as page:
                    page.write(json.dumps(one, ensure_ascii=False, indent=1) + "\n")
                entry = {name: one[name] for name in ("id", "type", "label")}
                file.write((",\n" if written else "\n") + json.dumps(entry, ensure_ascii=False))
                written += 1
            file.write("\n]}\n")
        if not written:
            raise PlanError("None of these works has a picture.", remedy="choose others, or export CSV or JSON-LD")
    return written, left_out


def manifest(record: Record, base: str) -> dict[str, Any]:
    """The manifest of a work with files."""
    place = f"{base}/manifests/{digest_of(record.row['key'])}"
    title = record.shown("title") or record.row["key"]
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "id": f"{place}.json",
        "type": "Manifest",
        "label": {"none": [title]},
        "metadata": _metadata(record),
        "items": [_canvas(file, f"{place}/canvas/{number}", base, title) for number, file in _numbered(record)],
    }
    rights = record.shown("rights")
    if address := rights_address(rights):
        found["rights"] = address
    elif rights:
        found["requiredStatement"] = {"label": {"en": ["Rights"]}, "value": {"none": [rights]}}
    if re.match(r"https?://\S+$", record.shown("url")):
        found["homepage"] = [
            {"id": record.shown("url"), "type": "Text", "label": {"none": [title]}, "format": "text/html"}
        ]
    first, last = record.row["date_first"], record.row["date_last"]
    if first is not None and first == last and 1 <= first <= 9999:
        found["navDate"] = f"{first:04}-01-01T00:00:00Z"
    return found


def rights_address(rights: str) -> str:
    """What `rights` of a manifest may be, as it is written there; "" for words of any other kind."""
    return rights.replace("https://", "http://", 1) if _RIGHTS.fullmatch(rights) else ""


def _numbered(record: Record) -> Iterable[tuple[int, Row]]:
    return enumerate(record.files, 1)


def _metadata(record: Record) -> list[dict[str, Any]]:
    values = {name: [record.shown(name)] for name in SINGLE if name not in ("title", "rights", "url")}
    values |= {name: record.values(name) for name in MANY}
    return [{"label": _LABELS[name], "value": {"none": given}} for name, given in values.items() if any(given)]


def _canvas(file: Row, id: str, base: str, title: str) -> dict[str, Any]:
    """A page as a canvas of its own size, the picture painted on it (section 5.3, 5.6)."""
    size = {"height": file["height"], "width": file["width"]}
    body = {
        "id": f"{base}/images/{file['content'].replace('#', '-')}{_suffix(file)}",
        "type": "Image",
        "format": _MEDIA.get(file["format"].lower(), "application/octet-stream"),
        **size,
    }
    painting = {"id": f"{id}/painting", "type": "Annotation", "motivation": "painting", "body": body, "target": id}
    page = {"id": f"{id}/page", "type": "AnnotationPage", "items": [painting]}
    return {"id": id, "type": "Canvas", "label": {"none": [title]}, **size, "items": [page]}


def _suffix(file: Row) -> str:
    known = FORMATS.get(file["format"].lower())
    return known.suffixes[0] if known is not None else Path(file["path"]).suffix
