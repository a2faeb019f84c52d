"""The IIIF Presentation API 3.0: a manifest for every work with pictures, a collection for every query."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query, Request
from fastapi.responses import Response

from vasari.app.web.errors import Refusal, not_found
from vasari.app.web.iiif.answers import base_of, open_headers, unchanged
from vasari.app.web.iiif.manifests import collection, manifest, record_of
from vasari.app.web.iiif.masters import master_of
from vasari.app.web.rendering import say
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench
from vasari.archive.exports.iiif import CONTEXT
from vasari.archive.queries.nodes import both
from vasari.archive.query import parsed
from vasari.archive.search.listing import list_works

#: Manifests that a collection names at once.
AT_ONCE = 500
LARGEST_ID = (1 << 31) - 1


def work_manifest(request: Request, bench: Bench, id: Annotated[int, Path(ge=1, le=LARGEST_ID)]) -> Response:
    """The manifest of a work."""
    with bench.archive.reading() as connection:
        record = record_of(connection, id)
    sizes: dict[str, tuple[int, int]] = {}
    for row in record.files:
        with contextlib.suppress(Refusal):  # what cannot be shown now is left out
            sizes[row["content"]] = master_of(row, bench.archive.folder).size
    if not sizes:
        raise not_found(f"picture of the work {id}")
    base = base_of(request)
    return _answer(request, bench, manifest(record, sizes, base, f"{base}/works/{id}", bench.settings))


def query_collection(
    request: Request,
    bench: Bench,
    query: Annotated[str, Query(max_length=20_000)] = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """The works with pictures that a query means, as manifests."""
    with bench.archive.reading() as connection:
        wanted = parsed(query)
        page = list_works(connection, both(wanted, parsed("has picture")), limit=AT_ONCE, cursor=cursor)
    place = f"{base_of(request)}/iiif/presentation/collection"
    following = f"{place}?{urlencode({'query': str(wanted), 'cursor': page.cursor})}" if page.cursor else None
    address = str(request.url)
    label = str(wanted) or say(request, "All works")
    return _answer(
        request, bench, collection(page.works, base_of(request), address, label, following, say(request, "More works"))
    )


def _answer(request: Request, bench: Bench, told: dict[str, Any]) -> Response:
    data = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = open_headers(request, bench.settings) | {"ETag": tag, "Cache-Control": "private, no-cache"}
    if unchanged(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=f'application/ld+json;profile="{CONTEXT}"', headers=headers)


ROUTES = (
    Route("GET", "/iiif/presentation/collection", query_collection, Role.VIEWER),
    Route("GET", "/iiif/presentation/{id}/manifest", work_manifest, Role.VIEWER),
)
