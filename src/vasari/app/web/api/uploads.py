"""/api/v1/uploads: files sent in, one a request as its whole body, or several in a zip archive."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from vasari.app.examining import Ration
from vasari.app.web.errors import Refusal
from vasari.app.web.route import Role, Route
from vasari.app.web.uploads import Part, Uploads
from vasari.app.web.workbench import Bench, Who, Workbench
from vasari.foundation.errors import PlanError
from vasari.foundation.work_folders import work_folder

_AT_ONCE = 1 << 20
Cursor = Annotated[str | None, Query(max_length=500, description="of the page before")]
Name = Annotated[str | None, Query(max_length=500, description="as it was sent, where there are several")]


@dataclass(frozen=True)
class Upload:
    """A file that was sent in; `reference` names it in jobs."""

    reference: str
    sha256: str
    name: str
    bytes: int
    kind: str
    format: str
    width: int
    height: int
    pages: int
    owner: str
    created: float


@dataclass(frozen=True)
class Sent:
    """What came of sending: the files, and what of a zip archive was left out."""

    uploads: list[Upload]
    left_out: list[dict[str, str]]


@dataclass(frozen=True)
class UploadPage:
    """Files, newest first, and the cursor of the next page, null on the last."""

    uploads: list[Upload]
    cursor: str | None


def uploads_of(bench: Workbench) -> Uploads:
    """The uploads of a workbench, with its limits."""
    settings = bench.settings
    return Uploads(bench.folder, bench.database, Ration(settings.largest_upload_pixels, settings.largest_upload_bytes))


async def send(
    request: Request, response: Response, bench: Bench, who: Who, name: Annotated[str, Query(max_length=500)]
) -> Sent:
    """Send a picture, a film or a zip archive of such as the body; `name` is its file name, the ending says the kind.

    What was sent before is not kept twice; under another name, it has both.
    """
    uploads = uploads_of(bench)
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > uploads.ration.bytes:
        raise Refusal(413, f"The file has more than {uploads.ration.bytes} bytes.", remedy="send a smaller file")
    with ExitStack() as stack:
        work = await run_in_threadpool(stack.enter_context, work_folder(uploads.place))
        part = await run_in_threadpool(Part, work, name, uploads.ration.bytes)
        stack.callback(part.close)
        await _received(request, part)
        rows, left_out = await run_in_threadpool(uploads.kept, part, who.name)
    if len(rows) == 1:
        response.headers["Location"] = f"/api/v1/uploads/{rows[0]['sha256']}?{urlencode({'name': rows[0]['name']})}"
    return Sent([_values(row) for row in rows], left_out)


def listed(bench: Bench, limit: Annotated[int, Query(ge=1, le=500)] = 50, cursor: Cursor = None) -> UploadPage:
    """Files that were sent in, newest first."""
    rows = uploads_of(bench).page(limit, cursor)
    return UploadPage([_values(row) for row in rows], _key(rows[-1]) if len(rows) == limit else None)


def one(bench: Bench, sha256: str, name: Name = None) -> Upload:
    """What is known of a file; of the same content under several names, the one that was sent first."""
    return _values(uploads_of(bench).row(sha256, name))


def content(bench: Bench, sha256: str, name: Name = None) -> FileResponse:
    """The file itself, as it was sent."""
    path = uploads_of(bench).path(sha256, name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


async def _received(request: Request, part: Part) -> None:
    """Write the body to the disk, some at a time, by a thread; raises `Refusal` where it stops in the middle."""
    waiting: list[bytes] = []
    size = 0
    try:
        async for block in request.stream():
            waiting.append(block)
            size += len(block)
            if size >= _AT_ONCE:
                await run_in_threadpool(part.write, b"".join(waiting))
                waiting, size = [], 0
    except ClientDisconnect:
        raise Refusal(400, "The file was cut off.", remedy="send it again") from None
    await run_in_threadpool(part.write, b"".join(waiting))
    if part.bytes == 0:
        raise PlanError("Nothing was sent.", remedy="send the file as the body of the request")


def _key(row: dict[str, Any]) -> str:
    return f"{row['sha256']}/{row['name']}"


def _values(row: dict[str, Any]) -> Upload:
    names = [item.name for item in fields(Upload) if item.name != "reference"]
    return Upload(f"upload:{_key(row)}", **{name: row[name] for name in names})


ROUTES = (
    Route("POST", "/api/v1/uploads", send, Role.EDITOR, status=201, largest_body=0, event="upload"),
    Route("GET", "/api/v1/uploads", listed, Role.VIEWER),
    Route("GET", "/api/v1/uploads/{sha256}", one, Role.VIEWER),
    Route("GET", "/api/v1/uploads/{sha256}/content", content, Role.VIEWER),
)
