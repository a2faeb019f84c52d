"""The gate before every route: who asks, may they, does the request come from our pages, is it small enough."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from vasari.app.web.errors import Refusal
from vasari.app.web.route import Route
from vasari.app.web.security import csrf
from vasari.app.web.security.bodies import limited
from vasari.app.web.security.visitors import address_of, asks_database, give_session, identify
from vasari.app.web.workbench import LOG, Visitor, workbench_of
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import VasariError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(row: Route) -> type[APIRoute]:
    """FastAPI's route for a row of the table: nothing of a request's body is read before its sender may send it."""

    class Guarded(APIRoute):
        """A route behind the gate of its row."""

        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def gate(request: Request) -> Response:
                return await _told(row, request, answer)

            return gate

    return Guarded


async def _told(row: Route, request: Request, answer: Handler) -> Response:
    """The answer, or an expected failure: what is unexpected is logged here, and told as no more than that."""
    try:
        return await _admitted(row, request, answer)
    except (VasariError, HTTPException, RequestValidationError):
        raise
    except Exception as error:
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        raise Refusal(500, "Something went wrong here.", remedy="try again; the server's log says more") from error


async def _admitted(row: Route, request: Request, answer: Handler) -> Response:
    settings = workbench_of(request).settings
    visitor = await run_in_threadpool(identify, request) if asks_database(request) else identify(request)
    request.state.visitor = visitor
    if not (settings.open_iiif and row.path.startswith("/iiif/") and not row.changes):
        admit(row, visitor)
    if row.changes:
        if row.largest_body != 0:
            request = limited(request, row.largest_body or settings.largest_form_bytes)
        if not visitor.token:
            await csrf.check(request, visitor.csrf, in_form=row.largest_body != 0)
    response = await answer(request)
    if row.event and response.status_code < 400:
        await run_in_threadpool(_write_down, row, request, response, visitor)
    if visitor.is_new and not (visitor.token or row.changes or row.is_api or row.path.startswith("/static/")):
        give_session(response, visitor.session, settings)
    return response


def _write_down(row: Route, request: Request, response: Response, visitor: Visitor) -> None:
    """Into the audit: who did what, to what, from where."""
    made = response.headers.get("location", "") if response.status_code in (200, 201) else ""
    changed = made or request.url.path
    workbench_of(request).audit.note(visitor.name, row.event, changed, address=address_of(request))


def admit(row: Route, visitor: Visitor) -> None:
    """Refuse a visitor whose role is below the row's: 401 where a log-in may help, 403 where it does not."""
    if visitor.role >= row.role:
        return
    if visitor.role is Role.PUBLIC:
        raise Refusal(401, "This page is for those who have logged in.", remedy="log in")
    raise Refusal(
        403, f"This is for the role {row.role.word}; {visitor.name} is {visitor.role.word}.", remedy="ask an admin"
    )
