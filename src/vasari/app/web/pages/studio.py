"""What the pages of the studio share: facts and tiles of any picture they work with, and painted masks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool

from vasari.app.web.iiif.answers import unchanged
from vasari.app.web.route import Role, Route
from vasari.app.web.studio import masks, tiles
from vasari.app.web.studio.sources import LONGEST_REFERENCE, source_of, turned
from vasari.app.web.workbench import Bench, Who, Workbench

Picture = Annotated[str, Query(max_length=LONGEST_REFERENCE, description="upload:…, work:…, job:…/…")]
Turn = Annotated[int | None, Query(ge=1, le=8, description="EXIF's orientation of the picture that a map is of")]
Place = Annotated[int, Query(ge=0, le=1 << 20)]


@dataclass(frozen=True)
class PictureFacts:
    """A picture of the studio: its upright size in pixels, 0 for a film; `turn` is EXIF's orientation."""

    reference: str
    name: str
    film: bool
    width: int
    height: int
    turn: int
    grey: bool
    depth: int


@dataclass(frozen=True)
class Kept:
    """The reference under which a mask goes into a job."""

    reference: str


def picture(bench: Bench, picture: Picture) -> PictureFacts:
    """What a page has to know of a picture before it shows it."""
    source = source_of(bench, picture)
    master = source.master
    if master is None:
        return PictureFacts(source.reference, source.name, True, 0, 0, 1, False, 8)
    width, height = master.size
    return PictureFacts(
        source.reference, source.name, False, width, height, master.orientation, master.channels == 1, master.depth
    )


def tile(
    request: Request,
    bench: Bench,
    picture: Picture,
    level: Annotated[int, Query(ge=0, le=tiles.LARGEST_LEVEL)],
    column: Place,
    row: Place,
    layer: Annotated[str, Query(max_length=20)] = "",
    turn: Turn = None,
) -> Response:
    """A tile of a picture, or of a map in its color; `level` as OpenSeadragon counts, the largest the picture's own."""
    master = turned(source_of(bench, picture).picture, turn)
    work = tiles.work_of(master, level, column, row, "png" if layer else "webp")
    about = f"{tiles.VERSION} {master.content} {master.orientation} {layer} {work.path}"
    tag = f'"{hashlib.sha256(about.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=604800"}
    if unchanged(request, tag):
        return Response(status_code=304, headers=headers)
    data = tiles.tile(bench, master, level, column, row, layer)
    return Response(data, media_type="image/png" if layer else "image/webp", headers=headers)


async def mask(
    request: Request,
    bench: Bench,
    visitor: Who,
    picture: Picture,
    whole: bool = True,
    hard: bool = True,
) -> Kept:
    """Keep a mask that was painted over a picture; the body is a PNG in the picture's upright shape."""
    data = await request.body()
    return Kept(await run_in_threadpool(_kept, bench, picture, data, visitor.name, whole, hard))


def _kept(bench: Workbench, picture: str, data: bytes, owner: str, whole: bool, hard: bool) -> str:
    return masks.kept(bench, source_of(bench, picture).picture, data, owner, whole=whole, hard=hard)


ROUTES = (
    Route("GET", "/studio/picture", picture, Role.EDITOR),
    Route("GET", "/studio/tile", tile, Role.EDITOR),
    Route("POST", "/studio/mask", mask, Role.EDITOR, status=201, largest_body=masks.LARGEST_BYTES),
)
