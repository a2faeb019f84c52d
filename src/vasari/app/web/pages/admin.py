"""Administration: who has an account, and what was done."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench, Who
from vasari.archive.workbench.accounts import role_of
from vasari.archive.workbench.audit import EVENTS
from vasari.archive.workbench.roles import GIVEN

PAGE = 100


def accounts(request: Request, bench: Bench) -> Response:
    """The accounts, with forms to change them."""
    return render(request, "admin.html", accounts=bench.accounts.list(), roles=list(GIVEN))


def audit(
    request: Request,
    bench: Bench,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    event: str = "",
    who: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What happened, newest first."""
    known = event if event in EVENTS else ""
    entries = bench.audit.page(before=before, limit=PAGE, event=known, who=who)
    older = entries[-1].id if len(entries) == PAGE else None
    return render(request, "audit.html", entries=entries, events=list(EVENTS), event=known, who=who, older=older)


def add(
    bench: Bench,
    visitor: Who,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    role: Annotated[str, Form()],
) -> Response:
    """Make an account."""
    bench.accounts.add(name, password, role_of(role), by=visitor.name)
    return _back()


def change_role(bench: Bench, visitor: Who, name: str, role: Annotated[str, Form()]) -> Response:
    """Give an account another role."""
    bench.accounts.set_role(name, role_of(role), by=visitor.name)
    return _back()


def change_password(bench: Bench, visitor: Who, name: str, password: Annotated[str, Form(max_length=1000)]) -> Response:
    """Give somebody who forgot theirs a new password."""
    bench.accounts.set_password(name, password, by=visitor.name)
    return _back()


def enable(bench: Bench, visitor: Who, name: str) -> Response:
    """Let an account log in again."""
    bench.accounts.set_enabled(name, True, by=visitor.name)
    return _back()


def disable(bench: Bench, visitor: Who, name: str) -> Response:
    """End an account's sessions and let it log in no more."""
    bench.accounts.set_enabled(name, False, by=visitor.name)
    return _back()


def remove(bench: Bench, visitor: Who, name: str) -> Response:
    """Take an account away."""
    bench.accounts.remove(name, by=visitor.name)
    return _back()


def _back() -> Response:
    return RedirectResponse("/admin", status_code=303)


ROUTES = (
    Route("GET", "/admin", accounts, Role.ADMIN),
    Route("GET", "/admin/audit", audit, Role.ADMIN),
    Route("POST", "/admin/accounts", add, Role.ADMIN),
    Route("POST", "/admin/accounts/{name}/role", change_role, Role.ADMIN),
    Route("POST", "/admin/accounts/{name}/password", change_password, Role.ADMIN),
    Route("POST", "/admin/accounts/{name}/enable", enable, Role.ADMIN),
    Route("POST", "/admin/accounts/{name}/disable", disable, Role.ADMIN),
    Route("POST", "/admin/accounts/{name}/remove", remove, Role.ADMIN),
)
