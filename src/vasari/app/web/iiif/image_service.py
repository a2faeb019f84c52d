"""The IIIF Image API 3.0 at level 2, over the pictures of the archive: `/iiif/image/{content}/...`.

Source: https://iiif.io/api/image/3.0/ - sections 2 (addresses), 5 (information), 6 (level), 7 (errors).
"""

from __future__ import annotations

import functools
import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from vasari.app.web.iiif.answers import LEVEL, base_of, open_headers, unchanged
from vasari.app.web.iiif.disk_cache import DiskCache
from vasari.app.web.iiif.known import Known
from vasari.app.web.iiif.levels import ReadingCopies
from vasari.app.web.iiif.masters import Master, identifier_of, master_of
from vasari.app.web.iiif.preparing import FOLDER, copies_in
from vasari.app.web.iiif.rendering import VERSION, prepare, rendered
from vasari.app.web.iiif.requests import DEFAULT_SIZE_LIMITS, FORMATS, ImageRequestError, Work, parse, worked_out
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench, Workbench
from vasari.archive.exports.iiif import rights_address

CONTEXT = "http://iiif.io/api/image/3/context.json"
TILE_BYTES = 2 << 30
TILE_PX = 512
#: Sizes are told down to a long side of so many pixels.
_SMALLEST_PX = 100


@dataclass(frozen=True, eq=False)
class Pictures:
    """What was made of masters for the Image API, how many answers are made at a time, and where masters lie."""

    tiles: DiskCache
    copies: ReadingCopies
    turns: BoundedSemaphore
    known: Known = field(default_factory=Known)

    def answer(self, master: Master, work: Work) -> bytes:
        """The bytes that a request is answered with: as they were kept, or made now and kept."""
        return self.kept(master, work) or self.made(master, work)[0]

    def kept(self, master: Master, work: Work) -> bytes | None:
        """What was made for such a request before; None where nothing was, or it is no longer kept."""
        return self.tiles.read(_name(master, work))

    def made(self, master: Master, work: Work) -> tuple[bytes, bool]:
        """The bytes made now, and kept, and whether they waited for a reading copy; raises `PictureError`."""
        waited = prepare(master, work, self.copies)  # without a turn: other pictures are shown meanwhile
        with self.turns:
            data = rendered(master, work, self.copies)
        self.tiles.write(_name(master, work), data)
        return data, waited


def pictures_shown(bench: Workbench) -> Pictures:
    """The pictures kept in the folder of a workbench."""
    return _pictures_in(bench.folder, bench.settings.reading_copies_gib)


@functools.lru_cache(maxsize=8)
def _pictures_in(folder: Path, copies_gib: float) -> Pictures:
    turns = BoundedSemaphore(max(2, os.cpu_count() or 2))
    return Pictures(DiskCache(folder / FOLDER / "tiles", TILE_BYTES), copies_in(folder, copies_gib), turns)


def image(
    request: Request, bench: Bench, content: str, region: str, size: str, rotation: str, last: str
) -> Response:  # fmt: skip
    """A region of a picture, at a size, turned, in a quality and a format."""
    master, _ = _master(bench, content)
    work = worked_out(parse(region, size, rotation, last), *master.size)
    base = f"{base_of(request)}/iiif/image/{identifier_of(master.content)}"
    headers = open_headers(request, bench.settings) | {
        "ETag": f'"{_digest(f"{VERSION} {master.content} {work.path}", 32)}"',
        "Cache-Control": "private, max-age=604800",
        "Link": f'<{base}/{work.path}>;rel="canonical", <{LEVEL}>;rel="profile"',
    }
    if unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    pictures, begun = pictures_shown(bench), time.perf_counter()
    data, how = pictures.kept(master, work), "kept"
    if data is None:
        data, waited = pictures.made(master, work)
        how = "made-with-copy" if waited else "made"
    headers["Server-Timing"] = f"{how};dur={1000 * (time.perf_counter() - begun):.1f}"
    return Response(data, media_type=FORMATS[work.format], headers=headers)


def information(request: Request, bench: Bench, content: str) -> Response:
    """What can be asked of a picture: info.json."""
    master, rights = _master(bench, content)
    told = described(master.size, f"{base_of(request)}/iiif/image/{identifier_of(master.content)}", rights)
    linked = "application/ld+json" in request.headers.get("accept", "")
    kind = f'application/ld+json;profile="{CONTEXT}"' if linked else "application/json"
    headers = open_headers(request, bench.settings) | {
        "Content-Type": kind,
        "Link": f'<{LEVEL}>;rel="profile"',
        "Cache-Control": "private, max-age=3600",
    }
    return JSONResponse(told, headers=headers)


def described(size: tuple[int, int], id: str, rights: str) -> dict[str, Any]:
    """The information of a picture of this size (section 5); `rights` is an address that the API allows, or ""."""
    width, height = size
    steps = [1 << step for step in range(20) if step == 0 or max(width, height) >> (step - 1) > TILE_PX]
    sizes = [
        (max(1, round(width / step)), max(1, round(height / step))) for step in (1 << place for place in range(20))
    ]
    limits = DEFAULT_SIZE_LIMITS
    told = [one for one in sizes if limits.allow(*one) and (one == size or max(one) >= _SMALLEST_PX)]
    return {
        "@context": CONTEXT,
        "id": id,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": width,
        "height": height,
        "maxWidth": limits.width,
        "maxHeight": limits.height,
        "maxArea": limits.area,
        "sizes": [{"width": across, "height": down} for across, down in reversed(told)],
        "tiles": [{"width": TILE_PX, "height": TILE_PX, "scaleFactors": steps}],
        "preferredFormats": ["webp", "jpg"],
        "extraFormats": ["webp", "tif", "gif"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": [
            "canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling"
        ],
        **({"rights": rights} if rights else {}),
    }  # fmt: skip


def base_page(request: Request, bench: Bench, content: str) -> Response:
    """The address of a picture itself leads to its information (section 2)."""
    master, _ = _master(bench, content)
    address = f"{base_of(request)}/iiif/image/{identifier_of(master.content)}/info.json"
    return Response(status_code=303, headers=open_headers(request, bench.settings) | {"Location": address})


def misread(request: Request, bench: Bench, content: str, rest: str) -> Response:
    """An address with too few parts, or too many."""
    if not rest:
        return base_page(request, bench, content)
    _master(bench, content)
    raise ImageRequestError(f"{rest[:200]!r} is not region/size/rotation/quality.format.")


def _master(bench: Workbench, content: str) -> tuple[Master, str]:
    """The picture of an identifier, and the address of its work's rights."""
    row, rights = pictures_shown(bench).known.of(bench.archive, content)
    return master_of(row, bench.archive.folder), rights_address(rights)


def _name(master: Master, work: Work) -> str:
    return f"{_digest(master.content, 24)}-{_digest(f'{VERSION} {work.path}', 24)}.{work.format}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


_BASE = "/iiif/image/{content}"
ROUTES = (
    Route("GET", f"{_BASE}/info.json", information, Role.VIEWER),
    Route("GET", _BASE + "/{region}/{size}/{rotation}/{last}", image, Role.VIEWER),
    Route("GET", _BASE, base_page, Role.VIEWER),
    Route("GET", _BASE + "/{rest:path}", misread, Role.VIEWER),
)
