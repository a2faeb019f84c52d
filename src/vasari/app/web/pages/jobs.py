"""The jobs: what waits, runs and is done, with progress as it is made, and the results."""

from __future__ import annotations

import json
import time
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from vasari.app.operations.table import OPERATIONS
from vasari.app.web.api import jobs as api
from vasari.app.web.errors import Refusal
from vasari.app.web.remarks import remarks_of, warned_pages
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench, Visitor, Who
from vasari.archive.workbench.jobs import Job, State
from vasari.foundation.errors import ArchiveError

A_PAGE = 30
#: What a browser shows of the results by itself.
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_TAGS = {State.DONE: "tag-good", State.FAILED: "tag-bad", State.CANCELLED: "tag-warn"}
_MOST_SHOWN = 60


def overview(
    request: Request,
    bench: Bench,
    visitor: Who,
    state: State | None = None,
    before: Annotated[str | None, Query(max_length=24, pattern="^[0-9a-f]*$")] = None,
) -> Response:
    """All jobs, newest first."""
    page = bench.jobs.page(limit=A_PAGE, before=before, state=state)
    counts = bench.jobs.counts()
    return render(
        request,
        "jobs/jobs.html",
        jobs=[_shown(job, visitor) for job in page.jobs],
        next=page.next,
        states=[(one.value, counts[one]) for one in State],
        chosen=None if state is None else state.value,
        total=sum(counts.values()),
    )


def row(request: Request, bench: Bench, visitor: Who, id: str) -> Response:
    """One job of the list, as it stands."""
    return render(request, "jobs/row.html", job=_shown(_job(bench, id), visitor))


def one(request: Request, bench: Bench, visitor: Who, id: str) -> Response:
    """A job whole: what was asked for, what came of it."""
    job = _job(bench, id)
    files = api.facts(job).files
    pictures = [file for file in files if PurePosixPath(file.name).suffix.lower() in _PICTURES]
    return render(
        request,
        "jobs/job.html",
        job=_shown(job, visitor),
        asked=json.dumps(job.fields, ensure_ascii=False, indent=2),
        inputs=[(one["name"], one["reference"]) for one in job.inputs[:_MOST_SHOWN]],
        pictures=pictures[:_MOST_SHOWN],
        files=files,
        failures=_failures(job),
        remarks=remarks_of(job, bench.folder),
    )


def remarks(request: Request, bench: Bench, visitor: Who, id: str) -> Response:
    """What a job says of pictures that are done, for the page that asked for it."""
    return render(request, "jobs/remarks.html", remarks=remarks_of(_job(bench, id), bench.folder))


def cancel(bench: Bench, visitor: Who, id: str) -> Response:
    """Cancel a job, and go back to it."""
    api.cancel(bench, visitor, id)
    return RedirectResponse(f"/jobs/{id}", status_code=303)


def retry(bench: Bench, visitor: Who, id: str) -> Response:
    """Try a job again, and go back to it."""
    api.retry(bench, visitor, id)
    return RedirectResponse(f"/jobs/{id}", status_code=303)


def _shown(job: Job, visitor: Visitor) -> dict[str, Any]:
    """A job as the templates show it."""
    operation = OPERATIONS.get(job.operation)
    owns = visitor.role >= Role.ADMIN or (visitor.role >= Role.EDITOR and visitor.name == job.owner)
    first = job.inputs[0]["name"] if job.inputs else ""
    left = job.seconds_left(time.time())
    return {
        "id": job.id,
        "title": operation.title if operation else job.operation,
        "state": job.state.value,
        "tag": _TAGS.get(job.state, ""),
        "ended": job.state.ended,
        "running": job.state is State.RUNNING,
        "first": first,
        "more": max(0, len(job.inputs) - 1),
        "owner": job.owner,
        "created": job.created,
        "finished": job.ended,
        "share": round(job.share, 4),
        "words": job.words,
        "left": None if left is None else round(left),
        "stopping": job.cancel_wanted,
        "error": job.error,
        "files": len(job.result.get("files", ())),
        "warned": warned_pages(job),
        "attempts": job.attempts,
        "version": job.version,
        "may_cancel": owns and not job.state.ended and not job.cancel_wanted,
        "may_retry": owns and job.state in (State.FAILED, State.CANCELLED),
    }


def _failures(job: Job) -> list[tuple[str, str]]:
    """What of the inputs could not be done: name and reason."""
    values = job.result.get("values", {})
    entries = [one for one in values.get("entries", ()) if isinstance(one, dict) and one.get("status") == "failed"]
    entries += [one for one in values.get("failures", ()) if isinstance(one, dict)]  # of what goes into the archive
    sources = [one.get("source") or one.get("path") or "" for one in entries]
    names = [source if "://" in source else PurePosixPath(source).name for source in sources]
    return [(name, one.get("error") or "") for name, one in zip(names, entries, strict=True)][:_MOST_SHOWN]


def _job(bench: Bench, id: str) -> Job:
    try:
        return bench.jobs.get(id)
    except ArchiveError as error:
        raise Refusal(404, error.message, remedy=error.remedy) from None


ROUTES = (
    Route("GET", "/jobs", overview, Role.VIEWER),
    Route("GET", "/jobs/{id}", one, Role.VIEWER),
    Route("GET", "/jobs/{id}/row", row, Role.VIEWER),
    Route("GET", "/jobs/{id}/remarks", remarks, Role.VIEWER),
    Route("POST", "/jobs/{id}/cancel", cancel, Role.EDITOR, event="job cancelled"),
    Route("POST", "/jobs/{id}/retry", retry, Role.EDITOR, event="job submitted"),
)
