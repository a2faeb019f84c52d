"""/api/v1/jobs: work put into the queue, followed, cancelled, tried again; its results."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Body, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from vasari.app.operations.descriptions import described
from vasari.app.operations.ordering import ForbiddenError, order_of
from vasari.app.operations.references import RESULTS, Places
from vasari.app.web.errors import Refusal, not_found
from vasari.app.web.route import Role, Route
from vasari.app.web.streams import LOOK_AGAIN_S, CountedStream, Streams, still_may
from vasari.app.web.workbench import Bench, Visitor, Who, Workbench
from vasari.archive.workbench.jobs import PRIORITIES, Job, State
from vasari.archive.workbench.queue import LARGEST_PAGE
from vasari.foundation.errors import ArchiveError, PlanError, WriteError

#: Seconds between two looks at the database for a stream, and by how much commits may come out of order.
LOOK_EVERY_S, OVERLAP_S = 0.5, 10.0
#: Of what a job of thousands of files carries, lists and the stream of all jobs tell so many.
FEW = 20
_STREAMS = Streams()
_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
#: What a browser shows by itself; everything else is handed over as a file.
_SHOWN = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".json": "application/json",
          ".mp4": "video/mp4", ".webm": "video/webm"}  # fmt: skip


@dataclass(frozen=True)
class ResultFile:
    """A file that a job made: its name among the results, and its address."""

    name: str
    bytes: int
    sha256: str
    url: str


@dataclass(frozen=True)
class JobFacts:
    """A job as it stands. Times are ISO 8601 in UTC; `share` is how much is done, 0..1.

    With `brief`, `inputs`, `files` or lists within `values` are but the first 20: the job's own address has them all.
    """

    id: str
    operation: str
    state: str
    fields: dict[str, Any]
    inputs: list[dict[str, Any]]
    owner: str
    priority: int
    attempts: int
    share: float
    done: float
    total: float
    words: str
    seconds_left: float | None
    cancel_wanted: bool
    error: dict[str, Any] | None
    values: dict[str, Any]
    files: list[ResultFile]
    created: str
    started: str | None
    ended: str | None
    not_before: str
    worker: str
    version: int
    input_count: int
    file_count: int
    brief: bool


@dataclass(frozen=True)
class JobPage:
    """Jobs, newest first, the cursor of the next page (null on the last), and how many there are in each state."""

    jobs: list[JobFacts]
    cursor: str | None
    counts: dict[str, int]


class Asked(BaseModel):
    """An operation to be carried out. `inputs` and fields of files are references: upload:SHA256/NAME, work:NUMBER,
    job:ID/NAME, file:PATH."""

    model_config = ConfigDict(extra="forbid")
    operation: str = Field(max_length=40)
    fields: dict[str, Any] = Field(default_factory=dict)
    inputs: list[Annotated[str, Field(max_length=4000)]] = Field(default_factory=list, max_length=10_000)
    priority: int = Field(0, ge=PRIORITIES[0], le=PRIORITIES[1])
    add_to_archive: bool = False


def places_of(bench: Workbench) -> Places:
    """Where references lead to in a workbench."""
    return Places(bench.archive, bench.folder, tuple(Path(root) for root in bench.settings.roots))


def submit(bench: Bench, who: Who, response: Response, asked: Annotated[Asked, Body()]) -> JobFacts:
    """Put work into the queue. Work that is in it or was done before is given back, with status 200 in place of 201."""
    try:
        order = order_of(
            asked.operation,
            asked.fields,
            asked.inputs,
            places_of(bench),
            owner=who.name,
            role=who.role,
            priority=asked.priority,
            add_to_archive=asked.add_to_archive,
        )
    except ForbiddenError as error:
        raise Refusal(403, error.message, remedy=error.remedy) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise PlanError(f"The fields are not understood: {error}.", remedy="see /api/v1/operations") from None
    job, new = bench.jobs.submit(order)
    if not new and job.state is State.DONE and not (bench.folder / RESULTS / job.id).is_dir():
        job, new = bench.jobs.do_again(job.id), True
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return facts(job)


def listed(
    bench: Bench,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=24, pattern="^[0-9a-f]*$")] = None,
    state: State | None = None,
    operation: Annotated[str | None, Query(max_length=40)] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
) -> JobPage:
    """Jobs, newest first, in brief."""
    page = bench.jobs.page(limit=limit, before=cursor, state=state, owner=owner, operation=operation)
    counts = {state.value: count for state, count in bench.jobs.counts().items()}
    return JobPage([brief_facts(job) for job in page.jobs], page.next, counts)


def one(bench: Bench, id: str) -> JobFacts:
    """A job as it stands."""
    return facts(_job(bench, id))


def cancel(bench: Bench, who: Who, id: str) -> JobFacts:
    """Cancel a job: at once where it waits, within seconds where it runs."""
    _check_owner(_job(bench, id), who)
    return facts(bench.jobs.cancel(id))


def retry(bench: Bench, who: Who, id: str) -> JobFacts:
    """Try a job again that failed or was cancelled; it goes on where it was."""
    _check_owner(_job(bench, id), who)
    return facts(bench.jobs.retry(id))


def result(bench: Bench, id: str, name: str) -> FileResponse:
    """A file that a job made."""
    job = _job(bench, id)
    if job.state is not State.DONE or name not in {one["name"] for one in job.result.get("files", ())}:
        raise not_found(f"result {name[:80]!r} of this job")
    path = bench.folder / RESULTS / job.id / name
    if not path.is_file():
        raise not_found("such file any more")
    media = _SHOWN.get(path.suffix.lower())
    disposition = "inline" if media else "attachment"
    return FileResponse(
        path, media_type=media or "application/octet-stream", filename=path.name, content_disposition_type=disposition,
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )  # fmt: skip


async def events_of_one(
    request: Request, bench: Bench, who: Who, id: str, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    """A job's changes as server-sent events `job`, in brief until it has ended; with Last-Event-ID, those after it.

    Where the last of them is known, 204: by which a browser, which comes back after each end, knows to stay away.
    """
    job = await run_in_threadpool(_job, bench, id)
    seen = int(last_event_id) if _TIME.fullmatch(last_event_id) and "." not in last_event_id else -1
    if job.state.ended and job.version <= seen:
        return Response(status_code=204)
    return CountedStream(_STREAMS, who, _allowed(request, who, _changes_of_one(request, bench, id, seen)))


async def events(
    request: Request, bench: Bench, who: Who, last_event_id: Annotated[str, Header()] = ""
) -> CountedStream:
    """The changes of all jobs as server-sent events `job`, in brief; with Last-Event-ID (a time), those since then.

    Some that were told shortly before come again then, since a change can be seen later than one that it came before.
    """
    since = float(last_event_id) - OVERLAP_S if _TIME.fullmatch(last_event_id) else time.time()
    return CountedStream(_STREAMS, who, _allowed(request, who, _changes(request, bench, since)))


def operations() -> list[dict[str, Any]]:
    """Everything that can be asked for, with the JSON Schema of its fields."""
    return described()


def facts(job: Job) -> JobFacts:
    """A job as the API tells it."""
    files = [
        ResultFile(one["name"], one["bytes"], one["sha256"], f"/api/v1/jobs/{job.id}/results/{quote(one['name'])}")
        for one in job.result.get("files", ())
    ]
    left = job.seconds_left(time.time())
    return JobFacts(
        id=job.id, operation=job.operation, state=job.state.value, fields=job.fields, inputs=job.inputs,
        owner=job.owner, priority=job.priority, attempts=job.attempts, share=job.share, done=job.done,
        total=job.total, words=job.words, seconds_left=None if left is None else round(left, 1),
        cancel_wanted=job.cancel_wanted, error=job.error or None, values=job.result.get("values", {}), files=files,
        created=_moment(job.created), started=_moment_or_none(job.started), ended=_moment_or_none(job.ended),
        not_before=_moment(job.not_before), worker=job.worker, version=job.version,
        input_count=len(job.inputs), file_count=len(files), brief=False,
    )  # fmt: skip


def brief_facts(job: Job) -> JobFacts:
    """A job as lists tell it."""
    whole = facts(job)
    values = {name: one[:FEW] if isinstance(one, list) else one for name, one in whole.values.items()}
    cut = max(whole.input_count, whole.file_count) > FEW or values != whole.values
    return replace(whole, inputs=whole.inputs[:FEW], files=whole.files[:FEW], values=values, brief=cut)


async def _changes_of_one(
    request: Request, bench: Workbench, id: str, seen: int
) -> AsyncIterator[dict[str, Any] | None]:
    while not await request.is_disconnected():
        job = await _patiently(partial(bench.jobs.get, id))
        if job is not None and job.version > seen:
            seen = job.version
            yield _event(facts(job) if job.state.ended else brief_facts(job), str(job.version))
        if job is not None and job.state.ended:
            return
        yield None
        await asyncio.sleep(LOOK_EVERY_S)


async def _changes(request: Request, bench: Workbench, since: float) -> AsyncIterator[dict[str, Any] | None]:
    """Looks back a little each time, since what was changed first may be seen last; nothing is told twice."""
    told: dict[str, int] = {}
    first = begin = since
    while not await request.is_disconnected():
        changed = await _patiently(partial(bench.jobs.changed_since, begin)) or []
        for job in changed:
            if told.get(job.id, 0) < job.version:
                told[job.id] = job.version
                since = max(since, job.changed)
                yield _event(brief_facts(job), f"{since:.6f}")
        is_full = len(changed) >= LARGEST_PAGE  # so many changed at once: the next are those after them
        begin = changed[-1].changed if is_full else max(first, since - OVERLAP_S)
        yield None
        await asyncio.sleep(LOOK_EVERY_S)


async def _allowed(
    request: Request, who: Visitor, events: AsyncIterator[dict[str, Any] | None]
) -> AsyncIterator[dict[str, Any]]:
    """Events until they end, or until who asked has logged out; None between them is a look without news."""
    looked = time.monotonic()
    async for event in events:
        if time.monotonic() - looked >= LOOK_AGAIN_S:
            if await _patiently(partial(still_may, request, who)) is False:
                return
            looked = time.monotonic()
        if event is not None:
            yield event


async def _patiently(ask: Callable[[], Any]) -> Any:
    """What the database answers; None while it is away."""
    try:
        return await run_in_threadpool(ask)
    except WriteError:
        return None


def _event(told: JobFacts, id: str) -> dict[str, Any]:
    return {"event": "job", "id": id, "data": json.dumps(asdict(told))}


def _job(bench: Workbench, id: str) -> Job:
    try:
        return bench.jobs.get(id)
    except ArchiveError as error:
        raise Refusal(404, error.message, remedy=error.remedy) from None


def _check_owner(job: Job, who: Visitor) -> None:
    if job.owner != who.name and who.role < Role.ADMIN:
        raise Refusal(403, f"The job is {job.owner}'s.", remedy="ask its owner, or an admin")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment_or_none(seconds: float | None) -> str | None:
    return None if seconds is None else _moment(seconds)


ROUTES = (
    Route("GET", "/api/v1/operations", operations, Role.VIEWER),
    Route("POST", "/api/v1/jobs", submit, Role.EDITOR, status=201, event="job submitted"),
    Route("GET", "/api/v1/jobs", listed, Role.VIEWER),
    Route("GET", "/api/v1/jobs/events", events, Role.VIEWER),
    Route("GET", "/api/v1/jobs/{id}", one, Role.VIEWER),
    Route("GET", "/api/v1/jobs/{id}/events", events_of_one, Role.VIEWER),
    Route("POST", "/api/v1/jobs/{id}/cancel", cancel, Role.EDITOR, event="job cancelled"),
    Route("POST", "/api/v1/jobs/{id}/retry", retry, Role.EDITOR, event="job submitted"),
    Route("GET", "/api/v1/jobs/{id}/results/{name:path}", result, Role.VIEWER),
)
