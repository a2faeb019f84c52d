"""Works as IIIF Presentation 3 manifests whose pictures come from the Image API here.

Source: https://iiif.io/api/presentation/3.0/ - sections 3 (properties) and 5 (resources).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from vasari.app.settings import Settings
from vasari.app.web.errors import not_found
from vasari.app.web.iiif.masters import identifier_of
from vasari.archive.exports.iiif import CONTEXT
from vasari.archive.exports.iiif import manifest as static_manifest
from vasari.archive.exports.records import Record
from vasari.archive.schema import ARTISTS, FILES, STATEMENTS, WORKS
from vasari.archive.search.listing import Work

#: The sides of thumbnails and of the pictures that stand for canvases, in pixels.
THUMBNAIL_PX, BODY_PX = 400, 1600


def record_of(connection: Connection, id: int) -> Record:
    """A work with its words and its files; raises `Refusal` (404)."""
    query = select(WORKS, ARTISTS.c.name.label("artist")).outerjoin(ARTISTS, ARTISTS.c.id == WORKS.c.artist_id)
    row = connection.execute(query.where(WORKS.c.id == id)).mappings().first()
    if row is None:
        raise not_found(f"work {id}")
    order = (STATEMENTS.c.field, STATEMENTS.c.kind, STATEMENTS.c.by, STATEMENTS.c.digest)
    said = connection.execute(select(STATEMENTS).where(STATEMENTS.c.work_id == id).order_by(*order)).mappings()
    present = select(FILES).where(FILES.c.work_id == id, FILES.c.state == "present").order_by(FILES.c.id)
    files = connection.execute(present).mappings()
    return Record(dict(row), [dict(one) for one in said], [dict(one) for one in files])


def manifest(
    record: Record, sizes: Mapping[str, tuple[int, int]], base: str, page: str, settings: Settings
) -> dict[str, Any]:
    """The manifest of a work with pictures; `sizes` are those of the upright pictures by content.

    `base` is the server's address, `page` the address of the work's page.
    """
    id = f"{base}/iiif/presentation/{record.row['id']}"
    found = static_manifest(record, base) | {"id": f"{id}/manifest"}
    title = found["label"]
    files = [file for file in record.files if file["content"] in sizes]
    found["thumbnail"] = [thumbnail(file["content"], sizes[file["content"]], base) for file in files[:1]]
    own = {"id": page, "type": "Text", "label": title, "format": "text/html"}
    found["homepage"] = [*found.get("homepage", ()), own]
    if settings.provider:
        found["provider"] = [provider(settings, base)]
    several = len(files) > 1
    found["items"] = [
        canvas(file["content"], sizes[file["content"]], f"{id}/canvas/{number}", base,
               {"none": [str(number)]} if several else title)
        for number, file in enumerate(files, 1)
    ]  # fmt: skip
    return found


def canvas(content: str, size: tuple[int, int], id: str, base: str, label: Any) -> dict[str, Any]:
    """A canvas of a picture's own size, the picture painted on it (sections 5.3 and 5.6)."""
    width, height = size
    shape = {"height": height, "width": width}
    scale = min(1.0, BODY_PX / max(size))
    service = service_of(content, base)
    body = {
        "id": f"{service['id']}/full/{'max' if scale == 1.0 else f'!{BODY_PX},{BODY_PX}'}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "height": max(1, round(height * scale)),
        "width": max(1, round(width * scale)),
        "service": [service],
    }
    painting = {"id": f"{id}/painting", "type": "Annotation", "motivation": "painting", "body": body, "target": id}
    page = {"id": f"{id}/page", "type": "AnnotationPage", "items": [painting]}
    return {
        "id": id, "type": "Canvas", "label": label, **shape, "items": [page],
        "thumbnail": [thumbnail(content, size, base)],
    }  # fmt: skip


def thumbnail(content: str, size: tuple[int, int], base: str) -> dict[str, Any]:
    """A small picture (section 3.1), from the Image API, so that clients may ask for others."""
    scale = min(1.0, THUMBNAIL_PX / max(size))
    service = service_of(content, base)
    return {
        "id": f"{service['id']}/full/{'max' if scale == 1.0 else f'!{THUMBNAIL_PX},{THUMBNAIL_PX}'}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": max(1, round(size[0] * scale)),
        "height": max(1, round(size[1] * scale)),
        "service": [service],
    }


def service_of(content: str, base: str) -> dict[str, str]:
    """How the Image API of a picture is referred to (section 4 of the Presentation API, "service")."""
    return {"id": f"{base}/iiif/image/{identifier_of(content)}", "type": "ImageService3", "profile": "level2"}


def provider(settings: Settings, base: str) -> dict[str, Any]:
    """Who provides the pictures (section 3.2)."""
    label = {"none": [settings.provider]}
    named = re.match(r"https?://\S+$", settings.provider_page) is not None
    address = settings.provider_page if named else f"{base}/"
    page = {"id": address, "type": "Text", "label": label, "format": "text/html"}
    return {"id": address, "type": "Agent", "label": label, "homepage": [page]}


def collection(
    works: Sequence[Work], base: str, address: str, label: str, following: str | None, rest: str
) -> dict[str, Any]:
    """A collection of works' manifests; where there are more, its last item is the collection `following`."""
    items = [
        {
            "id": f"{base}/iiif/presentation/{work.id}/manifest",
            "type": "Manifest",
            "label": {"none": [work.title or work.key]},
        }
        for work in works
    ]
    if following is not None:
        items.append({"id": following, "type": "Collection", "label": {"none": [rest]}})
    return {"@context": CONTEXT, "id": address, "type": "Collection", "label": {"none": [label]}, "items": items}
