"""Logging in and out."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.security.redirects import safe_address
from vasari.app.web.security.visitors import address_of, cookie_name, give_session
from vasari.app.web.workbench import Bench, Who
from vasari.archive.workbench.sessions import LogInError


def form(request: Request, bench: Bench, visitor: Who, next: str = "/") -> Response:
    """The form; who is in already goes on at once."""
    if bench.settings.is_local or visitor.role > Role.PUBLIC:
        return RedirectResponse(safe_address(next), status_code=303)
    return render(request, "log_in.html", next=safe_address(next), name="", failure=None)


def log_in(
    request: Request,
    bench: Bench,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session under a new secret, whatever the browser had before."""
    if bench.settings.is_local:
        return RedirectResponse("/", status_code=303)
    try:
        secret = bench.sessions.log_in(
            name, password, address=address_of(request), agent=request.headers.get("user-agent", "")
        )
    except LogInError as error:
        status, headers = (429, {"Retry-After": str(math.ceil(error.wait_s))}) if error.wait_s else (401, {})
        values = {"next": safe_address(next), "name": name, "failure": error}
        return render(request, "log_in.html", status=status, headers=headers, **values)
    answer = RedirectResponse(safe_address(next), status_code=303)
    give_session(answer, secret, bench.settings)
    return answer


def log_out(request: Request, bench: Bench, visitor: Who) -> Response:
    """End the session, here and in the browser."""
    bench.sessions.log_out(visitor.session, address=address_of(request))
    answer = RedirectResponse("/log-in", status_code=303)
    answer.delete_cookie(cookie_name(bench.settings), path="/", secure=bench.settings.secure_cookies, httponly=True)
    return answer


ROUTES = (
    Route("GET", "/log-in", form, Role.PUBLIC),
    Route("POST", "/log-in", log_in, Role.PUBLIC),
    Route("POST", "/log-out", log_out, Role.PUBLIC),
)
