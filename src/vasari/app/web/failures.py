"""How a failure is told: JSON to programs, a notice to htmx, a page to people; never a traceback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from vasari.app.web.errors import Refusal, status_of
from vasari.app.web.rendering import render, told
from vasari.app.web.security.redirects import safe_address
from vasari.app.web.security.visitors import give_session, identify, stranger
from vasari.app.web.workbench import LOG, visitor_of, workbench_of
from vasari.foundation.errors import VasariError

LOG_IN = "/log-in"
#: When a program may ask again, in seconds, what the database was too busy or the disk too full for.
RETRY_AFTER_S = 5


def add_handlers(app: FastAPI) -> None:
    """Let `app` tell every failure so. The handlers are plain functions: they may ask the database who it is."""
    app.add_exception_handler(VasariError, _expected)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _expected(request: Request, error: Exception) -> Response:
    if not isinstance(error, VasariError):
        raise error
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return answer(request, status, error.message, error.remedy, headers)


def _misunderstood(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found: list[dict[str, Any]] = list(error.errors())[:3]
    if not wants_json(request) and any(each["loc"][0] == "path" for each in found):  # a person's mistyped address
        return _http(request, StarletteHTTPException(404))
    said = "; ".join(f"{'.'.join(str(one) for one in each['loc'])}: {each['msg']}" for each in found)
    return answer(request, 422, f"The request is not understood: {said}.", "correct what it names and send it again")


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    if error.status_code == 404:
        return answer(request, 404, "There is no such page.", "check the address, or go back to the gallery")
    what = str(error.detail) if isinstance(error, HTTPException) else HTTPStatus(error.status_code).phrase + "."
    return answer(request, error.status_code, what, "check what was sent", error.headers)


def _unexpected(request: Request, error: Exception) -> Response:
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer(request, 500, "Something went wrong here.", "try again; the server's log says more")


def answer(request: Request, status: int, what: str, remedy: str, headers: Any = None) -> Response:
    """A failure for whoever asked, with its status."""
    extra = dict(headers or {})
    if wants_json(request):
        if status == 401:
            extra["WWW-Authenticate"] = "Bearer"
        if _is_page(request):
            what, remedy = told(request, what), told(request, remedy)
        return JSONResponse({"error": {"what": what, "remedy": remedy}}, status_code=status, headers=extra)
    _introduce(request)
    is_fragment = request.headers.get("hx-request") == "true"
    if status == 401:
        return _log_in_first(request, is_fragment)
    template = "notice.html" if is_fragment else "failure.html"
    page = render(request, template, status=status, headers=extra, what=what, remedy=remedy, code=status)
    visitor = visitor_of(request)
    if visitor.is_new and not is_fragment and not visitor.token:  # its forms carry the token of this session
        give_session(page, visitor.session, workbench_of(request).settings)
    return page


def wants_json(request: Request) -> bool:
    """True for a program: it asks the API or IIIF, or wants JSON and no page."""
    if request.url.path.startswith(("/api/", "/iiif/")):
        return True
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _is_page(request: Request) -> bool:
    """Whether a page's script asks, which shows what it is answered; programs are answered in English."""
    return "visitor" in request.scope.get("state", {}) and not visitor_of(request).token


def _log_in_first(request: Request, is_fragment: bool) -> Response:
    """To the log-in, and back to the page one was on; a form that was sent is not sent again."""
    here = _path_of(request.headers.get("hx-current-url", "") if is_fragment else str(request.url))
    is_page = is_fragment or request.method in ("GET", "HEAD")
    address = f"{LOG_IN}?next={quote(safe_address(here if is_page else '/'), safe='/')}"
    if is_fragment:
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def _path_of(address: str) -> str:
    """The path of an address with its question; the start for what is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _introduce(request: Request) -> None:
    """Know the visitor, where the failure came before the gate of a route did."""
    if "visitor" in request.scope.get("state", {}):
        return
    try:
        request.state.visitor = identify(request)
    except (Refusal, VasariError):
        request.state.visitor = stranger(request)
