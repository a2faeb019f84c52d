"""A map of works: places on a plane with what is known of them, as JSON and as one page that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from vasari.archive.maps.projection import project
from vasari.archive.queries.nodes import Query
from vasari.archive.schema import FILES, STATEMENTS
from vasari.archive.search.facets import ids_array
from vasari.archive.search.listing import works_by_id
from vasari.archive.search.vectors import load
from vasari.foundation.errors import VasariError

PAGE = Path(__file__).parent / "page.html"
THUMBNAIL_PX = 96
_JPEG_QUALITY = 60


def map_of(
    connection: Connection,
    folder: Path,
    query: Query,
    *,
    by: str = "overall",
    method: str = "pca",
    thumbnails: int = 1000,
    watch: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """The map of the works that a query means and that are measured: plain values, ready for JSON.

    `works` holds x and y in -1..1, id, key, title, artist, date, years, styles (nobody's but models' words left out),
    and a JPEG as base64 for the first `thumbnails` works. `folder` is the archive's.
    Raises `PlanError`, `ArchiveError`.
    """
    held = load(connection, folder, by)
    rows = np.flatnonzero(np.isin(held.ids, ids_array(connection, query)))
    places = project(held.vectors[rows], method)
    reach = np.abs(places - places.mean(0)).max() or 1.0
    places = (places - places.mean(0)) / reach
    ids = held.ids[rows].tolist()
    known = {work.id: work for work in works_by_id(connection, ids)}
    styles = _styles(connection)
    works = []
    for (x, y), id in zip(places.tolist(), ids):
        work = known[id]
        works.append(
            {
                "x": round(x, 4), "y": round(y, 4), "id": id, "key": work.key,
                "title": work.title or Path(work.picture).name, "artist": work.artist, "date": work.date,
                "first": work.first, "last": work.last, "style": styles.get(id, ""),
            }
        )  # fmt: skip
    for number, id in enumerate(ids[:thumbnails]):
        works[number]["thumbnail"] = _thumbnail(connection, folder, id)
        if watch is not None:
            watch(number + 1, min(thumbnails, len(ids)))
    return {"query": str(query), "by": by, "method": method, "feature": held.feature, "works": works}


def page(drawn: dict[str, Any]) -> str:
    """The map as an HTML page with all it needs inside."""
    data = json.dumps(drawn, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return PAGE.read_text(encoding="utf-8").replace("/*MAP*/null", data)


def _styles(connection: Connection) -> dict[int, str]:
    """One style a work: of several the one that most works have."""
    said: dict[int, set[str]] = {}
    query = select(STATEMENTS.c.work_id, STATEMENTS.c.value)
    for id, value in connection.execute(query.where(STATEMENTS.c.field == "style", STATEMENTS.c.kind != "model")):
        said.setdefault(id, set()).add(value)
    counts = Counter(value for values in said.values() for value in values)
    return {id: min(values, key=lambda value: (-counts[value], value)) for id, values in said.items()}


def _thumbnail(connection: Connection, folder: Path, id: int) -> str:
    """A small JPEG as base64; empty where the picture cannot be read."""
    from vasari.foundation import image_files
    from vasari.foundation.image_formats import vips

    query = select(FILES.c.path, FILES.c.page).where(FILES.c.work_id == id, FILES.c.state == "present")
    row = connection.execute(query.order_by(FILES.c.id).limit(1)).first()
    if row is None:
        return ""
    try:
        pixels = image_files.thumbnail(folder / row[0], THUMBNAIL_PX, row[1]).expand(3, -1, -1)
    except (VasariError, OSError):
        return ""
    bands = np.ascontiguousarray((pixels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
    image = vips().Image.new_from_memory(bands.data, bands.shape[1], bands.shape[0], 3, "uchar")
    return base64.b64encode(image.write_to_buffer(f".jpg[Q={_JPEG_QUALITY},strip]")).decode()
